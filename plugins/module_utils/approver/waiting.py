# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approval by a play: the desk of the service, with a deadline, until named nodes have their certificates."""

from __future__ import annotations

from collections.abc import Mapping

from ..cluster import Cluster, ConflictError, Event, Follower, UnreachableError
from ..domain.approval import APPROVE, DENY, IGNORE, Policy
from ..domain.errors import InputError
from ..domain.joining import requests_missing
from ..domain.reasons import Reason
from ..runner import utc_now
from .desk import Decision, Desk
from .posting import PATH

__all__ = ["approve_waiting", "judge_once", "reasons_of"]

_BEAT = 1.0


def reasons_of(decisions: list[Decision]) -> list[Reason]:
    codes = {APPROVE: "RequestApproved", DENY: "RequestDenied"}
    return [
        Reason(
            codes[decision.verdict.action],
            f"node {decision.verdict.node}",
            decision.request.name,
            "pending",
            f"{decision.verdict.reason}: {decision.verdict.message}",
        )
        for decision in decisions
        if decision.verdict.action != IGNORE
    ]


def judge_once(cluster: Cluster, policy: Policy, nodes: list[str], dry_run: bool) -> list[Decision]:
    """Decide what is pending now, and wait for nothing. No names: the requests of every node of the policy."""
    desk = Desk(cluster, policy, utc_now, only=nodes, dry_run=dry_run)
    items, _version = cluster.list(PATH)
    desk.take("SNAPSHOT", items)
    return list(desk.work())


def approve_waiting(
    cluster: Cluster, policy: Policy, nodes: list[str], serving: bool, tokens: Mapping[str, str]
) -> list[Decision]:
    """Decide the nodes' requests as they come, until each has its certificates."""
    unknown = [node for node in nodes if node not in policy.nodes]
    if unknown:
        raise InputError(f"not in the approval policy: {', '.join(unknown)}; the policy is made from the inventory")
    desk = Desk(cluster, policy, utc_now, only=nodes, history=True)
    decisions: list[Decision] = []
    trouble = ""

    def missing() -> dict[str, str]:
        texts = {node: requests_missing(desk.requests, node, serving, tokens.get(node)) for node in nodes}
        return {node: text for node, text in texts.items() if text}

    with cluster.follow(PATH) as follower:
        while cluster.remaining() > 0:
            for event in _burst(follower, min(_BEAT, cluster.remaining())):
                trouble = event.message or trouble
                if event.kind != "TROUBLE":
                    desk.take(event.kind, event.items)
            try:
                decisions += desk.work()
            except (ConflictError, UnreachableError) as error:
                trouble = str(error)
            if not missing():
                return decisions
    raise UnreachableError(_report(missing(), trouble))


def _burst(follower: Follower, timeout: float) -> list[Event]:
    events: list[Event] = []
    event = follower.next(timeout)
    while event is not None:
        events.append(event)
        event = follower.next(0)
    return events


def _report(missing: dict[str, str], trouble: str) -> str:
    texts = [f"node {node}: {text}" for node, text in sorted(missing.items())]
    said = f" (the API server: {trouble})" if trouble else ""
    return "the time is up, and not every node has its certificates: " + "; ".join(texts) + said
