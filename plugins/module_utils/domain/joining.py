# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node that joins still waits for, told from the requests and the Node objects of the cluster."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from .csr import CLIENT_SIGNER, NODE_PREFIX, SERVING_SIGNER, Request
from .tokens import USER_PREFIX, OwnToken

__all__ = ["join_status", "node_status", "ready", "requests_missing"]


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
    alive = [token for token in tokens if token.node == node and not token.expired(now)]
    if not alive:
        return "and it has no bootstrap token that is good: it may have ended before the node joined; run again"
    missing = requests_missing(requests, node, serving=False, token_id=alive[-1].id)
    return "its bootstrap token is good; " + (missing or "it has its certificate, see the kubelet's journal there")


def ready(node: Mapping[str, Any]) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in _conditions(node))


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
