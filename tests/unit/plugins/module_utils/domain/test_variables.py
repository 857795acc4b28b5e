# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Misspelt names, foreign names, and rules beyond types."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import variables

ROLES: dict[str, dict[str, dict[str, Any]]] = {
    "cluster": {"cluster_service_cidr": {}, "cluster_profile": {}},
    "kubelet": {"kubelet_config_overrides": {}, "kubelet_extra_args": {}},
    "kube_apiserver": {"kube_apiserver_extra_args": {}},
    "node_bootstrap": {"node_bootstrap_rejoin": {}},
    "ca": {"ca_force": {}},
    "report": {"report_threshold": {}},
}
HOSTS: dict[str, dict[str, Any]] = {"node_name": {}, "node_ip": {}, "node_labels": {}, "node_taints": {}}


@pytest.fixture
def catalogue() -> variables.Catalogue:
    return variables.Catalogue(ROLES, HOSTS)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("kubelet_sever_tls_bootstrap", "kubelet_"),
        ("cluster_servce_cidr", "cluster_service_cidr"),
        ("kubelet_conifg_overrides", "kubelet_config_overrides"),
        ("kubelt_config_overrides", "kubelet_config_overrides"),
        ("kube_apiserver_extra_arg", "kube_apiserver_extra_args"),
        ("node_lables", "node_labels"),
        ("node_ips", "node_ip"),
        ("node_bootstrap_rejion", "node_bootstrap_rejoin"),
        ("ca_forse", "ca_force"),
        ("report_treshold", "report_threshold"),
    ],
)
def test_a_slip_is_named_with_what_was_meant(catalogue: variables.Catalogue, name: str, nearest: str) -> None:
    problem = catalogue.problem(name, [])
    assert name in problem
    assert nearest in problem
    assert "cluster_ignored_variables" in problem


@pytest.mark.parametrize(
    "name",
    [
        "cluster_profile",
        "cluster_plan",
        "node_name",
        "node_exporter_version",
        "nodejs_version",
        "ca_bundle_url",
        "report_email",
        "ansible_host",
        "__cluster_x",
        "_x",
        "groups",
        "inventory_hostname",
        "kubernetes_version",
    ],
)
def test_what_is_not_ours_passes(catalogue: variables.Catalogue, name: str) -> None:
    assert catalogue.problem(name, []) == ""


@pytest.mark.parametrize("name", ["cluster_zzz", "kubelet_zzz", "kube_apiserver_zzz", "node_bootstrap_zzz"])
def test_a_name_like_ours_is_refused_though_nothing_is_near(catalogue: variables.Catalogue, name: str) -> None:
    assert "is no variable of this collection" in catalogue.problem(name, [])


def test_names_that_are_let_pass(catalogue: variables.Catalogue) -> None:
    assert catalogue.problem("cluster_autoscaler_url", ["cluster_autoscaler_*"]) == ""
    assert catalogue.problem("kubelet_extra_arg", ["kubelet_extra_arg"]) == ""


def test_secrets_are_found_at_any_depth() -> None:
    assert variables.holds_secret({"no_log": True})
    assert variables.holds_secret({"options": {"a": {"options": {"b": {"no_log": True}}}}})
    assert not variables.holds_secret({"type": "dict", "options": {"a": {"type": "str"}}})


def test_an_option_is_checked_alone() -> None:
    option = {"type": "str", "required": True, "default": "x", "choices": ["x"]}
    assert variables.without_requirements(option) == {"type": "str", "choices": ["x"]}


@pytest.mark.parametrize(
    ("hosts", "origins", "text"),
    [
        (["w1"], [], "host w1"),
        (["w1", "w2", "w3", "w4", "w5"], [], "host w1, host w2, host w3 and 2 more"),
        (["w1"], ["/i/group_vars/all.yml:3:5"], "/i/group_vars/all.yml:3:5"),
        ([], [], "the play, a role, or --extra-vars"),
    ],
)
def test_holders(hosts: list[str], origins: list[str], text: str) -> None:
    assert variables.holders(hosts, origins) == text


GROUPS = {"kube_control_plane": ["cp1", "cp2"], "kube_node": ["w1"], "etcd": ["cp1", "cp2"]}


@pytest.mark.parametrize(
    ("name", "having", "words"),
    [
        ("kube_apiserver_extra_args", ["w1"], "read on the hosts of kube_control_plane alone, and none of them has it"),
        ("kube_apiserver_extra_args", ["cp2"], ""),
        ("kube_apiserver_extra_args", ["cp1", "cp2", "w1"], ""),
        ("kubelet_extra_args", ["cp1", "cp2"], "read on the hosts of kube_node alone"),
        ("kubelet_extra_args", ["w1"], ""),
        # Read by a step that is done once for all, or by no role of one group.
        ("node_bootstrap_rejoin", ["cp1"], ""),
        ("cluster_profile", ["w1"], ""),
    ],
)
def test_a_variable_that_none_of_its_readers_has(
    catalogue: variables.Catalogue, name: str, having: list[str], words: str
) -> None:
    said = catalogue.unread(name, having, GROUPS)
    assert said.startswith(f"{name} is {words}") if words else said == ""


def test_a_variable_whose_readers_are_not_there_yet_is_let_be(catalogue: variables.Catalogue) -> None:
    assert catalogue.unread("kubelet_extra_args", ["cp1"], {**GROUPS, "kube_node": []}) == ""
