"""A host that was made anew while its node is not Ready: nobody is that node, so nothing has to be said for it."""

from __future__ import annotations

import pytest
from conftest import JOINING, Site
from proofs.hosts import Host
from proofs.nodes import forget, left_of_joins, ready_nodes
from proofs.samples import wait_for


@pytest.fixture(scope="module")
def site(cp1: Host, w2: Host) -> Site:
    site = Site(cp1, w2, cluster_join_credential="token")
    site.run("control_plane")
    site.join()
    return site


def test_it_is_the_same_node_without_a_word(site: Site, cp1: Host, w2: Host) -> None:
    node = cp1.objects("node", JOINING)["metadata"]["uid"]
    forget(w2)
    # Kubernetes takes it for gone when its kubelet has said nothing for 50 s.
    wait_for("the node is not Ready", lambda: JOINING not in ready_nodes(cp1), 120)
    site.join()
    assert JOINING in ready_nodes(cp1)
    assert cp1.objects("node", JOINING)["metadata"]["uid"] == node
    assert left_of_joins(cp1, w2) == []
