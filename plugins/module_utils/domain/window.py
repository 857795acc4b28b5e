# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time in which joins by certificate are open, as the CA host notes it.

Nothing revokes a certificate; what bounds a join certificate besides its own end is that the API servers trust its CA
only while this window is open.
"""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass, replace

from .certificate import instant_text
from .csr import parse_time
from .errors import InputError

__all__ = ["CLOSED", "LONGEST", "SHORTEST", "Window", "check_duration", "read_window"]

SHORTEST, LONGEST = 60, 24 * 3600


@dataclass(frozen=True)
class Window:
    """`trusted`: whether API servers may still have the CA, be its time over or not."""

    until: datetime.datetime | None = None
    trusted: bool = False

    def open(self, now: datetime.datetime) -> bool:
        return self.trusted and self.until is not None and now < self.until

    def overdue(self, now: datetime.datetime) -> bool:
        """Whether its time is over, and the CA is still to be dropped."""
        return self.trusted and not self.open(now)

    def opened(self, until: datetime.datetime) -> Window:
        return Window(until.replace(microsecond=0), True)

    def closed(self) -> Window:
        return replace(self, trusted=False)

    def text(self) -> str:
        return f"open until {instant_text(self.until)}" if self.trusted and self.until else "closed"

    def data(self) -> bytes:
        end = None if self.until is None else instant_text(self.until)
        return (json.dumps({"until": end, "trusted": self.trusted}) + "\n").encode("ascii")


CLOSED = Window()


def check_duration(seconds: int) -> int:
    if not SHORTEST <= seconds <= LONGEST:
        raise InputError(f"joins are to be open for {seconds} seconds; between 1 minute and 24 hours are allowed")
    return seconds


def read_window(data: bytes | None) -> Window:
    """What was noted. A note that cannot be read is one whose time is over: the CA is dropped."""
    if data is None:
        return CLOSED
    try:
        found = json.loads(data)
        return Window(parse_time(str(found["until"])), bool(found["trusted"]))
    except (ValueError, KeyError, TypeError):
        return Window(None, True)
