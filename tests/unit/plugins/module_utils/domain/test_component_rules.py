# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused of what users add to components, with the rules that the roles have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.component_rules import (
    CONTROLLER_PATHS,
    HOST_PATHS,
    value_problems,
)

ROLES = Path(__file__).parents[5] / "roles"
RULES = {path.parts[-3]: yaml.safe_load(path.read_text(encoding="utf-8")) for path in ROLES.glob("*/vars/main.yml")}
COMPONENTS = ("etcd", "kube_apiserver", "kube_controller_manager", "kube_scheduler", "kubelet", "kube_proxy")


def problems(name: str, value: Any) -> list[str]:
    return value_problems(name, value, RULES, "1.37.2")


@pytest.mark.parametrize("role", COMPONENTS)
def test_every_component_owns_flags(role: str) -> None:
    owned = RULES[role][f"__{role}_owned_flags"]
    assert owned
    found = problems(f"{role}_extra_args", dict.fromkeys(owned, "x"))
    assert len(found) == len(owned)
    assert all(text.startswith(f"{role}_extra_args: the flag --") for text in found)


@pytest.mark.parametrize("role", COMPONENTS)
def test_syntax_is_refused_and_all_of_it_said(role: str) -> None:
    found = problems(f"{role}_extra_args", {"a b": 1, "v": "1\n2", "w": 3})
    assert len(found) == 2
    assert problems(f"{role}_extra_args", {"v": 4}) == []


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("kube_apiserver_extra_args", {"authorization-mode": "RBAC"}, "must keep Node"),
        ("kube_apiserver_extra_args", {"authorization_mode": None}, "must keep Node"),
        ("kube_apiserver_extra_args", {"disable-admission-plugins": "A,NodeRestriction"}, "must not name"),
        ("kube_apiserver_extra_args", {"enable-admission-plugins": ["PodSecurity"]}, "must keep NodeRestriction"),
        ("kube_controller_manager_extra_args", {"controllers": "*,-csrsigning"}, "must keep tokencleaner"),
        ("kubelet_config_overrides", {"maxpods": 1}, "did you mean 'maxPods'"),
        ("kubelet_config_overrides", {"serverTLSBootstrap": False}, "belongs to the PKI"),
        ("kube_proxy_config_overrides", {"mode": "ipvs"}, "belongs to the PKI"),
        ("kube_proxy_config_overrides", {"featureGates": {"NoSuch": True}}, "no feature gate"),
        (
            "kubelet_config_overrides",
            {"featureGates": {"AllBeta": False}},
            "RotateKubeletServerCertificate has to be on",
        ),
        (
            "kubelet_config_overrides",
            {"featureGates": {"RotateKubeletServerCertificate": False, "AllBeta": True}},
            "RotateKubeletServerCertificate has to be on",
        ),
        ("kube_apiserver_extra_args", {"authorization-mode": 'Node,RBAC,"AlwaysAllow"'}, "must not name AlwaysAllow"),
        (
            "kube_apiserver_extra_args",
            {"feature-gates": "AllowInsecureKubeletCertificateSigningRequests=T"},
            "must not name AllowInsecure",
        ),
        (
            "kube_controller_manager_extra_args",
            {"controllers": ["*", "tokencleaner", "-certificatesigningrequest-signing-controller"]},
            "must not name -certificatesigningrequest-signing-controller",
        ),
        ("kubelet_extra_args", {"v": "1\x7f"}, "control character"),
        ("kubelet_extra_args", None, "has no value"),
        ("cluster_name", None, "has no value"),
        ("etcd_data_directory", "srv/etcd", "not an absolute path"),
        ("etcd_data_directory", "/srv/../etcd", "not an absolute path"),
        ("kubelet_directory", "/var/lib/kubelet\nUser=root", "not an absolute path"),
        ("cluster_bin_directory", "/opt/my tools", "more than letters"),
        ("kubelet_container_runtime_unit", "a b.service", "name of a unit"),
        ("kubelet_container_runtime_unit", "containerd", "name of a unit"),
        ("cluster_start_timeout", 0, "at least 1"),
        ("csr_approver_metrics_port", "65536", "0 to 65535"),
    ],
)
def test_rules_of_the_roles_hold(name: str, value: Any, why: str) -> None:
    found = problems(name, value)
    assert any(why in text for text in found)
    assert all(text.startswith(f"{name}: ") for text in found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kubelet_directory", "/var/lib/kubelet"),
        ("kubelet_static_pod_path", ""),
        ("kubelet_container_runtime_unit", ""),
        ("kubelet_container_runtime_unit", "crio.service"),
        ("kubelet_config_overrides", {"featureGates": {"AllBeta": False, "RotateKubeletServerCertificate": True}}),
        ("csr_approver_metrics_port", 0),
        ("cluster_name", "x"),
        ("node_labels", None),
    ],
)
def test_others_are_let_pass(name: str, value: Any) -> None:
    assert problems(name, value) == []


def test_every_path_is_of_a_host_or_of_the_controller() -> None:
    """But for those that the plan parses."""
    found = set()
    for path in ROLES.glob("*/meta/argument_specs.yml"):
        spec = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]
        options = (spec.get("main") or spec[path.parents[1].name]).get("options") or {}
        found |= {name for name, option in options.items() if option.get("type") == "path"}
        found |= {name for name in options if name.endswith(("_directory", "_kubeconfig"))}
    parsed = {"cluster_admin_kubeconfig", *(f"cluster_{name}_directory" for name in ("ca", "config", "pki"))}
    assert {name for name in found if not name.startswith("systemd_unit_")} - parsed == HOST_PATHS | CONTROLLER_PATHS


def test_other_variables_are_not_judged() -> None:
    assert problems("kubelet_directory", "/var/lib/kubelet") == []
    assert problems("cluster_name", "x") == []


def test_what_kubeadm_gives_kubelets_has_the_rules_of_the_kubelet() -> None:
    name = "cluster_kubeadm_kubelet_config"
    assert problems(name, {"maxPods": 20}) == []
    (wrong,) = problems(name, {"maxPod": 20})
    assert wrong.startswith(f"{name}: ")
    (owned,) = problems(name, {"authentication": {"x509": {"clientCAFile": "/tmp/ca.crt"}}})
    assert owned.startswith(f"{name}: ")
