"""A node that is called by its address: certificates without a DNS name, and the same bounds as for all others."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import SERVING, ask, outcome
from conftest import JOINING, Site
from proofs.ansible import LOG, Run, run
from proofs.hosts import CLIENT_CERTIFICATE, Host
from proofs.nodes import forget, left_of_joins, ready_nodes, tokens
from proofs.samples import records, wait_for

SERVED = "/var/lib/kubelet/pki/kubelet-server-current.pem"
KUBELET = "/etc/kubernetes/kubelet.conf"


@pytest.fixture(scope="module")
def inventory(w2: Host) -> Iterator[str]:
    """The inventory, with its address for the name of the second worker."""
    folder = Path("by_address")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree("inventory", folder)
    hosts = folder / "hosts.yml"
    hosts.write_text(hosts.read_text().replace(f"node_name: {JOINING}", f"node_name: {w2.address}"))
    yield str(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def site(cp1: Host, w2: Host) -> Iterator[Site]:
    site = Site(cp1, w2, cluster_join_credential="token")
    site.strangers()
    site.run("control_plane")
    yield site
    cp1.kubectl("delete", "node", "--ignore-not-found", w2.address)
    forget(w2)


@pytest.fixture(scope="module")
def before(site: Site, cp1: Host) -> set[str]:
    """The tokens of earlier tests, which end by themselves."""
    return set(tokens(cp1))


@pytest.fixture(scope="module")
def joined(site: Site, before: set[str], inventory: str) -> Run:
    done = run("join", *site.variables, "--limit", "w2", inventory=inventory)
    assert (done.code, done.failures) == (0, ""), f"see {LOG}"
    return done


def test_it_joins_by_a_token_of_its_own(cp1: Host, w2: Host, joined: Run, before: set[str]) -> None:
    assert ready_nodes(cp1) == [w2.address, "w1"]
    assert set(left_of_joins(cp1, w2)) <= before
    groups = [entry["data"].get("auth-extra-groups", "") for entry in records(cp1, "watch_tokens")]
    assert any(f":node:{w2.address.replace('.', ':')}" in text for text in groups)
    decided = {one["spec"]["signerName"]: one["status"]["conditions"][0] for one in cp1.objects("csr")["items"]}
    assert {one["reason"] for one in decided.values()} == {"PolicyKept"}
    assert len(decided) == 2


def test_its_certificates_have_the_address_and_no_dns_name(w2: Host, joined: Run) -> None:
    client = w2.output(f"openssl x509 -noout -text -in {CLIENT_CERTIFICATE}")
    assert f"CN = system:node:{w2.address}" in client
    assert "Alternative Name" not in client
    served = w2.output(f"openssl x509 -noout -ext subjectAltName -in {SERVED}")
    assert re.findall(r"(?:DNS|IP Address):\S+", served) == [f"IP Address:{w2.address}"]


def test_the_api_server_reaches_its_kubelet(cp1: Host, w2: Host, joined: Run) -> None:
    path = f"/api/v1/nodes/{w2.address}/proxy/healthz"
    wait_for("it answers", lambda: cp1.kubectl("get", "--raw", path).stdout == "ok", 30)


@pytest.mark.parametrize(
    ("name", "names"),
    [("t-neighbour", "IP:10.213.16.11"), ("t-as-dns-name", "DNS:10.213.16.13"), ("t-name", f"DNS:{JOINING}")],
)
def test_it_gets_no_other_name(cp1: Host, w2: Host, joined: Run, name: str, names: str) -> None:
    created = ask(w2, KUBELET, name, f"/O=system:nodes/CN=system:node:{w2.address}", SERVING, names)
    assert created.rc == 0, created.stderr
    assert wait_for(name, lambda: outcome(cp1, name)[0] and outcome(cp1, name), 30, 0.2) == ("Denied", "ForeignSANs")


def test_a_second_run_changes_nothing(site: Site, joined: Run, inventory: str) -> None:
    again = run("join", *site.variables, "--limit", "w2", inventory=inventory)
    assert (again.code, again.changes) == (0, [])
