# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who leads, and the brake: on clocks that the test moves."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.approver.brake import Brake
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.approver.leader import DURATION, Leader
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.cluster import UnreachableError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.lease import BRAKE, LEADER
from ansible_collections.tlsbootstrap.kubernetes.tests.unit.plugins.module_utils.approver.fake_cluster import (
    FakeCluster,
)

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=timezone.utc)


class Clock:
    """`wrong`: how far the host's clock is off, which must not matter."""

    def __init__(self, wrong=0):
        self.seconds = 1000.0
        self.wrong = wrong

    def monotonic(self):
        return self.seconds

    def now(self):
        return NOW + timedelta(seconds=self.seconds + self.wrong)


@pytest.fixture
def cluster():
    return FakeCluster()


def leader(cluster, clock, name):
    return Leader(cluster, name, clock.now, clock.monotonic)


def brake(cluster, clock, name="cp1"):
    return Brake(cluster, name, clock.now, clock.monotonic)


def test_the_first_one_leads_and_the_second_waits(cluster):
    clock = Clock()
    one, other = leader(cluster, clock, "one"), leader(cluster, clock, "other")
    for _time in range(10):
        one.step()
        other.step()
        assert (one.held, other.held) == (True, False)
        assert other.holder == "one"
        clock.seconds += 2


def test_who_is_gone_is_replaced_when_its_time_is_over_and_not_sooner(cluster):
    clock = Clock()
    one, other = leader(cluster, clock, "one"), leader(cluster, clock, "other")
    one.step()
    other.step()
    for _time in range(DURATION - 1):
        clock.seconds += 1
        other.step()
        assert not other.held
    clock.seconds += 1
    other.step()
    assert other.held
    # The one that was away has stopped by itself before, and sees it now.
    assert not one.held
    one.step()
    assert not one.held
    assert cluster.leases[LEADER]["spec"]["leaseTransitions"] == 1


@pytest.mark.parametrize("wrong", [-7200, 7200])
def test_clocks_of_hosts_are_not_compared(cluster, wrong):
    clock, off = Clock(), Clock(wrong)
    one, other = leader(cluster, clock, "one"), leader(cluster, off, "other")
    for _time in range(10):
        one.step()
        other.step()
        assert (one.held, other.held) == (True, False)
        clock.seconds += 2
        off.seconds += 2


def test_who_cannot_renew_stops_before_somebody_else_may_begin(cluster):
    clock = Clock()
    one, other = leader(cluster, clock, "one"), leader(cluster, clock, "other")
    one.step()
    other.step()
    cluster.down = True
    while one.held:
        clock.seconds += 0.5
        with pytest.raises(UnreachableError):
            one.step()
    cluster.down = False
    other.step()
    assert not other.held


def test_who_comes_back_under_its_name_goes_on_at_once(cluster):
    clock = Clock()
    leader(cluster, clock, "one").step()
    again = leader(cluster, clock, "one")
    again.step()
    assert again.held


def test_who_stops_gives_it_back(cluster):
    clock = Clock()
    one, other = leader(cluster, clock, "one"), leader(cluster, clock, "other")
    one.start()
    while not one.held:
        pass
    one.stop()
    assert not one.held
    other.step()
    assert other.held


def test_of_two_at_the_same_moment_one_wins(cluster):
    clock = Clock()
    one, other = leader(cluster, clock, "one"), leader(cluster, clock, "other")
    original = cluster.find

    def meanwhile(path):
        found = original(path)
        cluster.find = original
        other.step()
        return found

    cluster.find = meanwhile
    one.step()
    assert (one.held, other.held) == (False, True)


def test_nothing_is_approved_before_the_brake_was_looked_for(cluster):
    one = brake(cluster, Clock())
    assert one.engaged
    assert one.look(0, 10) is None
    assert not one.engaged


def test_too_many_engage_it_and_a_person_lifts_it(cluster):
    clock = Clock()
    one = brake(cluster, clock)
    assert "engaged: 11 requests are pending, more than 10" in one.look(11, 10)
    assert cluster.leases[BRAKE]["spec"]["holderIdentity"] == "cp1"
    # That they have become fewer does not lift it.
    clock.seconds += 60
    assert one.look(0, 10) is None
    assert one.engaged
    del cluster.leases[BRAKE]
    assert one.look(11, 10) is None
    clock.seconds += 60
    assert one.look(11, 10) == "lifted by a person"
    assert not one.engaged
    # Those that the person has seen do not engage it again, others do.
    assert one.look(11, 10) is None
    assert not one.engaged
    one.look(10, 10)
    assert "engaged" in one.look(12, 10)


def test_a_restart_does_not_lift_it_and_every_approver_keeps_to_it(cluster):
    clock = Clock()
    brake(cluster, clock).look(11, 10)
    for name in ("cp1", "cp2"):
        one = brake(cluster, clock, name)
        assert "engaged by cp1" in one.look(0, 10)
        assert one.engaged


def test_who_does_not_lead_sees_it_and_does_not_engage_it(cluster):
    clock = Clock()
    leader, other = brake(cluster, clock), brake(cluster, clock, "cp2")
    assert not other.seen
    assert other.look(11, 10, leads=False) is None
    assert (other.seen, BRAKE in cluster.leases) == (False, False)
    leader.look(11, 10)
    clock.seconds += 60
    assert "engaged by cp1" in other.look(11, 10, leads=False)
    assert other.seen
    del cluster.leases[BRAKE]
    clock.seconds += 60
    assert other.look(11, 10, leads=False) == "lifted by a person"
    assert not other.seen
    # What the person has seen is no news to who leads next.
    assert other.look(11, 10) is None
    assert not other.seen


def test_it_holds_also_where_it_cannot_be_written(cluster):
    clock = Clock()
    one = brake(cluster, clock)
    one.look(0, 10)
    cluster.down = True
    with pytest.raises(UnreachableError):
        one.look(11, 10)
    assert one.engaged
