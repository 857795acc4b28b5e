"""The first control plane is switched off: the cluster goes on, nodes join, and the host comes back."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import pytest
from clients import CHANGED, Api, etcd, sampler, switch
from proofs import samples
from proofs.ansible import LOG, run
from proofs.hosts import Host
from proofs.nodes import leave, left_of_joins, ready_nodes

# The leader of etcd may be gone with the host: what is written until another one leads may fail.
ELECTION_SECONDS = 15
# What is changed while the host is away, and reaches it when it is back.
MEANWHILE = ("--extra-vars", json.dumps({"kube_apiserver_extra_args": {"max-requests-inflight": 600}}))


@pytest.fixture(scope="module")
def gone(hosts: dict[str, Host]) -> Iterator[Host]:
    """The first control plane, switched off."""
    switch("stop", hosts["cp1"])
    yield hosts["cp1"]
    switch("start", hosts["cp1"])


def inflight(host: Host) -> str:
    """Return the flag that the API server of a host runs with."""
    command = "tr '\\0' '\\n' </proc/$(systemctl show -P MainPID kube-apiserver)/cmdline | grep max-requests"
    return host.output(command).strip()


def test_the_cluster_goes_on(hosts: dict[str, Host], balanced: Api) -> None:
    with sampler(hosts["cp2"], balanced) as seen:
        switch("stop", hosts["cp1"])
        time.sleep(ELECTION_SECONDS)
        failed, answered = list(seen.failed), seen.answered
        samples.wait_for("answers after the end", lambda: seen.answered > answered + 100, 60)
    assert len(failed) < 10
    assert seen.failed == failed


def test_a_node_joins_without_it(gone: Host, hosts: dict[str, Host]) -> None:
    leave(hosts["cp2"], hosts["w2"])
    assert run("join", "--limit", "w2", *CHANGED).code == 0, f"see {LOG}"
    assert "w2" in ready_nodes(hosts["cp2"])
    assert left_of_joins(hosts["cp2"], hosts["w2"]) == []
    again = run("join", "--limit", "w2", *CHANGED)
    assert (again.code, again.changes) == (0, [])


def test_a_run_without_limit_does_what_can_be_done(gone: Host, hosts: dict[str, Host]) -> None:
    changed = run("site", *CHANGED, *MEANWHILE)
    unreachable = 4
    assert changed.code == unreachable, f"see {LOG}"
    recap = dict(re.findall(r"^(\S+) +: ok=.*?(unreachable=\d+ +failed=\d+)", changed.output, re.MULTILINE))
    ended = dict.fromkeys(("cp2", "cp3", "w1", "w2"), "unreachable=0    failed=0")
    assert recap == {**ended, gone.name: "unreachable=1    failed=0"}
    assert inflight(hosts["cp2"]) == inflight(hosts["cp3"]) == "--max-requests-inflight=600"


def test_a_node_is_removed_and_comes_again(gone: Host, hosts: dict[str, Host]) -> None:
    assert run("remove_node", "--extra-vars", "remove_node_names=w2").code == 0, f"see {LOG}"
    assert "w2" not in ready_nodes(hosts["cp2"])
    assert run("join", *CHANGED).code == 0, f"see {LOG}"
    assert ready_nodes(hosts["cp2"]) == ["cp3", "w1", "w2"]


def test_the_host_comes_back(gone: Host, hosts: dict[str, Host]) -> None:
    switch("start", gone)
    back = run("site", *CHANGED, *MEANWHILE)
    assert back.code == 0, f"see {LOG}"
    assert inflight(gone) == "--max-requests-inflight=600"
    assert len({etcd(hosts[name], "maintenance/status")["leader"] for name in ("cp1", "cp2", "cp3")}) == 1
    again = run("site", *CHANGED, *MEANWHILE)
    assert (again.code, again.changes) == (0, [])
