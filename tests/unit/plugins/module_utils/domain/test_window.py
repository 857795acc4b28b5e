# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time in which joins by certificate are open."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import flow, window
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=timezone.utc)
OPEN = window.CLOSED.opened(NOW + timedelta(hours=1))


def test_it_is_closed_until_it_is_opened() -> None:
    found = window.read_window(None)
    assert (found.open(NOW), found.overdue(NOW), found.text()) == (False, False, "closed")


def test_what_is_noted_is_read_back() -> None:
    assert window.read_window(OPEN.data()) == OPEN
    assert window.read_window(OPEN.closed().data()) == OPEN.closed()


@pytest.mark.parametrize(("minutes", "open_", "overdue"), [(0, True, False), (59, True, False), (60, False, True)])
def test_when_its_time_is_over_it_is_to_be_closed(minutes: int, open_: bool, overdue: bool) -> None:
    now = NOW + timedelta(minutes=minutes)
    assert (OPEN.open(now), OPEN.overdue(now)) == (open_, overdue)
    assert not OPEN.closed().overdue(now)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"{}", b'{"until": null, "trusted": true}', b'{"until": 1, "trusted": 1}']
)
def test_a_note_that_cannot_be_read_is_one_whose_time_is_over(data: bytes) -> None:
    found = window.read_window(data)
    assert (found.open(NOW), found.overdue(NOW)) == (False, True)


@pytest.mark.parametrize("seconds", [0, 59, 24 * 3600 + 1])
def test_durations_out_of_bounds_are_refused(seconds: int) -> None:
    with pytest.raises(InputError, match="24 hours"):
        window.check_duration(seconds)


HOSTS = {"w1": {"node_name": "one", "joining": {"node": {"name": "join"}}}, "w2": {"node_name": "two", "joining": {}}}


def test_requests_get_the_rows_of_their_own_hosts() -> None:
    (by_node,) = flow.join_requests([{"node_name": "one", "certificate_request": "PEM"}], HOSTS, "node")
    assert by_node == {"host": "w1", "identity": {"name": "join"}, "request": "PEM", "reasons": ["Missing"]}
    assert flow.join_requests([{"host": "w1", "certificate_request": "PEM"}], HOSTS, "node") == [by_node]


@pytest.mark.parametrize("asking", [{"node_name": "two"}, {"node_name": "three"}, {"host": "w9"}])
def test_who_has_no_row_gets_nothing(asking: dict[str, str]) -> None:
    with pytest.raises(InputError, match="which the plan does not give it"):
        flow.join_requests([{**asking, "certificate_request": "PEM"}], HOSTS, "node")
