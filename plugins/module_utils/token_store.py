# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bootstrap tokens in the cluster: made for the nodes that join, deleted when they have, never somebody else's."""

from __future__ import annotations

import contextlib
import datetime
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from . import x509
from .cluster import Cluster, ClusterError, ConflictError, side_by_side
from .domain.csr import CLIENT_SIGNER, read_request
from .domain.errors import InputError
from .domain.reasons import Reason
from .domain.tokens import (
    DEFAULT_OPTIONS,
    JOIN_GROUP,
    MANAGED_BY,
    MANAGED_BY_LABEL,
    NAMESPACE,
    OBJECT_TYPE,
    SHARED_GROUP,
    USER_PREFIX,
    OwnToken,
    Token,
    TokenOptions,
    check_ttl,
    expiration_of,
    generate,
    node_group,
    own_token,
    parse_token,
    read_options,
    seal_context,
    secret_manifest,
    secret_name,
    shared_manifest,
    token_of,
)
from .reviews import access_review

__all__ = [
    "Made",
    "WantedToken",
    "check_given",
    "check_rights",
    "check_wanted",
    "delete_requests",
    "delete_tokens",
    "kept_tokens",
    "leftover_reason",
    "leftovers",
    "make_shared",
    "make_tokens",
    "may_create",
    "own_tokens",
    "wanted_reason",
]

PATH = f"/api/v1/namespaces/{NAMESPACE}/secrets"
REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
# 36^6 ids: a second clash in a row is a fault elsewhere.
_ATTEMPTS = 5
# What the API server takes every token for, and every user.
_COMMON_GROUPS = ("system:bootstrappers", "system:authenticated")
_REQUEST = {"group": "certificates.k8s.io", "resource": "certificatesigningrequests", "verb": "create"}
# With it the controller-manager approves a request for any node (pkg/controller/certificates/approver/sarapprove.go).
_ANY_NODE = {**_REQUEST, "subresource": "nodeclient"}


@dataclass(frozen=True)
class WantedToken:
    node: str
    ttl: int
    recipient: bytes
    given: Token | None = None
    # The id of the token that the host has already, where it may go on with it.
    held: str = ""
    options: TokenOptions = DEFAULT_OPTIONS


@dataclass(frozen=True)
class Made:
    """A token that is in the cluster. Its secret exists sealed only."""

    node: str
    id: str
    uid: str
    expiration: datetime.datetime
    sealed: dict[str, str]


def check_wanted(rows: Iterable[dict[str, Any]], ttl: Callable[[str], int], allow_weak: bool) -> list[WantedToken]:
    """Everything that can be refused, before anything is made."""
    wanted: dict[str, WantedToken] = {}
    for row in rows:
        node = row["node_name"]
        if node in wanted:
            raise InputError(f"two bootstrap tokens are asked for node {node}; one is enough")
        node_group(node)
        given = parse_token(row["token"], allow_weak) if row.get("token") else None
        recipient = row["recipient"].encode()
        # Sealing a word now shows a wrong key before a token is made for it.
        x509.seal(recipient, b"", seal_context(node))
        usages, groups = row.get("usages", DEFAULT_OPTIONS.usages), row.get("extra_groups", ())
        options = read_options(row.get("description") or "", usages, groups)
        life = check_ttl(ttl(row["ttl"]), node)
        wanted[node] = WantedToken(node, life, recipient, given, row.get("held") or "", options)
    ids = [one.given.id for one in wanted.values() if one.given]
    for identifier in ids:
        if ids.count(identifier) > 1:
            raise InputError(f"the bootstrap token with the id {identifier} is given for two nodes; it is good for one")
    return list(wanted.values())


def own_tokens(cluster: Cluster) -> list[OwnToken]:
    query = {"labelSelector": f"{MANAGED_BY_LABEL}={MANAGED_BY}", "fieldSelector": f"type={OBJECT_TYPE}"}
    items, _version = cluster.list(PATH, query)
    return [token for token in (own_token(item) for item in items) if token]


def leftovers(
    present: Iterable[OwnToken], nodes: Iterable[str], now: datetime.datetime, shared: bool = False
) -> list[OwnToken]:
    """Ours that are to go: those of these nodes, all that have ended, and those that are shared where this is said."""
    wanted = frozenset(nodes)
    return [one for one in present if one.node in wanted or one.expired(now) or (shared and one.shared)]


def delete_tokens(cluster: Cluster, tokens: Iterable[OwnToken]) -> list[Reason]:
    """Deleted by uid, so that a token which took the name meanwhile stays."""
    gone = side_by_side(lambda token: (token, cluster.delete(f"{PATH}/{token.name}", token.uid)), list(tokens))
    return [leftover_reason(token) for token, deleted in gone if deleted]


def delete_requests(cluster: Cluster, tokens: Iterable[OwnToken]) -> list[Reason]:
    """What was asked with these tokens and has come to nothing: who asked would be let in later, when nobody looks."""
    users = {USER_PREFIX + token.id for token in tokens}
    if not users:
        return []
    items, _version = cluster.list(REQUESTS, {"fieldSelector": f"spec.signerName={CLIENT_SIGNER}"})
    requests = (read_request(item, x509.parse_request) for item in items if item["spec"].get("username") in users)
    open_ones = [one for one in requests if not one.denied and not one.issued]
    gone = side_by_side(lambda one: (one, cluster.delete(f"{REQUESTS}/{one.name}", one.uid)), open_ones)
    return [
        Reason("ObjectLeftover", f"request {one.name}", None, "asked by a token that is gone", "deleted")
        for one, deleted in gone
        if deleted
    ]


def leftover_reason(token: OwnToken) -> Reason:
    return Reason(
        "TokenLeftover", f"node {token.node}" if token.node else "all nodes", token.name, f"token {token.id}", "deleted"
    )


def wanted_reason(wanted: WantedToken) -> Reason:
    return Reason("TokenWanted", f"node {wanted.node}", None, None, f"a token for {wanted.ttl} seconds")


def check_given(cluster: Cluster, wanted: Iterable[WantedToken]) -> None:
    """Refuse ids that are taken before anything is deleted or made."""
    for one in wanted:
        present = cluster.find(f"{PATH}/{secret_name(one.given.id)}") if one.given else None
        mine = own_token(present) if present else None
        if present and one.given and (mine is None or mine.node != one.node):
            raise _taken(one.given.id, one.node)


def check_rights(cluster: Cluster, wanted: Iterable[WantedToken], shared: bool = False) -> None:
    """Refuse before a token is made that is good for nothing, or that is of one node and good for more."""
    group = SHARED_GROUP if shared else JOIN_GROUP
    for groups in sorted({one.options.extra_groups for one in wanted}):
        own = [group, *groups]
        if _allowed(cluster, own, _REQUEST) is False:
            raise InputError(
                f"the group {group} of the bootstrap tokens may not {_REQUEST['verb']} {_REQUEST['resource']}, "
                "so no node could join: it has to be bound to the ClusterRole system:node-bootstrapper; the playbook "
                "`control_plane` does so"
            )
        if not shared and _allowed(cluster, own, _ANY_NODE):
            raise InputError(
                f"a bootstrap token of the groups {', '.join([*_COMMON_GROUPS[:1], *own])} would become any node: one "
                "of them is bound to a ClusterRole with certificatesigningrequests/nodeclient; take the group from the "
                "tokens, or the binding from the group"
            )


def _allowed(cluster: Cluster, groups: Iterable[str], what: dict[str, str]) -> bool | None:
    return _review(cluster, f"{USER_PREFIX}any", [*_COMMON_GROUPS, *groups], what)


def may_create(cluster: Cluster, user: str, groups: Iterable[str], subresource: str) -> bool | None:
    """Whether the controller-manager would take this for a reason to approve a request of the user."""
    return _review(cluster, user, list(groups), {**_REQUEST, "subresource": subresource})


def _review(cluster: Cluster, user: str, groups: list[str], what: dict[str, str]) -> bool | None:
    """What the API server would answer; None where it does not say."""
    status = access_review(cluster, user, groups, what)
    return None if status is None else bool(status.get("allowed"))


def _taken(identifier: str, node: str) -> InputError:
    return InputError(
        f"a bootstrap token with the id {identifier} is in the cluster already and is not that of node {node}; "
        "it is not overwritten: choose another id, or leave the token out and one is made"
    )


def kept_tokens(
    present: Iterable[OwnToken], wanted: Iterable[WantedToken], now: datetime.datetime
) -> dict[str, OwnToken]:
    """Those that hosts have and that are still good, by their nodes."""
    good = {(token.id, token.node): token for token in present if token.lasts(now)}
    found = {one.node: good.get((one.held, one.node)) for one in wanted}
    return {node: token for node, token in found.items() if token}


def make_shared(cluster: Cluster, wanted: list[WantedToken], now: datetime.datetime) -> tuple[list[Made], list[Reason]]:
    """One token for all of them: the one that is there, as long as it lasts, otherwise a new one."""
    living = [token for token in own_tokens(cluster) if token.shared and token.lasts(now)]
    for present in sorted(living, key=lambda token: str(token.expiration), reverse=True):
        token = token_of(cluster.find(f"{PATH}/{present.name}") or {})
        if token and present.expiration:
            return [_sealed(one, token, present.uid, present.expiration) for one in wanted], []
    first = wanted[0]
    expiration = expiration_of(now, first.ttl)
    token, uid = _create(cluster, "", None, lambda one: shared_manifest(one, expiration, first.options))
    reason = Reason("TokenWanted", "all nodes", None, None, f"a token for {first.ttl} seconds, good for any node")
    return [_sealed(one, token, uid, expiration) for one in wanted], [reason]


def make_tokens(cluster: Cluster, wanted: list[WantedToken], now: datetime.datetime) -> list[Made]:
    """All of them or none: a node without its token fails the play, and no other token would be deleted by it."""
    made: list[Made] = []

    def make(one: WantedToken) -> None:
        made.append(_make(cluster, one, now))

    try:
        side_by_side(make, wanted)
    except InputError:
        for token in made:
            with contextlib.suppress(ClusterError):
                cluster.delete(f"{PATH}/{secret_name(token.id)}", token.uid)
        raise
    return sorted(made, key=lambda token: token.node)


def _make(cluster: Cluster, wanted: WantedToken, now: datetime.datetime) -> Made:
    expiration = expiration_of(now, wanted.ttl)
    token, uid = _create(
        cluster,
        wanted.node,
        wanted.given,
        lambda one: secret_manifest(one, wanted.node, expiration, wanted.options),
    )
    return _sealed(wanted, token, uid, expiration)


def _sealed(wanted: WantedToken, token: Token, uid: str, expiration: datetime.datetime) -> Made:
    sealed = x509.seal(wanted.recipient, token.text.encode(), seal_context(wanted.node))
    return Made(wanted.node, token.id, uid, expiration, sealed)


def _create(
    cluster: Cluster, node: str, given: Token | None, manifest_of: Callable[[Token], dict[str, Any]]
) -> tuple[Token, str]:
    """A token that nobody has yet, and the uid of its Secret."""
    for attempt in range(_ATTEMPTS):
        token = given or generate(secrets.choice)
        manifest = manifest_of(token)
        try:
            answer = cluster.create(PATH, manifest)
        except ConflictError:
            # Ours, where the answer to an earlier attempt got lost on the way.
            present = cluster.find(f"{PATH}/{secret_name(token.id)}")
            if present is not None and present.get("data") == manifest["data"]:
                answer = present
            elif given is None and attempt < _ATTEMPTS - 1:
                continue
            else:
                raise _taken(token.id, node) from None
        return token, str(answer["metadata"]["uid"])
    raise InputError("no free id for a bootstrap token was found")
