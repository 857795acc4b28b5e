"""The signing CAs of kubelets are made anew by their names: after one run every kubelet is the cluster's again."""

from __future__ import annotations

import json
import ssl

import pytest
from conftest import JOINING, Site
from proofs.certificates import parse
from proofs.hosts import CLIENT_CERTIFICATE, Host
from proofs.nodes import left_of_joins, ready_nodes
from proofs.pods import logs_come
from proofs.samples import wait_for

PKI = "/etc/kubernetes/pki"
CAS = ["kubelet-client-ca", "kubelet-serving-ca"]


@pytest.fixture(scope="module")
def site(cp1: Host, w2: Host) -> Site:
    """Two workers that have joined."""
    site = Site(cp1, w2, cluster_join_credential="token")
    site.without_tokens()
    site.run("control_plane")
    site.join()
    return site


def key_id(host: Host, path: str) -> str:
    return host.output("openssl x509 -noout -ext subjectKeyIdentifier -in %s | tail -n 1", path).strip()


def signed_by(text: str, worker: Host) -> str:
    return worker.output("printf %%s %s | openssl x509 -noout -ext authorityKeyIdentifier | tail -n 1", text).strip()


def test_one_run_is_enough(site: Site, cp1: Host, w1: Host, w2: Host) -> None:
    old = {name: key_id(cp1, f"{PKI}/signing/{name.removesuffix('-ca')}.crt") for name in CAS}
    done = site.run("site", "--extra-vars", json.dumps({"identities_force": CAS}))
    new = {name: key_id(cp1, f"{PKI}/signing/{name.removesuffix('-ca')}.crt") for name in CAS}
    assert not set(old.values()) & set(new.values())
    assert ready_nodes(cp1) == sorted(["w1", JOINING])
    codes = {one["code"] for task in done.tasks for said in task["reasons"].values() for one in said}
    assert "IssuerChanged" in codes
    for worker in (w1, w2):
        client = worker.output(f"openssl x509 -in {CLIENT_CERTIFICATE}")
        assert signed_by(client, worker) == new["kubelet-client-ca"]

        def served(worker: Host = worker) -> bool:
            shown = worker.run("test -e /var/lib/kubelet/pki/kubelet-server-current.pem").rc == 0
            return (
                shown
                and signed_by(ssl.get_server_certificate((worker.address, 10250), timeout=5), worker)
                == (new["kubelet-serving-ca"])
            )

        wait_for("the kubelet serves with what the new CA has signed", served, 60)
        assert parse(ssl.get_server_certificate((worker.address, 10250), timeout=5)).addresses == {worker.address}
    # By the API server, which trusts the new CA alone.
    assert cp1.output(f"grep -c BEGIN {PKI}/kubelet-serving-ca.crt").strip() == "1"
    for node in ("w1", JOINING):
        logs_come(cp1, node)


def test_the_next_run_changes_nothing(site: Site, cp1: Host, w2: Host) -> None:
    assert site.run("site").changes == []
    assert left_of_joins(cp1, w2) == []
