# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations in words and in seconds."""

from __future__ import annotations

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.durations import (
    format_duration,
    parse_duration,
    time_left,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("15m", 900),
        ("1h30m", 5400),
        ("365d", 31_536_000),
        ("8760h", 31_536_000),
        ("90s", 90),
        ("0s", 0),
        (" 1d ", 86400),
    ],
)
def test_parse(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "15", "-1h", "1.5h", "1w", "1h 30m", "h", "1H", "٣h", "15m\n1", "9" * 10 + "d"])
def test_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0s", "15m", "1h30m", "365d", "1d1s"])
def test_there_and_back(text: str) -> None:
    assert format_duration(parse_duration(text)) == text


def test_format_negative() -> None:
    assert format_duration(-3661) == "-1h1m1s"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "expired"), (0, "expired"), (59, "0 min 59 s"), (3661, "1 h 1 min"), (31536000, "365 d 0 h")],
)
def test_time_left_is_said_in_two_units(seconds: int, text: str) -> None:
    assert time_left(seconds) == text
