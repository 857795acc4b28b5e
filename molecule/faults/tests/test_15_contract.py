"""A cluster that runs: other CAs take no place of its own, and what the kubelet refuses does not stay."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from proofs.ansible import run
from proofs.hosts import RUN, Host
from proofs.nodes import ready_nodes
from proofs.samples import wait_for
from proofs.states import changed_since, look_at

OTHER = RUN / "other"
# The kubelet alone knows that the one must be below the other.
REFUSED = {"imageGCHighThresholdPercent": 50, "imageGCLowThresholdPercent": 60}
CONFIG = "/var/lib/kubelet/config.yaml"
# By hand: namespace, name, role, and who has it.
BINDINGS = {
    ("", "tlsbootstrap:cluster-admins", "cluster-admin", "Group tlsbootstrap:cluster-admins"),
    ("", "tlsbootstrap:apiserver-kubelet-client", "system:kubelet-api-admin", "User kube-apiserver-kubelet-client"),
    ("", "tlsbootstrap:node-bootstrapper", "system:node-bootstrapper", "Group system:bootstrappers:tlsbootstrap"),
    (
        "",
        "tlsbootstrap:node-client-renewal",
        "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
        "Group system:nodes",
    ),
    ("", "tlsbootstrap:csr-approver", "tlsbootstrap:csr-approver", "User tlsbootstrap:csr-approver"),
    ("tlsbootstrap", "tlsbootstrap:csr-approver", "tlsbootstrap:csr-approver", "User tlsbootstrap:csr-approver"),
}


@pytest.mark.parametrize(
    ("playbook", "variables", "words"),
    [
        # What another cluster_name comes to: its folder is elsewhere.
        (
            "pki",
            {"cluster_ca_directory": str(OTHER)},
            "CA kubernetes-ca is not in .*/other, .* but cp1 has ",
        ),
        (
            "pki",
            {"cluster_profile": "kubeadm", "cluster_ca_host": "cp1", "cluster_ca_directory": "/etc/kubernetes/pki"},
            "CA kubernetes-ca is not in /etc/kubernetes/pki, .* but cp1 has ",
        ),
        (
            "join",
            {"cluster_ca_directory": str(OTHER)},
            "CA kubernetes-ca is not in .*/other, and there is no word of it",
        ),
    ],
    ids=["folder", "profile", "join"],
)
def test_other_cas_are_not_made(hosts: dict[str, Host], playbook: str, variables: dict[str, str], words: str) -> None:
    before = look_at(*hosts.values())
    refused = run(playbook, "--extra-vars", json.dumps(variables))
    assert refused.code > 0
    assert re.search(words, refused.failures), refused.failures
    assert "cluster_name" in refused.failures
    assert changed_since(before, *hosts.values()) == {}
    assert not OTHER.exists()


def test_who_may_do_what_is_the_list(cp1: Host) -> None:
    """All bindings but those that the API server makes for itself, whoever made them."""
    found = {
        (
            entry["metadata"].get("namespace", ""),
            entry["metadata"]["name"],
            entry["roleRef"]["name"],
            f"{subject['kind']} {subject['name']}",
        )
        for kind in ("clusterrolebindings", "rolebindings")
        for entry in cp1.objects(kind, "--all-namespaces")["items"]
        if entry["metadata"].get("labels", {}).get("kubernetes.io/bootstrapping") != "rbac-defaults"
        for subject in entry["subjects"]
    }
    assert found == BINDINGS


def overrides(**changes: Any) -> tuple[str, str]:
    """What a kubelet in a container needs, and something else."""
    shared = yaml.safe_load(Path("../shared/inventory/all.yml").read_text())["all"]["vars"]["kubelet_config_overrides"]
    return "--extra-vars", json.dumps({"kubelet_config_overrides": {**shared, **changes}})


def test_a_configuration_that_the_kubelet_refuses_does_not_stay(cp1: Host, w1: Host) -> None:
    config, uid = w1.output(f"cat {CONFIG}"), cp1.objects("node", "w1")["metadata"]["uid"]
    refused = run("join", "--limit", "w1", *overrides(**REFUSED))
    assert refused.code > 0
    # In the kubelet's own words.
    assert "imageGCLowThresholdPercent" in refused.failures
    assert "must be less than imageGCHighThresholdPercent" in refused.failures
    assert w1.output(f"cat {CONFIG}") == config
    assert w1.output("systemctl is-active kubelet").strip() == "active"
    wait_for("w1 is Ready", lambda: "w1" in ready_nodes(cp1), seconds=60)
    assert cp1.objects("node", "w1")["metadata"]["uid"] == uid
    before = look_at(w1)
    further = run("join", "--limit", "w1")
    assert (further.code, further.failures, further.changes) == (0, "", [])
    assert changed_since(before, w1) == {}
