# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of many files somebody has to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["needing_attention"]


def needing_attention(
    entries: Sequence[Mapping[str, Any]], seconds: int
) -> tuple[list[Mapping[str, Any]], dict[str, int]]:
    """Those that are not there, cannot be read or end within so many seconds; and of how many."""
    ending = [sum(one["seconds_left"] < seconds for one in entry.get("certificates") or ()) for entry in entries]
    wanted = [entry for entry, count in zip(entries, ending) if count or entry.get("error") or not entry.get("exists")]
    counts = {
        "files": len(entries),
        "certificates": sum(len(entry.get("certificates") or ()) for entry in entries),
        "ending": sum(ending),
    }
    return wanted, counts
