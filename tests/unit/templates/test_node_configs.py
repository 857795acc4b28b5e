# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configurations of the kubelet and kube-proxy, rendered for every version and address family.

An undefined name is an error, and every field has to be one of that version: the components would pass over it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.component_config import checked_config

ROLES = Path(__file__).resolve().parents[3] / "roles"
VERSIONS = ["1.34.4", "1.35.4", "1.36.3", "1.37.2"]
FAMILIES = {
    "ipv4": (["192.0.2.11"], ["10.96.0.10"], ["10.244.0.0/16"]),
    "ipv6": (["2001:db8::11"], ["fd00:96::a"], ["fd00:244::/56"]),
    "dual": (["192.0.2.11", "2001:db8::11"], ["10.96.0.10", "fd00:96::a"], ["10.244.0.0/16", "fd00:244::/56"]),
}
each_version = pytest.mark.parametrize("version", VERSIONS)
each_family = pytest.mark.parametrize("family", FAMILIES)


def role_file(role: str, name: str) -> Any:
    return yaml.safe_load((ROLES / role / name).read_text(encoding="utf-8"))


def render(role: str, family: str, **more: object) -> dict[str, Any]:
    addresses, dns_ips, pod_cidrs = FAMILIES[family]
    host = {
        "node_name": "w1.example.org",
        "addresses": addresses,
        "trust": {"kubernetes": "/etc/kubernetes/pki/kubernetes-ca.crt"},
        "certs": {"kube-proxy": {"kubeconfig": "/etc/kubernetes/kube-proxy.conf"}},
    }
    variables = role_file(role, "defaults/main.yml")
    variables |= {
        f"__{role}_host": host,
        f"__{role}_ipv6": family != "ipv4",
        "cluster_plan": {"cluster": {"dns_ips": dns_ips, "domain": "cluster.local", "pod_cidrs": pod_cidrs}},
        **more,
    }
    # Blocks as Ansible sets them.
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["to_json"] = json.dumps
    text = (ROLES / role / "templates/config.yaml.j2").read_text(encoding="utf-8")
    config = yaml.safe_load(environment.from_string(text).render(variables))
    assert isinstance(config, dict)
    return config


def kubelet(family: str, taints: list[dict[str, str]] | None = None) -> dict[str, Any]:
    return render("kubelet", family, __kubelet_taints=taints or [])


@each_version
@each_family
@pytest.mark.parametrize("role", ["kubelet", "kube_proxy"])
def test_every_field_is_one_of_the_version(role: str, family: str, version: str) -> None:
    config = render(role, family, __kubelet_taints=[{"key": "a", "value": "b", "effect": "NoSchedule"}])
    # As if all of it were a user's: that is what is checked.
    assert checked_config(config["kind"], {}, config, version) == config


@each_family
@pytest.mark.parametrize("role", ["kubelet", "kube_proxy"])
def test_fields_of_the_pki_are_there_and_cannot_be_overridden(role: str, family: str) -> None:
    config = render(role, family, __kubelet_taints=[])
    owned = role_file(role, "vars/main.yml")[f"__{role}_owned_fields"]
    for path in owned:
        *parents, name = path.split(".")
        override: dict[str, Any] = {name: None}
        for parent in reversed(parents):
            override = {parent: override}
        with pytest.raises(Exception, match="belongs to the PKI"):
            checked_config(config["kind"], config, override, "1.37.2", owned)


def test_kubelet_is_closed_and_rotates() -> None:
    config = kubelet("ipv4")
    assert config["rotateCertificates"] is True
    assert config["serverTLSBootstrap"] is True
    assert config["authentication"]["anonymous"] == {"enabled": False}
    assert config["authentication"]["webhook"]["enabled"] is True
    assert config["authentication"]["x509"] == {"clientCAFile": "/etc/kubernetes/pki/kubernetes-ca.crt"}
    assert config["authorization"] == {"mode": "Webhook"}
    assert (config["port"], config["readOnlyPort"]) == (10250, 0)
    assert (config["healthzBindAddress"], config["healthzPort"]) == ("127.0.0.1", 10248)
    assert config["tlsMinVersion"] == "VersionTLS12"
    assert "staticPodPath" not in config


@pytest.mark.parametrize(("family", "address"), [("ipv4", "0.0.0.0"), ("ipv6", "::"), ("dual", "::")])
def test_both_listen_on_every_family_of_the_node(family: str, address: str) -> None:
    assert kubelet(family)["address"] == address
    assert kubelet(family)["clusterDNS"] == FAMILIES[family][1]
    proxy = render("kube_proxy", family)
    assert proxy["bindAddress"] == address
    assert proxy["healthzBindAddress"] == (f"[{address}]" if ":" in address else address) + ":10256"
    assert proxy["clusterCIDR"] == ",".join(FAMILIES[family][2])


def test_kubelet_registers_with_its_taints() -> None:
    taints = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
    assert kubelet("ipv4", taints)["registerWithTaints"] == taints
    assert kubelet("ipv4")["registerWithTaints"] == []


def test_kube_proxy_is_its_node_and_says_its_mode() -> None:
    config = render("kube_proxy", "ipv4")
    assert config["hostnameOverride"] == "w1.example.org"
    assert config["mode"] == "nftables"
    assert config["clientConnection"] == {"kubeconfig": "/etc/kubernetes/kube-proxy.conf"}
    assert config["metricsBindAddress"] == "127.0.0.1:10249"


def test_names_are_data_not_yaml() -> None:
    config = render("kubelet", "ipv4", __kubelet_taints=[], kubelet_static_pod_path='/etc/"k": [#')
    assert config["staticPodPath"] == '/etc/"k": [#'
