# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import joining
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.csr import (
    CLIENT_SIGNER,
    SERVING_SIGNER,
    Request,
    RequestContent,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.tokens import JOIN_GROUP, OwnToken

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=timezone.utc)


def request(signer, username, seconds=0, node="w1", **changes):
    return Request(
        name=f"csr-{seconds}",
        uid=str(seconds),
        version=str(100 + seconds),
        created=NOW + timedelta(seconds=seconds),
        signer=signer,
        username=username,
        groups=(),
        usages=frozenset(),
        content=RequestContent(common_names=("system:node:" + node,)),
        **changes,
    )


def client(token="abcdef", seconds=0, **changes):
    return request(CLIENT_SIGNER, "system:bootstrap:" + token, seconds, **changes)


def serving(seconds=1, node="w1", **changes):
    return request(SERVING_SIGNER, "system:node:" + node, seconds, node, **changes)


DONE = {"approved": True, "issued": True}


def test_first_the_client_certificate_then_the_serving_one():
    assert "no client request" in joining.requests_missing([], "w1")
    assert "waits for approval" in joining.requests_missing([client()], "w1")
    assert "no serving request" in joining.requests_missing([client(**DONE)], "w1")
    assert joining.requests_missing([client(**DONE)], "w1", serving=False) is None
    assert joining.requests_missing([client(**DONE), serving(**DONE)], "w1") is None


def test_approved_and_never_issued_names_the_signer():
    text = joining.requests_missing([client(approved=True)], "w1")
    assert CLIENT_SIGNER in text
    assert "kube-controller-manager" in text
    assert SERVING_SIGNER in joining.requests_missing([client(**DONE), serving(approved=True)], "w1")


def test_denials_and_failures_say_why():
    assert "no such name" in joining.requests_missing([client(denied=True, decision="no such name")], "w1")
    assert "bad key" in joining.requests_missing([client(approved=True, failed="bad key")], "w1")


def test_an_earlier_join_does_not_count():
    """Its requests stay for an hour."""
    earlier = [client("oldold", 0, **DONE), serving(1, **DONE)]
    assert joining.requests_missing(earlier, "w1", token_id="newnew").startswith("no client request")
    now = [*earlier, client("newnew", 60, **DONE)]
    assert joining.requests_missing(now, "w1", token_id="newnew").startswith("no serving request")
    assert joining.requests_missing([*now, serving(61, **DONE)], "w1", token_id="newnew") is None


def test_requests_of_others_do_not_count():
    foreign = [request(CLIENT_SIGNER, "kubernetes-admin", **DONE), client(node="w2", **DONE)]
    assert joining.requests_missing(foreign, "w1").startswith("no client request")


def node(**changes):
    return {
        "metadata": {"name": "w1", "labels": {"a": "1", "b": "2"}},
        "spec": {
            "taints": [{"key": "theirs", "effect": "NoSchedule"}, {"key": "k", "value": "old", "effect": "NoExecute"}]
        },
        **changes,
    }


def test_where_a_node_is():
    def with_ready(**condition):
        return node(status={"conditions": [{"type": "Ready", **condition}]})

    assert joining.node_status(None) == "not registered"
    assert "not reported" in joining.node_status(node())
    assert joining.node_status(with_ready(status="True")) == "Ready"
    waiting = with_ready(status="False", reason="KubeletNotReady", message="cni plugin not initialized")
    assert "cni plugin not initialized" in joining.node_status(waiting)
    assert joining.ready(with_ready(status="True"))
    assert not joining.ready(with_ready(status="Unknown"))
    assert not joining.ready({})


def test_a_name_that_is_taken_comes_with_ways_out():
    live = {"metadata": {"name": "w1"}, "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.1"}]}}
    said = joining.taken_by(live)
    assert "node w1 is in the cluster and Ready, at 192.0.2.1" in said
    assert "remove_node" in said
    assert "node_bootstrap_rejoin" in said


def test_a_node_that_is_not_there_has_no_token_or_a_request_that_is_stuck():
    def token(node="w1", seconds=60):
        return OwnToken("bootstrap-token-abcdef", "uid", "abcdef", node, NOW + timedelta(seconds=seconds))

    assert "no bootstrap token that is good" in joining.join_status("w1", [], [], NOW)
    assert "no bootstrap token that is good" in joining.join_status("w1", [token(seconds=0), token("w2")], [], NOW)
    assert "no client request has come" in joining.join_status("w1", [token()], [], NOW)
    stuck = joining.join_status("w1", [token()], [client(approved=True)], NOW)
    assert "token is good" in stuck
    assert CLIENT_SIGNER in stuck
    assert "it has its certificate" in joining.join_status("w1", [token()], [client(**DONE)], NOW)


def named(kind, name, username="system:bootstrap:abcdef", groups=("system:bootstrappers",), **changes):
    signer = SERVING_SIGNER if kind == "serving" else CLIENT_SIGNER
    found = request(signer, username, **changes)
    return replace(found, name=name, groups=groups)


NODE = {"username": "system:node:w1", "groups": ("system:nodes", "system:authenticated")}
JOINING = {"username": "system:node:w1", "groups": (JOIN_GROUP, "system:authenticated")}


def test_kinds_of_requests():
    assert named("client", "a").kind == "client"
    assert named("client", "a", **NODE).kind == "renewal"
    # The name of a node alone, without its group, is a join certificate's.
    assert named("client", "a", **JOINING).kind == "client"
    assert named("serving", "a", **NODE).kind == "serving"


def test_of_what_waits_the_newest_of_a_kind_is_answered():
    requests = [
        named("client", "old", seconds=1),
        named("client", "new", seconds=2),
        named("client", "other", seconds=3, node="w2"),
        named("client", "decided", seconds=4, approved=True),
        named("serving", "serving", seconds=5, **NODE),
    ]
    assert [one.name for one in joining.newest_pending(requests, ["w1"])] == ["new", "serving"]


def test_who_has_asked():
    requests = [client("abcdef"), serving()]
    assert joining.has_asked(requests, "w1", "client", "abcdef")
    assert not joining.has_asked(requests, "w1", "client", "zzzzzz")
    assert not joining.has_asked([serving(node="w2")], "w1", "serving")


@pytest.mark.parametrize(
    ("request_", "approval", "allowed", "says"),
    [
        (named("client", "a"), {"client": "manual"}, None, "kubectl certificate approve a"),
        (named("client", "a"), {"client": "auto"}, False, "may not create certificatesigningrequests/nodeclient"),
        (named("client", "a", **NODE), {"renewal": "auto"}, False, "certificatesigningrequests/selfnodeclient"),
        (named("client", "a"), {"client": "auto"}, True, "controller csrapproving"),
        (named("serving", "a", **NODE), {"serving": "inventory", "service": True}, None, "csr-approver"),
        (named("serving", "a", **NODE), {"serving": "inventory", "service": False}, None, "run it again"),
    ],
)
def test_a_request_that_waits_names_whom_it_waits_for(request_, approval, allowed, says):
    assert says in joining.who_decides(request_, approval, allowed)


def test_a_shared_token_is_good_for_every_node():
    token = OwnToken("bootstrap-token-abcdef", "", "abcdef", "", NOW + timedelta(minutes=5), shared=True)
    assert "is good" in joining.join_status("w9", [token], [], NOW)
    assert "no bootstrap token" in joining.join_status("w9", [token], [], NOW + timedelta(minutes=5))
