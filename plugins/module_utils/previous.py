# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files with which a unit was last well, kept on disk from before others take their place until those have proved
themselves or are put back. So a run that is killed in between leaves the next one what it needs to do either."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any

from . import files
from .domain.errors import InputError

__all__ = ["Previous"]


class Previous:
    """One file beside the units, for root alone; it is there only as long as it is not known who is right."""

    def __init__(self, directory: str, unit: str) -> None:
        # systemd passes over names that do not end as those of units do.
        self.path = os.path.join(directory, f".{unit}.previous")
        self._kept = self._read()

    @property
    def there(self) -> bool:
        return bool(self._kept)

    @property
    def names(self) -> str:
        return ", ".join(sorted(self._kept))

    def keep(self, paths: Iterable[str]) -> None:
        """Keep these files as they are; what a stopped run has kept already was well, what it wrote may not be."""
        added = {path: _taken(path) for path in paths if path not in self._kept}
        if not added:
            return
        self._kept.update(added)
        files.write_atomic(self.path, json.dumps(self._kept, sort_keys=True).encode("ascii"), mode="0600")

    def put_back(self) -> None:
        """Put the files back. They stay kept until the unit runs with them."""
        for path, kept in self._kept.items():
            if kept is None:
                files.remove(path)
            else:
                files.write_atomic(path, kept["data"].encode("latin-1"), kept["owner"], kept["group"], kept["mode"])

    def drop(self) -> None:
        if self._kept:
            files.remove(self.path)
            self._kept = {}

    def _read(self) -> dict[str, Any]:
        data = files.read(self.path)
        if data is None:
            return {}
        try:
            kept = json.loads(data)
        except ValueError:
            kept = None
        if not isinstance(kept, dict) or not kept:
            raise InputError(f"{self.path} does not say which files the unit had before; look at it and remove it")
        return kept


def _taken(path: str) -> dict[str, str] | None:
    data = files.read(path)
    if data is None:
        return None
    state = files.state_of(path)
    # Each byte is a character of latin-1, so that any content fits.
    return {"data": data.decode("latin-1"), "owner": state.owner, "group": state.group, "mode": f"{state.mode:04o}"}
