# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which labels and taints of which nodes are ours.

In a ConfigMap, not in an annotation of the Node: a kubelet may write those of its own Node, and what it wrote there
would have us take away the taints that keep others' Pods from it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from .cluster import Cluster, ConflictError
from .domain.marks import Marks, read_marks
from .domain.tokens import MANAGED_BY, MANAGED_BY_LABEL, NAMESPACE

__all__ = ["MarkStore"]

NAME = "tlsbootstrap-nodes"
PATH = f"/api/v1/namespaces/{NAMESPACE}/configmaps"


class MarkStore:
    """One key for each node, so that runs for different nodes do not get in each other's way."""

    location = f"configmap {NAMESPACE}/{NAME}"

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._read: dict[str, str] | None = None
        self._there = False

    def __contains__(self, node: str) -> bool:
        return node in self._data()

    def of(self, node: str) -> Marks:
        return read_marks(self._data().get(node))

    def write(self, changes: Mapping[str, Marks]) -> None:
        """Note the marks of these nodes; a node without any is forgotten."""
        if not changes:
            return
        data = self._data()
        if not self._there:
            self._create()
        patch = {node: marks.text() if marks else None for node, marks in changes.items()}
        self._cluster.merge(f"{PATH}/{NAME}", {"data": patch})
        self._read = {node: text for node, text in {**data, **patch}.items() if text is not None}

    def _data(self) -> dict[str, str]:
        if self._read is None:
            found = self._cluster.find(f"{PATH}/{NAME}")
            self._there = found is not None
            self._read = dict((found or {}).get("data") or {})
        return self._read

    def _create(self) -> None:
        metadata: dict[str, Any] = {"name": NAME, "labels": {MANAGED_BY_LABEL: MANAGED_BY}}
        # Another run may be first.
        with contextlib.suppress(ConflictError):
            self._cluster.create(PATH, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
        self._there = True
