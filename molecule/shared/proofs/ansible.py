"""Running playbooks of the installed collection, as a user would."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proofs.hosts import RUN

LOG = RUN / "runs.log"
CALLBACKS = {
    "ANSIBLE_CALLBACK_PLUGINS": str(Path(os.environ["TLSB_TOOLS"], "../tests/plugins/callback")),
    "ANSIBLE_CALLBACKS_ENABLED": "kill_after_task",
}


def playbook(name: str, *arguments: str, log: Path, inventory: str = "inventory", **environment: str) -> int:
    """Run a playbook; all of its output goes to the log. The return code, negative where a signal ended it."""
    # Molecule runs the verifiers in the scenario's folder.
    command = ["ansible-playbook", "--inventory=../shared/inventory", f"--inventory={inventory}"]
    with log.open("a") as output:
        # A process group of its own: what kills a run kills nothing else.
        return subprocess.run(
            [*command, f"tlsbootstrap.kubernetes.{name}", *arguments],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            start_new_session=True,
        ).returncode


@dataclass(frozen=True)
class Run:
    """What a run of a playbook did and said."""

    code: int
    tasks: list[dict[str, Any]] = field(repr=False)
    output: str = field(repr=False)

    @property
    def changes(self) -> list[dict[str, Any]]:
        """The tasks that changed something."""
        return [task for task in self.tasks if task["changed"]]

    @property
    def failures(self) -> str:
        """What failed, each host on a line of its own."""
        return "\n".join(f"{host}: {said}" for task in self.tasks for host, said in task["failed"].items())


def run(name: str, *arguments: str, kill_after: int | str = 0, inventory: str = "inventory") -> Run:
    """Run a playbook, killed after a task, by its number or words of its name, or to its end."""
    tasks = RUN / "tasks"
    tasks.write_text("")
    start = LOG.stat().st_size if LOG.exists() else 0
    which = "KILL_AFTER_TASK_NAME" if isinstance(kill_after, str) else "KILL_AFTER_TASK"
    settings = {which: str(kill_after), "KILL_AFTER_TASK_FILE": str(tasks), **CALLBACKS}
    code = playbook(name, *arguments, log=LOG, inventory=inventory, **settings)
    output = LOG.read_bytes()[start:].decode(errors="replace")
    return Run(code, [json.loads(line) for line in tasks.read_text().splitlines()], output)
