# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs of key and certificate brought to their places, and what keeps them there."""

from __future__ import annotations

import os
from collections.abc import Callable

from .. import files
from ..domain.identity import Identity
from ..domain.reasons import Reason
from .material import Material, normalised
from .work import Work

__all__ = [
    "BACKUP",
    "examine_attributes",
    "new_pair",
    "reason_at",
    "write_certificate",
    "write_kept",
    "write_key",
    "write_other",
]

BACKUP = ".backup"


def reason_at(identity: Identity, code: str, old: str | None = None, new: str | None = None) -> Reason:
    """A reason that concerns the pair as a whole."""
    return Reason(code, identity.name, identity.certificate_path or identity.home, old, new, files=identity.files)


def write_key(identity: Identity, data: bytes) -> None:
    if files.read(identity.key_file) == data:
        files.ensure_attributes(identity.key_file, identity.owner, identity.group, identity.key_mode)
        return
    _write(identity, identity.key_file, data, identity.key_mode)


def write_certificate(identity: Identity, material: Material) -> None:
    path, data = identity.certificate_file, normalised(material.certificate or b"")
    _write(identity, path, data, identity.certificate_mode)


def new_pair(identity: Identity, material: Material) -> list[files.NewFile]:
    """Where nothing is there yet; the key first."""
    certificate = material.certificate or b""
    if not material.found.normalised:
        certificate = normalised(certificate)
    return [
        files.NewFile(identity.key_file, material.key or b"", identity.owner, identity.group, identity.key_mode),
        files.NewFile(
            identity.certificate_file, certificate, identity.owner, identity.group, identity.certificate_mode
        ),
    ]


def _write(identity: Identity, path: str, data: bytes, mode: str) -> None:
    write_kept(path, data, identity.owner, identity.group, mode)


def write_kept(path: str, data: bytes, owner: str | None, group: str | None, mode: str) -> None:
    """Old bytes go to the backup folder beside it."""
    files.ensure_parent(path)
    files.write_atomic(path, data, owner, group, mode, os.path.join(os.path.dirname(path), BACKUP))


def write_other(path: str, data: bytes, owner: str | None, group: str | None, mode: str) -> None:
    """What can be made again from what is there: no backup."""
    files.ensure_parent(path)
    files.write_atomic(path, data, owner, group, mode)


def examine_attributes(identity: Identity, work: Work) -> None:
    """Of what is there, also where it is to be replaced: its certificate may be long in coming."""
    for path, mode in (
        (identity.key_path, identity.key_mode),
        (identity.certificate_path, identity.certificate_mode),
        (identity.public_key_path, identity.certificate_mode),
    ):
        if path is not None:
            reasons = files.attribute_reasons(path, identity.name, identity.owner, identity.group, mode)
            work.add(reasons, _attributes_setter(identity, path, mode))


def _attributes_setter(identity: Identity, path: str, mode: str) -> Callable[[], None]:
    return lambda: files.ensure_attributes(path, identity.owner, identity.group, mode)
