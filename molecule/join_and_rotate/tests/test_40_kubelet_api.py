"""Who reaches a kubelet, and whom it reaches back."""

from __future__ import annotations

from proofs.hosts import CLIENT_CERTIFICATE, PKI, Host

KUBELET_CLIENT = ("--cert", f"{PKI}/apiserver-kubelet-client.crt", "--key", f"{PKI}/apiserver-kubelet-client.key")
SERVING_CA = ("--cacert", f"{PKI}/kubelet-serving-ca.crt")


def test_the_api_server_reaches_the_kubelet(cp1: Host, node: Host) -> None:
    answer = cp1.kubectl("get", "--raw", f"/api/v1/nodes/{node.name}/proxy/healthz")
    assert (answer.rc, answer.stdout) == (0, "ok"), answer.stderr


def test_the_api_server_is_told_to_verify_kubelets(cp1: Host) -> None:
    assert f"--kubelet-certificate-authority={PKI}/kubelet-serving-ca.crt" in cp1.output(
        "tr '\\0' '\\n' </proc/$(systemctl show -P MainPID kube-apiserver)/cmdline"
    )


def test_the_served_certificate_verifies_by_name_and_address(cp1: Host, node: Host) -> None:
    for name in (node.name, node.address):
        resolve = ("--resolve", f"{node.name}:10250:{node.address}")
        assert cp1.status(*SERVING_CA, *KUBELET_CLIENT, *resolve, f"https://{name}:10250/healthz") == "200"
    kubernetes_ca = ("--cacert", f"{PKI}/kubernetes-ca.crt")
    assert cp1.status(*kubernetes_ca, *KUBELET_CLIENT, f"https://{node.address}:10250/healthz") == "000"


def test_without_a_certificate_nobody_enters(cp1: Host, node: Host) -> None:
    for path in ("pods", "metrics", "healthz"):
        assert cp1.status(*SERVING_CA, f"https://{node.address}:10250/{path}") == "401"


def test_a_certificate_without_rights_is_forbidden(node: Host) -> None:
    kube_proxy = ("--cert", f"{PKI}/kube-proxy.crt", "--key", f"{PKI}/kube-proxy.key")
    assert node.status("--insecure", *kube_proxy, f"https://{node.address}:10250/pods") == "403"


def test_a_node_does_not_enter_another(node: Host, other: Host) -> None:
    own = ("--cert", CLIENT_CERTIFICATE, "--key", CLIENT_CERTIFICATE)
    assert node.status("--insecure", *own, f"https://{other.address}:10250/pods") == "401"


def test_the_read_only_port_is_closed(cp1: Host, node: Host) -> None:
    assert node.run("ss --no-header --listening --tcp --numeric 'sport = :10255'").stdout == ""
    assert cp1.status(f"http://{node.address}:10255/pods") == "000"


def test_the_health_port_answers_on_localhost_only(cp1: Host, node: Host) -> None:
    assert node.status("http://127.0.0.1:10248/healthz") == "200"
    assert node.status(f"http://{node.address}:10248/healthz") == "000"
    assert cp1.status(f"http://{node.address}:10248/healthz") == "000"
