# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may have which kubelet certificate: the rules of the service and of the playbooks, as pure functions.

They are stricter than the controller-manager's own (pkg/controller/certificates/approver/sarapprove.go): a token is
tied to its node's name, and a serving certificate to the names and addresses in the inventory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .csr import CLIENT_SIGNER, KINDS, NODES_GROUP, SERVING_SIGNER, SIGNERS, Request, RequestContent
from .errors import InputError
from .tokens import JOIN_GROUP, USER_PREFIX, is_token_id, nodes_of_groups

__all__ = [
    "APPROVE",
    "DENY",
    "IGNORE",
    "POLICY_VERSION",
    "NodeNames",
    "Policy",
    "Verdict",
    "examine",
    "pending_limit",
    "read_policy",
    "settle",
    "token_used",
]

APPROVE = "approve"
DENY = "deny"
IGNORE = "ignore"

# Raised when an older service would misread a policy; new keys that it may pass over do not raise it.
POLICY_VERSION = 1
_SIGNATURE = frozenset({"digital signature"})
# pkg/apis/certificates/helpers.go: with and without key encipherment, which only RSA keys have a use for.
_USAGES = {
    CLIENT_SIGNER: _SIGNATURE | {"client auth"},
    SERVING_SIGNER: _SIGNATURE | {"server auth"},
}
MAXIMUM_NAMES = 100
_QUOTED = 5
# pkg/apis/certificates/validation: a condition's message has no bound of its own, the log line wants one.
_MESSAGE = 400


@dataclass(frozen=True)
class NodeNames:
    """What the serving certificate of a node may say."""

    dns_names: frozenset[str] = frozenset()
    ip_addresses: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Policy:
    """Who may join. `foreign_requests`: whether requests for our nodes, made by others, are denied or left alone.

    `decides`: the kinds of requests that are decided; the others are left to somebody else.
    """

    nodes: Mapping[str, NodeNames] = field(default_factory=dict)
    foreign_requests: str = DENY
    decides: frozenset[str] = frozenset(KINDS)


@dataclass(frozen=True)
class Verdict:
    action: str
    reason: str
    message: str
    node: str | None = None


class _RefusalError(Exception):
    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def read_policy(data: Any) -> Policy:
    """The policy that the inventory wrote.

    It is {version, nodes: {name: {dns_names, ip_addresses}}, foreign_requests, decides}. All but `nodes` may be left
    out, and keys that a later version adds are passed over.
    """
    if not isinstance(data, Mapping) or not isinstance(data.get("nodes"), Mapping):
        raise InputError("the approval policy has no mapping 'nodes'")
    if data.get("version", POLICY_VERSION) != POLICY_VERSION:
        raise InputError(f"the approval policy is not of version {POLICY_VERSION}: another release has written it")
    foreign = data.get("foreign_requests", DENY)
    if foreign not in (DENY, IGNORE):
        raise InputError(f"foreign_requests of the approval policy is {DENY} or {IGNORE}")
    decides = data.get("decides", list(KINDS))
    if not isinstance(decides, list) or not all(kind in KINDS for kind in decides):
        raise InputError(f"decides of the approval policy is a list of {', '.join(KINDS)}")
    return Policy(_read_nodes(data["nodes"]), foreign, frozenset(decides))


def _read_nodes(data: Mapping[Any, Any]) -> dict[str, NodeNames]:
    nodes = {}
    for name, names in data.items():
        if not isinstance(names, Mapping) or set(names) - {"dns_names", "ip_addresses"}:
            raise InputError(f"the approval policy of node {name} is not {{dns_names: [..], ip_addresses: [..]}}")
        lists = [names.get(key) or [] for key in ("dns_names", "ip_addresses")]
        if not all(isinstance(values, list) and all(isinstance(value, str) for value in values) for values in lists):
            raise InputError(f"the approval policy of node {name} holds something else than lists of names")
        nodes[str(name)] = NodeNames(frozenset(lists[0]), frozenset(lists[1]))
    return nodes


def pending_limit(policy: Policy, given: int = 0) -> int:
    """More pending requests than this are not right. A node has two kinds, and asks anew each quarter of an hour."""
    return given or 100 + 4 * len(policy.nodes)


def examine(request: Request, policy: Policy) -> Verdict:
    """The verdict on a request's own merits; `settle` then looks at its siblings."""
    if request.signer not in SIGNERS:
        return Verdict(IGNORE, "OtherSigner", "not a kubelet's certificate")
    claimed = request.content.node if request.content else None
    ours = _whose(request, claimed, policy)
    if ours is None:
        return Verdict(IGNORE, "UnknownNode", "neither requester nor subject is a node of the policy", claimed)
    if request.kind not in policy.decides:
        return Verdict(
            IGNORE, "LeftToOthers", f"requests of the kind {request.kind} are decided by somebody else", ours
        )
    try:
        rule = _client if request.signer == CLIENT_SIGNER else _serving
        rule(request, _readable(request), policy)
    except _RefusalError as refusal:
        foreign = refusal.reason == "ForeignRequester" and JOIN_GROUP not in request.groups
        # A node that is not in the policy may be in that of another approver already, or be here in a moment.
        action = IGNORE if refusal.reason == "UnknownNode" else policy.foreign_requests if foreign else DENY
        return Verdict(action, refusal.reason, refusal.message[:_MESSAGE], ours)
    return Verdict(APPROVE, "PolicyKept", f"requester, subject, usages and names are those of node {ours}", ours)


def settle(request: Request, verdicts: Mapping[str, Verdict], siblings: Iterable[Request]) -> Verdict:
    """The verdict, seen together with the other requests for the signer, of the same requester or for the same node.

    `verdicts` has what `examine` said of each, by uid. A token is good for one approval. Of several requests the newest
    valid one alone is approved, because a kubelet that was started again has dropped the older keys; nobody waits for
    the others, so they are denied.
    """
    verdict = verdicts[request.uid]
    if verdict.action != APPROVE:
        return verdict
    others = [other for other in siblings if other.uid != request.uid]
    if request.username.startswith(USER_PREFIX):
        used = next((other for other in others if other.approved and other.username == request.username), None)
        if used:
            return token_used(used.name, verdict.node)
    newer = [
        other
        for other in others
        if not other.denied and other.order > request.order and verdicts[other.uid].action == APPROVE
    ]
    if newer:
        latest = max(newer, key=lambda other: other.order)
        return Verdict(DENY, "Superseded", f"the newer request {latest.name} is answered instead", verdict.node)
    return verdict


def token_used(by: str, node: str | None) -> Verdict:
    return Verdict(DENY, "TokenUsed", f"the token was used already, by the request {by}", node)


def _whose(request: Request, claimed: str | None, policy: Policy) -> str | None:
    """The node that a request is about: of the requester first, because that is what the API server vouches for."""
    node = request.requesting_node
    if node in policy.nodes:
        return node
    if JOIN_GROUP in request.groups:
        # Our own join credential: what is done with it is our business, whatever it asks for.
        bound = nodes_of_groups(request.groups)
        return bound[0] if bound else (claimed or "unknown")
    return claimed if claimed in policy.nodes else None


def _readable(request: Request) -> RequestContent:
    if request.content is None:
        raise _RefusalError("Unreadable", request.problem)
    return request.content


def _client(request: Request, content: RequestContent, policy: Policy) -> None:
    node = _requester(request, content)
    _subject(request, content, node, policy)
    if content.san_count:
        raise _RefusalError(
            "SANsInClientRequest", f"a kubelet's client request has no SANs, this one has {_sans(content)}"
        )


def _serving(request: Request, content: RequestContent, policy: Policy) -> None:
    node = request.requesting_node
    if node is None or NODES_GROUP not in request.groups:
        raise _RefusalError(
            "ForeignRequester", f"a serving certificate is asked for by the node, not by {_few([request.username])}"
        )
    _subject(request, content, node, policy)
    _serving_names(content, policy.nodes[node])


def _requester(request: Request, content: RequestContent) -> str:
    """The node that the requester may speak for: its own certificate's, or that of its token."""
    if request.requesting_node is not None and {NODES_GROUP, JOIN_GROUP}.intersection(request.groups):
        return request.requesting_node
    if JOIN_GROUP not in request.groups or not request.username.startswith(USER_PREFIX):
        raise _RefusalError(
            "ForeignRequester", f"{request.username} may not ask for a certificate of node {content.node}"
        )
    nodes = nodes_of_groups(request.groups)
    if len(nodes) != 1 or not is_token_id(request.username[len(USER_PREFIX) :]):
        raise _RefusalError("TokenNotBound", f"the token of {request.username} is not bound to one node")
    return nodes[0]


def _subject(request: Request, content: RequestContent, node: str, policy: Policy) -> None:
    if content.node != node or len(content.common_names) != 1:
        raise _RefusalError(
            "WrongNode",
            f"{request.username} speaks for node {node}, the request is for {_few(content.common_names)}",
        )
    if node not in policy.nodes:
        raise _RefusalError("UnknownNode", f"node {node} is not in the inventory")
    if content.organizations != (NODES_GROUP,) or content.other_attributes:
        found = [*("O=" + name for name in content.organizations), *content.other_attributes]
        raise _RefusalError("WrongSubject", f"besides its name it has O={NODES_GROUP} only, not {_few(found)}")
    if request.usages - {"key encipherment"} != _USAGES[request.signer]:
        wanted = ", ".join(sorted(_USAGES[request.signer]))
        raise _RefusalError("WrongUsages", f"usages are {wanted}, not {_few(sorted(request.usages))}")
    _key(content)


def _key(content: RequestContent) -> None:
    if not content.signature_valid:
        raise _RefusalError("BadSignature", "it is not signed with the key that it asks a certificate for")
    strong = {"rsa": 2048 <= content.key_size <= 8192, "ecdsa": content.key_size in (256, 384, 521)}
    if not strong.get(content.key_algorithm, False):
        raise _RefusalError(
            "WeakKey",
            "keys are RSA of 2048 bits or more or ECDSA of P-256 or more, "
            f"not {content.key_algorithm or 'unknown'} of {content.key_size} bits",
        )


def _serving_names(content: RequestContent, allowed: NodeNames) -> None:
    if content.email_addresses or content.uris or content.other_names:
        raise _RefusalError("WrongSANs", "a kubelet serves under DNS names and IP addresses only")
    if not content.san_count:
        raise _RefusalError("NoSANs", "it has neither a DNS name nor an IP address")
    if content.san_count > MAXIMUM_NAMES:
        raise _RefusalError("TooManySANs", f"it has {content.san_count} names, {MAXIMUM_NAMES} are allowed")
    foreign = sorted(set(content.dns_names) - allowed.dns_names) + sorted(
        set(content.ip_addresses) - allowed.ip_addresses
    )
    if foreign:
        raise _RefusalError("ForeignSANs", f"not in the inventory for this node: {_few(foreign)}")


def _sans(content: RequestContent) -> str:
    names = [*content.dns_names, *content.ip_addresses, *content.email_addresses, *content.uris]
    return _few(names) if names else f"{content.other_names} of other kinds"


def _few(names: Iterable[str]) -> str:
    """Some of what a stranger wrote, fit for a log line."""
    texts = [name if name.isprintable() else ascii(name) for name in names]
    shown = ", ".join(text[:80] for text in texts[:_QUOTED])
    more = len(texts) - _QUOTED
    return (shown or "nothing") + (f" and {more} more" if more > 0 else "")
