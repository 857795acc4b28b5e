# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which CAs a host is to know before anything lies on it."""

from __future__ import annotations

from typing import Any

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.flow import known_cas


def pem(name: str) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----\n"


CA, KUBELETS, SERVED = pem("QUJD"), pem("REVG"), pem("R0hJ")
SERVER = {"name": "kubernetes", "path": "/pki/kubernetes-ca.crt", "kind": "certificates", "members": ["kubernetes-ca"]}
CLIENT = {
    "name": "client",
    "path": "/pki/client-ca.crt",
    "kind": "certificates",
    "members": ["kubernetes-ca", "kubelet-client-ca@cp1"],
}
SERVING = {
    "name": "kubelet_serving",
    "path": "/pki/kubelet-serving-ca.crt",
    "kind": "certificates",
    "members": ["kubelet-serving-ca@cp1"],
}
TRUST = {"client": CLIENT["path"], "kubelet_serving": SERVING["path"]}
HOSTS: dict[str, dict[str, Any]] = {
    "cp1": {"trust": TRUST, "bundles": [SERVER, CLIENT, SERVING]},
    "w1": {"trust": {"kubernetes": SERVER["path"]}, "bundles": [SERVER]},
}
PLAN = {"cluster": {"first_control_plane": "cp1"}, "host": HOSTS["w1"]}
AUTHORITIES = {
    "certificates": {"kubernetes-ca": CA},
    "published": {"kubelet-client-ca@cp1": KUBELETS, "kubelet-serving-ca@cp1": SERVED},
}


def test_all_as_the_ca_host_knows_them() -> None:
    assert known_cas(PLAN, HOSTS, AUTHORITIES) == {"client": CA + KUBELETS, "serving": SERVED, "kubernetes": CA}


def test_of_what_is_not_known_in_full_nothing_is_said() -> None:
    assert known_cas(PLAN, HOSTS, {**AUTHORITIES, "published": {}}) == {"client": "", "serving": "", "kubernetes": CA}
    assert known_cas(PLAN, HOSTS, {}) == {"client": "", "serving": "", "kubernetes": ""}


def test_a_host_that_is_in_no_group() -> None:
    found = known_cas({**PLAN, "host": {}}, HOSTS, AUTHORITIES)
    assert found == {"client": CA + KUBELETS, "serving": SERVED, "kubernetes": ""}


def test_a_cluster_that_somebody_else_has_made_has_told_them() -> None:
    cluster = {"existing": True, "first_control_plane": "", "client_cas": KUBELETS, "cas": {"kubernetes-ca": CA}}
    assert known_cas({"cluster": cluster, "host": {}}, {}, {}) == {"client": KUBELETS, "serving": "", "kubernetes": CA}


def test_where_the_cas_lie_in_place_nothing_is_written_and_nothing_said() -> None:
    hosts = {**HOSTS, "cp1": {**HOSTS["cp1"], "bundles": []}}
    assert known_cas(PLAN, hosts, AUTHORITIES)["client"] == ""
