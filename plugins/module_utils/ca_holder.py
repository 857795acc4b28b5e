# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CA host that holds identities itself: the four calls of a run in one, as nothing has to travel between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .domain.flow import bundle_contents, needs_installing, published_parts
from .domain.identity import identity_of
from .domain.reasons import Reason
from .holder import Task, hold
from .holding.users import examine_users
from .runner import Outcome

__all__ = ["keep"]

Sign = Callable[[list[dict[str, Any]], dict[str, str]], Outcome]


def keep(task: Task, rows: list[dict[str, Any]], authorities: Callable[[], Outcome], sign: Sign) -> Outcome:
    """Make the CAs, then all that the host holds; ``rows`` are its bundles as the plan has them, without contents."""
    task.clock()
    task = replace(task, identities=[identity_of(row) for row in task.identities])
    # Before the CAs, for in the profile kubeadm a component's group may read the key that it signs with.
    users = _ensure_users(task)
    made = authorities()
    certificates, published = made.result["certificates"], made.result["published"]
    task = replace(
        task,
        issuers=certificates,
        chains=made.result["chains"],
        current=made.result["current"].get(task.host, {}),
        recorded=made.result["recorded"],
        bundles=bundle_contents(rows, certificates, published),
        users=(),
        keys={},
    )
    held = [hold(task)]
    if not task.check:
        signed = _sign(task, held[0], published, sign)
        published = signed.result["published"]
        bundles = bundle_contents(rows, certificates, published)
        if needs_installing(held[0].result, bundles):
            issued = signed.result["certificates"].get(task.host, {})
            held.append(hold(replace(task, certificates=issued, bundles=bundles, force=[], current={})))
        # What was signed has been told by those who asked for it.
        made.reasons += [reason for reason in signed.reasons if reason.code == "PublishedChanged"]
        made.warnings += signed.warnings
    own = {**held[-1].result, "requests": []}
    warnings = dict.fromkeys(warning for step in (made, *held) for warning in step.warnings)
    return Outcome(_once([users, made, *held]), {**made.result, "published": published, "held": own}, [*warnings])


def _ensure_users(task: Task) -> Outcome:
    if task.command is None:
        return Outcome()
    work = examine_users(task.users, task.command)
    if not task.check:
        work.apply()
    return Outcome(work.reasons)


def _sign(task: Task, held: Outcome, published: dict[str, str], sign: Sign) -> Outcome:
    identities = {identity_of(row).name: row for row in task.identities}
    requests = [
        {**request, "host": task.host, "identity": identities[request["identity"]]}
        for request in held.result["requests"]
    ]
    parts = published_parts([held.result], published)
    if not requests and not parts:
        return Outcome(result={"certificates": {}, "published": published})
    return sign(requests, parts)


def _once(steps: list[Outcome]) -> list[Reason]:
    """What is installed was missing already when it was asked for."""
    found: dict[tuple[str, str, str | None], Reason] = {}
    for step in steps:
        for reason in step.reasons:
            found.setdefault((reason.code, reason.subject, reason.path), reason)
    return list(found.values())
