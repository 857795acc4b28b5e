# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of many files somebody has to look at."""

from __future__ import annotations

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.attention import needing_attention

FINE = {"path": "/fine", "exists": True, "certificates": [{"seconds_left": 1000}, {"seconds_left": 2000}]}
ENDING = {"path": "/ending", "exists": True, "certificates": [{"seconds_left": 1000}, {"seconds_left": 99}]}
ENDED = {"path": "/ended", "exists": True, "certificates": [{"seconds_left": -1}]}
KEY = {"path": "/key", "exists": True, "certificates": []}
GONE = {"path": "/gone", "exists": False, "certificates": []}
BROKEN = {"path": "/broken", "exists": True, "certificates": [], "error": "damaged"}


def test_only_what_ends_or_cannot_be_read_is_told() -> None:
    wanted, counts = needing_attention([FINE, ENDING, KEY, GONE, BROKEN, ENDED], 100)
    assert wanted == [ENDING, GONE, BROKEN, ENDED]
    assert counts == {"files": 6, "certificates": 5, "ending": 2}


def test_the_bound_itself_is_long_enough() -> None:
    assert needing_attention([ENDING], 99) == ([], {"files": 1, "certificates": 2, "ending": 0})


def test_nothing_is_nothing() -> None:
    assert needing_attention([], 100) == ([], {"files": 0, "certificates": 0, "ending": 0})
