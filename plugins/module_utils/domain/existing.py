# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster that somebody else has made, and that our hosts join: what is believed of it, and what is needed there."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import names
from .certificate import CertificateInfo
from .csr import CLIENT_SIGNER, SERVING_SIGNER
from .endpoints import host_and_port
from .errors import InputError
from .lease import LEASES_NAMESPACE

__all__ = [
    "EVERYTHING",
    "NEEDED",
    "Right",
    "all_pinned",
    "check_server",
    "check_version",
    "domain_of_corefile",
    "known_dns",
    "minor_of",
    "missing_rights",
    "pin_of",
    "pinned",
    "read_pins",
    "rights_review",
    "skew",
    "unpinned_text",
]

_PIN = re.compile(r"sha256:[0-9a-f]{64}\Z", re.ASCII)
_VERSION = re.compile(r"v?1\.([0-9]+)(?:\.|\Z)", re.ASCII)
# `kubernetes cluster.local in-addr.arpa ip6.arpa {`: the first zone is the domain (cmd/kubeadm/app/phases/addons/dns).
_COREFILE = re.compile(r"^\s*kubernetes\s+([^\s{]+)", re.MULTILINE)
# https://kubernetes.io/releases/version-skew-policy/
_OLDER = 3
_CERTIFICATES = "certificates.k8s.io"
_SYSTEM = "kube-system"


# -- whose cluster it is


def read_pins(values: Iterable[Any], what: str) -> list[str]:
    """Pins as kubeadm writes them (cmd/kubeadm/app/util/pubkeypin): the SHA-256 of the CA's SubjectPublicKeyInfo."""
    pins = [str(value).strip().lower() for value in values]
    for pin in pins:
        if _PIN.match(pin) is None:
            raise InputError(
                f"{what}: {pin!r} is not a pin like sha256:4b1d...: it has 64 hexadecimal digits, as "
                "`kubeadm token create --print-join-command` shows it after --discovery-token-ca-cert-hash"
            )
    return pins


def pin_of(ca: CertificateInfo) -> str:
    return f"sha256:{ca.key.public_key_sha256}"


def pinned(cas: Sequence[tuple[str, CertificateInfo]], pins: Iterable[str], where: str) -> tuple[list[str], list[str]]:
    """Those of the CAs, in PEM, that a pin names, and the pins and subjects of the others.

    kubeadm takes a whole bundle for one certificate in it that a pin names. Here each has to be named: whoever can add
    a CA to a bundle could otherwise stand for the API server.
    """
    wanted = frozenset(pins)
    found = [text for text, ca in cas if pin_of(ca) in wanted]
    others = [f"{pin_of(ca)} ({ca.subject})" for _text, ca in cas if pin_of(ca) not in wanted]
    if not found:
        there = ", ".join(others)
        raise InputError(
            f"the CA of {where} is not the one that cluster_ca_pins names: there is {there or 'none'}. Either this is "
            "another cluster, or its CA was replaced: ask on one of its control planes, and trust no other answer. "
            "Nothing was changed"
        )
    return found, others


def all_pinned(cas: Sequence[tuple[str, CertificateInfo]], pins: Iterable[str], where: str) -> list[str]:
    """As `pinned`, for what a client trusts: it would show its credentials to whoever has the key of any of them."""
    found, others = pinned(cas, pins, where)
    if others:
        raise InputError(
            f"{where} trusts CAs that cluster_ca_pins does not name: {', '.join(others)}. Who has the key of one could "
            "stand for the API server and be shown the credentials: take it out of certificate-authority(-data) there, "
            "or, if it is a CA of this cluster, add its pin to cluster_ca_pins. Nothing was sent to the server"
        )
    return found


def unpinned_text(others: Iterable[str], where: str) -> str:
    """What is said of CAs that are left out."""
    return (
        f"{where} has CAs that cluster_ca_pins does not name, and nodes do not trust them: {', '.join(others)}. If the "
        "CA of the cluster is being replaced, nodes lose its API servers with the old one: ask for the pin of the new "
        "one on a control plane, and add it"
    )


# -- whether our hosts fit it


def skew(api: str, kubelet: str) -> str:
    """How a kubelet is too far from its API server: it is never newer, and at most three minor versions older."""
    server, ours = minor_of(api), minor_of(kubelet)
    if server is None or ours is None or 0 <= server - ours <= _OLDER:
        return ""
    return "newer than" if ours > server else f"more than {_OLDER} minor versions older than"


def check_version(api: str, kubelet: str) -> None:
    """Refuse what is too far."""
    said = skew(api, kubelet)
    if not said:
        return
    raise InputError(
        f"the cluster runs Kubernetes {api.lstrip('v')}, and cluster_kubernetes_version is {kubelet}: a kubelet may "
        f"not be {said} its API server. Set cluster_kubernetes_version to {api.lstrip('v')}, and give the kubelet of "
        "that version"
    )


def minor_of(version: str) -> int | None:
    """37 of v1.37.2; None of what is no version."""
    found = _VERSION.match(version)
    return int(found[1]) if found else None


def check_server(server: str, where: str) -> str:
    """The address of the API server in a kubeconfig, where nodes can have it."""
    host, _port = host_and_port(server, where)
    local = ipaddress.ip_address(host).is_loopback if names.is_ip(host) else host == "localhost"
    if local:
        raise InputError(
            f"{where} has {server}, which means another host on each node: set cluster_api_endpoint to what nodes "
            "reach the API servers by"
        )
    return server.rstrip("/")


def known_dns(addresses: Any, domain: Any) -> dict[str, Any]:
    """What the cluster says of its DNS, as far as it does."""
    found: dict[str, Any] = {}
    # Text alone: what else a file may hold can be gigabytes as text.
    if not isinstance(addresses, list) or not all(isinstance(one, str) for one in addresses):
        raise InputError("the cluster's DNS (clusterDNS of the ConfigMap kubelet-config) is not a list of addresses")
    if domain is not None and not isinstance(domain, str):
        raise InputError("the cluster's domain (clusterDomain of the ConfigMap kubelet-config) is no name")
    if addresses:
        found["dns_ips"] = [names.canonical_ip(address, "the cluster's DNS") for address in addresses]
    if domain:
        found["domain"] = names.check_dns_name(domain, "the cluster's domain")
    return found


def domain_of_corefile(text: str) -> str:
    found = _COREFILE.search(text)
    return found[1].rstrip(".") if found else ""


# -- what the admin kubeconfig has to be good for


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
