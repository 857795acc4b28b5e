"""Find the private keys of this host, in whatever file they are.

Usage: find_keys.py [FOLDER]

Prints the SHA-256 of each key's public half, by the file that it is in. Looks at all files up to 64 KiB on all mounts
that hold files, for PEM, for PEM in base64 as kubeconfigs have it, and for DER. No key leaves the host.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

LARGEST = 64 * 1024
# Those of the kernel, where no file lies.
KERNEL = re.compile("autofs|bpf|cgroup2?|debugfs|devpts|fusectl|hugetlbfs|mqueue|proc|sysfs|tracefs")
# Not those of ssh, and not what programs look for in files.
BLOCK = re.compile(
    rb"-----BEGIN ((?:EC |RSA |DSA |ENCRYPTED )?PRIVATE KEY)-----\s+(?:[\w-]+: .+\n)*[A-Za-z0-9+/=\s]+-----END \1-----"
)
ENCODED = re.compile(rb"LS0tLS1CRUdJTi[A-Za-z0-9+/]+={0,2}")
UNREADABLE = "unreadable"


def mounts() -> Iterator[str]:
    """Yield where files may be."""
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _source, target, kind = line.split()[:3]
        if not KERNEL.fullmatch(kind):
            yield target


def status(*path: str) -> os.stat_result | None:
    """Return what is known of a path; it may be gone since its folder was read."""
    try:
        return os.lstat(os.path.join(*path))
    except FileNotFoundError:
        return None


def files(folder: str) -> Iterator[Path]:
    """Yield the small files of one mount."""
    device = os.stat(folder).st_dev
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if (found := status(parent, name)) and found.st_dev == device]
        for name in names:
            found = status(parent, name)
            if found and stat.S_ISREG(found.st_mode) and 0 < found.st_size <= LARGEST:
                yield Path(parent, name)


def public_half(load: Any, data: bytes) -> str:
    """Return the hash that a key is known by."""
    try:
        key = load(data, None).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (TypeError, ValueError):
        return UNREADABLE
    return hashlib.sha256(key).hexdigest()


def keys(data: bytes) -> Iterator[str]:
    """Yield the keys in a file."""
    for found in BLOCK.finditer(data):
        yield public_half(load_pem_private_key, found.group())
    for found in ENCODED.finditer(data):
        text = found.group()
        yield from keys(base64.b64decode(text[: len(text) // 4 * 4]))
    # Certificates begin like keys in DER.
    if data[:1] == b"\x30" and (key := public_half(load_der_private_key, data)) != UNREADABLE:
        yield key


def main() -> None:
    result: dict[str, list[str]] = {}
    for folder in sys.argv[1:] or mounts():
        for path in files(folder):
            try:
                found = sorted(keys(path.read_bytes()))
            except FileNotFoundError:
                continue
            if found:
                result[str(path)] = found
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
