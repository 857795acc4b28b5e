# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the way of a join on a host."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import host_look
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import preflight
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.endpoints import EndpointSeen
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.preflight import (
    Disk,
    Finding,
    Listener,
    Unit,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.modules import join_preflight, kubelet_preflight

NOW = datetime.datetime(2026, 11, 22, 15, tzinfo=datetime.timezone.utc)
ROLE = Path(__file__).parents[5] / "roles/kubelet/meta/argument_specs.yml"
GIB = 1024**3


def later(seconds: int) -> datetime.datetime:
    return NOW + datetime.timedelta(seconds=seconds)


def told(findings: list[Finding]) -> list[tuple[str, bool]]:
    return [(one.check, one.fatal) for one in findings]


def test_the_checks_that_can_be_passed_over_are_those_of_the_role() -> None:
    options = yaml.safe_load(ROLE.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    assert options["kubelet_preflight_skip"]["choices"] == list(preflight.CHECKS)


@pytest.mark.parametrize("module", [kubelet_preflight, join_preflight])
def test_the_modules_take_no_other_name_of_a_check(module: Any) -> None:
    assert module.SPEC["skip"]["choices"] == list(preflight.CHECKS)
    assert yaml.safe_load(module.DOCUMENTATION)["options"]["skip"]["choices"] == list(preflight.CHECKS)


def test_what_is_passed_over_is_told_all_the_same() -> None:
    found = [Finding("swap", "x"), Finding("ports", "y"), Finding("disk", "z", fatal=False)]
    assert told(preflight.settled(found, ["swap"])) == [("swap", False), ("ports", True), ("disk", False)]


@pytest.mark.parametrize(
    ("controller", "server", "wanted", "words"),
    [
        (0, 0, [], ""),
        (0, None, [], ""),
        (59, -59, [], ""),
        (61, 0, [("clock", False)], "the controller's 2026-11-22T15:01:01Z: 61 s behind"),
        (-301, 0, [("clock", True)], "the controller's 2026-11-22T14:54:59Z: 301 s ahead"),
        (0, 301, [("clock", True)], "that of the API server 2026-11-22T15:05:01Z: 301 s behind"),
        (0, -90, [("clock", False)], "that of the API server 2026-11-22T14:58:30Z: 90 s ahead"),
        (400, 400, [("clock", True)], "the controller's"),
    ],
)
def test_clocks(controller: int, server: int | None, wanted: list[tuple[str, bool]], words: str) -> None:
    found = preflight.clock_findings("w1", NOW, later(controller), None if server is None else later(server))
    assert told(found) == wanted
    assert words in "".join(one.text for one in found)


@pytest.mark.parametrize(
    ("problem", "needed", "wanted"),
    [
        ("", True, False),
        ("unresolved", True, True),
        ("unreachable", True, True),
        ("unresolved", False, False),
        ("unreachable", False, False),
        ("untrusted", False, True),
        ("expired", False, True),
    ],
)
def test_what_answers_has_to_be_right_and_what_does_not_may_come_later(
    problem: str, needed: bool, wanted: bool
) -> None:
    assert bool(preflight.endpoint_findings(EndpointSeen(problem, "x"), needed)) is wanted


def test_an_address_that_the_host_has_not() -> None:
    assert preflight.address_findings(["192.0.2.1"], []) == []
    (found,) = preflight.address_findings(["192.0.2.1", "2001:db8::1"], ["2001:db8::1"])
    assert found.text.startswith("2001:db8::1 of node_ip (192.0.2.1, 2001:db8::1) is on no interface")


TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1111 1 0 100 0 0 10 0
   1: 0100007F:2808 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2222 1 0 100 0 0 10 0
   2: 0100007F:280A 0100007F:0016 01 00000000:00000000 00:00000000 00000000     0        0 3333 1 0 100 0 0 10 0
"""
TCP6 = """  sl  local_address                         remote_address                        st ...
   0: 00000000000000000000000000000000:280A 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4444 1 0 1
"""


def test_who_listens() -> None:
    assert preflight.listening(TCP) == {"2222": 10248}
    assert preflight.listening(TCP6) == {"4444": 10250}
    assert preflight.listening("") == {}


def test_ports_of_others_and_of_the_kubelet_itself() -> None:
    ours = Listener(10250, 7, "kubelet", "kubelet.service")
    other = Listener(10248, 8, "nginx", "nginx.service")
    (found,) = preflight.port_findings([ours, other])
    assert "port 10248, which the kubelet needs, is taken by nginx (process 8, nginx.service)" in found.text
    assert "is taken by a process: stop it" in preflight.port_findings([Listener(10250)])[0].text


def test_the_runtime() -> None:
    found = preflight.missing_runtime("w1", "/run/x.sock", "install one")
    assert found.text.startswith("w1 has no container runtime: nothing listens at /run/x.sock")
    assert found.text.endswith("install one")
    assert "disabled_plugins" in preflight.deaf_runtime("/run/x.sock").text


SWAPS = "Filename\t\t\t\tType\t\tSize\n/dev/sda2                               partition\t1\t0\t-2\n"


@pytest.mark.parametrize(
    ("table", "config", "refused"),
    [
        (SWAPS, {}, True),
        (SWAPS, {"failSwapOn": True}, True),
        (SWAPS, {"failSwapOn": False}, False),
        (SWAPS.splitlines()[0], {}, False),
        ("", {}, False),
    ],
)
def test_swap(table: str, config: dict[str, Any], refused: bool) -> None:
    found = preflight.swap_findings(preflight.swaps_of(table), config)
    assert ["/dev/sda2" in one.text for one in found] == [True] * refused


ENABLED = (
    "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t1\t1\t1\ncpuset\t2\t1\t1\nmemory\t3\t1\t{}\npids\t4\t1\t1\n"
)
ALL = ("cpu", "cpuset", "memory", "pids")


def test_controllers_of_both_versions() -> None:
    assert preflight.cgroup_controllers(2, "cpuset cpu io memory pids\n") >= set(ALL)
    assert preflight.cgroup_controllers(1, ENABLED.format(1)) == set(ALL)
    assert preflight.cgroup_controllers(1, ENABLED.format(0)) == set(ALL) - {"memory"}


@pytest.mark.parametrize(
    ("version", "controllers", "kubernetes", "config", "wanted"),
    [
        (2, ALL, "1.37.2", {}, []),
        (1, ALL, "1.37.2", {}, [True]),
        (1, ALL, "1.37.2", {"failCgroupV1": True}, [True]),
        (1, ALL, "1.37.2", {"failCgroupV1": False}, [False]),
        (1, ALL, "1.34.4", {}, [False]),
        (1, ALL, "1.35.0", {}, [True]),
        (2, ALL[:2], "1.37.2", {}, [True]),
        (1, ALL[:2], "1.34.4", {}, [False, True]),
    ],
)
def test_cgroups(
    version: int, controllers: tuple[str, ...], kubernetes: str, config: dict[str, Any], wanted: list[bool]
) -> None:
    found = preflight.cgroup_findings(version, controllers, kubernetes, config)
    assert [one.fatal for one in found] == wanted
    assert all("memory, pids" in one.text for one in found if "controller" in one.text)


@pytest.mark.parametrize(
    ("free", "inodes", "config", "wanted"),
    [
        (50 * GIB, 900, {}, []),
        (GIB // 4, 900, {}, [True]),
        (9 * GIB, 900, {}, [False]),
        (9 * GIB, 900, {"evictionHard": {"nodefs.available": "5%", "imagefs.available": "99%"}}, []),
        (9 * GIB, 900, {"evictionHard": {"nodefs.available": "10Gi"}}, [False]),
        (9 * GIB, 900, {"evictionHard": {"nodefs.available": "8Gi"}}, []),
        (50 * GIB, 40, {}, [False]),
        (50 * GIB, 40, {"evictionHard": {}}, []),
        (50 * GIB, 40, {"evictionHard": {"nodefs.inodesFree": "odd"}}, []),
    ],
)
def test_room(free: int, inodes: int, config: dict[str, Any], wanted: list[bool]) -> None:
    found = preflight.disk_findings(Disk("/var/lib", free, 100 * GIB, inodes, 1000), config)
    assert [one.fatal for one in found] == wanted
    assert all("/var/lib" in one.text for one in found)


def test_a_file_system_without_inodes_has_enough() -> None:
    assert preflight.disk_findings(Disk("/", 50 * GIB, 100 * GIB, 0, 0), {}) == []


OURS = "# Written by tlsbootstrap.kubernetes. For changes of your own: systemctl edit kubelet\n[Unit]\n"


@pytest.mark.parametrize(
    ("units", "programs", "words"),
    [
        ([], [], []),
        ([Unit("/etc/systemd/system/kubelet.service", OURS)], [], []),
        ([Unit("/etc/systemd/system/kubelet.service", "[Service]\nExecStart=x\n")], [], ["another tool"]),
        ([Unit("/etc/systemd/system/kubelet.service", "")], [], ["another tool"]),
        ([Unit("/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf", "ExecStart=\n")], [], ["10-kubeadm.conf"]),
        ([Unit("/etc/systemd/system/kubelet.service.d/limits.conf", "[Service]\nLimitNOFILE=9\n")], [], []),
        ([Unit("/etc/systemd/system/kubelet.service.d/a.conf", "[Service]\n  ExecStart =x\n")], [], ["a.conf"]),
        ([Unit("/etc/systemd/system/kubelet.service.d/a.conf", "[Service]\n# ExecStart=x\n;ExecStart=x\n")], [], []),
        ([Unit("/etc/systemd/system/kubelet.service.d/a.conf", "[Service]\nExecStartPre=x\n")], [], []),
        ([Unit("/etc/systemd/system/kubelet.service", "", "it is masked")], [], ["it is masked"]),
        ([], ["k3s-agent (process 9)"], ["k3s-agent (process 9)"]),
    ],
)
def test_leftovers(units: list[Unit], programs: list[str], words: list[str]) -> None:
    found = preflight.leftover_findings(units, programs)
    assert [word in one.text for one, word in zip(found, words)] == [True] * len(words)
    assert len(found) == len(words)


@pytest.fixture
def unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(host_look, "_UNIT_FOLDERS", (str(tmp_path),))
    return tmp_path / "kubelet.service"


def leftovers() -> list[str]:
    return [one.text for one in preflight.leftover_findings(host_look.kubelet_units(), [])]


def test_a_masked_unit_is_no_other_tools(unit: Path) -> None:
    unit.symlink_to("/dev/null")
    folder = Path(f"{unit}.d")
    folder.mkdir()
    (folder / "10-kubeadm.conf").symlink_to("/dev/null")
    assert leftovers() == ["kubelet.service is masked: have it start again with `systemctl unmask kubelet.service`"]


def test_a_pipe_in_the_place_of_the_unit_is_not_waited_for(unit: Path) -> None:
    os.mkfifo(unit)
    # Who has it open for writing keeps a reader from its end.
    descriptor = os.open(unit, os.O_RDWR)
    try:
        assert leftovers() == [f"{unit} is not a regular file; move it away"]
    finally:
        os.close(descriptor)


def test_a_unit_that_is_a_link_is_read(unit: Path) -> None:
    (unit.parent / "ours").write_text(OURS)
    unit.symlink_to("ours")
    assert leftovers() == []
    unit.unlink()
    unit.write_text("[Service]\nExecStart=x\n")
    assert len(leftovers()) == 1
