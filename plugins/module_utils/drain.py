# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes that take no new Pods, and whose Pods end as their disruption budgets allow."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from .cluster import Cluster, ClusterError, UnreachableError, side_by_side
from .domain.draining import Pod, drain_problems, leaving, left_text, read_pod
from .domain.errors import InputError
from .domain.joining import ready
from .domain.reasons import Reason

__all__ = ["Drain"]

_NODES = "/api/v1/nodes"
_BEAT = 1.0


class Drain:
    """All named nodes side by side. `unmanaged`, `empty_dirs`: what the user has said may be lost."""

    def __init__(self, cluster: Cluster, unmanaged: bool, empty_dirs: bool) -> None:
        self._cluster = cluster
        self._unmanaged = unmanaged
        self._empty_dirs = empty_dirs
        # What was said last of a Pod that is not let go, by uid.
        self._held: dict[str, str] = {}

    def run(self, names: Iterable[str], check_mode: bool) -> list[Reason]:
        """Cordon and drain; nodes that are not in the cluster are passed over. Refusals come before any change."""
        found = [self._cluster.find(f"{_NODES}/{name}") for name in names]
        nodes = {node["metadata"]["name"]: node for node in found if node}
        pods = self._pods(nodes)
        problems = drain_problems(pods, self._unmanaged, self._empty_dirs)
        if problems:
            raise InputError(
                f"{', '.join(nodes)} cannot be drained, and nothing was done: {'; '.join(problems)}. Move or delete "
                "these Pods, or say that they may go: what stands in brackets with the value true"
            )
        open_nodes = [name for name, node in nodes.items() if not node["spec"].get("unschedulable")]
        reasons = [
            Reason("ObjectChanged", f"node {name}", "spec.unschedulable", "false", "true") for name in open_nodes
        ]
        # One that is ending already is waited for.
        reasons += [
            Reason("PodEvicted", f"pod {pod}", None, f"on node {pod.node}", "evicted") for pod in pods if not pod.ending
        ]
        if not check_mode:
            self._carry_out(open_nodes, nodes)
        return reasons

    def _carry_out(self, open_nodes: Iterable[str], nodes: Mapping[str, Mapping[str, Any]]) -> None:
        closed: list[str] = []
        try:
            for name in open_nodes:
                self._cluster.merge(f"{_NODES}/{name}", {"spec": {"unschedulable": True}})
                closed.append(name)
            self._empty(nodes)
        except ClusterError as error:
            left = "run this again when this is mended"
            if closed:
                # Those that took none before are their user's.
                left += f", or let {', '.join(closed)} have new Pods again: kubectl uncordon {' '.join(closed)}"
            raise ClusterError(f"{error}. Nothing was removed; {left}") from None

    def _pods(self, nodes: Iterable[str]) -> list[Pod]:
        found = []
        for name in nodes:
            items, _version = self._cluster.list("/api/v1/pods", {"fieldSelector": f"spec.nodeName={name}"})
            found += [read_pod(item) for item in items]
        return leaving(found)

    def _empty(self, nodes: Mapping[str, Mapping[str, Any]]) -> None:
        # Where no kubelet answers, nothing ends a Pod: that it is to end is all that can be had.
        silent = {name for name, node in nodes.items() if not ready(node)}
        while True:
            left = [pod for pod in self._pods(nodes) if not (pod.ending and pod.node in silent)]
            if not left:
                return
            if self._cluster.remaining() > _BEAT:
                side_by_side(self._evict, [pod for pod in left if not pod.ending])
            # Asking may have taken all of the time.
            if self._cluster.remaining() <= _BEAT:
                raise UnreachableError(f"the time is up, and Pods are left: {left_text(left, self._held)}")
            time.sleep(_BEAT)

    def _evict(self, pod: Pod) -> None:
        path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}"
        try:
            self._cluster.evict(path, pod.name, pod.namespace, pod.uid)
            self._held.pop(pod.uid, None)
        except ClusterError as error:
            # A budget that holds it, or two of them, or its namespace that ends: the others can go meanwhile, and the
            # user may mend it meanwhile.
            self._held[pod.uid] = str(error)
