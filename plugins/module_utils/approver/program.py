# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The approver's program as one file: module_utils as the package `tlsbootstrap` in a zip that Python runs.

One file, because it is replaced atomically and its age says whether the service has to be restarted. A module that
imports the service carries all that the service needs in its own payload, so installing it is one round trip.
"""

from __future__ import annotations

import importlib.util
import io
import os
import zipfile
from collections.abc import Iterator

__all__ = ["PACKAGE", "build", "contents", "own_sources"]

PACKAGE = "tlsbootstrap"
_MAIN = f"import sys\n\nfrom {PACKAGE}.approver.entry import main\n\nsys.exit(main())\n"
# Only the contents may decide whether the program is another one.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def own_sources() -> dict[str, bytes]:
    """The sources of this folder, by path, from where this very code runs: a folder or Ansible's zip."""
    root = (__package__ or "").rsplit(".", 1)[0]
    specification = importlib.util.find_spec(root)
    locations = list(specification.submodule_search_locations or []) if specification else []
    found: dict[str, bytes] = {}
    for location in locations:
        found.update(_of_folder(location) if os.path.isdir(location) else _of_zip(location))
    return found


def _of_folder(root: str) -> Iterator[tuple[str, bytes]]:
    for folder, _folders, names in os.walk(root):
        for name in names:
            if name.endswith(".py"):
                path = os.path.join(folder, name)
                with open(path, "rb") as stream:
                    yield os.path.relpath(path, root), stream.read()


def _of_zip(location: str) -> Iterator[tuple[str, bytes]]:
    archive, _separator, root = location.partition(".zip" + os.sep)
    with zipfile.ZipFile(archive + ".zip") as payload:
        for name in payload.namelist():
            if name.startswith(root + "/") and name.endswith(".py"):
                yield name[len(root) + 1 :], payload.read(name)


def build(sources: dict[str, bytes]) -> bytes:
    """The same sources give the same bytes, whatever Python and zlib are there."""
    entries = {"__main__.py": _MAIN.encode(), **{f"{PACKAGE}/{path}": data for path, data in sources.items()}}
    for folder in {os.path.dirname(path) for path in entries} - {""}:
        entries.setdefault(f"{folder}/__init__.py", b"")
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(entries):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, entries[path])
    return memory.getvalue()


def contents(program: bytes) -> dict[str, bytes]:
    """The files of a program; none where it is not a readable zip."""
    try:
        with zipfile.ZipFile(io.BytesIO(program)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except zipfile.BadZipFile:
        return {}
