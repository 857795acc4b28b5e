# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster has to say before a host joins it. Nothing is written: one question goes as far as admission."""

from __future__ import annotations

from collections.abc import Iterable

from .cluster import Cluster, ClusterError, ForbiddenError, UnreachableError
from .domain.preflight import Finding
from .domain.preflight_cluster import (
    ANY_TOKEN,
    NOBODY,
    NODE,
    Candidate,
    any_node_findings,
    authorization_findings,
    flags_of,
    node_findings,
    restriction_findings,
    token_findings,
    version_findings,
)
from .domain.rights import Right
from .host_look import command_of
from .reviews import access_review, may

__all__ = ["look_at_cluster"]

_NODES = "/api/v1/nodes"
_REQUESTS = {"group": "certificates.k8s.io", "resource": "certificatesigningrequests", "subresource": "nodeclient"}
# What it takes to ask as that node.
_TO_BE_NODE = (Right("impersonate", "users", name=NODE[0]), Right("impersonate", "groups", name=NODE[1][0]))
_OTHER_NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "tlsbootstrap-preflight-other"}}


def look_at_cluster(
    cluster: Cluster, candidates: Iterable[Candidate], kubelet: str, rejoin: bool, tokens: bool
) -> tuple[list[Finding], dict[str, list[Finding]]]:
    """What concerns all who are to join, and what each host. `tokens`: they join with bootstrap tokens."""
    version = str(cluster.get("/version").get("gitVersion") or "")
    nodes, _version = cluster.list(_NODES)
    found = version_findings(kubelet, version)
    found += any_node_findings(access_review(cluster, *ANY_TOKEN, {"verb": "create", **_REQUESTS}))
    found += authorization_findings(
        access_review(cluster, *NOBODY, {"verb": "delete", "resource": "nodes"}),
        access_review(cluster, *NODE, {"verb": "create", "resource": "nodes"}),
    )
    found += restriction_findings(_is_restricted(cluster))
    found += token_findings(_flags() if tokens else None)
    return found, {one.host: node_findings(one, nodes, rejoin) for one in candidates}


def _is_restricted(cluster: Cluster) -> bool | None:
    """Whether a node is kept from making another one's Node. That it may make any is for the authorizer to say.

    None where these credentials cannot ask: who may not impersonate gets the same 403.
    """
    try:
        if not all(may(cluster, right) for right in _TO_BE_NODE):
            return None
    except ForbiddenError:
        return None
    try:
        cluster.try_as(NODE[0], NODE[1][0], _NODES, _OTHER_NODE)
    except ForbiddenError:
        return True
    except UnreachableError:
        raise
    except ClusterError:
        # A webhook that knows no dry run, or a quota: nothing is known then.
        return None
    return False


def _flags() -> dict[str, str] | None:
    """Of the API server on this host."""
    command = command_of("kube-apiserver")
    return None if command is None else flags_of(command[1:])
