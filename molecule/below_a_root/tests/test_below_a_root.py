"""Components, kubelets and clients with CAs that are no roots: who verifies what, and who is not let in."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess

import pytest
from conftest import COPY, ON_HOSTS, Cluster, openssl
from proofs.certificates import parse
from proofs.hosts import CLIENT_CERTIFICATE, PKI
from proofs.nodes import left_of_joins, ready_nodes
from proofs.states import changed_since, look_at

ROOT = f"{ON_HOSTS}/root/root.crt"
FRONT_PROXY = ("--cert", f"{PKI}/front-proxy-client.crt", "--key", f"{PKI}/front-proxy-client.key")
ETCD = ("--cert", f"{PKI}/apiserver-etcd-client.crt", "--key", f"{PKI}/apiserver-etcd-client.key")
CLIENT = ("basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature", "extendedKeyUsage=clientAuth")
BEGIN = "-----BEGIN CERTIFICATE-----"


def pem_blocks(text: str) -> list[str]:
    """The certificates of a file or a bundle."""
    return [BEGIN + part.partition("-----END")[0] + "-----END CERTIFICATE-----\n" for part in text.split(BEGIN)[1:]]


def test_a_second_run_touches_nothing(cluster: Cluster) -> None:
    before = look_at(cluster.cp1, cluster.w1)
    again = cluster.site()
    assert (again.code, again.changes) == (0, [])
    assert changed_since(before, cluster.cp1, cluster.w1) == {}


@pytest.mark.parametrize("place", ["ca.crt", "etcd/ca.crt", "front-proxy-ca.crt"])
def test_hosts_trust_the_ca_and_not_the_root_above_it(cluster: Cluster, place: str) -> None:
    path = cluster.ca if place == "ca.crt" else f"{PKI}/{place}"
    (trusted,) = map(parse, pem_blocks(cluster.cp1.output("cat %s", path)))
    assert trusted.issuer == "Example Root"
    assert trusted.common_name != "Example Root"


@pytest.mark.parametrize("port", [6443, 2379, 2380])
def test_who_trusts_the_root_alone_can_verify_what_is_served(cluster: Cluster, port: int) -> None:
    """As programs in Python 3.13 and later do: strictly."""
    context = ssl.create_default_context(cafile=str(cluster.root.certificate))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    # With TLS 1.3 that a client has no certificate is told after the handshake.
    with (
        socket.create_connection((cluster.cp1.address, port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=cluster.cp1.address) as connection,
    ):
        assert connection.getpeercert()


def test_the_leaf_comes_first_and_the_root_is_not_sent(cluster: Cluster) -> None:
    asked = ("s_client", "-connect", f"{cluster.cp1.address}:6443", "-showcerts")
    found = [parse(pem) for pem in pem_blocks(openssl(*asked))]
    assert [entry.common_name for entry in found][:1] == ["kube-apiserver"]
    assert [entry.issuer for entry in found][-1:] == ["Example Root"]
    assert len(found) == 2


def test_openssl_says_what_the_documentation_says(cluster: Cluster) -> None:
    leaf = f"{PKI}/apiserver.crt"
    assert cluster.cp1.run("openssl verify -CAfile %s %s", cluster.ca, leaf).rc != 0
    cluster.cp1.output("openssl verify -partial_chain -CAfile %s %s", cluster.ca, leaf)
    cluster.cp1.output("openssl verify -CAfile %s -untrusted %s %s", ROOT, leaf, leaf)


@pytest.mark.parametrize("lease", ["kube-controller-manager", "kube-scheduler"])
def test_components_are_let_in_with_certificates_of_the_ca(cluster: Cluster, lease: str) -> None:
    found = cluster.cp1.objects("lease", lease, "--namespace=kube-system")
    assert found["spec"]["holderIdentity"].startswith("cp1")


def test_the_administrator_is_let_in(cluster: Cluster) -> None:
    said = cluster.cp1.kubectl("auth", "whoami", "--output=json")
    assert said.rc == 0, said.stderr
    user = json.loads(said.stdout)["status"]["userInfo"]
    assert user["username"] == "kubernetes-admin"


def test_a_client_of_the_root_itself_is_nobody(cluster: Cluster) -> None:
    """With the root among those trusted it would be the administrator."""
    cluster.root.signed("intruder", "/O=system:masters/CN=intruder", *CLIENT)
    for name in ("intruder.crt", "intruder.key"):
        subprocess.run([*COPY, str(cluster.root.folder / name), f"cp1:{ON_HOSTS}/root/"], check=True)
    url, trusted = f"https://{cluster.cp1.address}:6443/api/v1/nodes", ("--cacert", ROOT)
    intruder = ("--cert", f"{ON_HOSTS}/root/intruder.crt", "--key", f"{ON_HOSTS}/root/intruder.key")
    assert cluster.cp1.status(*trusted, *intruder, url) == "401"
    # Nor is one of another CA below the same root.
    assert cluster.cp1.status(*trusted, *FRONT_PROXY, url) == "401"


def test_etcd_takes_clients_of_its_own_ca_alone(cluster: Cluster) -> None:
    url = f"https://{cluster.cp1.address}:2379/health"
    assert cluster.cp1.status("--cacert", ROOT, *ETCD, url) == "200"
    assert cluster.cp1.status("--cacert", ROOT, *FRONT_PROXY, url) == "000"


def test_the_node_has_joined_by_tls_bootstrapping(cluster: Cluster) -> None:
    assert ready_nodes(cluster.cp1) == ["w1"]
    assert left_of_joins(cluster.cp1, cluster.w1) == []
    requests = cluster.cp1.objects("certificatesigningrequests")["items"]
    assert any(entry["spec"]["username"].startswith("system:bootstrap:") for entry in requests)
    # The API server is verified by the CA on the node, and the kubelet by that on the control plane.
    answer = cluster.cp1.kubectl("get", "--raw", "/api/v1/nodes/w1/proxy/healthz")
    assert (answer.rc, answer.stdout) == (0, "ok"), answer.stderr


def test_the_kubelet_s_certificates_are_of_the_ca_that_signs_for_kubelets(cluster: Cluster) -> None:
    """In the profile kubeadm that is the one below the root, and the whole chain holds."""
    client = parse(cluster.w1.output("openssl x509 -in %s", CLIENT_CERTIFICATE))
    served = parse(ssl.get_server_certificate((cluster.w1.address, 10250), timeout=10))
    signing = {
        "separated": ["kubelet-client-ca-cp1", "kubelet-serving-ca-cp1"],
        "kubeadm": ["kubernetes", "kubernetes"],
    }
    assert [client.issuer, served.issuer] == signing[cluster.profile]
    below = cluster.w1.run("openssl verify -CAfile %s -untrusted %s %s", ROOT, cluster.ca, CLIENT_CERTIFICATE)
    assert (below.rc == 0) == (cluster.profile == "kubeadm"), below.stderr


def test_pods_get_the_ca(cluster: Cluster) -> None:
    published = cluster.cp1.objects("configmap", "kube-root-ca.crt", "--namespace=default")["data"]["ca.crt"]
    (trusted,), (own,) = pem_blocks(published), pem_blocks(cluster.cp1.output("cat %s", cluster.ca))
    assert parse(trusted) == parse(own)
