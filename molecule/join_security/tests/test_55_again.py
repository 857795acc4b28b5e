"""Hosts that come back in another way than they were left: each ends as a node, or is refused with what to do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import JOINING, Site
from proofs.ansible import LOG, run
from proofs.hosts import CLIENT_CERTIFICATE, PROOF, Host
from proofs.nodes import forget, left_of_joins, ready_nodes, tokens
from proofs.samples import wait_for

RENAMED = "w2-renamed"
SAVED = f"{PROOF}/saved.tar"
# A certificate that says the same, by a CA that the cluster does not know; with its key, as a kubelet has it.
FOREIGN = f"""
set -eu
cd {PROOF}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other-ca.key -out other-ca.crt -days 9 \\
    -subj /CN=other-ca 2>/dev/null
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout node.key -out node.csr \\
    -subj /O=system:nodes/CN=system:node:{JOINING} 2>/dev/null
openssl x509 -req -in node.csr -CA other-ca.crt -CAkey other-ca.key -CAcreateserial -days 9 -out node.crt 2>/dev/null
systemctl stop kubelet
cat node.crt node.key >$(readlink -f {CLIENT_CERTIFICATE})
"""


@pytest.fixture(scope="module")
def site(cp1: Host, w2: Host) -> Site:
    """The defaults: a token of its own for each node."""
    site = Site(cp1, w2, cluster_join_credential="token")
    site.strangers()
    site.run("control_plane")
    site.join()
    return site


@pytest.fixture(scope="module")
def before(site: Site, cp1: Host) -> set[str]:
    """The tokens of earlier tests, which end by themselves."""
    return set(tokens(cp1))


@pytest.fixture
def renamed() -> Iterator[str]:
    """The inventory, with another name for the second worker; beside the scenario's, so that it has its variables."""
    folder = Path("renamed")
    shutil.copytree("inventory", folder)
    hosts = folder / "hosts.yml"
    hosts.write_text(hosts.read_text().replace(JOINING, RENAMED))
    yield str(folder)
    shutil.rmtree(folder)


def issuer(w2: Host) -> str:
    return w2.output(f"openssl x509 -noout -issuer -in {CLIENT_CERTIFICATE}")


def test_a_host_that_was_made_anew_is_not_taken_for_a_live_node(
    site: Site, cp1: Host, w2: Host, before: set[str]
) -> None:
    w2.output(f"tar -cf {SAVED} /etc/kubernetes /var/lib/kubelet/pki /var/lib/kubelet/config.yaml")
    node = cp1.objects("node", JOINING)["metadata"]["uid"]
    forget(w2)
    assert JOINING in ready_nodes(cp1)
    refused = run("join", *site.variables, "--limit", "w2")
    assert refused.code > 0
    assert f"node {JOINING} is in the cluster and Ready, at 10.213.16.13" in refused.failures
    assert "node_bootstrap_rejoin" in refused.failures
    assert set(left_of_joins(cp1, w2)) <= before
    # Whoever says so has it again.
    site.join("--extra-vars", "node_bootstrap_rejoin=true")
    assert JOINING in ready_nodes(cp1)
    assert cp1.objects("node", JOINING)["metadata"]["uid"] == node


def test_a_host_with_the_files_of_a_backup_is_its_node(site: Site, cp1: Host, w2: Host, before: set[str]) -> None:
    w2.output("systemctl stop kubelet; rm -rf /etc/kubernetes /var/lib/kubelet/pki")
    w2.output(f"tar -C / -xf {SAVED}")
    site.join()
    wait_for("the node is there", lambda: JOINING in ready_nodes(cp1), 120)
    assert set(left_of_joins(cp1, w2)) <= before
    assert site.join().changes == []


def test_a_certificate_of_another_ca_is_replaced(site: Site, cp1: Host, w2: Host, before: set[str]) -> None:
    w2.output(FOREIGN)
    assert "other-ca" in issuer(w2)
    site.join()
    wait_for("the node is there", lambda: JOINING in ready_nodes(cp1), 120)
    assert "kubelet-client-ca" in issuer(w2)
    assert set(left_of_joins(cp1, w2)) <= before


def test_a_renamed_host_is_a_new_node(site: Site, cp1: Host, w2: Host, renamed: str) -> None:
    # The approvers learn its name with the run.
    done = run("join", *site.variables, "--limit", "w2", inventory=renamed)
    assert (done.code, done.failures) == (0, ""), f"see {LOG}"
    assert RENAMED in ready_nodes(cp1)
    assert RENAMED in w2.output(f"openssl x509 -noout -subject -in {CLIENT_CERTIFICATE}")
    cp1.kubectl("delete", "node", RENAMED)
    forget(w2)
