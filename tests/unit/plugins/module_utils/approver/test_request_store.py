# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person decides."""

from __future__ import annotations

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.cluster import UnreachableError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.request_store import RequestStore
from ansible_collections.tlsbootstrap.kubernetes.tests.unit.plugins.module_utils.approver.fake_cluster import (
    FakeCluster,
)
from ansible_collections.tlsbootstrap.kubernetes.tests.unit.plugins.module_utils.approver.test_desk import (
    POLICY,
    desk_of,
    item,
    verdicts,
)


def decide(cluster, *names, deny=(), force=False, between=lambda: None):
    """`between` happens after the person has looked, and before the decision is posted."""
    store = RequestStore(cluster, POLICY)
    chosen = store.choose(store.pending([]), list(names), list(deny), force)
    between()
    store.carry_out(chosen, names, force)


def reasons(cluster, name):
    return [one["reason"] for one in cluster.items[name]["status"].get("conditions", [])]


def test_another_object_of_the_same_name_is_not_decided():
    cluster = FakeCluster(item())
    other = item(username="evil", groups=["system:masters"])
    other["metadata"] |= {"uid": "another", "resourceVersion": "99"}
    with pytest.raises(InputError, match="csr-1 is gone: look again"):
        decide(cluster, "csr-1", between=lambda: cluster.items.update({"csr-1": other}))
    assert reasons(cluster, "csr-1") == []


def test_the_token_of_an_approved_request_is_used():
    cluster = FakeCluster(item())
    decide(cluster, "csr-1")
    assert reasons(cluster, "csr-1") == ["ApprovedByPerson"]
    # As an hour later, when the garbage collector has taken it.
    del cluster.items["csr-1"]
    cluster.items["csr-2"] = item("csr-2", second=30)
    assert verdicts(desk_of(cluster).work()) == [("csr-2", "deny", "TokenUsed")]


def test_a_token_that_is_used_meanwhile_is_good_for_nothing_more():
    cluster = FakeCluster(item(), item("csr-2", second=1))

    def approver():
        """Another one, which goes by an older list, and has marked the token."""
        other = FakeCluster(item())
        other.leases = cluster.leases
        assert verdicts(desk_of(other).work()) == [("csr-1", "approve", "PolicyKept")]

    with pytest.raises(InputError, match="csr-2: its bootstrap token was used by the request csr-1 meanwhile"):
        decide(cluster, "csr-2", between=approver)
    assert reasons(cluster, "csr-2") == []


def test_against_the_rules_a_person_may_use_it_again():
    cluster = FakeCluster(item())
    decide(cluster, "csr-1")
    cluster.items["csr-2"] = item("csr-2", second=30)
    with pytest.raises(InputError, match="against the rules of the inventory: "):
        decide(cluster, "csr-2")
    decide(cluster, "csr-2", force=True)
    assert reasons(cluster, "csr-2") == ["ApprovedByPerson"]


def test_a_denial_marks_no_token():
    cluster = FakeCluster(item())
    decide(cluster, deny=["csr-1"])
    assert (reasons(cluster, "csr-1"), cluster.leases) == (["DeniedByPerson"], {})


def test_what_was_decided_before_one_failed_is_told():
    cluster = FakeCluster(item(), item("csr-2", "ghijkl", 1), item("csr-3", "mnopqr", 2))
    cluster.refused["csr-2"] = UnreachableError("down")
    with pytest.raises(InputError, match=r"^down\. Decided before that, and not undone: csr-3 approved$"):
        decide(cluster, "csr-3", "csr-2", "csr-1", force=True)
    assert reasons(cluster, "csr-1") == []
