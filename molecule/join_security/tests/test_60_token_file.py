"""The API server's static token file, as tutorials have it: one ordered restart before the join, and one after it."""

from __future__ import annotations

import pytest
from conftest import JOINING, Site
from proofs.ansible import run
from proofs.hosts import ADMIN, KUBECTL, PROOF, Host
from proofs.nodes import left_of_joins, ready_nodes, tokens

FILE = "/etc/kubernetes/token.csv"
KUBECONFIG = "/etc/kubernetes/bootstrap-kubelet.conf"
# The token in both is gone when the play ends: somebody has made copies before.
COPY = f"{PROOF}/copy-of-token.csv"
COPY_OF_KUBECONFIG = f"{PROOF}/copy-of-bootstrap-kubelet.conf"


def started(cp1: Host) -> str:
    """When the API server was started."""
    return cp1.output("systemctl show --property=ExecMainStartTimestampMonotonic --value kube-apiserver").strip()


@pytest.fixture(scope="module")
def site(cp1: Host, w2: Host) -> Site:
    site = Site(cp1, w2, cluster_join_credential="token_file", cluster_client_approval="auto")
    site.strangers()
    site.run("control_plane")
    return site


def test_the_api_server_starts_with_an_empty_file(site: Site, cp1: Host) -> None:
    assert cp1.output("stat -c '%%a %%U %%s' %s", FILE).strip() == "600 kube-apiserver 0"
    before = started(cp1)
    assert site.run("control_plane").changes == []
    assert started(cp1) == before


def test_a_node_joins_with_it_and_it_is_gone_afterwards(site: Site, cp1: Host, w2: Host) -> None:
    for host, path, copy in ((cp1, FILE, COPY), (w2, KUBECONFIG, COPY_OF_KUBECONFIG)):
        keep = f"rm -f {copy}; until [ -s {path} ]; do sleep 0.05; done; cp {path} {copy}"
        host.output("systemd-run --quiet --collect --unit=proof-copier sh -c %s", keep)
    # Of those who have shared a token before; they end by themselves.
    before = set(tokens(cp1))
    done = site.join()
    assert JOINING in ready_nodes(cp1)
    restarts = [task for task in done.changes if task["task"].endswith("that have another token file")]
    assert len(restarts) == 2
    token, user = cp1.output("cut -d, -f1,2 %s", COPY).strip().split(",")
    assert user == "kubelet-bootstrap"
    assert f'token: "{token}"' in w2.output("cat %s", COPY_OF_KUBECONFIG)
    assert cp1.output("stat -c '%%a %%U %%s' %s", FILE).strip() == "600 kube-apiserver 0"
    assert set(left_of_joins(cp1, w2)) <= before
    (request,) = [entry for entry in cp1.objects("csr")["items"] if entry["spec"]["username"] == "kubelet-bootstrap"]
    assert request["spec"]["uid"] == "10001"
    assert request["status"]["conditions"][0]["reason"] == "AutoApproved"


def test_a_second_run_restarts_nothing(site: Site, cp1: Host) -> None:
    before = started(cp1)
    assert site.join().changes == []
    assert started(cp1) == before


def test_a_bootstrap_token_that_is_one_of_a_file_is_refused(cp1: Host) -> None:
    wrong = ("--extra-vars", "cluster_join_credential=token_file cluster_client_approval=inventory")
    refused = run("join", *wrong)
    assert refused.code > 0
    assert "tied to no node" in refused.failures


def test_the_next_choice_takes_the_rights_away(cp1: Host) -> None:
    assert run("control_plane").code == 0
    bindings = cp1.output(f"{KUBECTL} --kubeconfig {ADMIN} get clusterrolebindings --output=name")
    assert "tlsbootstrap:token-file" not in bindings
    assert "token-auth-file" not in cp1.output("systemctl cat kube-apiserver")
