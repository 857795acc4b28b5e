# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the way of a join in the cluster, from what it has said, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .joining import ready, taken_by
from .preflight import Finding
from .versions import skew

__all__ = [
    "ANY_TOKEN",
    "NOBODY",
    "NODE",
    "Candidate",
    "any_node_findings",
    "authorization_findings",
    "flags_of",
    "node_findings",
    "restriction_findings",
    "token_findings",
    "version_findings",
]

# Who the API server is asked about: every bootstrap token, a node, and somebody without rights. None of them is there.
ANY_TOKEN = ("system:bootstrap:preflight", ("system:bootstrappers", "system:authenticated"))
NODE = ("system:node:tlsbootstrap-preflight", ("system:nodes", "system:authenticated"))
NOBODY = ("tlsbootstrap:preflight", ("system:authenticated",))
_NOT_SEEN = (
    "whether the admission plugin NodeRestriction is on could not be seen: it takes credentials that may impersonate a "
    "node, and admission webhooks that take a dry run; without it a node can act for others"
)
_FALSE = ("false", "f", "0")


@dataclass(frozen=True)
class Candidate:
    """A host that is to join. `known`: it has something of this node; `was`: of which node it has a certificate."""

    host: str
    node_name: str
    addresses: tuple[str, ...] = ()
    known: bool = False
    was: str = ""


def node_findings(candidate: Candidate, nodes: Iterable[Mapping[str, Any]], rejoin: bool) -> list[Finding]:
    """Names and addresses that other nodes have. One whose kubelet is silent may be what this host was before."""
    found = []
    for node in nodes:
        name = node["metadata"]["name"]
        if name == candidate.node_name:
            if ready(node) and not (candidate.known or rejoin):
                found.append(Finding("name", taken_by(node)))
        elif name != candidate.was:
            shared = sorted(set(candidate.addresses) & _addresses(node))
            found += [_shared(name, address, ready(node)) for address in shared]
    return found


def _addresses(node: Mapping[str, Any]) -> set[str]:
    return {one["address"] for one in (node.get("status") or {}).get("addresses") or [] if "IP" in one["type"]}


def _shared(name: str, address: str, alive: bool) -> Finding:
    if alive:
        text = (
            f"node {name} is in the cluster and Ready at {address}, which is node_ip of this host too: correct "
            "node_ip, or, where this host is to take its place, stop its kubelet and run the playbook remove_node "
            f"for {name} first"
        )
        return Finding("address", text)
    text = (
        f"node {name}, which is not Ready, is in the cluster with {address} too: the playbook remove_node takes it away"
    )
    return Finding("address", text, fatal=False)


def version_findings(kubelet: str, server: str) -> list[Finding]:
    said = skew(server, kubelet)
    if not said:
        return []
    return [
        Finding(
            "version",
            f"the kubelet is to be of {kubelet}, {said} the API server ({server}), and Kubernetes supports no such "
            "pair: upgrade the control planes first, or set cluster_kubernetes_version and give binaries of a "
            "version that fits",
        )
    ]


def any_node_findings(status: Mapping[str, Any] | None) -> list[Finding]:
    """What the API server says of every bootstrap token and certificatesigningrequests/nodeclient."""
    if not (status or {}).get("allowed"):
        return []
    return [
        Finding(
            "any_node",
            f"every bootstrap token becomes any node, a control plane included ({_reason(status)}): its requests for "
            "any name are approved; delete the binding of nodeclient, or take the group from its subjects",
        )
    ]


def authorization_findings(nobody: Mapping[str, Any] | None, node: Mapping[str, Any] | None) -> list[Finding]:
    """What it says of somebody without rights who would delete Nodes, and of a node that would create one."""
    if (nobody or {}).get("allowed"):
        return [
            Finding(
                "authorization",
                f"everybody who has logged in may do what only an administrator should ({_reason(nobody)}): is "
                "AlwaysAllow among --authorization-mode of the API server, or system:authenticated bound to too much?",
            )
        ]
    if node is None or (node.get("allowed") and not str(node.get("reason") or "").startswith("RBAC")):
        return []
    return [
        Finding(
            "authorization",
            "the Node authorizer is off"
            + (f", and nodes have their rights by RBAC ({_reason(node)})" if node.get("allowed") else "")
            + ": a node could read what belongs to others, or nothing at all; start the API servers with "
            "--authorization-mode=Node,RBAC",
        )
    ]


def restriction_findings(refused: bool | None) -> list[Finding]:
    """Whether the API server has refused a node that would make another one's Node; None where it does not say."""
    if refused:
        return []
    if refused is None:
        return [Finding("authorization", _NOT_SEEN, fatal=False)]
    return [
        Finding(
            "authorization",
            "the admission plugin NodeRestriction is off, so that a node can act for others: start the API servers "
            "with --enable-admission-plugins=NodeRestriction",
        )
    ]


def flags_of(command: Iterable[str]) -> dict[str, str]:
    """The flags of a running API server; a flag without a value is true."""
    found = {}
    for argument in command:
        name, equals, value = argument.partition("=")
        if name.startswith("--"):
            found[name[2:].replace("_", "-")] = value if equals else "true"
    return found


def token_findings(flags: Mapping[str, str] | None) -> list[Finding]:
    """Of the API server that runs beside the one who asks; None where none does."""
    if flags is None or flags.get("enable-bootstrap-token-auth", "false").lower() not in _FALSE:
        return []
    return [
        Finding(
            "tokens",
            "the API server takes no bootstrap tokens: start it with --enable-bootstrap-token-auth (the playbook "
            "`control_plane` does), or choose another cluster_join_credential",
        )
    ]


def _reason(status: Mapping[str, Any] | None) -> str:
    return str((status or {}).get("reason") or "the API server says no more")
