"""A person approves: the join ends well with what to do, and the next run goes on."""

from __future__ import annotations

import re

import pytest
from asking import SERVING, ask, outcome
from conftest import JOINING, Site, said, shown
from proofs.ansible import Run, run
from proofs.hosts import ADMIN, Host
from proofs.nodes import left_of_joins, ready_nodes, tokens
from proofs.samples import wait_for


@pytest.fixture(scope="module")
def site(cp1: Host, w2: Host) -> Site:
    site = Site(cp1, w2, cluster_client_approval="manual", cluster_serving_approval="manual")
    site.strangers()
    site.run("control_plane")
    return site


def row(done: Run, name: str) -> list[str]:
    """Of the table, whose columns two blanks part: that of this request."""
    (found,) = [line for line in shown(done) if line.startswith(f'"{name}  ')]
    return re.split(" {2,}", found)


@pytest.fixture(scope="module")
def first(site: Site) -> tuple[str, str]:
    """The request that waits after the first run, and the token of it."""
    ((name, kind),) = dict(said(site.join())).items()
    assert kind == "client"
    (token,) = tokens(site.cp1)
    return name, token


def test_the_service_has_nothing_to_decide(site: Site, cp1: Host) -> None:
    assert cp1.run("systemctl is-active csr-approver").stdout.strip() == "inactive"
    gone = cp1.kubectl("get", "clusterrolebinding", "tlsbootstrap:csr-approver")
    assert "NotFound" in gone.stderr
    # The one who approves renewals is left.
    assert cp1.kubectl("get", "clusterrolebinding", "tlsbootstrap:node-client-renewal").rc == 0


def test_a_join_ends_well_with_what_to_do(site: Site, cp1: Host, first: tuple[str, str]) -> None:
    pending = cp1.objects("csr", first[0])
    assert "conditions" not in pending["status"]
    assert pending["spec"]["username"] == f"system:bootstrap:{first[1].removeprefix('bootstrap-token-')}"
    assert JOINING not in ready_nodes(cp1)


def test_the_next_run_waits_with_the_same_token_and_request(site: Site, cp1: Host, first: tuple[str, str]) -> None:
    again = site.join()
    assert [name for name, _kind in said(again)] == [first[0]]
    assert tokens(cp1) == [first[1]]
    (change,) = again.changes
    assert change["task"].endswith("Look for the identity of the kubelet")


def test_approve_lists_what_waits_and_says_what_the_inventory_says(site: Site, first: tuple[str, str]) -> None:
    listed = site.run("approve")
    assert listed.changes == []
    found = row(listed, first[0])
    assert found[1:4] == [JOINING, "client", "no"]
    assert found[5:7] == ["approve", "PolicyKept"]


def test_a_misspelt_request_is_refused(site: Site, first: tuple[str, str]) -> None:
    failed = run("approve", *site.variables, "--extra-vars", "approve_requests=csr-none")
    assert failed.code > 0
    assert "csr-none: no kubelet's request of this name waits" in failed.failures
    assert first[0] in failed.failures


def test_a_person_approves_and_the_next_run_goes_on(site: Site, cp1: Host, w2: Host, first: tuple[str, str]) -> None:
    approved = site.run("approve", "--extra-vars", f"approve_requests={first[0]}")
    assert len(approved.changes) == 1
    assert row(approved, first[0])[3] == "approved"
    (condition,) = cp1.objects("csr", first[0])["status"]["conditions"]
    assert (condition["type"], condition["reason"]) == ("Approved", "ApprovedByPerson")
    done = site.join()
    assert JOINING in ready_nodes(cp1)
    assert left_of_joins(cp1, w2) == []
    ((serving, kind),) = said(done)
    assert kind == "serving"
    assert cp1.kubectl("get", "--raw", f"/api/v1/nodes/{JOINING}/proxy/healthz").rc != 0
    cp1.output("/opt/proof/kubectl --kubeconfig /etc/kubernetes/admin.conf certificate approve %s", serving)
    asked = ("get", "--raw", f"/api/v1/nodes/{JOINING}/proxy/healthz")
    wait_for("the kubelet serves", lambda: cp1.kubectl(*asked).stdout == "ok", 60)
    settled = site.join()
    assert (said(settled), settled.changes) == ([], [])


def test_what_breaks_a_rule_is_approved_only_against_the_rules(site: Site, cp1: Host) -> None:
    # A client request of an administrator would be approved by the controller-manager: it may have all.
    asked = ask(cp1, ADMIN, "by-admin", f"/O=system:nodes/CN=system:node:{JOINING}", SERVING, f"DNS:{JOINING}")
    assert asked.rc == 0, asked.stderr
    refused = run("approve", *site.variables, "--extra-vars", "approve_requests=by-admin")
    assert refused.code > 0
    assert "ForeignRequester" in refused.failures
    assert outcome(cp1, "by-admin") == ("", "")
    denied = site.run("approve", "--extra-vars", "approve_deny=by-admin")
    assert row(denied, "by-admin")[3] == "denied"
    assert outcome(cp1, "by-admin") == ("Denied", "DeniedByPerson")
