# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations as people write them: ``365d``, ``1h30m``."""

from __future__ import annotations

import re

from .errors import InputError

__all__ = ["format_duration", "parse_duration", "parse_share", "time_left"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?:[0-9]{1,9}[smhd])+\Z", re.ASCII)
_SHARE = re.compile(r"[1-9][0-9]?%\Z", re.ASCII)
_PART = re.compile(r"([0-9]+)([smhd])", re.ASCII)


def parse_duration(text: str) -> int:
    """Seconds of a duration. A number without a unit is refused: nobody can tell days from seconds."""
    value = str(text).strip()
    if _DURATION.match(value) is None:
        raise InputError(
            f"{value!r} is not a duration: write numbers with the units d, h, m or s, like 365d, 1h30m or 15m"
        )
    return sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(value))


def parse_share(text: str) -> int | None:
    """The number of a share of a lifetime like ``25%``; None where it is none."""
    value = str(text).strip()
    return int(value[:-1]) if _SHARE.match(value) else None


def format_duration(seconds: int) -> str:
    """The shortest exact way to write it; days stay days, so 8760h reads 365d."""
    if seconds < 0:
        return "-" + format_duration(-seconds)
    parts = []
    rest = seconds
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(rest, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def time_left(seconds: int) -> str:
    """The two largest units, as a person would say it."""
    if seconds <= 0:
        return "expired"
    if seconds >= 86400:
        return f"{seconds // 86400} d {seconds % 86400 // 3600} h"
    if seconds >= 3600:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min"
    return f"{seconds // 60} min {seconds % 60} s"
