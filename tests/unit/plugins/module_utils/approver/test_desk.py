# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import threading
from datetime import datetime, timezone

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import x509
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.approver.desk import Desk
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.cluster import ClusterError, UnreachableError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.approval import read_policy
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.csr import CLIENT_SIGNER, slim
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.tokens import JOIN_GROUP, node_group
from ansible_collections.tlsbootstrap.kubernetes.tests.unit.plugins.module_utils.approver.fake_cluster import (
    FakeCluster,
    touched,
)

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=timezone.utc)
POLICY = read_policy({"nodes": {"w1": {}, "w2": {}}})
PEM = x509.make_request(x509.generate_key("ecdsa-p256"), "system:node:w1", ("system:nodes",)).encode()


def item(name="csr-1", token="abcdef", second=0, **spec):
    return {
        "metadata": {
            "name": name,
            "uid": "uid-" + name,
            "resourceVersion": "10",
            "creationTimestamp": f"2026-11-22T15:00:{second:02d}Z",
        },
        "spec": {
            "request": base64.b64encode(PEM).decode(),
            "signerName": CLIENT_SIGNER,
            "username": "system:bootstrap:" + token,
            "groups": ["system:bootstrappers", JOIN_GROUP, node_group("w1")],
            "usages": ["digital signature", "client auth"],
            **spec,
        },
        "status": {},
    }


def desk_of(cluster, **options):
    desk = Desk(cluster, POLICY, lambda: NOW, **options)
    # As the service sees them.
    desk.take("SNAPSHOT", [slim(one) for one in cluster.items.values()])
    return desk


def verdicts(decisions):
    return [(one.request.name, one.verdict.action, one.verdict.reason) for one in decisions]


def approve(one):
    one["status"] = {"conditions": [{"type": "Approved", "status": "True"}]}


def test_a_request_is_decided_once_and_told_once():
    cluster = FakeCluster(item())
    desk = desk_of(cluster)
    assert verdicts(desk.work()) == [("csr-1", "approve", "PolicyKept")]
    desk.take("MODIFIED", cluster.items.values())
    assert list(desk.work()) == []
    desk.take("SNAPSHOT", cluster.items.values())
    assert list(desk.work()) == []
    assert cluster.writes == 1


def test_what_changed_meanwhile_is_read_again():
    cluster = FakeCluster(item())
    desk = desk_of(cluster)
    cluster.items["csr-1"] = touched(cluster.items["csr-1"])
    assert verdicts(desk.work()) == [("csr-1", "approve", "PolicyKept")]


def test_what_another_approver_decided_is_left():
    cluster = FakeCluster(item())
    desk = desk_of(cluster)
    cluster.faults = [approve]
    assert list(desk.work()) == []
    assert cluster.writes == 0


def test_what_is_gone_is_forgotten():
    cluster = FakeCluster(item())
    desk = desk_of(cluster)
    cluster.items.clear()
    assert list(desk.work()) == []
    assert desk.requests == []
    assert not desk.waiting


def test_another_object_of_the_same_name_is_not_decided():
    cluster = FakeCluster(item())
    desk = desk_of(cluster)
    other = item()
    other["metadata"]["uid"] = "other"
    cluster.items["csr-1"] = touched(other)
    assert list(desk.work()) == []
    assert cluster.writes == 0


def test_where_the_api_server_is_down_nothing_is_lost():
    cluster = FakeCluster(item(), item("csr-2", "ghijkl"))
    desk = desk_of(cluster)
    cluster.faults = [UnreachableError("down")]
    with pytest.raises(UnreachableError):
        list(desk.work())
    assert desk.waiting
    assert {name for name, _action, _reason in verdicts(desk.work())} == {"csr-1", "csr-2"}


@pytest.fixture
def two_nodes():
    """A request of each of two nodes."""
    pem = x509.make_request(x509.generate_key("ecdsa-p256"), "system:node:w2", ("system:nodes",)).encode()
    groups = ["system:bootstrappers", JOIN_GROUP, node_group("w2")]
    other = item("csr-2", "ghijkl", 1, request=base64.b64encode(pem).decode(), groups=groups)
    return FakeCluster(item(), other)


def test_requests_of_different_nodes_are_posted_side_by_side(two_nodes, monkeypatch):
    both, post = threading.Barrier(2, timeout=30), two_nodes.replace

    def replace(path, body):
        both.wait()
        return post(path, body)

    monkeypatch.setattr(two_nodes, "replace", replace)
    decided = verdicts(desk_of(two_nodes).work())
    assert decided == [("csr-2", "approve", "PolicyKept"), ("csr-1", "approve", "PolicyKept")]


@pytest.mark.parametrize("error", [UnreachableError("down"), KeyError("a mistake of ours")])
def test_what_was_posted_is_told_whatever_became_of_the_others(two_nodes, error):
    two_nodes.refused["csr-2"] = error
    told, desk = [], desk_of(two_nodes)
    with pytest.raises(type(error)):
        told.extend(desk.work())
    assert verdicts(told) == [("csr-1", "approve", "PolicyKept")]
    assert [one.name for one in desk.requests] == ["csr-2"]
    assert desk.waiting


def test_those_that_fail_keep_the_others_waiting_once():
    """They are the newest, and would come first each time."""
    cluster = FakeCluster(*(item(f"csr-{number}", f"tok{number:03d}", number, groups=[]) for number in range(30)))
    cluster.refused = {f"csr-{number}": ClusterError("500 a webhook") for number in range(22, 30)}
    desk, told = desk_of(cluster), []
    for _turn in range(2):
        with pytest.raises(ClusterError, match="500 a webhook"):
            told.extend(desk.work())
    assert {one.request.name for one in told} == {f"csr-{number}" for number in range(22)}
    cluster.refused = {}
    assert len(list(desk.work())) == 8
    assert not desk.waiting


def test_the_newest_is_approved_and_then_the_others_are_denied():
    cluster = FakeCluster(item(), item("csr-2", second=1), item("csr-3", second=2))
    assert verdicts(desk_of(cluster).work()) == [
        ("csr-3", "approve", "PolicyKept"),
        ("csr-2", "deny", "TokenUsed"),
        ("csr-1", "deny", "TokenUsed"),
    ]


def test_only_the_named_nodes_are_decided():
    cluster = FakeCluster(item())
    assert list(desk_of(cluster, only=["w2"]).work()) == []
    assert verdicts(desk_of(cluster, only=["w1"]).work()) == [("csr-1", "approve", "PolicyKept")]


def test_a_dry_run_posts_nothing():
    cluster = FakeCluster(item())
    assert verdicts(desk_of(cluster, dry_run=True).work()) == [("csr-1", "approve", "PolicyKept")]
    assert cluster.writes == 0


def test_another_policy_judges_anew_what_waits():
    cluster = FakeCluster(item())
    desk = Desk(cluster, read_policy({"nodes": {}}), lambda: NOW)
    desk.take("ADDED", [item()])
    assert verdicts(desk.work()) == [("csr-1", "ignore", "UnknownNode")]
    assert list(desk.work()) == []
    desk.use(POLICY)
    assert verdicts(desk.work()) == [("csr-1", "approve", "PolicyKept")]


def test_requests_for_other_signers_are_not_even_kept():
    desk = desk_of(FakeCluster(item(signerName="example.com/x")))
    assert desk.requests == []


def test_what_cannot_be_read_is_denied_without_quoting_it():
    cluster = FakeCluster(item(request=base64.b64encode(b"canary").decode()))
    (decision,) = desk_of(cluster).work()
    assert (decision.verdict.action, decision.verdict.reason) == ("deny", "Unreadable")
    assert "canary" not in str(decision.line())


def test_the_audit_line_names_the_credential():
    extra = {"authentication.kubernetes.io/credential-id": ["X509SHA256=ab"]}
    (decision,) = desk_of(FakeCluster(item(extra=extra))).work()
    assert decision.line() == {
        "time": "2026-11-22T15:00:00.000Z",
        "request": "csr-1",
        "kind": "client",
        "node": "w1",
        "signer": CLIENT_SIGNER,
        "requester": "system:bootstrap:abcdef",
        "verdict": "approve",
        "reason": "PolicyKept",
        "message": "requester, subject, usages and names are those of node w1",
        "credential_id": "X509SHA256=ab",
    }


def node_item(name="csr-1", second=0, node="w1", **spec):
    by_node = {"username": "system:node:" + node, "groups": ["system:nodes"], **spec}
    return item(name, second=second, **by_node)


def test_the_token_is_marked_before_the_request_is_approved():
    cluster = FakeCluster(item())

    def killed(_item):
        assert cluster.leases["token-abcdef"]["spec"]["holderIdentity"] == "csr-1"
        raise UnreachableError("killed here")

    cluster.faults = [killed]
    with pytest.raises(UnreachableError):
        list(desk_of(cluster).work())
    # Whoever comes next goes on with the request that has the mark.
    assert verdicts(desk_of(cluster).work()) == [("csr-1", "approve", "PolicyKept")]


def test_a_marked_token_is_never_used_again_whatever_became_of_its_request():
    cluster = FakeCluster(item())
    list(desk_of(cluster).work())
    cluster.items = {"csr-2": item("csr-2", second=30)}
    assert verdicts(desk_of(cluster).work()) == [("csr-2", "deny", "TokenUsed")]
    # A request of the same name is not the same request.
    again = item("csr-1", second=40)
    again["metadata"]["uid"] = "another"
    cluster.items = {"csr-1": again}
    assert verdicts(desk_of(cluster).work()) == [("csr-1", "deny", "TokenUsed")]


def test_of_two_approvers_with_two_requests_of_one_token_one_wins():
    cluster = FakeCluster(item("csr-1"), item("csr-2", second=1))
    one, other = (Desk(cluster, POLICY, lambda: NOW) for _number in range(2))
    one.take("ADDED", [cluster.items["csr-1"]])
    other.take("ADDED", [cluster.items["csr-2"]])
    assert verdicts(one.work()) == [("csr-1", "approve", "PolicyKept")]
    assert verdicts(other.work()) == [("csr-2", "deny", "TokenUsed")]


def test_a_node_needs_no_mark():
    cluster = FakeCluster(node_item())
    assert verdicts(desk_of(cluster).work()) == [("csr-1", "approve", "PolicyKept")]
    assert cluster.leases == {}


def test_of_several_requests_of_a_node_the_newest_valid_one_is_approved():
    cluster = FakeCluster(node_item("csr-1"), node_item("csr-2", 1), node_item("csr-3", 2, usages=["client auth"]))
    assert verdicts(desk_of(cluster).work()) == [
        ("csr-3", "deny", "WrongUsages"),
        ("csr-2", "approve", "PolicyKept"),
        ("csr-1", "deny", "Superseded"),
    ]


def test_the_newer_one_is_known_within_a_second_also_when_it_was_approved():
    """A decision gives a request a higher resource version than those that came after it."""
    first, second = node_item("csr-1"), node_item("csr-2")
    second["metadata"]["resourceVersion"] = "11"
    cluster = FakeCluster(first, second)
    assert verdicts(desk_of(cluster).work()) == [("csr-2", "approve", "PolicyKept"), ("csr-1", "deny", "Superseded")]
    cluster = FakeCluster(first)
    desk = desk_of(cluster)
    assert verdicts(desk.work()) == [("csr-1", "approve", "PolicyKept")]
    cluster.items["csr-2"] = second
    desk.take("ADDED", [second])
    assert verdicts(desk.work()) == [("csr-2", "approve", "PolicyKept")]


def test_what_may_not_be_posted_waits():
    cluster = FakeCluster(item(), node_item("csr-2", 1, usages=["client auth"]))
    desk = desk_of(cluster)
    assert list(desk.work(lambda _action: False)) == []
    assert verdicts(desk.work(lambda action: action == "deny")) == [("csr-2", "deny", "WrongUsages")]
    assert desk.waiting
    assert desk.backlog() == {"client": 1, "renewal": 0, "serving": 0}
    assert verdicts(desk.work()) == [("csr-1", "approve", "PolicyKept")]
    assert desk.backlog() == {"client": 0, "renewal": 0, "serving": 0}


def test_one_that_is_refused_is_in_nobodys_way():
    cluster = FakeCluster(item(), node_item("csr-2", 1))
    desk = desk_of(cluster)
    cluster.faults = [ClusterError("422")]
    told = []
    with pytest.raises(ClusterError, match="422"):
        told.extend(desk.work())
    assert cluster.writes == 1
    assert [name for name, _action, _reason in verdicts(desk.work())] == ["csr-2"]


def test_a_decision_whose_answer_got_lost_is_told():
    cluster = FakeCluster(node_item())

    def lost(_item):
        condition = {
            "type": "Approved",
            "status": "True",
            "reason": "PolicyKept",
            "lastUpdateTime": "2026-11-22T15:00:00Z",
        }
        text = "requester, subject, usages and names are those of node w1"
        cluster.items["csr-1"] = touched({**_item, "status": {"conditions": [{**condition, "message": text}]}})

    cluster.faults = [lost]
    assert verdicts(desk_of(cluster).work()) == [("csr-1", "approve", "PolicyKept")]
    assert cluster.writes == 0


def test_of_what_was_decided_little_is_kept():
    many = [node_item(f"csr-{second}", second, usages=["client auth"]) for second in range(50)]
    desk = desk_of(FakeCluster(*many))
    assert len(list(desk.work())) == 50
    assert desk.requests == []
    kept = desk_of(FakeCluster(*many), history=True)
    list(kept.work())
    assert len(kept.requests) == 50


def test_a_request_that_is_too_long_is_denied():
    long = item(request="A" * 1_000_000)
    assert len(str(slim(long))) < 1000
    (decision,) = desk_of(FakeCluster(long)).work()
    assert (decision.verdict.action, decision.verdict.reason) == ("deny", "Unreadable")
    assert "65536" in decision.verdict.message


def test_kinds_that_the_policy_leaves_to_others_are_left():
    policy = read_policy({"nodes": {"w1": {}}, "decides": ["serving"]})
    cluster = FakeCluster(item(), node_item("csr-2", 1))
    desk = Desk(cluster, policy, lambda: NOW)
    desk.take("SNAPSHOT", cluster.items.values())
    assert {reason for _name, _action, reason in verdicts(desk.work())} == {"LeftToOthers"}
    assert desk.left_alone() == 2
