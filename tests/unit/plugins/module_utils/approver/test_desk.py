# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
from datetime import datetime, timezone

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import x509
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.approver.desk import Desk
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.cluster import (
    ConflictError,
    NotFoundError,
    UnreachableError,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.approval import read_policy
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.csr import CLIENT_SIGNER
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.tokens import JOIN_GROUP, node_group

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=timezone.utc)
POLICY = read_policy({"nodes": {"w1": {}, "w2": {}}})
PEM = x509.make_request(x509.generate_key("ecdsa-p256"), "system:node:w1", ("system:nodes",)).encode()


class FakeCluster:
    """Keeps objects and resource versions as the API server does; `faults` are raised by the next writes."""

    def __init__(self, *items):
        self.items = {item["metadata"]["name"]: item for item in items}
        self.faults = []
        self.writes = 0

    def find(self, path):
        return self.items.get(path.rsplit("/", 1)[1])

    def replace(self, path, body):
        name = path.split("/")[-2]
        if self.faults:
            fault = self.faults.pop(0)
            if callable(fault):
                fault(self.items[name])
            raise fault if isinstance(fault, Exception) else ConflictError("409")
        item = self.items.get(name)
        if item is None:
            raise NotFoundError("404")
        if item["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
            raise ConflictError("409")
        self.writes += 1
        decided = {**item, "status": body["status"]}
        self.items[name] = touched(decided)
        return self.items[name]


def touched(item):
    version = str(int(item["metadata"]["resourceVersion"]) + 1)
    return {**item, "metadata": {**item["metadata"], "resourceVersion": version}}


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
    desk.take("SNAPSHOT", list(cluster.items.values()))
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
    assert desk.work() == []
    desk.take("SNAPSHOT", cluster.items.values())
    assert desk.work() == []
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
    assert desk.work() == []
    assert cluster.writes == 0


def test_what_is_gone_is_forgotten():
    cluster = FakeCluster(item())
    desk = desk_of(cluster)
    cluster.items.clear()
    assert desk.work() == []
    assert desk.requests == []


def test_another_object_of_the_same_name_is_not_decided():
    cluster = FakeCluster(item())
    desk = desk_of(cluster)
    other = item()
    other["metadata"]["uid"] = "other"
    cluster.items["csr-1"] = touched(other)
    assert desk.work() == []
    assert cluster.writes == 0


def test_where_the_api_server_is_down_nothing_is_lost():
    cluster = FakeCluster(item(), item("csr-2", "ghijkl"))
    desk = desk_of(cluster)
    cluster.faults = [UnreachableError("down")]
    with pytest.raises(UnreachableError):
        desk.work()
    assert desk.waiting
    assert {name for name, _action, _reason in verdicts(desk.work())} == {"csr-1", "csr-2"}


def test_the_newest_is_approved_and_then_the_others_are_denied():
    cluster = FakeCluster(item(), item("csr-2", second=1), item("csr-3", second=2))
    assert verdicts(desk_of(cluster).work()) == [
        ("csr-3", "approve", "PolicyKept"),
        ("csr-2", "deny", "TokenUsed"),
        ("csr-1", "deny", "TokenUsed"),
    ]


def test_only_the_named_nodes_are_decided():
    cluster = FakeCluster(item())
    assert desk_of(cluster, only=["w2"]).work() == []
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
    assert desk.work() == []
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
        "node": "w1",
        "signer": CLIENT_SIGNER,
        "requester": "system:bootstrap:abcdef",
        "verdict": "approve",
        "reason": "PolicyKept",
        "message": "requester, subject, usages and names are those of node w1",
        "credential_id": "X509SHA256=ab",
    }
