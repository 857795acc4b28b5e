# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests of kubelets that wait for a person: looked at by the rules, waited for, and decided as the person says."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from . import x509
from .approver.desk import Decision
from .approver.posting import PATH, condition, post
from .approver.waiting import judge_once
from .cluster import Cluster
from .domain.approval import APPROVE, Policy
from .domain.csr import SIGNERS, Request, read_request
from .domain.errors import InputError
from .domain.joining import has_asked, newest_pending
from .domain.reasons import Reason
from .runner import utc_now
from .token_marks import TokenMarks

__all__ = ["RequestStore", "decision_reason", "row_of"]

_BEAT = 1.0
_CONDITIONS = {True: ("Approved", "ApprovedByPerson"), False: ("Denied", "DeniedByPerson")}


def row_of(decision: Decision, decided: str) -> dict[str, Any]:
    """A request for a person to read, and what the person has decided. All of it is public."""
    request = decision.request
    return {
        "request": request.name,
        "node": decision.verdict.node,
        "kind": request.kind,
        "requester": request.username,
        "credential_id": request.credential_id,
        "age": int((decision.time - request.created).total_seconds()),
        "verdict": decision.verdict.action,
        "reason": decision.verdict.reason,
        "message": decision.verdict.message,
        "decided": decided,
    }


class RequestStore:
    def __init__(self, cluster: Cluster, policy: Policy) -> None:
        self._cluster = cluster
        self._policy = policy

    def pending(self, nodes: list[str]) -> list[Decision]:
        """What waits, and what the rules say of it; without names of all nodes."""
        found = judge_once(self._cluster, self._policy, nodes, dry_run=True)
        return sorted(found, key=lambda one: (str(one.verdict.node), one.request.created))

    def wait(self, kinds: Mapping[str, str], tokens: Mapping[str, str], user: str, seconds: float) -> list[str]:
        """Until each node has asked for a certificate of its kind; the nodes that have not, when the time is up."""
        end = time.monotonic() + seconds
        while True:
            requests = self._all()
            silent = [
                node for node, kind in kinds.items() if not has_asked(requests, node, kind, tokens.get(node), user)
            ]
            if not silent or time.monotonic() + _BEAT > end:
                return silent
            time.sleep(_BEAT)

    def waiting(self, nodes: Sequence[str]) -> list[Request]:
        return newest_pending(self._all(), nodes)

    def _all(self) -> list[Request]:
        items, _version = self._cluster.list(PATH)
        return [read_request(item, x509.parse_request) for item in items if item["spec"].get("signerName") in SIGNERS]

    def choose(self, pending: Sequence[Decision], approve: list[str], deny: list[str], force: bool) -> list[Decision]:
        """The requests that are named, refused where a name is none of them or against the rules."""
        both = sorted(set(approve) & set(deny))
        if both:
            raise InputError(f"{', '.join(both)}: named to be approved and to be denied; decide for one")
        by_name = {one.request.name: one for one in pending}
        unknown = [name for name in [*approve, *deny] if name not in by_name]
        if unknown:
            raise InputError(
                f"{', '.join(unknown)}: no kubelet's request of this name waits; it is misspelt, or decided already. "
                f"Waiting: {', '.join(by_name) or 'none'}"
            )
        for name in [] if force else approve:
            verdict = by_name[name].verdict
            if verdict.action != APPROVE:
                raise InputError(
                    f"{name} is against the rules of the inventory: {verdict.reason}: {verdict.message}; mend the "
                    "inventory, or approve it all the same with approve_against_rules: true"
                )
        return [by_name[name] for name in dict.fromkeys([*approve, *deny])]

    def carry_out(self, chosen: Sequence[Decision], approve: Sequence[str], force: bool) -> None:
        """Decide one after the other. Where one fails, what was decided by then is told: it is not undone."""
        done: list[str] = []
        for one in chosen:
            approved = one.request.name in approve
            try:
                if approved:
                    self._claim(one.request, force)
                self._decide(one.request, approved)
            except InputError as error:
                if not done:
                    raise
                raise InputError(f"{error}. Decided before that, and not undone: {', '.join(done)}") from None
            done.append(one.request.name + (" approved" if approved else " denied"))

    def _claim(self, request: Request, force: bool) -> None:
        """Mark its token as used, as all approvers do, so that nobody approves another request of it later."""
        used_by = TokenMarks(self._cluster, utc_now).claim(request)
        if used_by and not force:
            raise InputError(
                f"{request.name}: its bootstrap token was used by the request {used_by} meanwhile, and is good for "
                "one; deny it, and let the node join anew"
            )

    def _decide(self, request: Request, approved: bool) -> None:
        """Post what the person has said, unless somebody else has decided meanwhile."""
        kind, reason = _CONDITIONS[approved]
        wanted = condition(kind, reason, "decided by a person, with the playbook approve", utc_now())
        posted, present = post(self._cluster, request, wanted)
        if present is None:
            raise InputError(f"the request {request.name} is gone: look again at what waits")
        if not posted:
            raise InputError(f"somebody else has decided the request {request.name} meanwhile")


def decision_reason(one: Decision, approved: bool) -> Reason:
    code = "RequestApproved" if approved else "RequestDenied"
    word = "by the person who ran this"
    return Reason(code, f"node {one.verdict.node}", one.request.name, "pending", word)
