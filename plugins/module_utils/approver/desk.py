# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The approver's desk: what requests there are, what is decided of each, and the posting of it.

Service and module share it, so that a request is judged the same whoever looks.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .. import x509
from ..cluster import (
    AT_ONCE,
    Cluster,
    ClusterError,
    ForbiddenError,
    UnauthorizedError,
    UnreachableError,
    UntrustedError,
    side_by_side,
)
from ..domain.approval import APPROVE, DENY, IGNORE, Policy, Verdict, examine, settle, token_used
from ..domain.csr import KINDS, SIGNERS, Request, read_request
from ..token_marks import TokenMarks
from .posting import condition, post

__all__ = ["Decision", "Desk"]

_CONDITIONS = {APPROVE: "Approved", DENY: "Denied"}
# What is the matter with one request is with none of the others.
_FOR_ALL = (ForbiddenError, UnauthorizedError, UnreachableError, UntrustedError)
# So many refusals, and nothing that was decided between them, are no matter of one request.
_FAILURES = 5
_Key = tuple[str, str, str]


@dataclasses.dataclass(frozen=True)
class Decision:
    """One request and what was decided of it, or why it is left alone."""

    request: Request
    verdict: Verdict
    time: datetime.datetime

    def line(self) -> dict[str, Any]:
        """The audit line. All of it is public: requests are no secrets, and a token shows by its id alone."""
        return {
            "time": self.time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "request": self.request.name,
            "kind": self.request.kind,
            "node": self.verdict.node,
            "signer": self.request.signer,
            "requester": self.request.username,
            "verdict": self.verdict.action,
            "reason": self.verdict.reason,
            "message": self.verdict.message,
            "credential_id": self.request.credential_id,
        }


@dataclasses.dataclass(frozen=True)
class _Outcome:
    """What became of a decision: `posted` by us, and the request as it is `present` now, or an error."""

    request: Request
    verdict: Verdict
    time: datetime.datetime
    posted: bool = False
    present: Request | None = None
    error: Exception | None = None


def _anything(_action: str) -> bool:
    return True


class Desk:
    """`only`: decide requests of these nodes alone. `dry_run`: decide and tell, post nothing.

    `history`: keep what was decided, for those who want to know what became of it. Otherwise of the decided requests
    only the newest approved ones are kept, so that a flood of bad requests takes no memory.
    """

    def __init__(
        self,
        cluster: Cluster,
        policy: Policy,
        clock: Callable[[], datetime.datetime],
        only: Iterable[str] = (),
        dry_run: bool = False,
        history: bool = False,
    ) -> None:
        self._cluster = cluster
        self._policy = policy
        self._clock = clock
        self._only = frozenset(only)
        self._dry_run = dry_run
        self._history = history
        self._marks = TokenMarks(cluster, clock)
        self._decided: dict[str, Request] = {}
        self._pending: dict[str, Request] = {}
        self._verdicts: dict[str, Verdict] = {}
        self._groups: dict[_Key, set[str]] = {}
        # The newest approved one of each requester and of each node.
        self._approved: dict[_Key, Request] = {}
        self._waiting: set[str] = set()
        # Those of them that could not be posted come last, so that they keep none of the others waiting.
        self._failed: set[str] = set()
        self._told: dict[str, str] = {}

    @property
    def requests(self) -> list[Request]:
        """What is pending, and with `history` what was decided."""
        return [*self._pending.values(), *self._decided.values()]

    @property
    def waiting(self) -> bool:
        """Whether something could not be posted yet."""
        return bool(self._waiting)

    def backlog(self) -> dict[str, int]:
        """How many requests of each kind are pending that are ours to decide."""
        ours = (one.kind for uid, one in self._pending.items() if self._verdicts[uid].action != IGNORE)
        return {**dict.fromkeys(KINDS, 0), **Counter(ours)}

    def left_alone(self) -> int:
        """How many are pending that somebody else has to decide."""
        return len(self._pending) - sum(self.backlog().values())

    def use(self, policy: Policy) -> None:
        """Another policy: what waits is judged anew."""
        self._policy = policy
        for request in list(self._pending.values()):
            self._remove(request.uid)
            self._put(request)

    def take(self, kind: str, items: Iterable[dict[str, Any]]) -> None:
        """An event of the cluster."""
        if kind == "SNAPSHOT":
            for table in (self._decided, self._pending, self._verdicts, self._groups, self._approved, self._waiting):
                table.clear()
        for item in items:
            if item["spec"].get("signerName") not in SIGNERS:
                continue
            request = read_request(item, x509.parse_request)
            if kind == "DELETED":
                self._forget(request)
            else:
                self._put(request)
        if kind == "SNAPSHOT":
            self._told = {uid: told for uid, told in self._told.items() if uid in self._pending}
            self._failed &= set(self._pending)

    def work(self, may: Callable[[str], bool] = _anything) -> Iterator[Decision]:
        """Decide whatever can be decided now, the newest first, as long as there is someone to take the decisions.

        `may` is asked before a decision is posted; what may not be posted waits. A few are posted side by side, and all
        of them are told, whatever became of the others.
        """
        kept: set[str] = set()
        last: Exception | None = None
        row: list[Exception] = []
        try:
            while self._waiting:
                queue = deque(sorted((self._pending[uid] for uid in self._waiting), key=self._turn, reverse=True))
                while queue:
                    told, chosen = self._choose(queue, kept, may)
                    for outcome in side_by_side(self._deliver, chosen):
                        last = outcome.error or last
                        row = [*row, outcome.error] if outcome.error else []
                        told += self._note(outcome, kept)
                    yield from told
                    _refuse_to_go_on(row)
        finally:
            self._waiting.update(uid for uid in kept if uid in self._pending)
        if last:
            raise last

    # -- what is known ----------------------------------------------------------------------------------------------

    def _put(self, request: Request) -> None:
        known = self._pending.get(request.uid)
        if known is not None:
            request = dataclasses.replace(request, place=known.place)
            self._remove(request.uid)
        verdict = examine(request, self._policy)
        if request.pending:
            self._pending[request.uid] = request
            self._verdicts[request.uid] = verdict
            self._waiting.add(request.uid)
            if verdict.action == APPROVE:
                for key in _keys(request, verdict):
                    self._groups.setdefault(key, set()).add(request.uid)
            return
        if self._history:
            self._decided[request.uid] = request
        if request.approved:
            self._keep_approved(request, verdict)

    def _keep_approved(self, request: Request, verdict: Verdict) -> None:
        for key in _keys(request, verdict):
            newest = self._approved.get(key)
            if newest is None or newest.order <= request.order:
                self._approved[key] = request

    def _remove(self, uid: str) -> None:
        """From what is pending."""
        request = self._pending.pop(uid, None)
        if request is None:
            return
        self._waiting.discard(uid)
        for key in _keys(request, self._verdicts.pop(uid)):
            group = self._groups.get(key, set())
            group.discard(uid)
            if not group:
                self._groups.pop(key, None)

    def _forget(self, request: Request) -> None:
        self._remove(request.uid)
        self._told.pop(request.uid, None)
        self._failed.discard(request.uid)
        self._decided.pop(request.uid, None)
        for key in _keys(request, examine(request, self._policy)):
            if key in self._approved and self._approved[key].uid == request.uid:
                del self._approved[key]

    def _siblings(self, request: Request) -> dict[str, Request]:
        """Those of the same requester, and those for the same node: valid ones, and the newest approved ones."""
        found = {}
        for key in _keys(request, self._verdicts[request.uid]):
            found.update({uid: self._pending[uid] for uid in self._groups.get(key, ())})
            if key in self._approved:
                found[self._approved[key].uid] = self._approved[key]
        return found

    # -- deciding ---------------------------------------------------------------------------------------------------

    def _choose(
        self, queue: deque[Request], kept: set[str], may: Callable[[str], bool]
    ) -> tuple[list[Decision], list[tuple[Request, Verdict]]]:
        """From the front of the queue: what is told without being posted, and what is posted now.

        Of those that would be approved by themselves no two are siblings: what becomes of one decides of the other.
        """
        told: list[Decision] = []
        chosen: list[tuple[Request, Verdict]] = []
        keys: set[_Key] = set()
        while queue and len(chosen) < AT_ONCE:
            request = self._pending.get(queue[0].uid)
            own = set()
            if request is not None and self._verdicts[request.uid].action == APPROVE:
                own = _keys(request, self._verdicts[request.uid])
            if keys & own:
                break
            uid = queue.popleft().uid
            self._waiting.discard(uid)
            if request is None:
                continue
            verdict = self._settled(request)
            if self._only and verdict.node not in self._only:
                continue
            if verdict.action == IGNORE:
                told += self._tell(request, verdict)
                continue
            kept.add(uid)
            if may(verdict.action):
                keys |= own
                chosen.append((request, verdict))
        return told, chosen

    def _deliver(self, chosen: tuple[Request, Verdict]) -> _Outcome:
        """In a thread: asks the API server, and changes nothing of what is known here."""
        request, verdict = chosen
        try:
            if verdict.action == APPROVE:
                used_by = self._marks.look(request) if self._dry_run else self._marks.claim(request)
                verdict = token_used(used_by, verdict.node) if used_by else verdict
            if self._dry_run:
                return _Outcome(request, verdict, self._clock())
            posted, present = post(self._cluster, request, _condition(verdict, self._clock()))
            return _Outcome(request, verdict, self._clock(), posted, present)
        except Exception as error:  # noqa: BLE001  What was decided beside it is told whatever this is; then it is raised.
            return _Outcome(request, verdict, self._clock(), error=error)

    def _note(self, outcome: _Outcome, kept: set[str]) -> list[Decision]:
        """What is known from now on, and what is to be told."""
        request, verdict = outcome.request, outcome.verdict
        if outcome.error is not None:
            self._failed.add(request.uid)
            return []
        self._failed.discard(request.uid)
        kept.discard(request.uid)
        if self._dry_run:
            return self._tell(request, verdict)
        if outcome.present is None:
            self._forget(request)
        else:
            self._put(outcome.present)
        return [Decision(request, verdict, outcome.time)] if outcome.posted else []

    def _turn(self, request: Request) -> tuple[bool, datetime.datetime, int]:
        """To sort by, with those that come first at the end."""
        return (request.uid not in self._failed, *request.order)

    def _settled(self, request: Request) -> Verdict:
        if self._verdicts[request.uid].action != APPROVE:
            return self._verdicts[request.uid]
        siblings = self._siblings(request)
        verdicts = {uid: self._verdicts.get(uid) or examine(one, self._policy) for uid, one in siblings.items()}
        return settle(request, verdicts, siblings.values())

    def _tell(self, request: Request, verdict: Verdict) -> list[Decision]:
        """Once for each request and reason: requests are looked at again when a policy or a sibling changes."""
        if self._told.get(request.uid) == verdict.reason:
            return []
        self._told[request.uid] = verdict.reason
        return [Decision(request, verdict, self._clock())]


def _condition(verdict: Verdict, now: datetime.datetime) -> dict[str, str]:
    return condition(_CONDITIONS[verdict.action], verdict.reason, verdict.message, now)


def _refuse_to_go_on(row: list[Exception]) -> None:
    """Where all the others would fail too, or a mistake of ours shows; `row` are failures with nothing good between."""
    hopeless = [error for error in row if isinstance(error, _FOR_ALL) or not isinstance(error, ClusterError)]
    if hopeless or len(row) >= _FAILURES:
        raise (hopeless or row)[-1]


def _keys(request: Request, verdict: Verdict) -> set[_Key]:
    return {("by", request.username, request.signer), ("for", verdict.node or "", request.signer)}
