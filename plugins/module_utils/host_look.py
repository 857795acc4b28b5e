# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has to say before it becomes a node. Nothing is changed, and nothing but its own state is asked."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Iterable, Iterator

from . import files
from .domain.errors import InputError
from .domain.preflight import Disk, Listener, Unit, cgroup_controllers, listening, swaps_of

__all__ = [
    "absent_addresses",
    "cgroups",
    "command_of",
    "disk_of",
    "foreign_kubelets",
    "kubelet_units",
    "listeners",
    "swaps",
]

_UNIT = "kubelet.service"
_UNMASK = "have it start again with `systemctl unmask kubelet.service`"
_UNIT_FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
)
# As the kernel calls them; the second is microk8s', the others are k3s and rke2.
_KUBELETS = ("kubelet", "kubelite", "k3s", "k3s-server", "k3s-agent")
_CGROUP = "/sys/fs/cgroup"


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


def absent_addresses(addresses: Iterable[str]) -> list[str]:
    """Those that no interface has."""
    return [address for address in addresses if not _has(address)]


def _has(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as own:
            own.bind((address, 0))
    except OSError as error:
        # Anything else says nothing about the address.
        return error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
    return True


def swaps() -> list[str]:
    return swaps_of(_text("/proc/swaps"))


def cgroups() -> tuple[int, frozenset[str]]:
    """The version, and the controllers that can be had."""
    unified = f"{_CGROUP}/cgroup.controllers"
    if os.path.exists(unified):
        return 2, cgroup_controllers(2, _text(unified))
    return 1, cgroup_controllers(1, _text("/proc/cgroups"))


def disk_of(path: str) -> Disk:
    """The file system that the folder is on, or would be."""
    there = os.path.abspath(path)
    while not os.path.isdir(there):
        there = os.path.dirname(there)
    found = os.statvfs(there)
    return Disk(there, found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize, found.f_favail, found.f_files)


def kubelet_units() -> list[Unit]:
    """What would be in the place of our unit, and all that changes it."""
    paths = [f"{_UNIT_FOLDERS[0]}/{_UNIT}"]
    for folder in (f"{place}/{_UNIT}.d" for place in _UNIT_FOLDERS):
        with contextlib.suppress(OSError):
            paths += [f"{folder}/{name}" for name in sorted(os.listdir(folder)) if name.endswith(".conf")]
    return [_unit_file(path) for path in paths if os.path.lexists(path)]


def _unit_file(path: str) -> Unit:
    """A link to another file is read; what stands for no unit, or would never end, is told."""
    if os.path.realpath(path) == os.devnull:
        return Unit(path, "", "" if path.endswith(".conf") else f"{_UNIT} is masked: {_UNMASK}")
    try:
        data = files.read(path, follow=True)
    except InputError as error:
        return Unit(path, "", str(error))
    return Unit(path, (data or b"").decode("utf-8", "replace"))


def listeners() -> list[Listener]:
    """Who listens on the kubelet's ports."""
    sockets = {**listening(_text("/proc/net/tcp")), **listening(_text("/proc/net/tcp6"))}
    if not sockets:
        return []
    found = dict.fromkeys(sockets.values(), 0)
    for pid in _processes():
        for inode in _sockets(pid) & set(sockets):
            found[sockets[inode]] = pid
    return [
        Listener(port, pid, _text(f"/proc/{pid}/comm").strip(), _unit(pid)) if pid else Listener(port)
        for port, pid in found.items()
    ]


def command_of(program: str) -> list[str] | None:
    """With what a program of this host, and not of a container on it, was started."""
    own = _namespace("self")
    for pid in _processes():
        command = _text(f"/proc/{pid}/cmdline").split("\0")
        if os.path.basename(command[0]) == program and _namespace(pid) == own:
            return command
    return None


def foreign_kubelets() -> list[str]:
    """Kubelets of this host, and not of a container on it, that are not kubelet.service."""
    own = _namespace("self")
    found = []
    for pid in _processes():
        program = _text(f"/proc/{pid}/comm").strip()
        if program in _KUBELETS and _unit(pid) != _UNIT and _namespace(pid) == own:
            found.append(f"{program} (process {pid})")
    return found


def _processes() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def _sockets(pid: int) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                target = os.readlink(f"/proc/{pid}/fd/{name}")
                if target.startswith("socket:["):
                    found.add(target[len("socket:[") : -1])
    return found


def _unit(pid: int) -> str:
    """The innermost unit of systemd that it belongs to."""
    units = [
        part
        for line in _text(f"/proc/{pid}/cgroup").splitlines()
        for part in line.split("/")
        if part.endswith((".service", ".scope"))
    ]
    return units[-1] if units else ""


def _namespace(pid: int | str) -> int:
    try:
        return os.stat(f"/proc/{pid}/ns/pid").st_ino
    except OSError:
        return 0
