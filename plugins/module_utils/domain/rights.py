# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights in a cluster: how they are asked about, and which an administrator's kubeconfig needs for nodes to join."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .csr import CLIENT_SIGNER, SERVING_SIGNER
from .lease import LEASES_NAMESPACE

__all__ = ["EVERYTHING", "NEEDED", "Right", "missing_rights", "rights_review"]

_CERTIFICATES = "certificates.k8s.io"
_SYSTEM = "kube-system"


@dataclass(frozen=True)
class Right:
    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    name: str = ""

    @property
    def text(self) -> str:
        where = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.verb} {self.resource}{f' {self.name}' if self.name else ''}{where}"

    def attributes(self) -> dict[str, str]:
        """As a SelfSubjectAccessReview has it."""
        resource, _slash, subresource = self.resource.partition("/")
        given = {
            "verb": self.verb,
            "resource": resource,
            "subresource": subresource,
            "group": self.group,
            "namespace": self.namespace,
            "name": self.name,
        }
        return {key: value for key, value in given.items() if value}


def _rights(verbs: str, resource: str, group: str = "", namespace: str = "", name: str = "") -> list[Right]:
    return [Right(verb, resource, group, namespace, name) for verb in verbs.split()]


# Who has it is asked nothing else.
EVERYTHING = Right("*", "*", "*")
NEEDED: tuple[Right, ...] = (
    # the binding of the tokens' group, the tokens, and which of them were used
    *_rights("get create update", "clusterrolebindings", "rbac.authorization.k8s.io"),
    *_rights("list create delete", "secrets", namespace=_SYSTEM),
    *_rights("create", "namespaces"),
    *_rights("get create", "leases", "coordination.k8s.io", LEASES_NAMESPACE),
    # requests, and yes to them
    *_rights("get list watch", "certificatesigningrequests", _CERTIFICATES),
    *_rights("update", "certificatesigningrequests/approval", _CERTIFICATES),
    *_rights("approve", "signers", _CERTIFICATES, name=CLIENT_SIGNER),
    *_rights("approve", "signers", _CERTIFICATES, name=SERVING_SIGNER),
    # nodes, and which of their labels and taints are ours
    *_rights("get list watch patch", "nodes"),
    *_rights("get create patch", "configmaps", namespace=_SYSTEM),
)


def missing_rights(refused: Iterable[Right], who: str) -> str:
    """What is said where the credentials do not suffice: each verb by its name."""
    listed = "; ".join(right.text for right in refused)
    return f"{who} may not: {listed}. A role that allows it has to be bound to them. Nothing was changed"


def rights_review(right: Right) -> Mapping[str, Any]:
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": right.attributes()},
    }
