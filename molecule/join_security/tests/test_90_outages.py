"""What is killed, stopped or cut off while a node joins: it ends joined, or nothing of the join is left.

TLSBOOTSTRAP_OUTAGES=all tries more of each.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from conftest import JOINING, Site
from proofs.ansible import LOG, Run, run
from proofs.faults import answers, as_soon_as, token_made
from proofs.hosts import ADMIN, KUBECTL, Host
from proofs.nodes import left_of_joins, ready_nodes, tokens
from proofs.samples import wait_for

BOOTSTRAP = "/etc/kubernetes/bootstrap-kubelet.conf"
# Stays where tokens could not be deleted, so that the next run looks for them.
KEY = "/etc/kubernetes/.pending/bootstrap-token.key"
SOON = ("--extra-vars", "cluster_join_timeout=10")
# For each task, with all that it may wait for: its own time, the API server's, and that of ssh.
BOUND = 120
PASSES = "sleep 8"
READY = f"timeout 100 sh -c 'until {KUBECTL} --kubeconfig {ADMIN} get --raw=/readyz; do sleep 1; done'"
# Nothing is refused: what is sent is lost, and connections that were open hang.
CUT = "iptables -I INPUT -i eth0 -j DROP; iptables -I OUTPUT -o eth0 -j DROP"
MENDED = "iptables -D INPUT -i eth0 -j DROP; iptables -D OUTPUT -o eth0 -j DROP"
UNPLUGGED = (
    f"ip route save >/run/routes; ip link set eth0 down; {PASSES}; ip link set eth0 up; ip route restore </run/routes"
)


EVERYTHING = os.environ.get("TLSBOOTSTRAP_OUTAGES") == "all"


def killed(unit: str) -> str:
    return f"systemctl kill --signal=KILL {unit}"


def stopped(unit: str) -> str:
    """At once, whatever it would wait for, and not started again."""
    return f"systemctl stop --no-block {unit}; {killed(unit)}"


def frozen(unit: str) -> str:
    """It listens and does not answer."""
    return f"systemctl kill --signal=STOP {unit}"


def thawed(unit: str) -> str:
    return f"systemctl kill --signal=CONT {unit}"


def each(names: str | tuple[str, ...], always: dict[str, Any], more: dict[str, Any]) -> pytest.MarkDecorator:
    """A test of each case."""
    cases = {**always, **(more if EVERYTHING else {})}
    return pytest.mark.parametrize(names, list(cases.values()), ids=list(cases))


@pytest.fixture(scope="module")
def started(cp1: Host, w2: Host) -> Site:
    """A control plane as it is by default, and a worker that joins it."""
    site = Site(cp1, w2)
    site.run("control_plane")
    return site


@pytest.fixture
def site(started: Site) -> Site:
    """Nobody knows the worker, and nobody is about to join."""
    started.strangers()
    started.without_tokens()
    return started


def requests(cp1: Host) -> list[str]:
    """What was asked for with a bootstrap token and has come to nothing."""
    return [
        entry["metadata"]["name"]
        for entry in cp1.objects("csr")["items"]
        if entry["spec"]["username"].startswith("system:bootstrap:") and not entry["status"].get("certificate")
    ]


def joined(site: Site) -> None:
    """The node is there, and nothing is left of how it came."""
    assert ready_nodes(site.cp1) == ["w1", JOINING]
    assert left_of_joins(site.cp1, site.w2) == []


def fails() -> Run:
    """A join that has to fail, with a message, and none of its tasks late."""
    failed = run("join", "--limit", "w2", *SOON)
    assert failed.code > 0, f"see {LOG}"
    assert failed.failures
    assert {task["task"]: task["seconds"] for task in failed.tasks if task["seconds"] > BOUND} == {}
    return failed


CONTROL_PLANE = {
    "approver-killed": killed("csr-approver"),
    "api-server-killed": killed("kube-apiserver"),
    "etcd-killed": killed("etcd"),
}
MORE_OF_IT = {
    "approver-away": f"{stopped('csr-approver')}; {PASSES}; systemctl start csr-approver",
    "api-server-hangs": f"{frozen('kube-apiserver')}; {PASSES}; {thawed('kube-apiserver')}",
    "etcd-away": f"{stopped('etcd')}; {PASSES}; systemctl start etcd",
    "etcd-hangs": f"{frozen('etcd')}; {PASSES}; {thawed('etcd')}",
}
NETWORK = {"packets-lost": f"{CUT}; {PASSES}; {MENDED}"}
MORE_OF_NETWORK = {"unplugged": UNPLUGGED}
# What stays away, and how it is mended.
FOR_GOOD = {"etcd-stopped": (stopped("etcd"), "systemctl start etcd")}
MORE_FOR_GOOD = {
    "api-server-hangs": (frozen("kube-apiserver"), thawed("kube-apiserver")),
    "etcd-hangs": (frozen("etcd"), thawed("etcd")),
}


@each("action", CONTROL_PLANE, MORE_OF_IT)
def test_what_the_control_plane_comes_back_from_ends_joined(site: Site, cp1: Host, action: str) -> None:
    with as_soon_as(cp1, token_made(cp1), action):
        site.join()
    joined(site)


@each("action", NETWORK, MORE_OF_NETWORK)
def test_a_network_of_the_node_that_comes_back_ends_joined(site: Site, w2: Host, action: str) -> None:
    with as_soon_as(w2, f"[ -e {BOOTSTRAP} ]", action):
        site.join()
    joined(site)


def test_without_an_approver_nothing_is_left(site: Site, cp1: Host, w2: Host) -> None:
    with as_soon_as(cp1, token_made(cp1), stopped("csr-approver")):
        failed = fails()
    assert "csr-approver on the control planes has to decide it: does it run" in failed.failures
    assert left_of_joins(cp1, w2) == []
    # Nobody is let in when the approver is back and the join is over.
    assert requests(cp1) == []
    cp1.output("systemctl start csr-approver")
    assert JOINING not in ready_nodes(cp1)
    site.join()
    joined(site)


@each(("action", "undo"), FOR_GOOD, MORE_FOR_GOOD)
def test_where_nothing_can_be_deleted_the_next_run_does(
    site: Site, cp1: Host, w2: Host, action: str, undo: str
) -> None:
    with as_soon_as(cp1, token_made(cp1), action):
        failed = fails()
    cp1.output(f"{undo}; {READY}")
    assert "https://10.213.16.11:6443" in failed.failures
    # By the key the next run knows that there may be a token; the kubelet may have its certificate by now.
    assert left_of_joins(cp1, w2) == [*tokens(cp1), f"w2:{KEY}"]
    assert len(tokens(cp1)) == 1
    site.join()
    joined(site)


def test_a_node_that_is_cut_off_leaves_nothing(site: Site, cp1: Host, w2: Host) -> None:
    # Whatever becomes of the test, the host comes back.
    with as_soon_as(w2, f"[ -e {BOOTSTRAP} ]", f"{CUT}; sleep 100; {MENDED}; touch /run/proof/mended"):
        failed = run("join", "--limit", "w2", *SOON)
        assert failed.code > 0, f"see {LOG}"
        assert "w2 could not be reached any more when it was to run kubelet" in failed.failures
        assert {task["task"]: task["seconds"] for task in failed.tasks if task["seconds"] > BOUND} == {}
        assert tokens(cp1) == []
        assert requests(cp1) == []
        assert JOINING not in ready_nodes(cp1)
        wait_for("the host answers again", lambda: answers(w2), 400)
    site.join()
    joined(site)
