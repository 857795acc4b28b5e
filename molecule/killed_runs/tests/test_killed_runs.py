"""A run that is killed after any task goes on when it is run again, and ends with nothing to change."""

from __future__ import annotations

import shutil
import signal

import pytest
from proofs.ansible import LOG, run
from proofs.hosts import RUN, Host, connect
from proofs.nodes import forget, leave, left_of_joins, ready_nodes

CA = RUN / "ca"
# As the inventory has them, and where they would be by default.
KEYS, BINARIES, DATA = "/etc/kubernetes/keys", "/opt/kubernetes/bin", "/srv/etcd"
DEFAULTS = "/etc/kubernetes/pki /usr/local/bin/kube* /usr/local/bin/etcd /var/lib/etcd"


def authorities() -> dict[str, bytes]:
    """Return the certificates of the CA host."""
    return {path.name: path.read_bytes() for path in CA.rglob("*-ca.crt")}


def goes_on(name: str, *arguments: str, kill_after: int) -> None:
    """Kill a run after a task, run it again, and once more."""
    first = run(name, *arguments, kill_after=kill_after)
    assert first.code == -signal.SIGKILL
    killed = f"killed after {kill_after}, {first.tasks[-1]['task']}"
    before = authorities()
    assert run(name, *arguments).code == 0, f"{killed}: the next run fails, see {LOG}"
    assert before.items() <= authorities().items(), f"{killed}: a CA was made anew"
    third = run(name, *arguments)
    assert (third.code, third.changes) == (0, []), f"{killed}: the third run still changes something"


@pytest.fixture(scope="module")
def cp1() -> Host:
    return connect("cp1", "10.213.12.11")


@pytest.fixture(scope="module")
def w1() -> Host:
    return connect("w1", "10.213.12.12")


def test_pki_goes_on_after_each_task(cp1: Host, w1: Host) -> None:
    first = run("pki")
    assert first.code == 0, f"see {LOG}"
    assert first.changes
    for number in range(1, len(first.tasks)):
        forget(cp1, w1)
        shutil.rmtree(CA, ignore_errors=True)
        goes_on("pki", kill_after=number)


@pytest.fixture(scope="module")
def cluster(cp1: Host) -> Host:
    """A cluster without nodes."""
    assert run("pki", "--limit", "cp1").code == 0, f"see {LOG}"
    # The user's to make, as the README of the role says.
    cp1.output("install -d -o etcd -g etcd -m 0700 %s", DATA)
    assert run("site", "--limit", "cp1").code == 0, f"see {LOG}"
    return cp1


def test_all_is_in_the_folders_of_the_inventory(cluster: Host, w1: Host) -> None:
    leave(cluster, w1)
    assert run("join", "--limit", "w1").code == 0, f"see {LOG}"
    assert ready_nodes(cluster) == ["w1"]
    cluster.output("ls -d %s %s %s", f"{KEYS}/apiserver.key", f"{BINARIES}/kube-apiserver", f"{DATA}/member")
    w1.output("ls -d %s %s", f"{KEYS}/kube-proxy.key", f"{BINARIES}/kubelet")
    for host in (cluster, w1):
        assert host.run(f"ls -d {DEFAULTS}").stdout == ""


def test_join_goes_on_after_each_task_that_changes_something(cluster: Host, w1: Host) -> None:
    leave(cluster, w1)
    first = run("join", "--limit", "w1")
    assert first.code == 0, f"see {LOG}"
    numbers = [task["number"] for task in first.changes]
    assert len(numbers) >= 4
    for number in numbers:
        leave(cluster, w1)
        goes_on("join", "--limit", "w1", kill_after=number)
        assert left_of_joins(cluster, w1) == []
