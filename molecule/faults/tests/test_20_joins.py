"""Faults while a node joins: they end in time, say what to do, leave nothing behind, and the next run goes on."""

from __future__ import annotations

import signal

import pytest
from proofs.ansible import Run, run
from proofs.faults import as_soon_as, lost, token_made
from proofs.hosts import ADMIN, KUBECTL, PKI, PROOF, Host
from proofs.nodes import leave, left_of_joins, ready_nodes, tokens
from proofs.samples import records

ONE = ("--limit", "w2")
# What waits has this long: a join takes a few seconds.
TIMEOUT = 10
SOON = ("--extra-vars", f"cluster_join_timeout={TIMEOUT}")
# For each task, on a machine that has other things to do.
BOUND = 10 * TIMEOUT
BOOTSTRAP = "/etc/kubernetes/bootstrap-kubelet.conf"
# Stays where tokens could not be deleted, so that the next run looks for them.
KEY = "/etc/kubernetes/.pending/bootstrap-token.key"
STOP_API = "systemctl stop --no-block kube-apiserver; systemctl kill --signal=KILL kube-apiserver"
# It says that it is ready before it knows who may do what.
READY = f"until {KUBECTL} --kubeconfig {ADMIN} get --raw=/readyz >/dev/null 2>&1; do sleep 1; done"
START_API = f"systemctl start kube-apiserver; timeout 100 sh -c '{READY}'"
SUPER_ADMIN = f"{KUBECTL} --kubeconfig /etc/kubernetes/super-admin.conf"
FOREIGN_REQUEST = f"""
set -eu
cd {PROOF}
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout foreign.key -out foreign.csr \
    -subj /O=system:nodes/CN=system:node:w2 2>/dev/null
{KUBECTL} --kubeconfig {ADMIN} delete csr foreign --ignore-not-found
{KUBECTL} --kubeconfig {ADMIN} create -f - <<END
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {{name: foreign}}
spec:
  request: $(base64 -w0 foreign.csr)
  signerName: kubernetes.io/kube-apiserver-client-kubelet
  usages: [digital signature, client auth]
END
"""
OTHER_SERVER = f"""
set -eu
cd {PROOF}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -keyout other.key -out other.crt \
    -subj /CN=other -addext subjectAltName=IP:10.213.13.11 2>/dev/null
systemd-run --quiet --collect --unit=proof-other sh -c \
    'exec openssl s_server -quiet -accept 7443 -cert {PROOF}/other.crt -key {PROOF}/other.key >{PROOF}/other.log 2>&1'
"""


def made_tokens(cp1: Host) -> list[str]:
    """Return the ids of all tokens that ever were in the cluster, in order."""
    return list(dict.fromkeys(entry["data"]["token-id"] for entry in records(cp1, "watch_tokens")))


def fails(name: str, *arguments: str) -> Run:
    """A run that has to fail, with a message, and none of its tasks late."""
    failed = run(name, *arguments)
    assert failed.code > 0
    assert failed.failures
    assert {task["task"]: task["seconds"] for task in failed.tasks if task["seconds"] > BOUND} == {}
    return failed


def heals(cp1: Host, w2: Host, name: str = "join", limit: str = "w2") -> Run:
    """The next run."""
    healed = run(name, "--limit", limit)
    assert (healed.code, healed.failures) == (0, "")
    assert ready_nodes(cp1) == ["w1", "w2"]
    assert left_of_joins(cp1, w2) == []
    return healed


@pytest.fixture(autouse=True)
def stranger(cp1: Host, w2: Host) -> None:
    """Before each test the second worker has never joined, and nobody is about to."""
    leave(cp1, w2)
    for name in tokens(cp1):
        cp1.kubectl("--namespace=kube-system", "delete", "secret", name)


def test_a_host_is_lost_in_the_middle(cp1: Host, w1: Host, w2: Host) -> None:
    leave(cp1, w1)
    with lost(w2, f"[ -e {BOOTSTRAP} ]", seconds=15):
        broken = fails("join")
    assert "w2: " in broken.failures
    assert "w1: " not in broken.failures
    assert ready_nodes(cp1) == ["w1"]
    # No token, and nothing on the other host; what is on this one is known by it to the next run. It may have come back
    # in time to be tidied up.
    assert set(left_of_joins(cp1, w1, w2)) <= {f"w2:{KEY}", f"w2:{BOOTSTRAP}"}
    heals(cp1, w2)


def test_nobody_issues_what_is_approved(cp1: Host, w2: Host) -> None:
    cp1.output("systemctl stop kube-controller-manager")
    try:
        stuck = fails("join", *ONE, *SOON)
    finally:
        cp1.output("systemctl start kube-controller-manager")
    assert "nothing was issued for the signer kubernetes.io/kube-apiserver-client-kubelet" in stuck.failures
    assert "kube-controller-manager" in stuck.failures
    assert left_of_joins(cp1, w2) == []
    # Somebody else asks for what is waited for.
    cp1.output(FOREIGN_REQUEST)
    heals(cp1, w2)
    status = cp1.objects("certificatesigningrequests", "foreign")["status"]
    assert [(entry["type"], entry["reason"]) for entry in status["conditions"]] == [("Denied", "ForeignRequester")]
    assert "certificate" not in status


def test_the_api_server_restarts(cp1: Host, w2: Host) -> None:
    with as_soon_as(cp1, token_made(cp1), f"{STOP_API}; sleep 8; {START_API}"):
        heals(cp1, w2)


def test_the_api_server_stays_down(cp1: Host, w2: Host) -> None:
    with as_soon_as(cp1, token_made(cp1), STOP_API):
        broken = fails("join", *ONE, *SOON)
    try:
        assert "https://10.213.13.11:6443" in broken.failures
    finally:
        cp1.output(START_API)
    # Nobody could delete the token. The next run does, even if the kubelet has got its certificate by now.
    assert left_of_joins(cp1, w2) == [*tokens(cp1), f"w2:{KEY}"]
    assert len(tokens(cp1)) == 1
    heals(cp1, w2)


def test_another_server_at_the_endpoint_is_sent_nothing(cp1: Host, w2: Host) -> None:
    before = made_tokens(cp1)
    cp1.output(OTHER_SERVER)
    try:
        refused = fails("join", *ONE, *SOON, "--extra-vars", "cluster_api_endpoint=https://10.213.13.11:7443")
        received = cp1.output(f"cat {PROOF}/other.log")
    finally:
        cp1.run("systemctl stop proof-other")
    assert "https://10.213.13.11:7443 shows a certificate that is not trusted" in refused.failures
    assert "HTTP" not in received
    assert made_tokens(cp1) == before
    assert left_of_joins(cp1, w2) == []
    assert w2.run("test -e /etc/systemd/system/kubelet.service").rc == 1


def test_a_bundle_without_the_ca_is_no_reason_to_trust(cp1: Host, w2: Host) -> None:
    before = made_tokens(cp1)
    cp1.output(f"cp -a {PKI}/kubernetes-ca.crt {PROOF}/ && cat {PKI}/front-proxy-ca.crt >{PKI}/kubernetes-ca.crt")
    try:
        refused = fails("join", *ONE, *SOON)
    finally:
        cp1.output(f"cp -a {PROOF}/kubernetes-ca.crt {PKI}/")
    assert "shows a certificate that is not trusted" in refused.failures
    assert f"{PKI}/kubernetes-ca.crt" in refused.failures
    assert made_tokens(cp1) == before
    assert left_of_joins(cp1, w2) == []


def test_tokens_that_may_ask_for_nothing_are_not_made(cp1: Host, w2: Host) -> None:
    before = made_tokens(cp1)
    binding = "clusterrolebinding tlsbootstrap:node-bootstrapper"
    cp1.output(f"{SUPER_ADMIN} get {binding} -o yaml >{PROOF}/binding.yml && {SUPER_ADMIN} delete {binding}")
    try:
        refused = fails("join", *ONE, *SOON)
    finally:
        cp1.output(
            f"sed -i '/uid:/d; /resourceVersion:/d' {PROOF}/binding.yml && {SUPER_ADMIN} create -f {PROOF}/binding.yml"
        )
    assert "may not create certificatesigningrequests" in refused.failures
    assert "control_plane" in refused.failures
    assert made_tokens(cp1) == before
    assert left_of_joins(cp1, w2) == []


def test_rights_are_lost_halfway(cp1: Host, w2: Host) -> None:
    with as_soon_as(cp1, token_made(cp1), f"{SUPER_ADMIN} delete clusterrolebinding tlsbootstrap:cluster-admins"):
        broken = fails("join", *ONE, *SOON)
    assert "may not get nodes" in broken.failures or "may not list nodes" in broken.failures
    assert "may not list secrets in namespace kube-system" in broken.failures
    # What came before stays good.
    w2.output(f"openssl verify -x509_strict -CAfile {PKI}/kubernetes-ca.crt {PKI}/kube-proxy.crt")
    assert w2.run(f"test -e {BOOTSTRAP}").rc == 1
    heals(cp1, w2, "site", "cp1,w2")


def test_a_token_ends_before_its_node_has_joined(cp1: Host, w2: Host) -> None:
    before = made_tokens(cp1)
    rule = "OUTPUT --protocol tcp --destination 10.213.13.11 --dport 6443 --jump REJECT"
    life = ("--extra-vars", "cluster_join_token_ttl=1m cluster_join_timeout=61")
    with as_soon_as(w2, f"[ -e {BOOTSTRAP} ]", f"iptables -I {rule}"):
        late = fails("join", *ONE, *life)
    w2.output(f"iptables -D {rule}")
    assert (
        "it has no bootstrap token that is good: it may have ended before the node joined; run again" in late.failures
    )
    assert left_of_joins(cp1, w2) == []
    heals(cp1, w2)
    assert len(made_tokens(cp1)) == len(before) + 2


def test_a_play_dies_between_token_and_join(cp1: Host, w2: Host) -> None:
    before = made_tokens(cp1)
    killed = run("join", *ONE, kill_after="Make a bootstrap token")
    assert killed.code == -signal.SIGKILL
    (old,) = made_tokens(cp1)[len(before) :]
    assert tokens(cp1) == [f"bootstrap-token-{old}"]
    heals(cp1, w2)
    assert len(made_tokens(cp1)) == len(before) + 2
