# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which names of groups are slips of ours."""

from __future__ import annotations

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.groups import (
    missing_groups,
    misspelt_groups,
)

OURS = {"all": ["cp1", "w1", "x1"], "ungrouped": [], "kube_control_plane": ["cp1"], "kube_node": ["w1"]}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("kube_nodes", "kube_node"),
        ("kube-node", "kube_node"),
        ("kubenode", "kube_node"),
        ("Kube_Node", "kube_node"),
        ("kube_noed", "kube_node"),
        ("kube_nod", "kube_node"),
        ("kuber_node", "kube_node"),
        ("kube_controlplane", "kube_control_plane"),
        ("kube_control_planes", "kube_control_plane"),
        ("kube-control-plane", "kube_control_plane"),
        ("kube_contol_plan", "kube_control_plane"),
        ("etcds", "etcd"),
        ("ectd", "etcd"),
        ("etdc", "etcd"),
        ("ETCD", "etcd"),
    ],
)
def test_a_slip_with_a_host_outside_is_refused(name: str, meant: str) -> None:
    (problem,) = misspelt_groups({**OURS, name: ["cp1", "x1"]}, [])
    assert f"the group {name} looks like {meant} misspelt" in problem
    assert "in it but not in" in problem
    assert not misspelt_groups({**OURS, name: ["cp1", "x1"]}, [f"{name[:4]}*"])


@pytest.mark.parametrize(
    "name",
    [
        "all", "ungrouped", "kube_control_plane", "kube_node", "etcd", "kube_node_gpu", "kube_node_old",
        "kube-node-gpu", "kube_node2", "etcd2", "etcd_events", "etcd-backup", "workers", "masters", "nodes", "node",
        "control_plane", "kube_master", "kube_worker", "kube_core", "kube_proxy", "k8s_cluster", "databases",
        "monitoring", "calico_rr",
    ],
)  # fmt: skip
def test_groups_of_the_users_own_are_none_of_ours(name: str) -> None:
    assert misspelt_groups({**OURS, name: ["x1"]}, []) == []


@pytest.mark.parametrize(
    ("name", "hosts"),
    [("kube_nodes", ["w1"]), ("kube_nodes", []), ("kube-control-plane", ["cp1"]), ("etcds", ["cp1"])],
)
def test_a_name_like_ours_with_hosts_of_ours_does_no_harm(name: str, hosts: list[str]) -> None:
    """Without a group etcd the control planes are its members."""
    assert misspelt_groups({**OURS, name: hosts}, []) == []


def test_members_of_a_group_that_is_there_count_alone() -> None:
    assert misspelt_groups({**OURS, "etcd": ["e1"], "etcds": ["cp1"]}, [])


def test_a_group_that_is_needed_may_be_empty_but_not_missing() -> None:
    assert missing_groups({**OURS, "kube_node": []}, ["kube_node"]) == []
    assert missing_groups({"all": ["cp1"], "kube_control_plane": ["cp1"]}, []) == []
    (problem,) = missing_groups({"all": ["x1"], "workers": ["x1"]}, ["kube_node"])
    assert "has no group kube_node" in problem
    assert problem.endswith("the inventory has workers")
