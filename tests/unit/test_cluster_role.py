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
EXISTING = ROOT / "inventories/existing"
PLAYBOOK = ROOT / "tests/playbooks/example.yml"
SMALL: dict[str, Any] = {
    "kube_control_plane": {"hosts": {"cp1": {"ansible_host": "192.0.2.11"}}},
    "kube_node": {"hosts": {"w1": {"ansible_host": "192.0.2.31"}, "w2": {"ansible_host": "192.0.2.32"}}},
}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def contacted(tmp_path: Path) -> Path:
    """Is there as soon as anything connects to a host."""
    return tmp_path / "contacted"


@pytest.fixture
def run(tmp_path: Path, contacted: Path) -> Run:
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\necho "$@" >> {contacted}\nexit 1\n', encoding="utf-8")
    ssh.chmod(0o755)
    collections = next(
        Path(path) for path in sys.path if Path(path, "ansible_collections/tlsbootstrap/kubernetes").is_dir()
    )
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")},
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_SSH_EXECUTABLE": str(ssh),
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
        kubelet_config_overrides=None,
        cluster_name=None,
        cluster_bin_directory="bin",
        cluster_pod_cidr="10.244.0.0/28",
        kube_apiserver_extra_args={"authorization-mode": "RBAC"},
        cluster_join_token_ttl="48h",
        cluster_profile="seperated",
        cluster_api_port="many",
    )
    result = run("-i", folder, PLAYBOOK, "--limit", "w1")
    assert "Validating arguments" not in said(result)
    assert said(result).count("seperated") == said(result).count("12 findings:")
    assert result.returncode != 0
    for text in (
        "12 findings:",
        "10.244.0.0/28 has no room for the network of one node",
        "kubelet_config_overrides: it has no value",
        "cluster_name: it has no value",
        "cluster_bin_directory: 'bin' is not an absolute path",
        "kubelet_sever_tls_bootstrap is no variable",
        "node_lables looks like node_labels",
        "kubelet_extra_args",
        "kube_apiserver_extra_args: --authorization-mode must keep Node",
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


def test_what_its_readers_do_not_have_is_refused_where_it_lies(run: Run, inventory: Callable[..., Path]) -> None:
    hosts = json.loads(json.dumps(SMALL))
    hosts["kube_node"]["vars"] = {"kube_apiserver_extra_args": {"v": "4"}}
    result = run("-i", inventory(hosts), PLAYBOOK)
    assert result.returncode != 0
    assert "kube_apiserver_extra_args is read on the hosts of kube_control_plane alone" in " ".join(
        said(result).split()
    )


TAGS = {
    "--tags kubernetes": True,
    "--tags all": True,
    "--tags tagged": True,
    "--tags other,kubernetes": True,
    "--skip-tags other": True,
    "--tags other": False,
    "--tags untagged": False,
    "--skip-tags all": False,
    "--skip-tags always": False,
}


@pytest.mark.parametrize("given", TAGS)
def test_tags_take_all_of_a_play_or_are_refused(run: Run, tmp_path: Path, given: str) -> None:
    outer = tmp_path / "outer.yml"
    outer.write_text(yaml.safe_dump([{"import_playbook": str(PLAYBOOK), "tags": ["kubernetes"]}]), encoding="utf-8")
    result = run("-i", EXAMPLE, outer, *given.split())
    assert ("54 identities on 9 hosts" in result.stdout) == TAGS[given], said(result)
    assert ("leaves out tasks that all others stand on" in said(result)) != TAGS[given]


@pytest.mark.parametrize("given", ["--tags etcd", "--skip-tags untagged", "--skip-tags always", "--skip-tags tagged"])
def test_a_play_without_tags_runs_whole(run: Run, given: str) -> None:
    result = run("-i", EXAMPLE, PLAYBOOK, *given.split())
    assert result.returncode != 0
    assert "leaves out tasks that all others stand on" in said(result)
    taken = run("-i", EXAMPLE, PLAYBOOK, "--tags", "untagged", "--skip-tags", "other")
    assert taken.returncode == 0, said(taken)


def test_left_out_by_its_tag_it_says_nothing(run: Run, tmp_path: Path) -> None:
    outer = tmp_path / "outer.yml"
    outer.write_text(yaml.safe_dump([{"import_playbook": str(PLAYBOOK), "tags": ["kubernetes"]}]), encoding="utf-8")
    result = run("-i", EXAMPLE, outer, "--tags", "other", "--skip-tags", "kubernetes")
    assert result.returncode == 0, said(result)


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


# -- the playbooks, on hosts that cannot be reached


def binaries(tmp_path: Path, *names: str) -> str:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(b"x")
    return str(folder)


CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")


def test_nothing_is_touched_before_all_is_checked(
    run: Run, inventory: Callable[..., Path], contacted: Path, tmp_path: Path
) -> None:
    hosts = json.loads(json.dumps(SMALL))
    hosts["kube_node"]["hosts"]["w1"]["kube_binaries_directory"] = "/nowhere"
    hosts["kube_node"]["hosts"]["w2"]["kubelet_extra_args"] = {"client-ca-file": "/x"}
    hosts["kube_nodes"] = {"hosts": {"w3": {"ansible_host": "192.0.2.33"}}}
    folder = inventory(
        hosts,
        kube_binaries_directory=binaries(tmp_path, *CONTROL_PLANE),
        kube_binaries_checksums={"etcd": "0" * 64},
        kubelet_config_overrides={"maxpods": 1, "maxPods": "110", "rotateCertificates": False},
        kube_proxy_config_overrides={"mode": "ipvs"},
        etcd_extra_args={"force-new-cluster": True, "-v": 1},
        kube_controller_manager_extra_args={"cluster-signing-duration": "1h"},
        kube_scheduler_extra_args={"kubeconfig": "/x"},
        cluster_api_extra_sans=["a_b", "c_d"],
    )
    result = run("-i", folder, "tlsbootstrap.kubernetes.site", "--limit", "cp1")
    assert result.returncode not in (0, 4), said(result)
    assert not contacted.exists()
    for text in (
        "15 findings:",
        "there is no folder /nowhere on the controller: make it and put kubelet, kube-proxy there",
        f"the folder {tmp_path}/bin on the controller lacks kubelet, kube-proxy",
        "has the SHA-256",
        "kubelet_extra_args: the flag --client-ca-file belongs to the collection",
        "no field 'maxpods' in the KubeletConfiguration of Kubernetes 1.37, did you mean 'maxPods'?",
        "maxPods: a whole number is wanted",
        "the field rotateCertificates belongs to the PKI",
        "kube_proxy_config_overrides: KubeProxyConfiguration: the field mode belongs to the PKI",
        "etcd_extra_args: the flag --force-new-cluster",
        "etcd_extra_args: '-v' is not the name of a flag",
        "kube_controller_manager_extra_args: the flag --cluster-signing-duration",
        "kube_scheduler_extra_args: the flag --kubeconfig",
        "'a_b' is not a valid DNS name",
        "'c_d' is not a valid DNS name",
        "the group kube_nodes looks like kube_node misspelt, and w3 is in it",
    ):
        assert text in said(result), (text, said(result))


def test_what_is_right_goes_on_to_the_hosts(
    run: Run, inventory: Callable[..., Path], contacted: Path, tmp_path: Path
) -> None:
    """Without a word of a group etcd that is not there; and the proof that `contacted` would be seen."""
    folder = inventory(
        {"kube_control_plane": SMALL["kube_control_plane"]}, kube_binaries_directory=binaries(tmp_path, *CONTROL_PLANE)
    )
    result = run("-i", folder, "tlsbootstrap.kubernetes.site")
    assert result.returncode == 4, said(result)
    assert contacted.exists()
    assert "Could not match" not in said(result)


def test_binaries_are_asked_for_by_those_that_install_them(
    run: Run, inventory: Callable[..., Path], contacted: Path
) -> None:
    folder = inventory()
    for playbook in ("site", "join", "control_plane"):
        result = run("-i", folder, f"tlsbootstrap.kubernetes.{playbook}")
        assert "neither a folder nor a URL is given for" in said(result), said(result)
        assert not contacted.exists()
    assert run("-i", folder, "tlsbootstrap.kubernetes.report").returncode == 4
    assert contacted.exists()


@pytest.mark.parametrize(
    ("groups", "why"),
    [
        ({"masters": "cp1", "workers": "w1"}, "kube_control_plane has no host"),
        ({"kube_controlplane": "cp1", "kube_nodes": "w1"}, "kube_controlplane looks like kube_control_plane misspelt"),
    ],
)
def test_an_inventory_without_our_groups_is_refused(
    run: Run, inventory: Callable[..., Path], contacted: Path, groups: dict[str, str], why: str
) -> None:
    folder = inventory({name: {"hosts": {host: {"ansible_host": "192.0.2.1"}}} for name, host in groups.items()})
    result = run("-i", folder, "tlsbootstrap.kubernetes.site")
    assert result.returncode == 2, said(result)
    assert why in said(result)
    assert not contacted.exists()


@pytest.mark.parametrize("playbook", ["join", "nodes"])
@pytest.mark.parametrize("limit", [(), ("--limit", "w1")], ids=["all", "limit"])
def test_a_misspelt_group_of_nodes_is_refused(
    run: Run, inventory: Callable[..., Path], contacted: Path, playbook: str, limit: tuple[str, ...]
) -> None:
    folder = inventory({"kube_control_plane": SMALL["kube_control_plane"], "kube_nodes": SMALL["kube_node"]})
    result = run("-i", folder, f"tlsbootstrap.kubernetes.{playbook}", *limit)
    assert result.returncode == 2, said(result)
    assert "the group kube_nodes looks like kube_node misspelt, and w1 is in it" in said(result)
    assert not contacted.exists()


def test_a_join_needs_the_group_of_the_nodes(run: Run, inventory: Callable[..., Path], contacted: Path) -> None:
    folder = inventory({"kube_control_plane": SMALL["kube_control_plane"], "workers": SMALL["kube_node"]})
    result = run("-i", folder, "tlsbootstrap.kubernetes.join", "--limit", "w1")
    assert result.returncode == 2, said(result)
    assert "the inventory has no group kube_node, and this playbook is for its hosts" in said(result)
    assert "the inventory has workers" in said(result)
    assert not contacted.exists()


def test_a_cluster_without_nodes_is_none_that_is_misspelt(
    run: Run, inventory: Callable[..., Path], contacted: Path, tmp_path: Path
) -> None:
    """No group at all for the end of `site`, an empty one for `join`."""
    groups = {"kube_control_plane": SMALL["kube_control_plane"]}
    variables = {"kube_binaries_directory": binaries(tmp_path, *CONTROL_PLANE)}
    folder = inventory(groups, **variables)
    for playbook, code in (("nodes", 0), ("join", 2)):
        result = run("-i", folder, f"tlsbootstrap.kubernetes.{playbook}")
        assert result.returncode == code, said(result)
    (folder / "hosts.yml").write_text(yaml.safe_dump({**groups, "kube_node": {"hosts": {}}}), encoding="utf-8")
    result = run("-i", folder, "tlsbootstrap.kubernetes.join")
    assert result.returncode == 0, said(result)
    assert not contacted.exists()


def test_nodes_of_an_existing_cluster_need_its_kubeconfig_and_nothing_else(
    run: Run, tmp_path: Path, contacted: Path
) -> None:
    """The example, as far as it goes without a cluster: its kubelet is there, and kube-proxy is not asked for."""
    (tmp_path / "kubelet").write_text("kubelet", encoding="utf-8")
    kubeconfig = tmp_path / "admin.conf"
    given = ["-e", f"kube_binaries_directory={tmp_path}", "-e", f"cluster_admin_kubeconfig={kubeconfig}"]
    result = run("-i", EXISTING, "tlsbootstrap.kubernetes.join", *given)
    assert result.returncode != 0
    assert f"the kubeconfig {kubeconfig} does not exist" in said(result)
    assert "findings" not in said(result)
    assert not contacted.exists()


def test_other_playbooks_make_no_cluster_beside_an_existing_one(run: Run, contacted: Path) -> None:
    for playbook in ("site", "pki", "control_plane", "open_joins", "report"):
        result = run("-i", EXISTING, f"tlsbootstrap.kubernetes.{playbook}")
        assert "this playbook is for clusters that this collection makes" in said(result), playbook
    assert not contacted.exists()
