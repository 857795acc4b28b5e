"""What somebody with a worker's token sees of others, and what can be guessed without any."""

from __future__ import annotations

import pytest
from asking import STOLEN, ask, outcome, steal_token
from conftest import JOINING, Site
from proofs.hosts import ADMIN, KUBECTL, PKI, Host
from proofs.nodes import ready_nodes

PUBLIC = "/api/v1/namespaces/kube-public"


@pytest.fixture(scope="module")
def site(cp1: Host, w2: Host) -> Site:
    """A cluster as it is by default, and a worker that nobody knows."""
    site = Site(cp1, w2)
    site.run("control_plane")
    site.strangers()
    return site


@pytest.fixture(scope="module")
def token(site: Site, cp1: Host, w1: Host) -> str:
    """The id of a token in the hands of the first worker, and a request that another one has made."""
    # One that nobody decides by himself.
    asked = ask(cp1, ADMIN, "l-other", "/CN=bob", "kubernetes.io/kube-apiserver-client", usages=["client auth"])
    assert asked.rc == 0, asked.stderr
    return steal_token(cp1, w1)


def test_a_token_sees_requests_as_kubernetes_grants_it(w1: Host, token: str) -> None:
    """ClusterRole system:node-bootstrapper; what is in a request is public."""
    assert "l-other" in w1.output(f"{KUBECTL} --kubeconfig {STOLEN} get csr --output=name")


@pytest.mark.parametrize(
    "attempt",
    [
        "certificate approve l-other",
        "certificate deny l-other",
        "annotate csr l-other taken=yes",
        "delete csr l-other",
        "get leases --namespace tlsbootstrap",
        "get secret --namespace kube-system bootstrap-token-%s",
        "get clusterrolebindings",
    ],
)
def test_a_token_changes_no_request_and_sees_nothing_else(w1: Host, token: str, attempt: str) -> None:
    refused = w1.run(f"{KUBECTL} --kubeconfig {STOLEN} {attempt.replace('%s', token)}")
    assert refused.rc != 0
    assert "orbidden" in refused.stderr, refused.stderr


def test_the_request_of_another_is_as_it_was(cp1: Host, token: str) -> None:
    assert outcome(cp1, "l-other") == ("", "")
    assert "annotations" not in cp1.objects("csr", "l-other")["metadata"]


@pytest.mark.parametrize("guess", ["0123456789abcdef", "aaaaaaaaaaaaaaaa"])
def test_the_secret_of_a_token_is_not_guessed_by_its_id(cp1: Host, w1: Host, token: str, guess: str) -> None:
    asked = f"https://{cp1.address}:6443/apis/certificates.k8s.io/v1/certificatesigningrequests"
    bearer = f"Authorization: Bearer {token}.{guess}"
    assert w1.status("--cacert", f"{PKI}/kubernetes-ca.crt", "--header", bearer, asked) == "401"


@pytest.mark.parametrize("path", ["/configmaps/cluster-info", "/configmaps", "/configmaps/cluster-info?watch=1", ""])
def test_there_is_no_cluster_info_to_guess_from(cp1: Host, w1: Host, token: str, path: str) -> None:
    """It would hold a signature for each token, which secrets can be tried against without asking anybody."""
    assert w1.status("--cacert", f"{PKI}/kubernetes-ca.crt", f"https://{cp1.address}:6443{PUBLIC}{path}") == "401"
    assert "NotFound" in cp1.kubectl("--namespace=kube-public", "get", "configmap", "cluster-info").stderr


def test_the_join_goes_on(site: Site, cp1: Host) -> None:
    site.join()
    assert ready_nodes(cp1) == ["w1", JOINING]
