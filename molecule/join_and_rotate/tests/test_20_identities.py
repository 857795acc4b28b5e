"""Each credential stands for whom it should, and each kubelet's certificates say what they should."""

from __future__ import annotations

import json

import pytest
from expected import MARKS
from proofs import samples
from proofs.certificates import CLIENT_AUTH, SERVER_AUTH
from proofs.hosts import CLIENT_CERTIFICATE, PKI, Host
from proofs.nodes import marks

EVERYBODY = "system:authenticated"
CONTROL_PLANE = {
    "admin": ("kubernetes-admin", {"tlsbootstrap:cluster-admins", EVERYBODY}),
    "super-admin": ("kubernetes-super-admin", {"system:masters", EVERYBODY}),
    "controller-manager": ("system:kube-controller-manager", {EVERYBODY}),
    "scheduler": ("system:kube-scheduler", {EVERYBODY}),
    "csr-approver": ("tlsbootstrap:csr-approver", {EVERYBODY}),
}


def whoami(host: Host, kubeconfig: str) -> tuple[str, set[str]]:
    """Return whom the API server takes a kubeconfig for."""
    result = host.kubectl("auth", "whoami", "--output=json", kubeconfig=f"/etc/kubernetes/{kubeconfig}.conf")
    assert result.rc == 0, result.stderr
    user = json.loads(result.stdout)["status"]["userInfo"]
    return user["username"], set(user["groups"])


@pytest.mark.parametrize("kubeconfig", CONTROL_PLANE)
def test_kubeconfigs_of_the_control_plane(cp1: Host, kubeconfig: str) -> None:
    assert whoami(cp1, kubeconfig) == CONTROL_PLANE[kubeconfig]


def test_kubeconfig_of_the_kubelet(node: Host) -> None:
    assert whoami(node, "kubelet") == (f"system:node:{node.name}", {"system:nodes", EVERYBODY})


def test_kubeconfig_of_kube_proxy(node: Host) -> None:
    assert whoami(node, "kube-proxy") == ("system:kube-proxy", {EVERYBODY})


def test_kubelet_kubeconfig_names_the_ca_by_path(node: Host) -> None:
    assert f"certificate-authority: {PKI}/kubernetes-ca.crt" in node.output("cat /etc/kubernetes/kubelet.conf")


def test_every_client_certificate_is_the_nodes_own(node: Host) -> None:
    seen = samples.certificates(node, "client")
    assert seen
    for certificate in (entry.certificate for entry in seen):
        assert certificate.common_name == f"system:node:{node.name}"
        assert certificate.organizations == ("system:nodes",)
        assert certificate.usages == {CLIENT_AUTH}
        assert not certificate.dns_names | certificate.addresses
        assert certificate.issuer == "kubelet-client-ca-cp1"


def test_client_certificate_is_issued_by_the_controller_managers_ca(cp1: Host, node: Host) -> None:
    certificate = node.output("openssl x509 -in %s", CLIENT_CERTIFICATE)
    verify = "printf %s %s | openssl verify -x509_strict -purpose sslclient -CAfile %s"
    issued = cp1.run(verify, "%s", certificate, f"{PKI}/signing/kubelet-client.crt")
    assert issued.rc == 0, issued.stderr
    for other in (f"{PKI}/kubernetes-ca.crt", f"{PKI}/signing/kubelet-serving.crt"):
        assert cp1.run(verify, "%s", certificate, other).rc != 0


def test_served_certificates_name_their_host_only(cp1: Host, node: Host) -> None:
    seen = samples.served(cp1, node)
    issued = [entry.certificate for entry in seen if entry.certificate.issuer == "kubelet-serving-ca-cp1"]
    assert issued
    for certificate in issued:
        assert certificate.common_name == f"system:node:{node.name}"
        assert certificate.dns_names == {node.name}
        assert certificate.addresses == {node.address}
        assert certificate.other_names == 0
        assert certificate.usages == {SERVER_AUTH}


def test_nothing_waits_for_approval(cp1: Host) -> None:
    requests = cp1.objects("certificatesigningrequests")["items"]
    assert requests
    assert [entry["metadata"]["name"] for entry in requests if not entry.get("status", {}).get("conditions")] == []


def test_nodes_have_the_labels_and_taints_of_the_inventory(cp1: Host) -> None:
    assert marks(cp1) == MARKS
