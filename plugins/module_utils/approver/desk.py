# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The approver's desk: what requests there are, what is decided of each, and the posting of it.

Service and module share it, so that a request is judged the same whoever looks.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterable
from typing import Any

from .. import x509
from ..cluster import Cluster, ClusterError, ConflictError, NotFoundError
from ..domain.approval import APPROVE, DENY, IGNORE, Policy, Verdict, examine, settle
from ..domain.csr import SIGNERS, Request, read_request

__all__ = ["PATH", "Decision", "Desk"]

PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
_CONDITIONS = {APPROVE: "Approved", DENY: "Denied"}
_ATTEMPTS = 3


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
            "node": self.verdict.node,
            "signer": self.request.signer,
            "requester": self.request.username,
            "verdict": self.verdict.action,
            "reason": self.verdict.reason,
            "message": self.verdict.message,
            "credential_id": self.request.credential_id,
        }


class Desk:
    """`only`: decide requests of these nodes alone. `dry_run`: decide and tell, post nothing."""

    def __init__(
        self,
        cluster: Cluster,
        policy: Policy,
        clock: Callable[[], datetime.datetime],
        only: Iterable[str] = (),
        dry_run: bool = False,
    ) -> None:
        self._cluster = cluster
        self._policy = policy
        self._clock = clock
        self._only = frozenset(only)
        self._dry_run = dry_run
        self._requests: dict[str, Request] = {}
        self._verdicts: dict[str, Verdict] = {}
        self._groups: dict[tuple[str, str], set[str]] = {}
        self._waiting: set[str] = set()
        self._told: dict[str, str] = {}

    @property
    def requests(self) -> list[Request]:
        return list(self._requests.values())

    @property
    def waiting(self) -> bool:
        """Whether something could not be posted yet."""
        return bool(self._waiting)

    def use(self, policy: Policy) -> None:
        """Another policy: what waits is judged anew."""
        self._policy = policy
        for request in self._requests.values():
            self._judge(request)

    def take(self, kind: str, items: Iterable[dict[str, Any]]) -> None:
        """An event of the cluster."""
        if kind == "SNAPSHOT":
            for table in (self._requests, self._verdicts, self._groups, self._waiting):
                table.clear()
        for item in items:
            if item["spec"].get("signerName") not in SIGNERS:
                continue
            if kind == "DELETED":
                self._forget(item["metadata"].get("uid", ""))
            else:
                self._put(read_request(item, x509.parse_request))
        if kind == "SNAPSHOT":
            self._told = {uid: told for uid, told in self._told.items() if uid in self._requests}

    def work(self) -> list[Decision]:
        """Decide whatever can be decided now; the decisions that were made."""
        decisions = []
        while self._waiting:
            waiting = sorted((self._requests[uid] for uid in self._waiting), key=lambda one: one.order, reverse=True)
            self._waiting.clear()
            for position, request in enumerate(waiting):
                try:
                    decisions.extend(self._decide(request))
                except ClusterError:
                    self._waiting.update(one.uid for one in waiting[position:] if one.uid in self._requests)
                    raise
        return decisions

    def _put(self, request: Request) -> None:
        self._requests[request.uid] = request
        self._groups.setdefault((request.username, request.signer), set()).add(request.uid)
        self._judge(request)

    def _judge(self, request: Request) -> None:
        self._verdicts[request.uid] = examine(request, self._policy)
        if request.pending:
            self._waiting.add(request.uid)

    def _forget(self, uid: str) -> None:
        request = self._requests.pop(uid, None)
        if request is None:
            return
        del self._verdicts[uid]
        self._waiting.discard(uid)
        self._told.pop(uid, None)
        group = self._groups[request.username, request.signer]
        group.discard(uid)
        if not group:
            del self._groups[request.username, request.signer]

    def _siblings(self, request: Request) -> list[Request]:
        return [self._requests[uid] for uid in self._groups[request.username, request.signer]]

    def _decide(self, request: Request) -> list[Decision]:
        if request.uid not in self._requests or not request.pending:
            return []
        verdict = settle(request, self._verdicts, self._siblings(request))
        if self._only and verdict.node not in self._only:
            return []
        if verdict.action == IGNORE:
            return self._tell(request, verdict)
        posted = request if self._dry_run else self._post(request, verdict)
        if posted is None:
            return []
        if not self._dry_run:
            self._requests[request.uid] = posted
            # Those that stood behind it are judged again: a token is used up now.
            self._waiting.update(one.uid for one in self._siblings(request) if one.pending)
        return self._tell(request, verdict)

    def _tell(self, request: Request, verdict: Verdict) -> list[Decision]:
        """Once for each request and reason: requests are looked at again when a policy or a sibling changes."""
        if self._told.get(request.uid) == verdict.reason:
            return []
        self._told[request.uid] = verdict.reason
        return [Decision(request, verdict, self._clock())]

    def _post(self, request: Request, verdict: Verdict) -> Request | None:
        """The request as decided, or None where somebody else was faster."""
        path = f"{PATH}/{request.name}"
        for attempt in range(_ATTEMPTS):
            try:
                answer = self._cluster.replace(path + "/approval", self._approval(request, verdict))
                return read_request(answer, x509.parse_request)
            except NotFoundError:
                self._forget(request.uid)
                return None
            except ConflictError:
                if attempt == _ATTEMPTS - 1:
                    raise
            present = self._cluster.find(path)
            if present is None or present["metadata"].get("uid") != request.uid:
                self._forget(request.uid)
                return None
            request = read_request(present, x509.parse_request)
            self._put(request)
            if not request.pending:
                return None
        return None

    def _approval(self, request: Request, verdict: Verdict) -> dict[str, Any]:
        """The object for the subresource `approval`: the API server takes its conditions alone (strategy.go)."""
        now = self._clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        condition = {
            "type": _CONDITIONS[verdict.action],
            "status": "True",
            "reason": verdict.reason,
            "message": verdict.message,
            "lastUpdateTime": now,
        }
        return {
            "apiVersion": "certificates.k8s.io/v1",
            "kind": "CertificateSigningRequest",
            "metadata": {"name": request.name, "uid": request.uid, "resourceVersion": request.version},
            "spec": {"signerName": request.signer, "request": "", "usages": sorted(request.usages)},
            "status": {"conditions": [condition]},
        }
