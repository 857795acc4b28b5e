"""A node that is drained before it is removed: its Pods move on, and what must not go is in the way of all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import JOINING, Site
from proofs.ansible import LOG, Run, run
from proofs.hosts import ADMIN, KUBECTL, Host
from proofs.nodes import ready_nodes
from proofs.samples import wait_for
from proofs.states import changed_since, look_at

REMOVE = ("--extra-vars", json.dumps({"remove_node_names": [JOINING], "remove_node_drain": True}))
SOON = ("--extra-vars", "remove_node_drain_timeout=8")


def pod(name: str, **spec: Any) -> dict[str, Any]:
    """A Pod that sleeps on any worker."""
    container = {"name": "one", "image": "localhost/busybox:latest", "imagePullPolicy": "Never"}
    return {
        "metadata": {"labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [container], **spec},
    }


def several(name: str, kind: str, **changes: Any) -> dict[str, Any]:
    spec = {"selector": {"matchLabels": {"app": name}}, "template": pod(name), **changes}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


BUDGET = {
    "apiVersion": "policy/v1",
    "kind": "PodDisruptionBudget",
    "metadata": {"name": "shop"},
    "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "shop"}}},
}
LONELY = pod("lonely", nodeName=JOINING, volumes=[{"name": "cache", "emptyDir": {}}])
MADE = [
    several("shop", "ReplicaSet", replicas=1),
    several("everywhere", "DaemonSet"),
    BUDGET,
    {"apiVersion": "v1", "kind": "Pod", **LONELY, "metadata": {"name": "lonely"}},
]


def apply(cp1: Host, objects: list[dict[str, Any]]) -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": objects}
    cp1.output(f"printf %%s %s | {KUBECTL} --kubeconfig {ADMIN} apply -f -", json.dumps(listed))


def running(cp1: Host) -> dict[str, list[str]]:
    """Where the Pods of each application run."""
    found: dict[str, list[str]] = {}
    for one in cp1.objects("pods", "--namespace=default")["items"]:
        if one["status"]["phase"] == "Running" and "deletionTimestamp" not in one["metadata"]:
            name = one["metadata"]["name"].partition("-")[0]
            found[name] = sorted([*found.get(name, []), one["spec"]["nodeName"]])
    return found


@pytest.fixture(scope="module")
def site(cp1: Host, w2: Host) -> Iterator[Site]:
    """A second worker with a Pod that counts, one of a DaemonSet, and one that nothing would start again."""
    site = Site(cp1, w2, cluster_join_credential="token")
    site.without_tokens()
    site.run("control_plane")
    site.join()
    cp1.kubectl("cordon", "w1")
    apply(cp1, MADE)
    everywhere = {"shop": [JOINING], "lonely": [JOINING], "everywhere": ["w1", JOINING]}
    wait_for("the Pods run", lambda: running(cp1) == everywhere, 90)
    cp1.kubectl("uncordon", "w1")
    wait_for("its taint is gone", lambda: "taints" not in cp1.objects("node", "w1")["spec"], 30)
    yield site
    cp1.kubectl(
        "delete", "--namespace=default", "replicaset,daemonset,poddisruptionbudget,pod", "--all", "--wait=false"
    )


def refused(*arguments: str) -> Run:
    done = run("remove_node", *REMOVE, *SOON, *arguments)
    assert done.code > 0, f"see {LOG}"
    return done


def test_without_a_name_it_says_so_in_a_line(site: Site) -> None:
    done = run("remove_node")
    assert done.code > 0
    assert done.failures.endswith("No node is named. Say which are to go: -e remove_node_names=w2,w3")
    assert "argument" not in done.failures


def test_what_would_be_lost_is_named_before_anything_is_done(site: Site, cp1: Host, w2: Host) -> None:
    before = look_at(cp1, w2)
    done = refused()
    assert (
        "default/lonely: nothing would start them again elsewhere (remove_node_delete_unmanaged_pods)" in done.failures
    )
    assert "emptyDir volumes would be lost (remove_node_delete_empty_dir_data)" in done.failures
    assert changed_since(before, cp1, w2) == {}
    assert "unschedulable" not in cp1.objects("node", JOINING)["spec"]


GIVEN_UP = ("--extra-vars", "remove_node_delete_unmanaged_pods=true remove_node_delete_empty_dir_data=true")


def test_a_disruption_budget_is_in_the_way_of_all_of_it(site: Site, cp1: Host, w2: Host) -> None:
    told = run("remove_node", *REMOVE, *GIVEN_UP, "--check", "--diff")
    assert (told.code, told.failures) == (0, "")
    assert running(cp1)["shop"] == [JOINING]
    assert "unschedulable" not in cp1.objects("node", JOINING)["spec"]
    before = look_at(w2)
    done = refused(*GIVEN_UP)
    assert "Pods are left: default/shop-" in done.failures
    assert f"on {JOINING} (Cannot evict pod as it would violate the pod's disruption budget" in done.failures
    assert f"kubectl uncordon {JOINING}" in done.failures
    assert changed_since(before, w2) == {}
    assert JOINING in ready_nodes(cp1)
    assert running(cp1) == {"shop": [JOINING], "everywhere": ["w1", JOINING]}


def test_it_is_drained_and_then_removed(site: Site, cp1: Host, w2: Host) -> None:
    cp1.kubectl("delete", "--namespace=default", "poddisruptionbudget", "shop")
    done = run("remove_node", *REMOVE)
    assert (done.code, done.failures) == (0, ""), f"see {LOG}"
    reasons = [one for task in done.tasks for said in task["reasons"].values() for one in said]
    evicted = [one["subject"] for one in reasons if one["code"] == "PodEvicted"]
    assert [subject.partition("-")[0] for subject in evicted] == ["pod default/shop"]
    assert ready_nodes(cp1) == ["w1"]
    wait_for("the Pod runs elsewhere", lambda: running(cp1) == {"shop": ["w1"], "everywhere": ["w1"]}, 120)
    assert w2.run("test -e /etc/kubernetes/kubelet.conf").rc == 1
