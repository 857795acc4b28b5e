"""Nodes that somebody joins with kubeadm as it is, where the cluster lets it; and nothing of that where it does not."""

from __future__ import annotations

import pytest
from conftest import JOINING, Site
from proofs.ansible import LOG, run
from proofs.hosts import ADMIN, PROOF, Host
from proofs.kubeadm import join_command, kubeadm
from proofs.nodes import forget, ready_nodes
from proofs.pods import logs_come
from proofs.samples import wait_for

CLUSTER_INFO = "/api/v1/namespaces/kube-public/configmaps/cluster-info"
KUBEADM_CONFIG = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config"
API = "https://10.213.16.11:6443"
DISCOVERY = f"{PROOF}/discovery.conf"
RBAC = "rbac.authorization.k8s.io"
WANTED = sorted(
    [
        f"clusterrole.{RBAC}/kubeadm:get-nodes",
        f"clusterrolebinding.{RBAC}/kubeadm:get-nodes",
        f"clusterrolebinding.{RBAC}/kubeadm:kubelet-bootstrap",
        f"clusterrolebinding.{RBAC}/kubeadm:node-autoapprove-certificate-rotation",
        "configmap/cluster-info",
        "configmap/kubeadm-config",
        "configmap/kubelet-config",
        *(
            f"{kind}.{RBAC}/kubeadm:{name}"
            for kind in ("role", "rolebinding")
            for name in ("bootstrap-signer-clusterinfo", "kubelet-config", "nodes-kubeadm-config")
        ),
    ]
)
OURS = ("configmap", "role", "rolebinding", "clusterrole", "clusterrolebinding")


def answers(cp1: Host) -> bool:
    """Whether the API server knows the kubelet, and the kubelet the API server."""
    return str(cp1.kubectl("get", "--raw", f"/api/v1/nodes/{JOINING}/proxy/healthz").stdout) == "ok"


def of_kubeadm(cp1: Host) -> list[str]:
    """The objects that kubeadm needs of the cluster."""
    found = cp1.output(f"/opt/proof/kubectl --kubeconfig {ADMIN} get {','.join(OURS)} --all-namespaces --output=name")
    names = [
        line
        for line in found.splitlines()
        if "/kubeadm" in line or "/cluster-info" in line or "/kubelet-config" in line
    ]
    return sorted(set(names))


@pytest.fixture(scope="module")
def site(cp1: Host, w2: Host) -> Site:
    site = Site(cp1, w2, cluster_kubeadm_join="true")
    site.strangers()
    site.run("control_plane")
    return site


def test_anybody_reads_cluster_info_and_nothing_else(site: Site, cp1: Host, w2: Host) -> None:
    assert w2.status("--insecure", f"{API}{CLUSTER_INFO}") == "200"
    assert w2.status("--insecure", f"{API}{KUBEADM_CONFIG}") == "401"
    assert site.run("control_plane").changes == []


def test_kubeadm_joins_a_node_by_a_token_that_is_good_for_it_alone(site: Site, cp1: Host, w2: Host) -> None:
    kubeadm(w2, *join_command(cp1, JOINING, ADMIN), f"--node-name={JOINING}")
    wait_for("the node is there", lambda: JOINING in ready_nodes(cp1), 120)
    wait_for("the kubelet answers the API server", lambda: answers(cp1), 120)
    decided = {
        entry["spec"]["signerName"]: entry["status"]["conditions"][0]["reason"] for entry in cp1.objects("csr")["items"]
    }
    assert decided == {
        "kubernetes.io/kube-apiserver-client-kubelet": "PolicyKept",
        "kubernetes.io/kubelet-serving": "PolicyKept",
    }
    logs_come(cp1, JOINING)


def test_a_token_of_kubeadm_that_names_no_node_is_good_for_none(site: Site, cp1: Host, w2: Host) -> None:
    asked = ["create", "certificatesigningrequests.certificates.k8s.io", "--subresource=nodeclient"]
    who = ["--as=system:bootstrap:any", "--as-group=system:bootstrappers:kubeadm:default-node-token"]
    assert cp1.kubectl("auth", "can-i", *asked, *who).stdout.strip() == "no"
    assert cp1.kubectl("auth", "can-i", *asked[:2], *who).stdout.strip() == "yes"


def test_kubeadm_joins_a_node_by_a_bootstrap_kubeconfig_of_ours(site: Site, cp1: Host, w2: Host) -> None:
    site.strangers()
    killed = run("join", *site.variables, "--limit", "w2", kill_after="Write the bootstrap kubeconfig")
    assert killed.code < 0, f"see {LOG}"
    w2.output(f"mv /etc/kubernetes/bootstrap-kubelet.conf {DISCOVERY}")
    kubeadm(w2, "join", f"--discovery-file={DISCOVERY}", f"--node-name={JOINING}")
    wait_for("the node is there", lambda: JOINING in ready_nodes(cp1), 120)
    wait_for("the kubelet answers the API server", lambda: answers(cp1), 120)


def test_without_it_our_objects_go_and_no_others(site: Site, cp1: Host, w2: Host) -> None:
    assert of_kubeadm(cp1) == WANTED
    # Somebody has taken it over.
    theirs = ["--namespace=kube-system", "configmap", "kubelet-config"]
    cp1.kubectl("label", *theirs, "app.kubernetes.io/managed-by-")
    assert run("control_plane").code == 0, f"see {LOG}"
    assert of_kubeadm(cp1) == ["configmap/kubelet-config"]
    assert w2.status("--insecure", f"{API}{CLUSTER_INFO}") == "401"
    cp1.kubectl("delete", *theirs)
    # The kubelet that has joined goes on.
    assert JOINING in ready_nodes(cp1)
    forget(w2)
