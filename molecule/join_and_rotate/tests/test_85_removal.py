"""A node that is removed leaves nothing to act as it with; it may join again, and keep its files elsewhere."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from expected import MARKS
from proofs import samples
from proofs.ansible import Run, run
from proofs.certificates import parse
from proofs.hosts import PROOF, Host
from proofs.nodes import marks, ready_nodes, tokens
from proofs.states import changed_since, look_at

REMOVED = "w2"
SIGNER = "kubernetes.io/kube-apiserver-client-kubelet"
# What of a node is there for its identity only.
IDENTITY = (
    "/etc/kubernetes/bootstrap-kubelet.conf",
    "/etc/kubernetes/kubelet.conf",
    "/etc/kubernetes/kube-proxy.conf",
    "/etc/kubernetes/pki/kube-proxy.crt",
    "/etc/kubernetes/pki/kube-proxy.key",
    "/var/lib/kubelet/pki/*",
)
# Which labels and taints are the collection's own, of all nodes.
MARKED = "/api/v1/configmaps/kube-system/tlsbootstrap-nodes"
POLICY = "/etc/kubernetes/csr-approver.json"
ELSEWHERE = {
    "cluster_bootstrap_kubeconfig": "/etc/kubernetes/kubelet/bootstrap-kubeconfig",
    "cluster_kubelet_kubeconfig": "/etc/kubernetes/kubelet/kubeconfig",
    "cluster_kubelet_certificate_directory": "/var/lib/kubelet/certificates",
}


def uids(cp1: Host) -> dict[str, str]:
    return {node["metadata"]["name"]: node["metadata"]["uid"] for node in cp1.objects("nodes")["items"]}


def waiting(cp1: Host) -> list[str]:
    """Return the requests that nobody has decided; decided ones are evidence, and Kubernetes deletes them in time."""
    requests = cp1.objects("certificatesigningrequests")["items"]
    return [entry["metadata"]["name"] for entry in requests if not entry.get("status", {}).get("conditions")]


def ends_of(cp1: Host, name: str) -> list[float]:
    """When the client certificates end that the cluster has issued to a node, whether it has installed them or not."""
    requests = cp1.objects("certificatesigningrequests")["items"]
    issued = [
        parse(base64.b64decode(entry["status"]["certificate"]).decode())
        for entry in requests
        if entry["spec"]["signerName"] == SIGNER and entry.get("status", {}).get("certificate")
    ]
    return [one.not_after for one in issued if one.common_name == f"system:node:{name}"]


@dataclass(frozen=True)
class Removal:
    """The removal of a node, what was before, and what another removal of it did."""

    made: Run
    again: Run
    nodes: dict[str, str]
    states: dict[str, Any]


@pytest.fixture(scope="module")
def removal(cp1: Host, workers: dict[str, Host], keys_before_the_removal: dict[str, str]) -> Removal:
    nodes, states = uids(cp1), look_at(cp1, workers["w1"])
    made, again = (run("remove_node", "--extra-vars", f"remove_node_names={REMOVED}", "-vvvv") for _turn in range(2))
    return Removal(made, again, nodes, states)


class TestRemoval:
    """The playbook remove_node."""

    def test_it_has_gone_well(self, removal: Removal) -> None:
        assert (removal.made.code, removal.made.failures) == (0, "")

    def test_the_cluster_is_without_the_node(self, cp1: Host, removal: Removal) -> None:
        assert sorted(uids(cp1)) == ["cp1", "w1"]
        assert (waiting(cp1), tokens(cp1)) == ([], [])

    def test_its_host_has_no_key_left(self, workers: dict[str, Host], removal: Removal) -> None:
        host = workers[REMOVED]
        assert json.loads(host.output(f"/usr/bin/python3 {PROOF}/find_keys.py")) == {}
        assert host.run(f"ls -d {' '.join(IDENTITY)}").stdout == ""
        for unit in ("kubelet", "kube-proxy"):
            assert host.run("systemctl is-active %s", unit).stdout.strip() == "inactive"
            assert host.run("systemctl is-enabled %s", unit).stdout.strip() == "disabled"

    def test_it_says_until_when_a_copy_would_be_good(
        self, cp1: Host, workers: dict[str, Host], removal: Removal
    ) -> None:
        # The kubelet may have had a new one in the last second, which nobody has seen.
        seen = samples.certificates(workers[REMOVED], "client")[-1].certificate.not_after
        said = removal.made.output.partition(f"the end of their client certificates: {REMOVED} until ")[2]
        end = samples.moment(said[: len("2026-01-01T00:00:00Z")])
        assert end >= seen
        assert end in ends_of(cp1, REMOVED)

    def test_the_others_stay_as_they_are(self, cp1: Host, workers: dict[str, Host], removal: Removal) -> None:
        assert uids(cp1).items() <= removal.nodes.items()
        assert ready_nodes(cp1) == ["cp1", "w1"]
        changed = changed_since(removal.states, cp1, workers["w1"])
        assert {name: set(kinds) for name, kinds in changed.items()} == {"cp1": {"files", "objects"}}
        # Whoever has the node's key may ask no more: the approver, which reads this file again, does not know it.
        assert set(changed["cp1"]["files"]) == {POLICY, str(Path(POLICY).parent)}
        assert sorted(json.loads(cp1.output("cat %s", POLICY))["nodes"]) == ["cp1", "w1"]
        objects = {key for key in changed["cp1"]["objects"] if not key.startswith("request/")}
        assert objects == {f"node/{REMOVED}", MARKED}

    def test_a_second_run_changes_nothing(self, removal: Removal) -> None:
        assert (removal.again.code, removal.again.failures, removal.again.changes) == (0, "", [])


@pytest.fixture(scope="module")
def joined(removal: Removal) -> Run:
    """The removed node joins again, with all that is the kubelet's own elsewhere."""
    return run("join", f"--limit={REMOVED}", "--extra-vars", json.dumps(ELSEWHERE), "-vvvv", "--diff")


class TestJoinAgain:
    """A node that was removed, and whose files are to be in other places than those of the others."""

    def test_it_is_a_new_node(self, cp1: Host, removal: Removal, joined: Run) -> None:
        assert (joined.code, joined.failures) == (0, "")
        assert ready_nodes(cp1) == ["cp1", "w1", "w2"]
        assert uids(cp1)[REMOVED] != removal.nodes[REMOVED]
        assert marks(cp1) == MARKS

    def test_its_files_are_where_they_should_be(self, workers: dict[str, Host], joined: Run) -> None:
        host = workers[REMOVED]
        kubeconfig = ELSEWHERE["cluster_kubelet_kubeconfig"]
        certificates = ELSEWHERE["cluster_kubelet_certificate_directory"]
        user = json.loads(host.kubectl("auth", "whoami", "--output=json", kubeconfig=kubeconfig).stdout)
        assert user["status"]["userInfo"]["username"] == f"system:node:{REMOVED}"
        assert f"{certificates}/kubelet-client-current.pem" in host.output("cat %s", kubeconfig)
        keys = json.loads(host.output(f"/usr/bin/python3 {PROOF}/find_keys.py"))
        assert {path.rpartition("/")[0] for path in keys} == {certificates, "/etc/kubernetes/pki"}
        own = [path for path in IDENTITY if "proxy" not in path]
        assert host.run(f"ls -d {' '.join(own)} {ELSEWHERE['cluster_bootstrap_kubeconfig']}").stdout == ""

    def test_every_token_of_the_run_is_dead(self, cp1: Host, joined: Run) -> None:
        assert tokens(cp1) == []
        # The API server's token cache keeps what was used for up to 10 s.
        time.sleep(11)
        tried, made = samples.try_tokens(cp1), samples.token_events(cp1)
        # Three nodes joined, one came back, and this one.
        assert len(made) >= 5
        assert set(made) <= set(tried)
        assert set(tried.values()) == {401}
