# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node that joins still waits for, told from the requests and the Node objects of the cluster."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from .credentials import AUTO, MANUAL
from .csr import CLIENT, CLIENT_SIGNER, NODE_PREFIX, RENEWAL, SERVING_SIGNER, Request
from .tokens import USER_PREFIX, OwnToken

__all__ = [
    "has_asked",
    "join_status",
    "newest_pending",
    "node_status",
    "ready",
    "requests_missing",
    "subresource_of",
    "taken_by",
    "who_decides",
]

# What the controller-manager's approver asks whether the requester may create it (sarapprove.go), and who lets it here.
_REVIEWED = {CLIENT: "nodeclient", RENEWAL: "selfnodeclient"}


def has_asked(requests: Iterable[Request], node: str, kind: str, token_id: str | None = None, user: str = "") -> bool:
    """Whether the node has asked for a certificate; with `token_id` only what was asked with this token counts.

    `user`: of the token file, who asks for any node.
    """
    return any(
        one.kind == kind
        and (_is_of(one, node, token_id) or (bool(user) and one.username == user and _is_about(one, node)))
        for one in requests
    )


def _is_about(request: Request, node: str) -> bool:
    return request.content is not None and request.content.node == node


def newest_pending(requests: Iterable[Request], nodes: Iterable[str]) -> list[Request]:
    """What waits for a decision; the newest of a kind alone, for a kubelet that starts again drops its older keys."""
    wanted = frozenset(nodes)
    found: dict[tuple[str, str], Request] = {}
    for one in sorted(requests, key=lambda request: request.order):
        node = one.requesting_node or (one.content.node if one.content else None)
        if one.pending and node in wanted:
            found[str(node), one.kind] = one
    return list(found.values())


def subresource_of(request: Request) -> str | None:
    """What its requester has to be allowed to create, for the controller-manager to approve the request."""
    return _REVIEWED.get(request.kind)


def who_decides(request: Request, approval: Mapping[str, Any], allowed: bool | None) -> str:
    """Whom a request waits for, and what is to be done. `allowed`: what the API server says of its subresource."""
    kind = request.kind
    who = approval.get(kind)
    if who == MANUAL:
        return f"a person has to decide it: kubectl certificate approve {request.name}"
    if who == AUTO and allowed is False:
        return (
            f"kube-controller-manager leaves it alone, because {request.username} may not create "
            f"certificatesigningrequests/{_REVIEWED[kind]}: no binding gives this to it or to one of its groups "
            f"({', '.join(request.groups)}); the playbook `control_plane` makes those that the inventory asks for"
        )
    if who == AUTO:
        return "kube-controller-manager has to approve it: does it run, with the controller csrapproving?"
    if approval.get("service"):
        return "csr-approver on the control planes has to decide it: does it run, and what does its journal say?"
    return "the playbook decides it while it runs: run it again"


def requests_missing(
    requests: Iterable[Request], node: str, serving: bool = True, token_id: str | None = None
) -> str | None:
    """None when the node has its certificates, otherwise the first thing that is missing.

    With `token_id` only the request counts that was made with this token, and what came after it: requests of an
    earlier join stay for an hour (pkg/controller/certificates/cleaner/cleaner.go).
    """
    own = sorted((one for one in requests if _is_of(one, node, token_id)), key=lambda one: one.order)
    client = [one for one in own if one.signer == CLIENT_SIGNER]
    missing = _missing("client", client)
    if missing or not serving:
        return missing
    since = client[-1].created if token_id else own[0].created
    return _missing("serving", [one for one in own if one.signer == SERVING_SIGNER and one.created >= since])


def _is_of(request: Request, node: str, token_id: str | None) -> bool:
    if request.content is None or request.content.node != node:
        return False
    if request.signer == SERVING_SIGNER or not token_id:
        return request.username == NODE_PREFIX + node or (
            request.signer == CLIENT_SIGNER and request.username.startswith(USER_PREFIX)
        )
    return request.username == USER_PREFIX + token_id


def _missing(what: str, requests: list[Request]) -> str | None:
    if any(request.issued for request in requests):
        return None
    if not requests:
        return f"no {what} request has come: does the kubelet run and reach the API server (its journal there says)?"
    latest = requests[-1]
    if latest.failed:
        return f"the signer {latest.signer} refused the {what} request {latest.name}: {latest.failed}"
    if latest.denied:
        return f"the {what} request {latest.name} was denied: {latest.decision}"
    if latest.approved:
        return (
            f"the {what} request {latest.name} is approved, but nothing was issued for the signer {latest.signer}: "
            "does kube-controller-manager run, and has it a signing pair for it?"
        )
    return f"the {what} request {latest.name} waits for approval"


def join_status(node: str, tokens: Iterable[OwnToken], requests: Iterable[Request], now: datetime.datetime) -> str:
    """Why a node is not there that should have registered: its token, its request, or what comes after them."""
    alive = [token for token in tokens if token.serves(node) and not token.expired(now)]
    if not alive:
        return "and it has no bootstrap token that is good: it may have ended before the node joined; run again"
    missing = requests_missing(requests, node, serving=False, token_id=alive[-1].id)
    return "its bootstrap token is good; " + (missing or "it has its certificate, see the kubelet's journal there")


def ready(node: Mapping[str, Any]) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in _conditions(node))


def taken_by(node: Mapping[str, Any]) -> str:
    """What is said where a host that has nothing of a node wants to be it, and another one is."""
    name = node["metadata"]["name"]
    addresses = [one["address"] for one in (node.get("status") or {}).get("addresses") or [] if "IP" in one["type"]]
    return (
        f"node {name} is in the cluster and Ready, at {', '.join(addresses) or 'no address'}, and the host that is to "
        "join by this name has nothing of it: the two would be one node. Give the host another node_name; or, where it "
        "was this node and was made anew, run the playbook remove_node for it, wait until its kubelet has been silent "
        "for a minute, or set node_bootstrap_rejoin for this run"
    )


def node_status(node: Mapping[str, Any] | None) -> str:
    """Where a node is, in words."""
    if node is None:
        return "not registered"
    found = next((one for one in _conditions(node) if one["type"] == "Ready"), None)
    if found is None:
        return "registered, its kubelet has not reported yet"
    if found["status"] == "True":
        return "Ready"
    return f"registered, not Ready: {found.get('reason', '')}: {found.get('message', '')}"


def _conditions(node: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list((node.get("status") or {}).get("conditions") or [])
