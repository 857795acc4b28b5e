# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import datetime, timedelta, timezone

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import joining
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.csr import (
    CLIENT_SIGNER,
    SERVING_SIGNER,
    Request,
    RequestContent,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.tokens import OwnToken

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
