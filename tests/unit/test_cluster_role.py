# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role cluster as a user meets it: a playbook on an inventory, with no host that could be reached."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "inventories/example"
PLAYBOOK = ROOT / "tests/playbooks/example.yml"
SMALL: dict[str, Any] = {
    "kube_control_plane": {"hosts": {"cp1": {"ansible_host": "192.0.2.11"}}},
    "kube_node": {"hosts": {"w1": {"ansible_host": "192.0.2.31"}, "w2": {"ansible_host": "192.0.2.32"}}},
}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    collections = next(
        Path(path) for path in sys.path if Path(path, "ansible_collections/tlsbootstrap/kubernetes").is_dir()
    )
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")},
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_SSH_EXECUTABLE": "/bin/false",
        "ANSIBLE_STDOUT_CALLBACK": "default",
    }

    def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ansible", "playbook", *map(str, arguments)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)

    return call


@pytest.fixture
def inventory(tmp_path: Path) -> Callable[..., Path]:
    def write(hosts: dict[str, Any] | None = None, **variables: Any) -> Path:
        folder = tmp_path / "inventory"
        (folder / "group_vars").mkdir(parents=True)
        (folder / "hosts.yml").write_text(yaml.safe_dump(hosts or SMALL), encoding="utf-8")
        (folder / "group_vars/all.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
        return folder

    return write


def said(result: subprocess.CompletedProcess[str]) -> str:
    return result.stdout + result.stderr


def test_example_is_planned(run: Run) -> None:
    result = run("-i", EXAMPLE, PLAYBOOK)
    assert result.returncode == 0, said(result)
    assert "54 identities on 9 hosts, 3 CAs on localhost" in result.stdout
    assert "WARNING" not in said(result)


def test_limit_and_check_plan_the_same(run: Run) -> None:
    """And what `-v` prints is not the plan."""
    result = run("-i", EXAMPLE, PLAYBOOK, "--limit", "w2", "--check", "--diff", "-v")
    assert result.returncode == 0, said(result)
    assert "54 identities on 9 hosts" in result.stdout
    assert "certificate_path" not in result.stdout


def test_everything_wrong_is_said_at_once(run: Run, inventory: Callable[..., Path]) -> None:
    hosts = json.loads(json.dumps(SMALL))
    hosts["kube_node"]["hosts"]["w2"] = {"ansible_host": "192.0.2.31", "node_lables": {"a": "b"}}
    folder = inventory(
        hosts,
        kubelet_sever_tls_bootstrap=True,
        kubelet_extra_args=["--v=4"],
        kube_apiserver_extra_args={"authorization-mode": "RBAC"},
        cluster_join_token_ttl="48h",
    )
    result = run("-i", folder, PLAYBOOK, "--limit", "w1")
    assert result.returncode != 0
    for text in (
        "6 findings:",
        "kubelet_sever_tls_bootstrap is no variable",
        "node_lables looks like node_labels",
        "kubelet_extra_args",
        "authorization-mode without Node",
        "cluster_join_token_ttl",
        "hosts w1 and w2 have one address, 192.0.2.31",
    ):
        assert text in said(result), said(result)
    again = run("-i", folder, PLAYBOOK, "--limit", "w1", "--check")
    assert again.returncode != 0


def test_cluster_variables_are_the_same_for_all(run: Run, inventory: Callable[..., Path]) -> None:
    hosts = json.loads(json.dumps(SMALL))
    hosts["kube_control_plane"]["vars"] = {"cluster_service_cidr": "10.97.0.0/16"}
    result = run("-i", inventory(hosts), PLAYBOOK)
    assert result.returncode != 0
    assert "cluster_service_cidr is not the same on cp1 and w1" in said(result)


def test_foreign_variables_and_facts(run: Run, inventory: Callable[..., Path]) -> None:
    """Those that are let pass, and templates that nothing can answer yet."""
    folder = inventory(
        etcd_backup_bucket="x",
        cluster_ignored_variables=["etcd_backup_*"],
        kubelet_extra_args={"v": "{{ ansible_facts.verbosity }}"},
    )
    result = run("-i", folder, PLAYBOOK)
    assert result.returncode == 0, said(result)


def test_addresses_from_facts_are_refused(run: Run, inventory: Callable[..., Path]) -> None:
    result = run("-i", inventory(node_ip="{{ ansible_facts.default_ipv4.address }}"), PLAYBOOK)
    assert result.returncode != 0
    assert "host w2: node_ip cannot be worked out: write it into the inventory" in said(result)


def test_plays_hand_the_plan_on_and_look_for_more(run: Run, inventory: Callable[..., Path], tmp_path: Path) -> None:
    """The second play has more hosts than the first; the third a misspelt variable of its own."""
    role = {"gather_facts": False, "roles": ["tlsbootstrap.kubernetes.cluster"]}
    show = {"ansible.builtin.debug": {"msg": "{{ cluster_plan.host.node_name }} is planned"}}
    plays = [
        {"name": "One", "hosts": "kube_control_plane", **role},
        {"name": "Two", "hosts": "all", **role, "post_tasks": [show]},
        {"name": "Again", "hosts": "kube_node", **role, "post_tasks": [show]},
        {"name": "Three", "hosts": "kube_node", "vars": {"kubelet_extra_arg": {}}, **role},
    ]
    playbook = tmp_path / "plays.yml"
    playbook.write_text(yaml.safe_dump(plays), encoding="utf-8")
    result = run("-i", inventory(), playbook)
    assert result.stdout.count("w2 is planned") == 2, said(result)
    assert result.stdout.count("cp1 is planned") == 1
    assert "kubelet_extra_arg is no variable" in said(result)
    assert result.returncode != 0
