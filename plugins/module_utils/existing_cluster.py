# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster that somebody else has made: proved to be the one that is meant, and asked for what its nodes need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import documents, files, x509
from .access import NotThereError, load_access
from .cluster import Cluster, ForbiddenError
from .domain import existing, pem, rights
from .domain.certificate import CertificateInfo
from .domain.errors import InputError
from .reviews import may
from .token_store import may_create

__all__ = ["Found", "look"]

_CONFIGMAPS = "/api/v1/namespaces/kube-system/configmaps"
_DNS_SERVICE = "/api/v1/namespaces/kube-system/services/kube-dns"


@dataclass(frozen=True)
class Found:
    """`dns` has `dns_ips` and `domain` as far as the cluster says them; the CAs are PEM."""

    server: str
    version: str
    cas: str
    client_cas: str
    dns: dict[str, Any]
    warnings: list[str]


def look(kubeconfig: str, pins: Sequence[str], kubelet: str, server: str, renewed: bool, timeout: float) -> Found:
    """Everything that can be refused is, before the first change. `renewed`: by kube-controller-manager."""
    try:
        access = load_access(kubeconfig)
    except NotThereError:
        raise InputError(
            f"the kubeconfig {kubeconfig} does not exist on this host: cluster_admin_kubeconfig is its path on "
            "cluster_admin_host"
        ) from None
    # Before the credentials are shown to anybody. The modules of the run that come after know no pins: they are right
    # because this kubeconfig trusts no other CA. What remains is who may write it, or its CA's file, between the two.
    trusted = existing.all_pinned(_cas(files.read(access.ca, follow=True) or b"", access.authority), pins, kubeconfig)
    server = server or existing.check_server(access.server, kubeconfig)
    cluster = Cluster(access, timeout)
    version = cluster.get("/version").get("gitVersion")
    if not isinstance(version, str):
        raise InputError(f"{access.server} does not say which Kubernetes it is: is it an API server?")
    existing.check_version(version, kubelet)
    _check_rights(cluster)
    published, warnings = _published(cluster, pins)
    if renewed and not _renews(cluster):
        warnings.append(_NOT_RENEWED)
    dns = _dns(cluster)
    if "dns_ips" not in dns:
        warnings.append(_NO_DNS)
    clients = _data(cluster, "extension-apiserver-authentication").get("client-ca-file", "")
    return Found(server, version, pem.bundle([*published, *trusted]), clients, dns, warnings)


_NOT_RENEWED = (
    "kube-controller-manager of this cluster would not renew the nodes' client certificates, because the group "
    "system:nodes may not create certificatesigningrequests/selfnodeclient: bind it to the ClusterRole "
    "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient"
)
_NO_DNS = (
    "this cluster does not say, or not to these credentials, what its DNS is (ConfigMap kubelet-config or Service "
    "kube-dns, in kube-system): Pods get that of their node, unless kubelet_config_overrides has clusterDNS and "
    "clusterDomain"
)


def _cas(data: bytes, where: str) -> list[tuple[str, CertificateInfo]]:
    found = pem.certificates(data, where)
    return [(block.text(), x509.certificate_info(x509.load_certificate(block, where))) for block in found]


def _published(cluster: Cluster, pins: Sequence[str]) -> tuple[list[str], list[str]]:
    """The CAs that the cluster gives to its Pods, as far as a pin names them, and a warning of the others."""
    text = _data(cluster, "kube-root-ca.crt").get("ca.crt", "")
    if not text:
        return [], []
    where = "the cluster (ConfigMap kube-root-ca.crt)"
    found, others = existing.pinned(_cas(text.encode(), where), pins, where)
    return found, [existing.unpinned_text(others, where)] if others else []


def _check_rights(cluster: Cluster) -> None:
    try:
        if may(cluster, rights.EVERYTHING):
            return
        refused = [right for right in rights.NEEDED if not may(cluster, right)]
    except ForbiddenError:
        # Who may not even ask is told by the first step that it may not take.
        return
    if refused:
        raise InputError(rights.missing_rights(refused, f"the credentials of {cluster.access.path}"))


def _renews(cluster: Cluster) -> bool:
    groups = ["system:nodes", "system:authenticated"]
    return may_create(cluster, "system:node:any", groups, "selfnodeclient") is not False


def _data(cluster: Cluster, name: str) -> dict[str, str]:
    return dict((cluster.find(f"{_CONFIGMAPS}/{name}") or {}).get("data") or {})


def _dns(cluster: Cluster) -> dict[str, Any]:
    """What it says of its DNS, which is not needed, so that no right to it is either."""
    try:
        return _installed_dns(cluster)
    except ForbiddenError:
        return {}


def _installed_dns(cluster: Cluster) -> dict[str, Any]:
    """As kubeadm writes it for its kubelets; where another tool has made the cluster, as its DNS is installed."""
    text = _data(cluster, "kubelet-config").get("kubelet", "")
    config = documents.load(text.encode(), "the ConfigMap kubelet-config") if text else None
    if isinstance(config, dict) and config.get("clusterDNS"):
        return existing.known_dns(config["clusterDNS"], config.get("clusterDomain"))
    spec = (cluster.find(_DNS_SERVICE) or {}).get("spec") or {}
    addresses = [one for one in spec.get("clusterIPs") or [] if one != "None"]
    return existing.known_dns(addresses, existing.domain_of_corefile(_data(cluster, "coredns").get("Corefile", "")))
