# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the rows work, what they call, and what a row is."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from contenders import PLAYBOOKS, Contender
from measure import Goal

START = "Ansible's start and one call"
ANSIBLE = str(Path(sys.executable).with_name("ansible-playbook"))
BASH = ["bash", "-euo", "pipefail", "-c"]


@dataclass(frozen=True)
class Place:
    """Where the bench works, and where what it calls lies."""

    work: Path
    collections: Path
    kubeadm: str
    easyrsa: str = "/usr/share/easy-rsa/easyrsa"
    # The folder that tools/hosts has made, where a row needs hosts.
    hosts: Path = Path("/nonexistent")

    @property
    def cluster(self) -> Path:
        """The folder of an API server that runs on this machine."""
        return self.work / "cluster"

    @property
    def environment(self) -> dict[str, str]:
        """Ansible as it comes, without anybody's settings."""
        return {
            "ANSIBLE_CONFIG": str(self.work / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "ANSIBLE_HOME": str(self.work / "ansible"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "LC_ALL": "C.UTF-8",
        }


@dataclass(frozen=True)
class Row:
    title: str
    contenders: Callable[[Place], list[Contender]]
    goals: tuple[Goal, ...] = ()
    # A row of this many nodes, which are containers beside a control plane.
    nodes: int = 0


def playbook(name: str, folder: Path, *more: str, **variables: object) -> list[str]:
    values = {"folder": str(folder), "ansible_python_interpreter": sys.executable, **variables}
    path = name if name.startswith("tlsbootstrap.") else str(PLAYBOOKS / name)
    return [ANSIBLE, *more, "--extra-vars", json.dumps(values), path]


def plain(place: Place, runs: int) -> Contender:
    """What every play costs, whatever it does."""
    folder = place.work / "start"
    return Contender(START, [playbook("empty.yml", folder)], folder, runs, place.environment)
