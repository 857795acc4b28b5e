# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the binaries of components come from, looked at on the controller."""

from __future__ import annotations

import functools
import os
import re
import stat
from collections.abc import Mapping, Sequence
from typing import Any

from . import binaries, files
from .domain.errors import InputError
from .domain.findings import Findings

__all__ = ["describe", "source_problems"]

CACHE = "~/.cache/tlsbootstrap.kubernetes/digests"
_SHA256 = re.compile(r"[0-9a-fA-F]{64}\Z")
_URL = re.compile(r"(?:https?|ftp|file)://\S+\Z")
_URL_OPTIONS = ("url", "sha256", "member")


def source_problems(
    names: Sequence[str], directory: str, checksums: Mapping[str, Any], urls: Mapping[str, Any]
) -> list[str]:
    """Why some of the components cannot be installed from there."""
    findings = Findings()
    for name in names:
        if name in urls:
            findings.attempt(functools.partial(_check_url, name, urls[name]), None)
    wanted = [name for name in names if name not in urls]
    if wanted and not directory:
        findings.add(
            f"neither a folder nor a URL is given for {', '.join(wanted)}: set kube_binaries_directory, or "
            "kube_binaries_urls"
        )
    elif wanted:
        none: list[str] = []
        for name in findings.attempt(functools.partial(_find, directory, wanted), none):
            findings.attempt(functools.partial(_check_checksum, directory, name, checksums.get(name)), None)
    return findings.texts()


def describe(
    names: Sequence[str], directory: str, checksums: Mapping[str, Any], urls: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The components as the module component_binaries wants them."""
    found = source_problems(names, directory, checksums, urls)
    if found:
        raise InputError("; ".join(found))
    fetched = [{"name": name, **urls[name]} for name in names if name in urls]
    return fetched + [_local(directory, name) for name in names if name not in urls]


def _check_url(name: str, options: Any) -> None:
    what = f"kube_binaries_urls: {name}"
    if not isinstance(options, Mapping):
        raise InputError(f"{what}: a dictionary with url and sha256 is wanted")
    unknown = [str(key) for key in options if key not in _URL_OPTIONS]
    if unknown:
        raise InputError(f"{what}: {', '.join(unknown)} is not an option; there are {', '.join(_URL_OPTIONS)}")
    if _URL.match(str(options.get("url") or "")) is None:
        raise InputError(f"{what}: url is not one: give https://...")
    if _SHA256.match(str(options.get("sha256") or "")) is None:
        raise InputError(f"{what}: sha256 is not one: 64 hexadecimal digits are wanted, those of what the URL gives")


def _find(directory: str, names: Sequence[str]) -> list[str]:
    """The components that are there, or a refusal that names those that are not."""
    if not os.path.isdir(directory):
        raise InputError(
            f"kube_binaries_directory: there is no folder {directory} on the controller: make it and put "
            f"{', '.join(names)} there, or correct the path"
        )
    paths = {name: os.path.join(directory, name) for name in names}
    missing = [name for name, path in paths.items() if not os.path.isfile(path)]
    if missing:
        raise InputError(
            f"kube_binaries_directory: the folder {directory} on the controller lacks {', '.join(missing)}: put the "
            "binaries there, or name a URL and a SHA-256 for them in kube_binaries_urls"
        )
    for name, path in paths.items():
        if not os.access(path, os.R_OK) or not os.path.getsize(path):
            raise InputError(f"kube_binaries_directory: {path} is empty or cannot be read: put the {name} there anew")
    return list(names)


def _check_checksum(directory: str, name: str, checksum: Any) -> None:
    if checksum is None:
        return
    if _SHA256.match(str(checksum)) is None:
        raise InputError(f"kube_binaries_checksums: that of {name} is no SHA-256: 64 hexadecimal digits are wanted")
    path = os.path.realpath(os.path.join(directory, name))
    sha256 = _digest(path)
    if str(checksum).lower() != sha256:
        raise InputError(f"{path} has the SHA-256 {sha256}, not {checksum}: {name} is not installed")


def _local(directory: str, name: str) -> dict[str, Any]:
    path = os.path.realpath(os.path.join(directory, name))
    size = os.path.getsize(path)
    return {"name": name, "source": path, "file": os.path.basename(path), "sha256": _digest(path), "size": size}


def _digest(path: str) -> str:
    """Hash a file once for all hosts and runs; whatever changes the content changes one of these numbers."""
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"{path} is not a file")
    numbers = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    directory = os.path.expanduser(CACHE)
    cache = os.path.join(directory, "-".join(str(number) for number in numbers))
    known = files.read(cache)
    if known is not None and len(known) == 64:
        return known.decode()
    digest = binaries.digest_of(path)
    files.ensure_directory(directory, mode="0700")
    files.write_atomic(cache, digest.encode(), mode="0600")
    return digest
