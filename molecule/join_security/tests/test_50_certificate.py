"""A join certificate: tied to its node without an approver of ours, and trusted only while joins are open."""

from __future__ import annotations

import hashlib
import json
import ssl
import time

import pytest
from conftest import JOINING, Site
from proofs.ansible import run
from proofs.hosts import PKI, PROOF, RUN, Host
from proofs.nodes import left_of_joins, ready_nodes, tokens

BOOTSTRAP = "/etc/kubernetes/bootstrap-kubelet.conf"
KUBECTL = "/opt/proof/kubectl"
AUDIT = "/var/log/kubernetes/kube-apiserver-audit.log"
# Asks in the name of another node, and keeps a copy of the credential for later.
REQUEST = f"""
set -eu
cd {PROOF}
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -out other.csr \\
    -subj /O=system:nodes/CN=system:node:%s
{KUBECTL} --kubeconfig %s create -f - <<END
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {{name: %s}}
spec:
  request: $(base64 -w0 other.csr)
  signerName: kubernetes.io/kube-apiserver-client-kubelet
  usages: [digital signature, client auth]
END
"""
STOLEN = f"{PROOF}/stolen.conf"


def names_of_cas(cp1: Host) -> list[str]:
    """The CAs whose clients the API server takes, as its file says."""
    found = cp1.output(f"openssl crl2pkcs7 -nocrl -certfile {PKI}/client-ca.crt | openssl pkcs7 -print_certs -noout")
    return [line.partition("CN = ")[2] for line in found.splitlines() if line.startswith("subject")]


def whoami(w2: Host) -> str:
    """What the API server says of who has the stolen join certificate."""
    asked = w2.run(f"{KUBECTL} --kubeconfig {STOLEN} auth whoami --output=json")
    return str(json.loads(asked.stdout)["status"]["userInfo"]["username"]) if asked.rc == 0 else asked.stderr


@pytest.fixture(scope="module")
def site(cp1: Host, w2: Host) -> Site:
    site = Site(cp1, w2, cluster_join_credential="certificate", cluster_client_approval="auto")
    site.strangers()
    # The CA of joins is made with the others.
    site.run("pki")
    site.run("control_plane")
    return site


def test_joins_are_closed_until_they_are_opened(site: Site, cp1: Host, w2: Host) -> None:
    closed = run("join", *site.variables, "--limit", "w2")
    assert closed.code > 0
    assert "Run the playbook open_joins" in closed.failures
    assert w2.run(f"test -e {BOOTSTRAP}").rc == 1
    assert "join-ca" not in names_of_cas(cp1)


@pytest.fixture(scope="module")
def opened(site: Site) -> None:
    site.run("open_joins")


def test_the_api_server_trusts_the_ca_of_joins(site: Site, cp1: Host, opened: None) -> None:
    assert names_of_cas(cp1)[-1] == "join-ca"
    # It only says whose clients are taken: no server is believed by it.
    assert "join-ca" not in cp1.output(f"openssl x509 -noout -subject -in {PKI}/kubernetes-ca.crt")
    assert cp1.output(f"ls -A {PKI}/.pending 2>/dev/null || true").strip() == ""


def test_a_node_joins_with_it(site: Site, cp1: Host, w2: Host, opened: None) -> None:
    # The credential is gone when the play ends: somebody has made a copy before.
    keep = f"until grep -q client-key-data {BOOTSTRAP}; do sleep 0.05; done; cp {BOOTSTRAP} {STOLEN}"
    w2.output("systemd-run --quiet --collect --unit=proof-thief sh -c %s", keep)
    # Of those who have shared a token before.
    before = tokens(cp1)
    site.join()
    assert JOINING in ready_nodes(cp1)
    assert left_of_joins(cp1, w2) == before
    assert whoami(w2) == f"system:node:{JOINING}"


def test_the_request_names_the_very_certificate(site: Site, cp1: Host, w2: Host, opened: None) -> None:
    pem = w2.output(f"sed -n 's/.*client-certificate-data: *//p' {STOLEN} | tr -d '\"' | base64 -d | openssl x509")
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    (request,) = [
        entry
        for entry in cp1.objects("csr")["items"]
        if entry["spec"]["username"] == f"system:node:{JOINING}" and "system:nodes" not in entry["spec"]["groups"]
    ]
    assert request["spec"]["extra"]["authentication.kubernetes.io/credential-id"] == [f"X509SHA256={fingerprint}"]
    (condition,) = request["status"]["conditions"]
    assert condition["reason"] == "AutoApproved"
    assert "selfnode" in condition["message"].lower() or "self" in condition["message"].lower()
    found = cp1.output(f"grep -F X509SHA256={fingerprint} {AUDIT} | grep -c certificatesigningrequests")
    assert int(found) > 0
    ledger = (RUN / "ca" / "ledger.jsonl").read_text()
    assert '"join"' in ledger


def test_with_the_same_certificate_nobody_becomes_another_node(site: Site, cp1: Host, w2: Host, opened: None) -> None:
    assert "Forbidden" in w2.run(f"{KUBECTL} --kubeconfig {STOLEN} get secrets -n kube-system").stderr
    assert "Forbidden" in w2.run(f"{KUBECTL} --kubeconfig {STOLEN} get nodes").stderr
    w2.output(REQUEST % ("cp1", STOLEN, "as-cp1"))
    # The controller-manager looks within a second.
    time.sleep(5)
    assert "conditions" not in cp1.objects("csr", "as-cp1")["status"]


def test_when_its_time_is_over_the_next_run_closes(site: Site, cp1: Host, w2: Host, opened: None) -> None:
    note = RUN / "ca" / "joins.json"
    note.write_text('{"until": "2026-01-01T00:00:00Z", "trusted": true}\n')
    # Any playbook: this one is about something else, and not about control planes.
    site.run("join", "--limit", "w1")
    assert "join-ca" not in names_of_cas(cp1)
    assert json.loads(note.read_text())["trusted"] is False
    # Still valid, and refused.
    assert "nauthorized" in whoami(w2) or "must be logged in" in whoami(w2)
    assert JOINING in ready_nodes(cp1)
    assert site.run("join", "--limit", "w1").changes == []
