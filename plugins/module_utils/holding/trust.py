# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that say whom a host trusts, and the folders that all of it lies in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from .. import files
from ..domain.errors import InputError
from ..domain.pem import CERTIFICATE, PUBLIC_KEY, blocks, bundle
from ..domain.reasons import Reason
from .pending import PENDING
from .places import BACKUP, write_other
from .work import Task, Work

__all__ = ["examine_bundle", "examine_folders"]


def examine_bundle(task: Task, row: dict[str, Any]) -> Work:
    """A bundle of which a member is not known yet is left for the second call, which adds and drops nothing."""
    work = Work()
    path, kind = row["path"], PUBLIC_KEY if row.get("kind") == "public_keys" else CERTIFICATE
    data = files.read(path)
    complete = bool(row.get("complete", True))
    if not complete and task.first and not (task.check and data is None):
        return work
    parts = [row.get("content") or ""]
    if not complete and data is not None:
        parts += [_same_kind(data, kind, path)]
    wanted = bundle(parts, kind, path).encode("ascii")
    if not wanted and not task.check:
        return work
    name = row.get("name") or path
    attributes = (row.get("owner"), row.get("group"), row.get("mode") or "0644")
    if data != wanted:
        code = "BundleMissing" if data is None else "BundleChanged"
        old = None if data is None else _members(data)
        work.add([Reason(code, name, path, old, _members(wanted))], lambda: write_other(path, wanted, *attributes))
    work.add(files.attribute_reasons(path, name, *attributes), lambda: files.ensure_attributes(path, *attributes))
    return work


def _same_kind(data: bytes, kind: str, path: str) -> str:
    try:
        return bundle([data.decode("latin-1")], kind, path)
    except InputError:
        return ""


def _members(data: bytes) -> str:
    try:
        found = blocks(data, "bundle")
    except InputError:
        return "unreadable"
    if not found:
        return "nothing yet"
    return f"{len(found)}: {', '.join(block.fingerprint[:16] for block in found)}"


def examine_folders(task: Task, places: Iterable[tuple[str, str | None]]) -> Work:
    """A folder in which others may write lets them swap what is in it; each place is a file and its owner."""
    work = Work()
    folders = sorted({(os.path.dirname(path), owner or "") for path, owner in places})
    paths = list(dict.fromkeys(path for path, _owner in folders))
    for path, owner in folders:
        files.refuse_foreign_folder(path, owner or None, mended=paths)
    for path in paths:
        state = files.state_of(path)
        if state.kind == "directory" and state.mode & 0o022 and not state.mode & 0o1000:
            mode = f"{state.mode & ~0o022:04o}"
            reason = Reason("ModeChanged", "directory", path, f"{state.mode:04o}", mode)
            work.add([reason], _mode_setter(path, mode))
        if not task.check:
            work.steps.append(_sweeper(path))
    return work


def _mode_setter(path: str, mode: str) -> Callable[[], None]:
    return lambda: files.ensure_attributes(path, mode=mode)


def _sweeper(path: str) -> Callable[[], None]:
    def step() -> None:
        for directory in (path, os.path.join(path, PENDING), os.path.join(path, BACKUP)):
            files.sweep(directory)

    return step
