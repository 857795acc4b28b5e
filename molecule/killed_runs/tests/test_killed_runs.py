"""A run that is killed after any task goes on when it is run again, and ends with nothing to change."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from proofs.ansible import playbook
from proofs.hosts import RUN, Host, connect

CALLBACKS = {
    "ANSIBLE_CALLBACK_PLUGINS": str(Path(os.environ["TLSB_TOOLS"], "../tests/plugins/callback")),
    "ANSIBLE_CALLBACKS_ENABLED": "kill_after_task",
}
LOG = RUN / "runs.log"
CA = RUN / "ca"
# What the playbooks leave on a host, but for the binaries: they are brought once.
FORGET = """
systemctl disable --quiet --now kubelet kube-proxy 2>/dev/null
rm -rf /etc/kubernetes /var/lib/kubelet /var/lib/kube-proxy /etc/systemd/system/kube*.service
systemctl daemon-reload
"""


def run(name: str, *arguments: str, kill_after: int = 0) -> tuple[int, list[dict[str, Any]]]:
    """Run a playbook, killed after a task or to its end; return its code and its tasks."""
    tasks = RUN / "tasks"
    tasks.unlink(missing_ok=True)
    code = playbook(
        name, *arguments, log=LOG, KILL_AFTER_TASK=str(kill_after), KILL_AFTER_TASK_FILE=str(tasks), **CALLBACKS
    )
    return code, [json.loads(line) for line in tasks.read_text().splitlines()]


def changes(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the tasks that changed something."""
    return [task for task in tasks if task["changed"]]


def authorities() -> dict[str, bytes]:
    """Return the certificates of the CA host."""
    return {path.name: path.read_bytes() for path in CA.rglob("*-ca.crt")}


def goes_on(name: str, *arguments: str, kill_after: int) -> None:
    """Kill a run after a task, run it again, and once more."""
    code, tasks = run(name, *arguments, kill_after=kill_after)
    assert code == -signal.SIGKILL
    killed = f"killed after {kill_after}, {tasks[-1]['task']}"
    before = authorities()
    code, _unused = run(name, *arguments)
    assert code == 0, f"{killed}: the next run fails, see {LOG}"
    assert before.items() <= authorities().items(), f"{killed}: a CA was made anew"
    code, tasks = run(name, *arguments)
    assert (code, changes(tasks)) == (0, []), f"{killed}: the third run still changes something"


@pytest.fixture(scope="module")
def cp1() -> Host:
    return connect("cp1", "10.213.12.11")


@pytest.fixture(scope="module")
def w1() -> Host:
    return connect("w1", "10.213.12.12")


def forget(*hosts: Host) -> None:
    """Take hosts back to where nothing of the cluster is on them."""
    for host in hosts:
        host.run(FORGET)


def test_pki_goes_on_after_each_task(cp1: Host, w1: Host) -> None:
    code, tasks = run("pki")
    assert code == 0, f"see {LOG}"
    assert changes(tasks)
    for number in range(1, len(tasks)):
        forget(cp1, w1)
        shutil.rmtree(CA, ignore_errors=True)
        goes_on("pki", kill_after=number)


@pytest.fixture(scope="module")
def cluster(cp1: Host) -> Host:
    """A cluster without nodes."""
    code, _unused = run("site", "--limit", "cp1")
    assert code == 0, f"see {LOG}"
    return cp1


def leave(cluster: Host, w1: Host) -> None:
    """Make the worker a host that has never joined."""
    forget(w1)
    cluster.kubectl("delete", "node", "w1", "--ignore-not-found")


def test_join_goes_on_after_each_task_that_changes_something(cluster: Host, w1: Host) -> None:
    leave(cluster, w1)
    code, tasks = run("join", "--limit", "w1")
    assert code == 0, f"see {LOG}"
    numbers = [task["number"] for task in changes(tasks)]
    assert len(numbers) >= 4
    for number in numbers:
        leave(cluster, w1)
        goes_on("join", "--limit", "w1", kill_after=number)
        secrets = cluster.objects("secrets", "--all-namespaces", "--field-selector=type=bootstrap.kubernetes.io/token")
        assert [entry["metadata"]["name"] for entry in secrets["items"]] == []
        assert w1.run("test -e /etc/kubernetes/bootstrap-kubelet.conf").rc == 1
        assert w1.run("find /etc/kubernetes /var/lib/kubelet -path '*/.pending/*'").stdout == ""
