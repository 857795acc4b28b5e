"""A host that was made anew: refused while its node is Ready, and let in without a word when nobody is that node."""

from __future__ import annotations

import pytest
from conftest import JOINING, Site
from proofs.ansible import run
from proofs.hosts import Host
from proofs.nodes import forget, left_of_joins, ready_nodes
from proofs.samples import wait_for

BOOTSTRAP = "/etc/kubernetes/bootstrap-kubelet.conf"


@pytest.fixture(scope="module")
def site(cp1: Host, w2: Host) -> Site:
    site = Site(cp1, w2, cluster_join_credential="token")
    site.without_tokens()
    site.run("control_plane")
    site.join()
    return site


@pytest.fixture(scope="module")
def anew(site: Site, cp1: Host, w2: Host) -> str:
    """The host is made anew; of its node the uid."""
    node = str(cp1.objects("node", JOINING)["metadata"]["uid"])
    forget(w2)
    return node


def test_what_another_tool_has_left_says_nothing_of_whose_node_it_is(
    site: Site, cp1: Host, w2: Host, anew: str
) -> None:
    w2.output(f"mkdir -p $(dirname {BOOTSTRAP}) && touch {BOOTSTRAP}")
    assert JOINING in ready_nodes(cp1)
    refused = run("join", *site.variables, "--limit", "w2")
    w2.output("rm %s", BOOTSTRAP)
    assert refused.code > 0
    assert f"node {JOINING} is in the cluster and Ready" in refused.failures


def test_it_is_the_same_node_without_a_word(site: Site, cp1: Host, w2: Host, anew: str) -> None:
    # Kubernetes takes it for gone when its kubelet has said nothing for 50 s.
    wait_for("the node is not Ready", lambda: JOINING not in ready_nodes(cp1), 120)
    site.join()
    assert JOINING in ready_nodes(cp1)
    assert cp1.objects("node", JOINING)["metadata"]["uid"] == anew
    assert left_of_joins(cp1, w2) == []
