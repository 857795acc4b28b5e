# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup component_sources."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import binaries, files

CACHE = "~/.cache/tlsbootstrap.kubernetes/digests"


class LookupModule(LookupBase):  # type: ignore[misc]
    """Find and hash."""

    def run(self, terms: Sequence[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        del variables
        urls = kwargs.get("urls") or {}
        fetched = [{"name": name, **urls[name]} for name in terms if name in urls]
        terms = [name for name in terms if name not in urls]
        if not terms:
            return fetched
        directory = self._loader.path_dwim(str(kwargs["directory"]))
        checksums = kwargs.get("checksums") or {}
        if not kwargs["directory"]:
            raise AnsibleLookupError(f"no folder and no URL is given for {', '.join(terms)}")
        missing = [name for name in terms if not os.path.isfile(os.path.join(directory, name))]
        if missing:
            raise AnsibleLookupError(
                f"the folder {directory} on the controller lacks {', '.join(missing)}: put the binaries there, "
                "or name a URL and a SHA-256 for them"
            )
        return fetched + [_describe(directory, str(name), checksums.get(name)) for name in terms]


def _describe(directory: str, name: str, checksum: str | None) -> dict[str, str]:
    path = os.path.realpath(os.path.join(directory, name))
    sha256 = _digest(path)
    if checksum is not None and checksum.lower() != sha256:
        raise AnsibleLookupError(f"{path} has the SHA-256 {sha256}, not {checksum}: {name} is not installed")
    return {"name": name, "source": path, "file": os.path.basename(path), "sha256": sha256}


def _digest(path: str) -> str:
    """Hash a file once for all hosts and runs; whatever changes the content changes one of these numbers."""
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        raise AnsibleLookupError(f"{path} is not a file")
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
