"""A run that is killed after any task goes on when it is run again, and ends with nothing to change."""

from __future__ import annotations

import json
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


def starts(host: Host) -> dict[str, str]:
    """Return the last start of each service of a control plane."""
    command = "systemctl show --value --property ExecMainStartTimestampMonotonic,NRestarts %s"
    names = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
    return {name: host.output(command, name) for name in names}


# Flags with which the services start anew.
OTHER_FLAGS = {
    "kube-apiserver": ("kube_apiserver_extra_args", {"event-ttl": "59m"}),
    "etcd": ("etcd_extra_args", {"max-snapshots": "4"}),
    "kube-controller-manager": ("kube_controller_manager_extra_args", {"node-monitor-period": "6s"}),
}


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("kube-apiserver", "apiserver"),
        ("kube-apiserver", "apiserver-etcd-client"),
        ("etcd", "etcd/peer"),
        ("kube-controller-manager", "signing/kubelet-client"),
    ],
)
def test_no_service_starts_with_a_key_that_is_not_that_of_its_certificate(
    cluster: Host, service: str, name: str
) -> None:
    """As a run leaves them that was killed between the two renames: the key comes first."""
    key, certificate = f"{KEYS}/{name}.key", f"{KEYS}/{name}.crt"
    variable, flags = OTHER_FLAGS[service]
    other = ["--limit", "cp1", "--extra-vars", json.dumps({variable: flags})]
    before, kept = starts(cluster), cluster.output("cat %s", certificate)
    cluster.output("cp --preserve=all %s %s.kept", key, key)
    try:
        cluster.output("cp --preserve=all %s %s.new", key, key)
        cluster.output("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 > %s.new", key)
        cluster.output("mv %s.new %s", key, key)
        # Nothing is restarted for the pair itself.
        alone = run("control_plane", "--limit", "cp1")
        assert (alone.code, alone.changes, starts(cluster)) == (0, [], before)
        for arguments in (["--check"], []):
            alone = run("control_plane", *other, *arguments)
            assert alone.code != 0
            assert f"the certificate {certificate} is not that of the key {key}; run the playbook pki" in alone.failures
            assert starts(cluster) == before
    finally:
        if name.startswith("signing/"):
            # A signing CA is never made anew by itself.
            cluster.output("mv %s.kept %s", key, key)
    if not name.startswith("signing/"):
        checked = run("site", *other, "--check")
        assert (checked.code, starts(cluster)) == (0, before), f"see {LOG}"
    assert run("site", *other).code == 0, f"see {LOG}"
    # Those that lead by the API server end with it, and are started by systemd.
    after = starts(cluster)
    assert after[service] != before[service]
    assert after[service].split()[0] == "0", "it came up at once"
    assert (cluster.output("cat %s", certificate) == kept) == name.startswith("signing/")
    again = run("site", *other)
    assert (again.code, again.changes) == (0, [])
    # As the next test wants it.
    assert run("site", "--limit", "cp1").code == 0


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
