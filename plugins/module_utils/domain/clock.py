# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clocks that are apart make certificates that are not valid yet."""

from __future__ import annotations

import datetime

from .certificate import instant_text
from .errors import InputError

__all__ = ["LIMIT", "WARNING", "check_clock"]

WARNING = 60
# Certificates are back-dated by as much.
LIMIT = 300


def check_clock(
    host: str, now: datetime.datetime, reference: datetime.datetime, whose: str = "the controller's"
) -> tuple[int, str | None]:
    """By how many seconds the host's clock is ahead, and a warning; refused when it is too far off."""
    offset = int((now - reference).total_seconds())
    text = (
        f"the clock of {host} says {instant_text(now)}, {whose} {instant_text(reference)}: "
        f"{abs(offset)} s {'ahead' if offset > 0 else 'behind'}"
    )
    if abs(offset) > LIMIT:
        raise InputError(f"{text}; certificates would not be valid there: set the clock (NTP) and run again")
    return offset, f"{text}; set the clock (NTP)" if abs(offset) > WARNING else None
