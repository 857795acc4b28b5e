"""Running playbooks of the installed collection, as a user would."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

# Molecule runs the verifiers in the scenario's folder.
COMMAND = ("ansible-playbook", "--inventory=../shared/inventory", "--inventory=inventory")


def playbook(name: str, *arguments: str, log: Path, **environment: str) -> int:
    """Run a playbook; all of its output goes to the log. The return code, negative where a signal ended it."""
    command = [*COMMAND, f"tlsbootstrap.kubernetes.{name}", *arguments]
    with log.open("a") as output:
        # A process group of its own: what kills a run kills nothing else.
        return subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            start_new_session=True,
        ).returncode
