# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Pods of a node go, which stay, and which only a person gives up."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.draining import (
    Pod,
    drain_problems,
    leaving,
    left_text,
    read_pod,
)


def item(name: str, kind: str = "ReplicaSet", **changes: Any) -> dict[str, Any]:
    owners = [{"kind": "Other", "name": "x"}, {"kind": kind, "name": "y", "controller": True}] if kind else []
    metadata = {
        "name": name,
        "namespace": "shop",
        "uid": name,
        "ownerReferences": owners,
        **changes.pop("metadata", {}),
    }
    return {"metadata": metadata, "spec": {"nodeName": "w2", **changes}, "status": {"phase": "Running"}}


EMPTY_DIR = [{"name": "cache", "emptyDir": {}}]
MIRROR = {"annotations": {"kubernetes.io/config.mirror": "x"}}


def test_what_a_pod_is() -> None:
    assert read_pod(item("a")) == Pod("a", "shop", "a", "w2", "ReplicaSet")
    assert read_pod(item("a", "", volumes=EMPTY_DIR)) == Pod("a", "shop", "a", "w2", empty_dirs=True)
    assert read_pod(item("a", metadata={"deletionTimestamp": "2026-11-22T15:00:00Z"})).ending
    assert read_pod({**item("a"), "status": {"phase": "Succeeded"}}).ended


def test_daemon_sets_and_static_pods_stay() -> None:
    pods = [read_pod(one) for one in (item("a"), item("b", "DaemonSet"), item("c", "Node", metadata=MIRROR))]
    assert [pod.name for pod in leaving(pods)] == ["a"]


@pytest.mark.parametrize(
    ("pod", "unmanaged", "empty_dirs", "words"),
    [
        (item("a"), False, False, ""),
        (
            item("a", ""),
            False,
            True,
            "shop/a: nothing would start them again elsewhere (remove_node_delete_unmanaged_pods)",
        ),
        (item("a", ""), True, False, ""),
        (item("a", volumes=EMPTY_DIR), True, False, "shop/a: what is in their emptyDir volumes would be lost"),
        (item("a", volumes=EMPTY_DIR), False, True, ""),
        ({**item("a", "", volumes=EMPTY_DIR), "status": {"phase": "Failed"}}, False, False, ""),
        (item("a", "", metadata={"deletionTimestamp": "2026-11-22T15:00:00Z"}), False, False, ""),
    ],
)
def test_what_would_be_lost_is_named(pod: dict[str, Any], unmanaged: bool, empty_dirs: bool, words: str) -> None:
    found = "; ".join(drain_problems([read_pod(pod)], unmanaged, empty_dirs))
    assert found.startswith(words) if words else found == ""


def test_all_reasons_against_a_drain_come_together() -> None:
    pods = [read_pod(item(f"p{number}", "", volumes=EMPTY_DIR)) for number in range(22)]
    lonely, filled = drain_problems(pods, False, False)
    assert "shop/p19 and 2 more: nothing" in lonely
    assert "emptyDir" in filled


def test_pods_that_are_left_are_named_with_the_reason() -> None:
    pods = [Pod("a", "shop", "a", "w2"), Pod("b", "shop", "b", "w2", ending=True), Pod("c", "shop", "c", "w3")]
    # What held one that is ending by now is over.
    text = left_text(pods, {"a": "the disruption budget x needs 1 healthy pods", "b": "the disruption budget y"})
    assert text == (
        "shop/a on w2 (the disruption budget x needs 1 healthy pods); shop/b on w2 (it is ending); "
        "shop/c on w3 (it is still there)"
    )
    assert left_text(pods * 8, {}).endswith("and 4 more")
