# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the way of a join in the cluster."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import preflight_cluster
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.preflight_cluster import Candidate

ALLOWED: dict[str, Any] = {"allowed": True}
DENIED: dict[str, Any] = {"allowed": False}
BY_RBAC = {"allowed": True, "reason": 'RBAC: allowed by ClusterRoleBinding "old" of ClusterRole "system:node"'}


def node(name: str, address: str, ready: bool = True) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "status": {
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
            "conditions": [{"type": "Ready", "status": "True" if ready else "Unknown"}],
        },
    }


HOST = Candidate("w1", "w1", ("192.0.2.31",))


@pytest.mark.parametrize(
    ("candidate", "there", "rejoin", "wanted"),
    [
        (HOST, node("w2", "192.0.2.32"), False, []),
        (HOST, node("w1", "192.0.2.31"), False, [("name", True)]),
        (HOST, node("w1", "192.0.2.31"), True, []),
        (HOST, node("w1", "192.0.2.31", ready=False), False, []),
        (Candidate("w1", "w1", ("192.0.2.31",), known=True), node("w1", "192.0.2.31"), False, []),
        (HOST, node("w2", "192.0.2.31"), False, [("address", True)]),
        # The user's word is about the name alone.
        (HOST, node("w2", "192.0.2.31"), True, [("address", True)]),
        (HOST, node("w2", "192.0.2.31", ready=False), False, [("address", False)]),
        # It was this node, and has another name now.
        (Candidate("w1", "w1", ("192.0.2.31",), was="w2"), node("w2", "192.0.2.31"), False, []),
        # A node may be called by an address: that is no address of it.
        (HOST, {"metadata": {"name": "192.0.2.31"}}, False, []),
    ],
)
def test_names_and_addresses(
    candidate: Candidate, there: dict[str, Any], rejoin: bool, wanted: list[tuple[str, bool]]
) -> None:
    found = preflight_cluster.node_findings(candidate, [node("cp1", "192.0.2.11"), there], rejoin)
    assert [(one.check, one.fatal) for one in found] == wanted
    assert all("remove_node" in one.text for one in found)


@pytest.mark.parametrize(
    ("kubelet", "server", "words"),
    [
        ("1.37.2", "v1.37.0", ""),
        ("1.34.4", "v1.37.2", ""),
        ("1.37.2", "v1.36.9", "newer than the API server (v1.36.9)"),
        ("1.34.4", "v1.38.0", "more than 3 minor versions older"),
        ("1.37.2", "", ""),
    ],
)
def test_versions(kubelet: str, server: str, words: str) -> None:
    found = preflight_cluster.version_findings(kubelet, server)
    assert bool(found) is bool(words)
    assert all(words in one.text for one in found)


def test_tokens_that_are_good_for_any_node() -> None:
    assert preflight_cluster.any_node_findings(DENIED) == []
    assert preflight_cluster.any_node_findings(None) == []
    (found,) = preflight_cluster.any_node_findings({"allowed": True, "reason": 'RBAC: allowed by "open"'})
    assert 'becomes any node, a control plane included (RBAC: allowed by "open")' in found.text


@pytest.mark.parametrize(
    ("nobody", "a_node", "words"),
    [
        (DENIED, ALLOWED, ""),
        (None, None, ""),
        (ALLOWED, ALLOWED, "everybody who has logged in"),
        (DENIED, DENIED, "the Node authorizer is off: a node"),
        (DENIED, BY_RBAC, "the Node authorizer is off, and nodes have their rights by RBAC (RBAC: allowed by Cluster"),
    ],
)
def test_who_decides_what_nodes_may(nobody: dict[str, Any], a_node: dict[str, Any], words: str) -> None:
    found = preflight_cluster.authorization_findings(nobody, a_node)
    assert bool(found) is bool(words)
    assert all(words in one.text for one in found)


@pytest.mark.parametrize(("refused", "wanted"), [(True, []), (None, [False]), (False, [True])])
def test_node_restriction_is_refused_without_and_warned_of_where_it_is_not_seen(
    refused: bool | None, wanted: list[bool]
) -> None:
    assert [one.fatal for one in preflight_cluster.restriction_findings(refused)] == wanted


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        (None, False),
        (["--enable-bootstrap-token-auth=true"], False),
        (["--enable_bootstrap_token_auth"], False),
        (["--enable-bootstrap-token-auth=False"], True),
        (["--secure-port=6443"], True),
    ],
)
def test_bootstrap_tokens_are_taken(command: list[str] | None, wanted: bool) -> None:
    flags = None if command is None else preflight_cluster.flags_of([*command, "rest", ""])
    assert bool(preflight_cluster.token_findings(flags)) is wanted
