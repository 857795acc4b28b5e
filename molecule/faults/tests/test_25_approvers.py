"""Who approves in the place of the service: the playbook while it runs, or nobody. People: scenario `join_security`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from proofs.ansible import run
from proofs.hosts import Host
from proofs.nodes import leave, left_of_joins, ready_nodes

ONE = ("--limit", "w2")
BINDING = "tlsbootstrap:csr-approver"


def approver(kind: str) -> tuple[str, str]:
    return "--extra-vars", f"cluster_approver={kind}"


@pytest.fixture(autouse=True)
def stranger(cp1: Host, w2: Host) -> None:
    """Before each test the second worker has never joined."""
    leave(cp1, w2)
    cp1.kubectl("delete", "csr", "--all")


@pytest.fixture(scope="module")
def without_service(cp1: Host) -> Iterator[None]:
    """A control plane where the playbooks approve; in the end it has the service again, and both nodes."""
    made = run("control_plane", *approver("module"))
    assert (made.code, made.failures) == (0, "")
    assert cp1.run("systemctl is-active csr-approver").stdout.strip() == "inactive"
    assert cp1.kubectl("get", "clusterrolebinding", BINDING).rc != 0
    yield
    healed = run("site", "--limit", "cp1,w2")
    assert (healed.code, healed.failures) == (0, "")
    assert ready_nodes(cp1) == ["w1", "w2"]
    assert cp1.run("systemctl is-active csr-approver").stdout.strip() == "active"
    assert cp1.kubectl("get", "clusterrolebinding", BINDING).rc == 0


def test_the_playbook_approves(without_service: None, cp1: Host, w2: Host) -> None:
    joined = run("join", *ONE, *approver("module"))
    assert (joined.code, joined.failures) == (0, "")
    assert ready_nodes(cp1) == ["w1", "w2"]
    assert left_of_joins(cp1, w2) == []
    signers = {entry["spec"]["signerName"] for entry in cp1.objects("certificatesigningrequests")["items"]}
    assert signers == {"kubernetes.io/kube-apiserver-client-kubelet", "kubernetes.io/kubelet-serving"}


def test_nobody_approves(without_service: None, cp1: Host, w2: Host) -> None:
    """The inventory says that the service decides, and it does not run."""
    late = run("join", *ONE, "--extra-vars", "cluster_join_timeout=10")
    assert late.code > 0
    assert "requests that wait for approval" in late.failures
    assert "kubernetes.io/kube-apiserver-client-kubelet" in late.failures
    assert "csr-approver on the control planes has to decide it: does it run" in late.failures
    assert left_of_joins(cp1, w2) == []
    # Nobody is let in later by what was asked for when the join was not over.
    assert cp1.objects("certificatesigningrequests")["items"] == []
