# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Node objects: waited for, labelled, tainted, and removed with what hangs on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from . import token_store, x509
from .cluster import Cluster, ClusterError, ConflictError, Event, UnreachableError, side_by_side
from .domain.csr import SIGNERS, Request, read_request
from .domain.errors import InputError
from .domain.joining import join_status, node_status, ready, subresource_of, who_decides
from .domain.marks import Marks, label_patch, merged_taints, taints_of
from .domain.names import problem_of_name
from .domain.reasons import Reason
from .mark_store import MarkStore
from .runner import utc_now

__all__ = ["NodeStore", "WantedNode", "check_wanted"]

PATH = "/api/v1/nodes"
REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_BEAT = 1.0
_ATTEMPTS = 5


@dataclass(frozen=True)
class WantedNode:
    """Labels or taints that are not given are left as they are; where they are given, ours are these and no others."""

    name: str
    labels: Mapping[str, str] | None = None
    taints: Mapping[tuple[str, str], str] | None = None

    def marks(self, ours: Marks) -> Marks:
        return Marks(
            ours.labels if self.labels is None else self.labels, ours.taints if self.taints is None else self.taints
        )


def check_wanted(rows: Iterable[Mapping[str, Any]]) -> list[WantedNode]:
    wanted = {}
    for row in rows:
        name, problem = row["name"], problem_of_name(row["name"])
        if problem is not None:
            raise InputError(f"{name!r} cannot be the name of a Node: {problem}")
        if name in wanted:
            raise InputError(f"node {name} is named twice")
        labels, taints = row.get("labels"), row.get("taints")
        wanted[name] = WantedNode(
            name,
            None if labels is None else {str(key): _label(value) for key, value in labels.items()},
            None if taints is None else taints_of(_taint(name, taint) for taint in taints),
        )
    return list(wanted.values())


def _label(value: Any) -> str:
    """YAML makes numbers and booleans of what the API wants as text."""
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _taint(node: str, taint: Mapping[str, Any]) -> dict[str, str]:
    if not taint.get("key") or taint.get("effect") not in EFFECTS:
        raise InputError(f"node {node}: a taint has a key and one of the effects {', '.join(EFFECTS)}")
    return {"key": str(taint["key"]), "effect": taint["effect"], "value": _label(taint.get("value"))}


class NodeStore:
    """`approval`: who decides which kind of request, for what is said when the time is up."""

    def __init__(self, cluster: Cluster, check_mode: bool = False, approval: Mapping[str, Any] | None = None) -> None:
        self._cluster = cluster
        self._check_mode = check_mode
        self._approval = approval or {}
        self._ours = MarkStore(cluster)
        self._present: dict[str, dict[str, Any]] = {}

    # -- present ----------------------------------------------------------------------------------------------------

    def bring(self, wanted: list[WantedNode], wait: str) -> tuple[list[Reason], list[str]]:
        """Labels and taints as soon as a node is there; then wait. The reasons, and the nodes that are not there."""
        self._read(wanted)
        reasons = self._mark_all(wanted)
        missing = self._missing(wanted, wait)
        if self._check_mode or not missing:
            return reasons, missing
        reasons += self._follow(wanted, wait)
        return reasons, []

    def _read(self, wanted: list[WantedNode]) -> None:
        if len(wanted) == 1:
            found = self._cluster.find(f"{PATH}/{wanted[0].name}")
            items = [found] if found else []
        else:
            items, _version = self._cluster.list(PATH)
        self._take("SNAPSHOT", items)

    def _take(self, kind: str, items: Iterable[dict[str, Any]]) -> None:
        if kind == "SNAPSHOT":
            self._present.clear()
        for item in items:
            if kind == "DELETED":
                self._present.pop(item["metadata"]["name"], None)
            else:
                self._present[item["metadata"]["name"]] = item

    def _missing(self, wanted: list[WantedNode], wait: str) -> list[str]:
        tests: dict[str, Callable[[dict[str, Any]], bool]] = {"ready": ready, "registered": bool}
        test = tests.get(wait)
        return [one.name for one in wanted if test and not test(self._present.get(one.name) or {})]

    def _follow(self, wanted: list[WantedNode], wait: str) -> list[Reason]:
        reasons: list[Reason] = []
        trouble = ""
        query = {"fieldSelector": f"metadata.name={wanted[0].name}"} if len(wanted) == 1 else {}
        with self._cluster.follow(PATH, query) as follower:
            while self._cluster.remaining() > 0:
                event = follower.next(min(_BEAT, self._cluster.remaining()))
                while event is not None:
                    trouble = self._event(event) or trouble
                    event = follower.next(0)
                reasons += self._mark_all(wanted)
                if not self._missing(wanted, wait):
                    return reasons
        raise UnreachableError(self._report(self._missing(wanted, wait), trouble))

    def _event(self, event: Event) -> str:
        if event.kind != "TROUBLE":
            self._take(event.kind, event.items)
        return event.message

    def _mark_all(self, wanted: list[WantedNode]) -> list[Reason]:
        there = [one for one in wanted if one.name in self._present]
        return [reason for one in there for reason in self._mark(one)] + self._note(there)

    def _note(self, there: list[WantedNode]) -> list[Reason]:
        """Note what is ours now, after it was set: what a killed run has set the next one wants too."""
        found = {one.name: (self._ours.of(one.name), one) for one in there}
        changes = {name: one.marks(ours) for name, (ours, one) in found.items() if one.marks(ours) != ours}
        reasons = [
            Reason(
                "ObjectChanged",
                f"node {name}",
                MarkStore.location,
                found[name][0].names() or None,
                marks.names() or "forgotten",
            )
            for name, marks in changes.items()
        ]
        if not self._check_mode:
            self._ours.write(changes)
        return reasons

    def _mark(self, wanted: WantedNode) -> list[Reason]:
        """Labels and taints through the API: node-role labels and most taints a kubelet may not set on itself."""
        for attempt in range(_ATTEMPTS):
            node = self._present.get(wanted.name)
            if node is None:
                return []
            ours = self._ours.of(wanted.name)
            labels = {} if wanted.labels is None else label_patch(node, wanted.labels, ours.labels)
            taints = None if wanted.taints is None else merged_taints(node, wanted.taints, ours.taints)
            reasons = self._mark_reasons(node, labels, taints)
            if not reasons or self._check_mode:
                return reasons
            patch: dict[str, Any] = {"metadata": {"labels": labels}}
            if taints is not None:
                # The list is replaced as a whole: only if nobody has changed it since it was read.
                patch["metadata"]["resourceVersion"] = node["metadata"]["resourceVersion"]
                patch["spec"] = {"taints": taints}
            try:
                self._present[wanted.name] = self._cluster.merge(f"{PATH}/{wanted.name}", patch)
                return reasons
            except ConflictError:
                if attempt == _ATTEMPTS - 1:
                    raise
                self._refresh(wanted.name)
        return []

    def _refresh(self, name: str) -> None:
        found = self._cluster.find(f"{PATH}/{name}")
        self._take("MODIFIED" if found else "DELETED", [found or {"metadata": {"name": name}}])

    @staticmethod
    def _mark_reasons(
        node: dict[str, Any], labels: dict[str, str | None], taints: list[dict[str, Any]] | None
    ) -> list[Reason]:
        subject = f"node {node['metadata']['name']}"
        present = node["metadata"].get("labels") or {}
        reasons = [
            Reason("ObjectChanged", subject, f"metadata.labels.{key}", present.get(key), _label_text(value))
            for key, value in sorted(labels.items())
        ]
        if taints is not None:
            old = node.get("spec", {}).get("taints") or []
            reasons.append(Reason("ObjectChanged", subject, "spec.taints", _taints(old), _taints(taints) or "none"))
        return reasons

    # -- what is said when the time is up ---------------------------------------------------------------------------

    def _report(self, missing: list[str], trouble: str) -> str:
        # The time for waiting is over; a word on why is worth a few seconds more.
        asked = Cluster(self._cluster.access, timeout=5)
        lines = []
        try:
            requests = _requests(asked)
            tokens = token_store.own_tokens(asked)
        except ClusterError as error:
            requests, tokens = [], []
            trouble = trouble or str(error)
        for name in missing:
            pending = [one for one in requests if _is_about(one, name) and one.pending]
            said = node_status(self._present.get(name))
            if pending:
                said += ", requests that wait for approval: " + ", ".join(
                    f"{one.name} ({one.signer})" for one in pending
                )
                said += self._who_decides(asked, pending[-1])
            elif name not in self._present:
                said += ", " + join_status(name, tokens, requests, utc_now())
            lines.append(f"node {name}: {said}")
        return "the time is up: " + "; ".join(lines) + (f" (the API server: {trouble})" if trouble else "")

    def _who_decides(self, cluster: Cluster, request: Request) -> str:
        if not self._approval:
            return ""
        wanted = subresource_of(request)
        try:
            allowed = token_store.may_create(cluster, request.username, request.groups, wanted) if wanted else None
        except ClusterError:
            allowed = None
        return "; " + who_decides(request, self._approval, allowed)

    # -- absent -----------------------------------------------------------------------------------------------------

    def remove(self, names: list[str]) -> list[Reason]:
        """Tokens first, so that nothing can join under the name, then the requests that wait, then the Node."""
        tokens = [token for token in token_store.own_tokens(self._cluster) if token.node in names]
        requests = [one for one in _requests(self._cluster) if one.pending and any(_is_about(one, n) for n in names)]
        paths = [(f"node {name}", f"{PATH}/{name}") for name in names if self._cluster.find(f"{PATH}/{name}")]
        waiting = [(f"request {one.name}", f"{REQUESTS}/{one.name}") for one in requests]
        reasons = [Reason("ObjectLeftover", subject, None, "there", "deleted") for subject, _path in [*waiting, *paths]]
        noted = [name for name in names if name in self._ours]
        reasons += [
            Reason("ObjectLeftover", f"node {name}", MarkStore.location, "there", "forgotten") for name in noted
        ]
        if self._check_mode:
            return [token_store.leftover_reason(token) for token in tokens] + reasons
        gone = token_store.delete_tokens(self._cluster, tokens)
        side_by_side(lambda one: self._cluster.delete(one[1]), [*waiting, *paths])
        self._ours.write({name: Marks() for name in noted})
        return gone + reasons


def _requests(cluster: Cluster) -> list[Request]:
    items, _version = cluster.list(REQUESTS)
    return [read_request(item, x509.parse_request) for item in items if item["spec"].get("signerName") in SIGNERS]


def _is_about(request: Request, node: str) -> bool:
    return request.requesting_node == node or (request.content is not None and request.content.node == node)


def _label_text(value: str | None) -> str:
    return "taken away" if value is None else value or '""'


def _taints(taints: Iterable[Mapping[str, Any]]) -> str:
    return ", ".join(
        f"{taint['key']}{'=' + taint['value'] if taint.get('value') else ''}:{taint['effect']}" for taint in taints
    )
