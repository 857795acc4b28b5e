# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter report_table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def report_table(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str]) -> list[str]:
    """Lay rows out as aligned lines, see the documentation beside this file."""
    lines = [list(columns.values())]
    lines += [[_cell(row.get(key)) for key in columns] for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(columns))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]


def _cell(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_cell, value)) or "-"
    return "-" if value is None or value == "" else str(value)


class FilterModule:
    """Register the filter."""

    def filters(self) -> dict[str, Callable[..., list[str]]]:
        return {"report_table": report_table}
