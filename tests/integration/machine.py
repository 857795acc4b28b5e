# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""This machine as the only host of a cluster, with an /etc that nobody else sees: whole playbooks over local files.

For programs that run as root in a mount namespace of their own (unshare --mount --propagation private).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.profiles import SYSTEM_USERS

ROOT = Path(__file__).resolve().parents[2]
CONFIG = Path("/etc/kubernetes")
USERS = Path("/etc/sysusers.d/tlsbootstrap-kubernetes.conf")
# The books of the CA host and of the holder.
BOOKS = {".pending", ".backup", ".lock", "ledger.jsonl"}
# Users are not what is tried here, and not every machine has systemd.
SYSUSERS = "#!/bin/sh\nexit 0\n"


@dataclass
class Run:
    """What a playbook did."""

    code: int
    output: str
    tasks: list[dict[str, Any]] = field(default_factory=list)

    @property
    def changed(self) -> list[str]:
        return [task["task"] for task in self.tasks if task["changed"]]

    @property
    def calls(self) -> dict[str, int]:
        """How often each action of the collection ran, on all hosts."""
        ours = "tlsbootstrap.kubernetes."
        found = [task["action"] for task in self.tasks for _host in task["ran"] if task["action"].startswith(ours)]
        return {action[len(ours) :]: found.count(action) for action in found}

    @property
    def reasons(self) -> list[dict[str, Any]]:
        return [reason for task in self.tasks for told in task["reasons"].values() for reason in told]

    @property
    def warnings(self) -> list[str]:
        return [text for task in self.tasks for told in task["warnings"].values() for text in told]


class Machine:
    """One host, cp1: control plane, etcd member and node in one."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.ca = work / "ca"
        self.variables: dict[str, Any] = {
            "ansible_connection": "local",
            # What hosts have may be another one than what runs the playbook.
            "ansible_python_interpreter": os.environ.get("TLSBOOTSTRAP_HOST_PYTHON") or sys.executable,
            "node_ip": "192.0.2.11,fd00::11",
            "cluster_ca_directory": str(self.ca),
            "cluster_service_cidr": "10.96.0.0/12,fd00:1::/112",
            "cluster_pod_cidr": "10.244.0.0/16,fd00:2::/56",
        }
        # What Ansible is given besides.
        self.environment: dict[str, str] = {}
        self._tasks = work / "tasks.jsonl"
        self._hide()
        programs = work / "bin"
        programs.mkdir()
        (programs / "systemd-sysusers").write_text(SYSUSERS)
        (programs / "systemd-sysusers").chmod(0o755)

    def _hide(self) -> None:
        """Another /etc takes the place of the machine's, for this process and what it starts."""
        if os.readlink("/proc/self/ns/mnt") == os.readlink(f"/proc/{os.getppid()}/ns/mnt"):
            raise SystemExit("run this in a mount namespace of its own")
        etc = self.work / "etc"
        subprocess.run(["cp", "--archive", "/etc", etc], check=True)
        with (etc / "passwd").open("a") as users, (etc / "group").open("a") as groups:
            for number, name in enumerate(SYSTEM_USERS, 64200):
                users.write(f"{name}:x:{number}:{number}::/:/usr/sbin/nologin\n")
                groups.write(f"{name}:x:{number}:\n")
        subprocess.run(["mount", "--bind", etc, "/etc"], check=True)
        self.forget()

    def forget(self) -> None:
        """Begin with nothing."""
        for folder in (CONFIG, self.ca):
            shutil.rmtree(folder, ignore_errors=True)
        USERS.unlink(missing_ok=True)

    def command(self, playbook: str, *options: str, **variables: Any) -> tuple[list[str], dict[str, str]]:
        """What runs a playbook, and in which environment."""
        inventory, tasks = self.work / "hosts.yml", self._tasks
        groups = {name: {"hosts": {"cp1": None}} for name in ("kube_control_plane", "kube_node")}
        inventory.write_text(yaml.safe_dump({"all": {"vars": {**self.variables, **variables}, "children": groups}}))
        tasks.unlink(missing_ok=True)
        environment = {
            **os.environ,
            "PATH": f"{self.work}/bin:{os.environ['PATH']}",
            "ANSIBLE_CALLBACK_PLUGINS": f"{ROOT}/tests/plugins/callback",
            "ANSIBLE_CALLBACKS_ENABLED": "kill_after_task",
            "KILL_AFTER_TASK_FILE": str(tasks),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": f"{self.work}/controller",
            "ANSIBLE_REMOTE_TEMP": f"{self.work}/remote",
            **self.environment,
        }
        program = [sys.executable, str(Path(sys.executable).with_name("ansible-playbook"))]
        return [*program, "-i", str(inventory), f"tlsbootstrap.kubernetes.{playbook}", *options], environment

    def play(self, playbook: str, *options: str, before: tuple[str, ...] = (), **variables: Any) -> Run:
        command, environment = self.command(playbook, *options, **variables)
        done = subprocess.run(
            [*before, *command],
            env=environment,
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return self.done(done.returncode, done.stdout)

    def done(self, code: int, output: str) -> Run:
        lines = self._tasks.read_text().splitlines() if self._tasks.exists() else []
        return Run(code, output, [json.loads(line) for line in lines])

    def good(self, playbook: str, *options: str, **variables: Any) -> Run:
        run = self.play(playbook, *options, **variables)
        assert run.code == 0, run.output
        return run

    def files(self, books: bool = True) -> dict[str, tuple[str, int, int, int]]:
        """Hash, mode, owner and group of all that the playbooks may touch."""
        found = {}
        for folder in (CONFIG, self.ca, USERS):
            for path in (folder, *folder.rglob("*")):
                if not path.exists() or (not books and BOOKS & set(path.parts)):
                    continue
                state = path.lstat()
                content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
                found[str(path)] = (content, stat.S_IMODE(state.st_mode), state.st_uid, state.st_gid)
        return found


def touched(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {path for path in {*before, *after} if before.get(path) != after.get(path)}
