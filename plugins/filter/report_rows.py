# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter report_rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

HOUR = 3600
DAY = 24 * HOUR


def report_rows(files: Iterable[Mapping[str, Any]], host: str) -> list[dict[str, Any]]:
    """Make one row of each certificate, see the documentation beside this file."""
    return [row for file in files for row in _rows(file, host)]


def _rows(file: Mapping[str, Any], host: str) -> Iterator[dict[str, Any]]:
    found = file.get("certificates") or []
    for certificate in found:
        yield {
            "host": host,
            "path": file["path"],
            "holder": certificate["common_name"],
            "organizations": certificate["organizations"],
            "issuer": certificate["issuer"].rpartition("CN=")[2],
            "not_after": certificate["not_after"],
            "seconds_left": certificate["seconds_left"],
            "left": time_left(certificate["seconds_left"]),
            "certificate": certificate,
        }
    if not found:
        why = file.get("error") or ("no certificate in it" if file.get("exists") else "not there")
        yield {"host": host, "path": file["path"], "seconds_left": 0, "left": why}


def time_left(seconds: int) -> str:
    """The two largest units, as a person would say it."""
    if seconds <= 0:
        return "expired"
    if seconds >= DAY:
        return f"{seconds // DAY} d {seconds % DAY // HOUR} h"
    if seconds >= HOUR:
        return f"{seconds // HOUR} h {seconds % HOUR // 60} min"
    return f"{seconds // 60} min {seconds % 60} s"


class FilterModule:
    """Register the filter."""

    def filters(self) -> dict[str, Callable[..., list[dict[str, Any]]]]:
        return {"report_rows": report_rows}
