"""What somebody can do who has a worker's token, a worker's certificate, or nothing."""

from __future__ import annotations

import time

import pytest
from asking import CLIENT, SERVING, STOLEN, ask, outcome, steal_token
from conftest import JOINING, Site
from proofs.hosts import KUBECTL, PKI, Host
from proofs.nodes import ready_nodes, tokens
from proofs.samples import wait_for

KUBELET = "/etc/kubernetes/kubelet.conf"
# A token that was used works for so long after it was deleted: the API server remembers who it is.
REMEMBERED = 12
MANY = ",".join(f"DNS:n{number}.example.org" for number in range(1000))
NODE = "/O=system:nodes/CN=system:node:"


@pytest.fixture(scope="module")
def token(cp1: Host, w1: Host, w2: Host) -> str:
    """The token of the second worker, which its play has made before it was killed, in the hands of the first one."""
    Site(cp1, w2, cluster_join_credential="token").strangers()
    return steal_token(cp1, w1)


@pytest.mark.parametrize(
    ("name", "subject", "signer", "names", "reason"),
    [
        ("t-worker", f"{NODE}w1", CLIENT, "", "WrongNode"),
        ("t-control-plane", f"{NODE}cp1", CLIENT, "", "WrongNode"),
        ("t-nobody", f"{NODE}w9", CLIENT, "", "WrongNode"),
        ("t-masters", f"/O=system:masters/CN=system:node:{JOINING}", CLIENT, "", "WrongSubject"),
        ("t-names", NODE + JOINING, CLIENT, f"DNS:{JOINING}", "SANsInClientRequest"),
        ("t-serving", NODE + JOINING, SERVING, f"DNS:{JOINING}", "ForeignRequester"),
    ],
)
def test_a_token_is_good_for_its_node_alone(
    cp1: Host, w1: Host, token: str, name: str, subject: str, signer: str, names: str, reason: str
) -> None:
    assert token
    created = ask(w1, STOLEN, name, subject, signer, names)
    assert created.rc == 0, created.stderr
    assert wait_for(name, lambda: outcome(cp1, name)[0] and outcome(cp1, name), 30, 0.2) == ("Denied", reason)
    assert "certificate" not in cp1.objects("csr", name)["status"]


@pytest.mark.parametrize(
    "attempt",
    [
        "get secrets --namespace kube-system",
        "get nodes",
        "get configmaps --namespace kube-public",
        "delete csr t-control-plane",
        "auth can-i --quiet create certificatesigningrequests.certificates.k8s.io --subresource=nodeclient",
        "auth can-i --quiet update certificatesigningrequests.certificates.k8s.io --subresource=approval",
        "auth can-i --quiet create pods",
    ],
)
def test_a_token_may_ask_and_nothing_else(w1: Host, token: str, attempt: str) -> None:
    refused = w1.run(f"{KUBECTL} --kubeconfig {STOLEN} {attempt}")
    assert refused.rc != 0
    assert "can-i" in attempt or "orbidden" in refused.stderr, refused.stderr


def test_a_token_is_good_once_and_dead_after_the_join(cp1: Host, w1: Host, w2: Host, token: str) -> None:
    assert ask(w1, STOLEN, "t-first", NODE + JOINING).rc == 0
    assert wait_for("the first", lambda: outcome(cp1, "t-first")[0], 30, 0.2) == "Approved"
    assert ask(w1, STOLEN, "t-second", NODE + JOINING).rc == 0
    assert wait_for("the second", lambda: outcome(cp1, "t-second")[0] and outcome(cp1, "t-second"), 30, 0.2) == (
        "Denied",
        "TokenUsed",
    )
    Site(cp1, w2, cluster_join_credential="token").join()
    assert ready_nodes(cp1) == ["w1", JOINING]
    assert tokens(cp1) == []
    time.sleep(REMEMBERED)
    late = ask(w1, STOLEN, "t-late", NODE + JOINING)
    assert late.rc != 0
    assert "asked for the client to provide credentials" in late.stderr


@pytest.mark.parametrize(
    ("name", "subject", "signer", "names", "usages"),
    [
        ("n-service", f"{NODE}w1", SERVING, "DNS:w1,DNS:kubernetes.default.svc", None),
        ("n-api", f"{NODE}w1", SERVING, "DNS:w1,IP:10.213.16.11", None),
        ("n-wildcard", f"{NODE}w1", SERVING, "DNS:*.example.org", None),
        ("n-many", f"{NODE}w1", SERVING, MANY, None),
        ("n-uri", f"{NODE}w1", SERVING, "DNS:w1,URI:https://w1", None),
        ("n-usage", f"{NODE}w1", SERVING, "DNS:w1", ["digital signature", "server auth", "client auth"]),
    ],
)
def test_a_node_serves_under_its_own_names_alone(
    cp1: Host, w1: Host, name: str, subject: str, signer: str, names: str, usages: list[str] | None
) -> None:
    created = ask(w1, KUBELET, name, subject, signer, names, usages)
    assert created.rc == 0, created.stderr
    assert wait_for(name, lambda: outcome(cp1, name)[0], 30, 0.2) == "Denied"
    assert "certificate" not in cp1.objects("csr", name)["status"]


@pytest.mark.parametrize("signer", [CLIENT, SERVING])
def test_a_node_cannot_even_ask_for_another(w1: Host, signer: str) -> None:
    refused = ask(w1, KUBELET, "n-other", NODE + JOINING, signer, f"DNS:{JOINING}" if signer == SERVING else "")
    assert refused.rc != 0
    assert "orbidden" in refused.stderr, refused.stderr


def test_a_node_is_nothing_else_than_a_node(cp1: Host, w1: Host) -> None:
    assert ask(w1, KUBELET, "n-masters", "/O=system:masters/CN=system:node:w1").rc == 0
    time.sleep(5)
    assert outcome(cp1, "n-masters")[0] != "Approved"
    refused = w1.run(f"{KUBECTL} --kubeconfig {KUBELET} get secrets --all-namespaces")
    assert "orbidden" in refused.stderr, refused.stderr


def test_nobody_is_nobody(cp1: Host, w1: Host) -> None:
    info = f"https://{cp1.address}:6443/api/v1/namespaces/kube-public/configmaps/cluster-info"
    assert w1.status("--cacert", f"{PKI}/kubernetes-ca.crt", info) == "401"
    assert cp1.status("--insecure", f"https://{w1.address}:10250/pods") == "401"
    # A node's certificate opens no other kubelet.
    own = "/var/lib/kubelet/pki/kubelet-client-current.pem"
    assert w1.status("--insecure", "--cert", own, "--key", own, f"https://{w1.address}:10250/pods") in ("401", "403")
