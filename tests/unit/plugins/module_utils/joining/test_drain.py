# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes whose Pods go, one after the other or not at all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import drain
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.cluster import (
    ClusterError,
    ForbiddenError,
    HeldBackError,
    UnreachableError,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError

SECONDS = 5.0


class Fake:
    """The API server of one node, w2. A second goes by when somebody sleeps; no Pod that is asked to go is left."""

    def __init__(self, *pods: str, ready: bool = True) -> None:
        self.ready = ready
        self.pods = {name: self.pod(name) for name in pods}
        self.refusals: dict[str, Exception] = {}
        self.left = SECONDS
        self.cordoned = False
        self.asked: list[str] = []

    @staticmethod
    def pod(name: str) -> dict[str, Any]:
        owners = [{"kind": "ReplicaSet", "name": "x", "controller": True}]
        return {
            "metadata": {"name": name, "namespace": "shop", "uid": name, "ownerReferences": owners},
            "spec": {"nodeName": "w2"},
        }

    def end(self, name: str) -> None:
        self.pods[name]["metadata"]["deletionTimestamp"] = "2026-11-22T15:00:00Z"

    def sleep(self, seconds: float) -> None:
        self.left -= seconds

    def remaining(self) -> float:
        return self.left

    def find(self, path: str) -> Any:
        status = {"conditions": [{"type": "Ready", "status": "True" if self.ready else "Unknown"}]}
        return {
            "metadata": {"name": path.rsplit("/", 1)[1]},
            "spec": {"unschedulable": self.cordoned},
            "status": status,
        }

    def list(self, path: str, query: Any) -> Any:
        return list(self.pods.values()), "1"

    def merge(self, path: str, body: Any) -> None:
        self.cordoned = body["spec"]["unschedulable"]

    def evict(self, path: str, name: str, namespace: str, uid: str) -> bool:
        self.asked.append(name)
        if name in self.refusals:
            raise self.refusals[name]
        if self.ready:
            del self.pods[name]
        else:
            self.end(name)
        return True


def run(fake: Fake, monkeypatch: pytest.MonkeyPatch, check_mode: bool = False) -> list[str]:
    # The clock of the drain alone: threads of other tests sleep too.
    monkeypatch.setattr(drain, "time", SimpleNamespace(sleep=fake.sleep))
    reasons = drain.Drain(fake, False, False).run(["w2"], check_mode)
    return [f"{one.code} {one.subject}" for one in reasons]


@pytest.mark.parametrize("ready", [True, False])
def test_the_second_run_changes_nothing(monkeypatch: pytest.MonkeyPatch, ready: bool) -> None:
    fake = Fake("a", ready=ready)
    wanted = ["ObjectChanged node w2", "PodEvicted pod shop/a"]
    assert run(fake, monkeypatch, check_mode=True) == wanted
    assert (fake.cordoned, fake.asked) == (False, [])
    assert run(fake, monkeypatch) == wanted
    assert (fake.cordoned, fake.asked) == (True, ["a"])
    assert run(fake, monkeypatch) == []
    assert fake.asked == ["a"]


def test_a_pod_that_is_ending_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake("a")
    fake.end("a")
    with pytest.raises(ClusterError, match=r"Pods are left: shop/a on w2 \(it is ending\)"):
        run(fake, monkeypatch)
    assert (fake.asked, fake.left <= 1) == ([], True)


@pytest.mark.parametrize(
    "error",
    [
        HeldBackError("the budget needs 1"),
        ClusterError("500 This pod has more than one PodDisruptionBudget"),
        ForbiddenError("its namespace is being terminated"),
    ],
)
def test_a_pod_that_cannot_go_keeps_no_other_and_is_named(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    fake = Fake("a", "b")
    fake.refusals["a"] = error
    with pytest.raises(ClusterError) as caught:
        run(fake, monkeypatch)
    assert f"Pods are left: shop/a on w2 ({error}). " in str(caught.value)
    assert str(caught.value).endswith("or let w2 have new Pods again: kubectl uncordon w2")
    assert list(fake.pods) == ["a"]
    # Until the time is up, as what holds it may be mended meanwhile.
    assert fake.asked.count("a") > 1


def test_an_answer_that_took_all_of_the_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake("a")

    def evict(*_arguments: Any) -> bool:
        fake.left = 0.0
        raise UnreachableError("503 for too long")

    monkeypatch.setattr(fake, "evict", evict)
    monkeypatch.setattr(fake, "list", lambda *_arguments: ([fake.pod("a")], "1") if fake.left else pytest.fail("late"))
    with pytest.raises(ClusterError, match=r"shop/a on w2 \(503 for too long\)"):
        run(fake, monkeypatch)


def test_a_list_that_fails_in_the_middle_leaves_nobody_to_find_out_what_was_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = Fake("a")
    fake.refusals["a"] = HeldBackError("the budget needs 1")
    lists = iter([([fake.pod("a")], "1"), ([fake.pod("a")], "1")])

    def listed(*_arguments: Any) -> Any:
        try:
            return next(lists)
        except StopIteration:
            raise UnreachableError("503 for too long") from None

    monkeypatch.setattr(fake, "list", listed)
    with pytest.raises(ClusterError) as caught:
        run(fake, monkeypatch)
    assert str(caught.value) == (
        "503 for too long. Nothing was removed; run this again when this is mended, or let w2 have new Pods again: "
        "kubectl uncordon w2"
    )
    assert fake.cordoned


def test_what_may_go_is_named_as_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake("a")
    fake.pods["a"]["metadata"]["ownerReferences"] = []
    with pytest.raises(InputError, match="remove_node_delete_unmanaged_pods"):
        run(fake, monkeypatch)
    assert not fake.cordoned
