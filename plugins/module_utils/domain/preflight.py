# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the way of a join on the host itself, from what was seen there, each with its remedy."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .clock import check_clock
from .endpoints import EndpointSeen
from .errors import InputError
from .versions import minor_of

__all__ = [
    "CHECKS",
    "CONTROLLER",
    "Disk",
    "Finding",
    "Listener",
    "Unit",
    "address_findings",
    "cgroup_controllers",
    "cgroup_findings",
    "clock_findings",
    "deaf_runtime",
    "disk_findings",
    "endpoint_findings",
    "leftover_findings",
    "listening",
    "missing_runtime",
    "port_findings",
    "settled",
    "swap_findings",
    "swaps_of",
    "thresholds",
]

# What a user may say is to be no refusal, by these names.
CHECKS = (
    "address",
    "any_node",
    "authorization",
    "cgroup",
    "clock",
    "disk",
    "endpoint",
    "leftovers",
    "name",
    "ports",
    "runtime",
    "swap",
    "tokens",
    "version",
)
CONTROLLER = "the controller's"
_API_SERVER = "that of the API server"
# The kubelet serves on the first, and tells systemd's neighbours how it is on the second.
PORTS = (10250, 10248)
_LISTENS = "0A"
# Without these the kubelet does not start, or cannot hold a Pod to its limits (pkg/kubelet/cm).
_CONTROLLERS = ("cpu", "cpuset", "memory", "pids")
# pkg/kubelet/apis/config/v1beta1: since 1.35 the kubelet refuses cgroup v1 unless told otherwise.
_V1_REFUSED = 35
# The kubelet, kube-proxy and what they write in their first minutes.
_ROOM = 512 * 1024 * 1024
# pkg/kubelet/eviction/defaults_linux.go
_EVICTION = {"nodefs.available": "10%", "nodefs.inodesFree": "5%"}
_UNITS = {"Ki": 1024, "Mi": 1024**2, "Gi": 1024**3, "Ti": 1024**4, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(%|[KMGT]i|[kMGT]|)\Z")
# systemd.syntax(7): a comment begins with # or ;, and ExecStartPre starts no other command in place of it.
_COMMAND = re.compile(r"^[ \t]*ExecStart[ \t]*=", re.MULTILINE)
_OURS = "# Written by tlsbootstrap.kubernetes."


@dataclass(frozen=True)
class Finding:
    """`fatal`: a join would fail, or do harm. The rest is told."""

    check: str
    text: str
    fatal: bool = True

    def as_dict(self) -> dict[str, Any]:
        return {"check": self.check, "text": self.text, "fatal": self.fatal}


def settled(findings: Iterable[Finding], skipped: Iterable[str]) -> list[Finding]:
    """As they count: what the user has said is to be no refusal is told all the same."""
    passed = frozenset(skipped)
    return [Finding(one.check, one.text, one.fatal and one.check not in passed) for one in findings]


# -- time


def clock_findings(
    host: str, now: datetime.datetime, controller: datetime.datetime, server: datetime.datetime | None
) -> list[Finding]:
    """Against the controller, and where that is well against the API server, whose certificates it is to take."""
    for whose, reference in ((CONTROLLER, controller), (_API_SERVER, server)):
        try:
            warning = None if reference is None else check_clock(host, now, reference, whose)[1]
        except InputError as error:
            return [Finding("clock", str(error))]
        if warning:
            return [Finding("clock", warning, fatal=False)]
    return []


# -- the way to the API server


def endpoint_findings(seen: EndpointSeen, needed: bool) -> list[Finding]:
    """`needed`: the API server is there, or should be. What answers has to be the right one in any case."""
    if not seen.problem or (seen.problem in ("unresolved", "unreachable") and not needed):
        return []
    return [Finding("endpoint", seen.text)]


# -- addresses and ports


def address_findings(addresses: Iterable[str], missing: Iterable[str]) -> list[Finding]:
    gone = list(missing)
    if not gone:
        return []
    return [
        Finding(
            "address",
            f"{', '.join(gone)} of node_ip ({', '.join(addresses)}) is on no interface of this host, so the kubelet "
            "would report no address and get no serving certificate: correct node_ip, or give the host the address",
        )
    ]


@dataclass(frozen=True)
class Listener:
    """Who listens on a port; `unit` is the systemd unit that it belongs to."""

    port: int
    pid: int = 0
    program: str = ""
    unit: str = ""


def listening(table: str, ports: Iterable[int] = PORTS) -> dict[str, int]:
    """Inode of the socket -> port, of /proc/net/tcp or tcp6."""
    wanted = frozenset(ports)
    found = {}
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == _LISTENS:
            port = int(fields[1].rpartition(":")[2], 16)
            if port in wanted:
                found[fields[9]] = port
    return found


def port_findings(listeners: Iterable[Listener]) -> list[Finding]:
    """The unit kubelet.service may have its own: whether it is ours, the leftovers tell."""
    others = [one for one in listeners if one.unit != "kubelet.service"]
    return [
        Finding(
            "ports",
            f"port {one.port}, which the kubelet needs, is taken by {one.program or 'a process'}"
            + (f" (process {one.pid}{', ' + one.unit if one.unit else ''})" if one.pid else "")
            + ": stop it, or have it listen elsewhere",
        )
        for one in sorted(others, key=lambda one: (one.port, one.pid))
    ]


# -- the container runtime


def missing_runtime(host: str, socket: str, remedy: str) -> Finding:
    return Finding(
        "runtime",
        f"{host} has no container runtime: nothing listens at {socket}, and there is no unit that would; {remedy}",
    )


def deaf_runtime(socket: str) -> Finding:
    return Finding(
        "runtime",
        f"what listens at {socket} does not answer CRI (runtime.v1), which the kubelet speaks: with containerd, take "
        "cri from disabled_plugins in /etc/containerd/config.toml and restart it; Docker needs cri-dockerd",
    )


# -- the machine


def swaps_of(table: str) -> list[str]:
    """The devices of /proc/swaps."""
    return [line.split()[0] for line in table.splitlines()[1:] if line.split()]


def swap_findings(devices: Iterable[str], config: Mapping[str, Any]) -> list[Finding]:
    found = list(devices)
    if not found or config.get("failSwapOn") is False:
        return []
    return [
        Finding(
            "swap",
            f"swap is on ({', '.join(found)}), and the kubelet would not start: turn it off (swapoff -a, and its "
            "line in /etc/fstab), or set failSwapOn: false in kubelet_config_overrides",
        )
    ]


def cgroup_controllers(version: int, table: str) -> frozenset[str]:
    """Of cgroup.controllers (version 2), or those that are enabled in /proc/cgroups."""
    if version == 2:
        return frozenset(table.split())
    rows = [line.split() for line in table.splitlines() if not line.startswith("#")]
    return frozenset(row[0] for row in rows if len(row) == 4 and row[3] == "1")


def cgroup_findings(
    version: int, controllers: Iterable[str], kubernetes: str, config: Mapping[str, Any]
) -> list[Finding]:
    found = []
    if version == 1:
        refused = (minor_of(kubernetes) or 0) >= _V1_REFUSED and config.get("failCgroupV1") is not False
        found.append(
            Finding(
                "cgroup",
                f"this host has cgroup v1, which a kubelet of {kubernetes} "
                + (
                    "refuses: start it with cgroup v2 (systemd.unified_cgroup_hierarchy=1 on the kernel's command "
                    "line), or set failCgroupV1: false in kubelet_config_overrides"
                    if refused
                    else "still takes, and a later one will not: move to cgroup v2"
                ),
                refused,
            )
        )
    missing = [name for name in _CONTROLLERS if name not in frozenset(controllers)]
    if missing:
        found.append(
            Finding(
                "cgroup",
                f"the kernel has no cgroup controller {', '.join(missing)}, which the kubelet needs: enable it "
                "(memory: cgroup_enable=memory on the kernel's command line)",
            )
        )
    return found


@dataclass(frozen=True)
class Disk:
    """The file system that a folder is on, or will be."""

    path: str
    free: int
    size: int
    inodes_free: int
    inodes: int


def thresholds(config: Mapping[str, Any]) -> dict[str, str]:
    """What a kubelet takes for too little; with evictionHard of the user only what stands there counts."""
    given = config.get("evictionHard")
    wanted = given if isinstance(given, Mapping) else _EVICTION
    return {name: str(value) for name, value in wanted.items() if name in _EVICTION}


def disk_findings(disk: Disk, config: Mapping[str, Any]) -> list[Finding]:
    if disk.free < _ROOM:
        return [
            Finding(
                "disk",
                f"{disk.path} has {_mebibytes(disk.free)} left, less than the {_mebibytes(_ROOM)} that a node needs "
                "at the least: make room",
            )
        ]
    amounts = {"nodefs.available": (disk.free, disk.size), "nodefs.inodesFree": (disk.inodes_free, disk.inodes)}
    return [
        Finding(
            "disk",
            f"{disk.path}: {name} is below {limit}, so the kubelet would evict Pods as soon as it starts: make room, "
            "or set evictionHard in kubelet_config_overrides",
            fatal=False,
        )
        for name, limit in thresholds(config).items()
        if amounts[name][1] and amounts[name][0] < _amount(limit, amounts[name][1])
    ]


def _amount(text: str, whole: int) -> float:
    match = _QUANTITY.match(text)
    if match is None:
        return 0.0
    number = float(match[1])
    return number * whole / 100 if match[2] == "%" else number * _UNITS.get(match[2], 1)


def _mebibytes(size: int) -> str:
    return f"{size // 1024**2} MiB"


# -- another tool


@dataclass(frozen=True)
class Unit:
    """A file of the unit kubelet.service. `odd`: what is to be said of one that is no file that can be read."""

    path: str
    text: str
    odd: str = ""

    @property
    def starts_a_kubelet(self) -> bool:
        """A drop-in that starts another command is another tool's; one of the administrator's may stay."""
        if self.odd or self.text.startswith(_OURS):
            return False
        return not self.path.endswith(".conf") or _COMMAND.search(self.text) is not None


def leftover_findings(units: Iterable[Unit], programs: Iterable[str]) -> list[Finding]:
    """`units`: what lies where ours would, and what changes ours; `programs`: kubelets without a unit of ours."""
    files, running = list(units), list(programs)
    foreign = [unit.path for unit in files if unit.starts_a_kubelet]
    texts = {
        f"another tool runs a kubelet here: {', '.join(foreign)} is not of this collection: reset the host with that "
        "tool (kubeadm reset), and remove its packages and these files": foreign,
        f"a kubelet runs here that is not kubelet.service: {', '.join(running)}: this host is a node already; take "
        "it out of that cluster first": running,
    }
    odd = [Finding("leftovers", unit.odd) for unit in files if unit.odd]
    return [*(Finding("leftovers", text) for text, found in texts.items() if found), *odd]
