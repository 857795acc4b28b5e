# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster that somebody else has made, and that our hosts join: what is believed of it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from typing import Any

from . import names
from .certificate import CertificateInfo
from .endpoints import host_and_port
from .errors import InputError
from .versions import skew

__all__ = [
    "all_pinned",
    "check_server",
    "check_version",
    "domain_of_corefile",
    "known_dns",
    "pin_of",
    "pinned",
    "read_pins",
    "unpinned_text",
]

_PIN = re.compile(r"sha256:[0-9a-f]{64}\Z", re.ASCII)
# `kubernetes cluster.local in-addr.arpa ip6.arpa {`: the first zone is the domain (cmd/kubeadm/app/phases/addons/dns).
_COREFILE = re.compile(r"^\s*kubernetes\s+([^\s{]+)", re.MULTILINE)


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
