"""A token that is shared, as kubeadm has it: it works, is told of, and opens nothing for the other tokens."""

from __future__ import annotations

import pytest
from conftest import JOINING, Site, shown
from proofs.ansible import LOG, run
from proofs.hosts import Host
from proofs.nodes import ready_nodes, tokens

SHARED = "system:bootstrappers:tlsbootstrap:shared"
TOKENS = "system:bootstrappers:tlsbootstrap"


@pytest.fixture(scope="module")
def site(cp1: Host, w2: Host) -> Site:
    site = Site(cp1, w2, cluster_join_credential="shared_token", cluster_client_approval="auto")
    site.strangers()
    site.run("control_plane")
    site.join()
    return site


def may(cp1: Host, group: str, subresource: str = "") -> bool:
    """Whether a token of a group may have a request, or have it approved."""
    asked = ["create", "certificatesigningrequests.certificates.k8s.io", f"--subresource={subresource}"]
    who = ["--as=system:bootstrap:any", "--as-group=system:bootstrappers", f"--as-group={group}"]
    return cp1.kubectl("auth", "can-i", *asked, *who).stdout.strip() == "yes"


def test_a_node_joins_with_it(site: Site, cp1: Host) -> None:
    assert JOINING in ready_nodes(cp1)
    (name,) = tokens(cp1)
    (request,) = [
        entry for entry in cp1.objects("csr")["items"] if entry["spec"]["username"].startswith("system:bootstrap:")
    ]
    assert request["spec"]["username"] == f"system:bootstrap:{name.removeprefix('bootstrap-token-')}"
    assert SHARED in request["spec"]["groups"]
    assert TOKENS not in request["spec"]["groups"]
    # The controller-manager's own words.
    assert request["status"]["conditions"][0]["reason"] == "AutoApproved"


def test_it_is_used_until_it_ends(site: Site, cp1: Host) -> None:
    before = tokens(cp1)
    site.strangers()
    site.join()
    assert JOINING in ready_nodes(cp1)
    assert tokens(cp1) == before


def test_only_its_own_group_becomes_any_node(cp1: Host, site: Site) -> None:
    assert may(cp1, SHARED)
    assert may(cp1, SHARED, "nodeclient")
    assert not may(cp1, "system:authenticated", "nodeclient")
    # Tokens of single nodes are not wanted now, and could do nothing.
    assert not may(cp1, TOKENS)
    assert not may(cp1, TOKENS, "nodeclient")


def test_the_report_tells_of_it(site: Site, cp1: Host) -> None:
    (name,) = tokens(cp1)
    report = site.run("report")
    assert report.changes == []
    (line,) = [line for line in shown(report) if name.removeprefix("bootstrap-token-") in line]
    assert "any node" in line


def test_the_next_choice_takes_the_rights_away(cp1: Host, site: Site) -> None:
    assert run("control_plane").code == 0, f"see {LOG}"
    assert not may(cp1, SHARED)
    assert not may(cp1, SHARED, "nodeclient")
    assert may(cp1, TOKENS)
    assert not may(cp1, TOKENS, "nodeclient")
