# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which CAs a folder never had."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .ca_folder import PENDING, Folder
from .domain.first_time import check_new, check_replaced

__all__ = ["certificates_of", "new_authorities"]


def new_authorities(directory: str, rows: list[dict[str, Any]], may_be: bool, held: list[dict[str, Any]]) -> list[str]:
    """Their names; refused where they must not be made. One that was moved aside is still in the ledger."""
    folder = Folder(directory)
    absent = [str(row["name"]) for row in rows if not _begun(folder, row)]
    known = folder.ledger().authorities if absent else {}
    new = [name for name in absent if name not in known]
    check_new(new, folder.directory, may_be, held)
    check_replaced([name for name in absent if name in known], folder.directory, may_be)
    return new


def certificates_of(holder: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those of its identities whose certificates are there."""
    rows = (row for row in holder["identities"] if row.get("issuer") and row.get("certificate_path"))
    return [{**row, "host": holder["host"]} for row in rows if os.path.lexists(row["certificate_path"])]


def _begun(folder: Folder, row: Mapping[str, Any]) -> bool:
    """Also half of a CA, and one that a killed run has left."""
    names = (row["certificate_file"], row["key_file"], os.path.join(PENDING, f"{row['name']}.key"))
    return any(os.path.lexists(folder.path(str(name))) for name in names)
