"""The first runs on hosts that have nothing: refused, foretold, without nodes, and with a clock that is wrong."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Any

import pytest
from proofs.ansible import Run, run
from proofs.hosts import RUN, Host
from proofs.nodes import left_of_joins, ready_nodes
from proofs.states import changed_since, foretold, look_at

CA = RUN / "ca"
WRONG = """
kube_control_plane:
  vars:
    kube_apiserver_extra_args: {disable-admission-plugins: NodeRestriction}
    cluster_servise_cidr: 10.96.0.0/12
kube_node:
  hosts:
    W_3: {ansible_host: 10.213.13.14}
    w4: {ansible_host: 10.213.13.13}
    w5: {ansible_host: 10.213.13.15, node_name: w1}
"""
WITHOUT_NODES = """
all:
  vars:
    cluster_name: faults
kube_control_plane:
  hosts:
    cp1: {ansible_host: 10.213.13.11}
kube_node:
  hosts: {}
"""
# What a run of Ansible's own on the host leaves to be: a clock that is off by so much.
INTERPRETER = """
rm -f /run/proof/python
printf '#!/bin/sh\\nFAKETIME=%%s LD_PRELOAD=%%s exec /usr/bin/python3 "$@"\\n' %s /usr/lib/*/faketime/libfaketime.so.1 \
    >/run/proof/python
chmod 0755 /run/proof/python
"""
CLOCKS = re.compile(r"the clock of w2 says (\S+), the controller's (\S+): (\d+) s (ahead|behind)")


@pytest.fixture(scope="module")
def nothing(hosts: dict[str, Host]) -> dict[str, Any]:
    """The state of all hosts before the first run."""
    return look_at(*hosts.values())


def test_wrong_inputs_are_refused_all_at_once(nothing: dict[str, Any], hosts: dict[str, Host], tmp_path: Path) -> None:
    (tmp_path / "wrong.yml").write_text(WRONG)
    refused = run("site", f"--inventory={tmp_path}/wrong.yml")
    assert refused.code != 0
    for words in (
        "kube_apiserver_extra_args: --disable-admission-plugins must not name NodeRestriction",
        "did you mean cluster_service_cidr?",
        "'W_3' cannot be the name of a Node",
        "hosts w2 and w4 have one address, 10.213.13.13",
        "hosts w1 and w5 have one node name, 'w1'",
    ):
        assert words in refused.failures
    assert "SSH" not in refused.output
    assert changed_since(nothing, *hosts.values()) == {}
    assert not CA.exists()


@pytest.fixture(scope="module")
def told(nothing: dict[str, Any]) -> Run:
    """A first run in check mode."""
    return run("site", "--check", "--diff")


def test_check_on_a_first_run_changes_nothing(told: Run, nothing: dict[str, Any], hosts: dict[str, Host]) -> None:
    assert (told.code, told.failures) == (0, "")
    assert changed_since(nothing, *hosts.values()) == {}
    assert not CA.exists()


def test_check_on_a_first_run_tells_what_is_to_come(told: Run) -> None:
    paths = foretold(told)
    assert len(paths["cp1"]) > 40
    assert {f"{CA}/kubernetes-ca.crt", "/etc/kubernetes/admin.conf", "/usr/local/bin/etcd"} <= paths["cp1"]
    for name in ("w1", "w2"):
        assert {"/etc/kubernetes/kubelet.conf", "/var/lib/kubelet/config.yaml"} <= paths[name]
    assert "w1, w2 would join" in told.output


def test_a_cluster_without_nodes(cp1: Host, nothing: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text(WITHOUT_NODES)
    made = run("site", inventory=f"{tmp_path}/hosts.yml")
    assert (made.code, made.failures) == (0, "")
    assert cp1.objects("nodes")["items"] == []
    assert left_of_joins(cp1) == []


def wrong_clock(w2: Host, offset: str, folder: Path) -> str:
    """Have the second worker's clock off, as Ansible's modules see it; return an inventory for that."""
    w2.output(INTERPRETER, offset)
    path = folder / "clock.yml"
    path.write_text("all: {hosts: {w2: {ansible_python_interpreter: /run/proof/python}}}\n")
    return f"--inventory={path}"


def clocks(said: str) -> tuple[float, int, str]:
    """Return by how much the two times in a message are apart, and what it says of that."""
    found = CLOCKS.search(said)
    assert found, said
    here, there = (datetime.datetime.fromisoformat(text) for text in found.groups()[:2])
    return (here - there).total_seconds(), int(found[3]), found[4]


def test_a_node_two_hours_behind_is_refused_and_the_others_join(
    cp1: Host, w1: Host, w2: Host, nothing: dict[str, Any], told: Run, tmp_path: Path
) -> None:
    made = run("join", wrong_clock(w2, "-2h", tmp_path))
    assert made.code != 0
    apart, seconds, words = clocks(made.failures)
    assert apart == pytest.approx(-7200, abs=60)
    assert (seconds, words) == (pytest.approx(7200, abs=60), "behind")
    assert changed_since(nothing, w2) == {}
    assert ready_nodes(cp1) == ["w1"]
    assert left_of_joins(cp1, w1, w2) == []
    # Where the files are now that the check told of. A bootstrap kubeconfig is there for a join only.
    written = {name: set(changed["files"]) for name, changed in changed_since(nothing, cp1, w1).items()}
    written["cp1"] |= {str(path) for path in [CA, *CA.rglob("*")]}
    assert foretold(told)["cp1"] - written["cp1"] == set()
    assert foretold(told)["w1"] - written["w1"] == {"/etc/kubernetes/bootstrap-kubelet.conf"}


def test_a_node_ten_minutes_ahead_is_refused(cp1: Host, w2: Host, nothing: dict[str, Any], tmp_path: Path) -> None:
    before = look_at(cp1)
    refused = run("join", "--limit", "w2", wrong_clock(w2, "+10m", tmp_path))
    assert refused.code != 0
    apart, seconds, words = clocks(refused.failures)
    assert apart == pytest.approx(600, abs=60)
    assert (seconds, words) == (pytest.approx(600, abs=60), "ahead")
    assert changed_since(nothing, w2) == {}
    assert changed_since(before, cp1) == {}


@pytest.fixture(scope="module")
def limited(hosts: dict[str, Host], tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, dict[str, Any]]:
    """A run of everything for one node, whose clock is off by two minutes, and the state of all before it."""
    before = look_at(*hosts.values())
    inventory = wrong_clock(hosts["w2"], "+2m", tmp_path_factory.mktemp("inventory"))
    return run("site", "--limit", "w2", inventory), before


def test_a_node_two_minutes_ahead_is_warned_about(cp1: Host, limited: tuple[Run, dict[str, Any]]) -> None:
    made, _before = limited
    assert (made.code, made.failures) == (0, "")
    warnings = [said for task in made.tasks for said in task["warnings"].get("w2", [])]
    apart, _seconds, words = clocks(" ".join(map(str, warnings)))
    assert (apart, words) == (pytest.approx(120, abs=60), "ahead")
    assert ready_nodes(cp1) == ["w1", "w2"]


def test_a_run_for_one_node_touches_no_other_host(hosts: dict[str, Host], limited: tuple[Run, dict[str, Any]]) -> None:
    _made, before = limited
    changed = changed_since(before, hosts["cp1"], hosts["w1"])
    assert {name: set(kinds) for name, kinds in changed.items()} == {"cp1": {"objects"}}
    # What a join leaves in the cluster, and nothing that belongs to all.
    objects = changed["cp1"]["objects"]
    assert {key.rsplit("/", 1)[0] for key in objects} == {"node", "request"}
    assert {key for key in objects if key.startswith("node/")} == {"node/w2"}
    assert left_of_joins(hosts["cp1"], *hosts.values()) == []
