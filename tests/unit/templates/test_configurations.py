# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration files of the components, as their roles render them for every version and address family.

An undefined name is an error, and every field has to be one of that version: the components would pass over it.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.component_config import (
    checked_config,
    merge,
)
from ansible_collections.tlsbootstrap.kubernetes.tests.unit.templates.rendering import (
    FAMILIES,
    PROFILES,
    TABLE,
    VERSIONS,
    flags_of,
    renderer_of,
)

CONTROL_PLANE_TAINT = {"key": "node-role.kubernetes.io/control-plane", "value": "", "effect": "NoSchedule"}


def config_of(role: str, *arguments: str, **more: Any) -> dict[str, Any]:
    config = renderer_of(role, *arguments, **more).value(f"{{{{ __{role}_config }}}}")
    assert isinstance(config, dict)
    return config


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("role", ["kubelet", "kube_proxy"])
def test_the_configuration_is_that_of_the_table(role: str, family: str, version: str, profile: str) -> None:
    wanted: dict[str, Any] = {}
    for part in ("every", family, profile):
        wanted = merge(wanted, TABLE[role]["config"].get(part, {}))
    config = config_of(role, family, version, profile)
    assert config == wanted
    # As if all of it were a user's: that is what is checked.
    assert checked_config(config["kind"], {}, config, version) == config


def test_a_user_adds_fields() -> None:
    config = config_of(
        "kubelet", kubelet_config_overrides={"maxPods": 50, "authentication": {"webhook": {"cacheTTL": "1m"}}}
    )
    assert config["maxPods"] == 50
    assert config["authentication"]["webhook"] == {"cacheTTL": "1m", "enabled": True}


def test_a_node_registers_with_its_labels_and_taints() -> None:
    taint = {"key": "a", "value": "b", "effect": "NoSchedule"}
    # The last one only the API server's admin may set.
    labels = {"zone": "z", "node-role.kubernetes.io/x": ""}
    node = {"node_taints": [taint], "node_labels": labels}
    assert config_of("kubelet", node=node)["registerWithTaints"] == [taint]
    assert config_of("kubelet", host="cp1")["registerWithTaints"] == [CONTROL_PLANE_TAINT]
    assert flags_of(renderer_of("kubelet", node=node).unit("kubelet")[1])["node-labels"] == "zone=z"


@pytest.mark.parametrize("given", [[], [{"key": "a", "value": "b", "effect": "NoSchedule"}]])
def test_given_taints_take_the_place_of_that_of_a_control_plane(given: list[dict[str, str]]) -> None:
    assert config_of("kubelet", node={"node_taints": given}, host="cp1")["registerWithTaints"] == given
    assert config_of("kubelet", node={"node_taints": None}, host="cp1")["registerWithTaints"] == [CONTROL_PLANE_TAINT]


def test_what_yaml_makes_of_labels_and_taints_is_text() -> None:
    """The kubelet stops at a taint whose value is a number, and the API would have a label True."""
    taints = [{"key": "a", "value": 1, "effect": "NoSchedule"}, {"key": "b", "value": True, "effect": "NoExecute"}]
    taints.append({"key": "c", "effect": "NoExecute"})
    node = {"node_taints": taints, "node_labels": {"gpu": True, "number": 7, "none": None}}
    assert [taint["value"] for taint in config_of("kubelet", node=node)["registerWithTaints"]] == ["1", "true", ""]
    labels = flags_of(renderer_of("kubelet", node=node).unit("kubelet")[1])["node-labels"]
    assert labels == "gpu=true,none=,number=7"


def test_names_are_data_not_yaml() -> None:
    assert config_of("kubelet", kubelet_static_pod_path='/etc/"k": [#')["staticPodPath"] == '/etc/"k": [#'


def test_who_may_ask_the_api_server_without_a_name() -> None:
    rendered = renderer_of("kube_apiserver")
    authentication = yaml.safe_load(rendered.file("kube_apiserver", "authentication.yaml.j2"))
    assert authentication == {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "anonymous": {
            "enabled": True,
            "conditions": [{"path": "/livez"}, {"path": "/readyz"}, {"path": "/healthz"}],
        },
    }
    closed = rendered.file("kube_apiserver", "authentication.yaml.j2", kube_apiserver_anonymous_paths=[])
    assert yaml.safe_load(closed)["anonymous"] == {"enabled": False}


def test_the_audit_log_says_who_did_what_and_no_contents() -> None:
    policy = yaml.safe_load(renderer_of("kube_apiserver").file("kube_apiserver", "audit-policy.yaml.j2"))
    assert (policy["apiVersion"], policy["kind"]) == ("audit.k8s.io/v1", "Policy")
    assert {rule["level"] for rule in policy["rules"]} == {"None", "Metadata"}
    assert policy["rules"][-1] == {"level": "Metadata"}
