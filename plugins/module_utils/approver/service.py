# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service: list and watch requests, decide each by the policy file, one line of JSON for each decision."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from .. import files
from ..cluster import Cluster, ClusterError, Event, Follower
from ..domain.approval import APPROVE, Policy, pending_limit, read_policy
from ..domain.csr import slim
from ..domain.errors import InputError
from ..runner import utc_now
from .brake import Brake
from .desk import Desk
from .leader import Leader
from .metrics import Metrics, serve
from .posting import PATH

__all__ = ["Options", "PolicyFile", "Service", "notify_systemd"]

POLICY_LIMIT = 16 * 1024 * 1024
_BEAT = 1.0
# Where decisions are refused, they are tried again after so long at the latest.
_LONGEST_WAIT = 10.0
# Events that are taken before it is decided, and requests in one answer: anyone may store requests of 1.5 MB.
_BURST = 1000
_PAGE = 25


class PolicyFile:
    """The policy, and whether its file is another one than a moment ago."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None

    def read(self) -> Policy:
        self._seen = self._state()
        data = files.read(self.path, POLICY_LIMIT)
        if data is None:
            raise InputError(f"the policy {self.path} does not exist; the role csr_approver writes it")
        try:
            return read_policy(json.loads(data))
        except ValueError:
            raise InputError(f"the policy {self.path} is not JSON; the role csr_approver writes it") from None

    def changed(self) -> bool:
        return self._state() != self._seen

    def _state(self) -> tuple[int, int, int] | None:
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size


@dataclass(frozen=True)
class Options:
    """How the service is to work. `pending_limit` of 0: by the number of nodes. No `metrics_port`: no metrics."""

    identity: str = "csr-approver"
    dry_run: bool = False
    pending_limit: int = 0
    metrics_address: str = "127.0.0.1"
    metrics_port: int = 0


class Service:
    """Runs until it is told to stop."""

    def __init__(
        self,
        cluster: Cluster,
        policy: PolicyFile,
        notify: Callable[[str], None],
        output: IO[str],
        options: Options,
    ) -> None:
        self._file = policy
        self._notify = notify
        self._output = output
        self._options = options
        self._stop = threading.Event()
        self._ready = False
        self._failures = 0
        # What was said last of each kind of trouble, so that it is said once and not at each attempt.
        self._said: dict[str, str] = {}
        self._metrics = Metrics(utc_now().timestamp())
        self._policy = policy.read()
        self._cluster = cluster
        self._desk = Desk(cluster, self._policy, utc_now, dry_run=options.dry_run)
        self._leader = Leader(cluster, options.identity, utc_now)
        self._brake = Brake(cluster, options.identity, utc_now)
        self._leading = False

    def stop(self, *_signal: object) -> None:
        self._stop.set()

    def run(self) -> None:
        self._metrics.policy(utc_now().timestamp(), len(self._policy.nodes))
        self._count()
        self._serve_metrics()
        if not self._options.dry_run:
            self._leader.start()
        with self._cluster.follow(PATH, forever=True, size=_PAGE, slim=slim) as follower:
            while not self._stop.is_set():
                self._step(follower)
        self._notify("STOPPING=1")
        if not self._options.dry_run:
            self._leader.stop()

    def _step(self, follower: Follower) -> None:
        self._notify("WATCHDOG=1")
        event = follower.next(_BEAT)
        # A burst is taken whole, so that of several requests of one node the newest is seen first.
        taken = 0
        while event is not None:
            self._take(event)
            taken += 1
            event = follower.next(0) if taken < _BURST else None
        if self._file.changed():
            self._reload()
        self._look_at_leader()
        try:
            self._look_at_brake()
            self._work()
            self._failures = 0
            self._well("api")
        except ClusterError as error:
            self._failures += 1
            self._trouble("api", str(error))
            self._stop.wait(min(_LONGEST_WAIT, _BEAT * self._failures))
        self._count()
        if follower.contact is not None:
            self._metrics.contact(time.monotonic() - follower.contact)

    def _take(self, event: Event) -> None:
        if event.kind == "TROUBLE":
            self._trouble("watch", event.message)
            return
        self._desk.take(event.kind, event.items)
        self._well("watch")
        if not self._ready:
            self._ready = True
            self._line("ready", requests=len(event.items), dry_run=self._options.dry_run)
            self._notify("READY=1")

    def _work(self) -> None:
        dry_run = {"dry_run": True} if self._options.dry_run else {}
        for decision in self._desk.work(self._may):
            self._metrics.decided(decision)
            self._line("decision", **decision.line(), approver=self._options.identity, **dry_run)
            # A thousand requests take longer than the watchdog waits.
            self._notify("WATCHDOG=1")

    def _may(self, action: str) -> bool:
        if self._stop.is_set():
            # Not sooner: what has been posted is told.
            return False
        if self._options.dry_run:
            return True
        return self._leader.held and not (action == APPROVE and self._brake.engaged)

    def _reload(self) -> None:
        try:
            policy = self._file.read()
        except InputError as error:
            # The policy that is in force stays: half a policy must deny nobody.
            self._metrics.policy_unreadable()
            self._trouble("policy", f"the policy in force is kept: {error}")
            return
        self._policy = policy
        self._desk.use(policy)
        self._metrics.policy(utc_now().timestamp(), len(policy.nodes))
        self._well("policy")
        self._line("policy", path=self._file.path, nodes=len(policy.nodes))

    def _look_at_leader(self) -> None:
        if self._options.dry_run:
            return
        if self._leader.trouble:
            self._trouble("leader", self._leader.trouble)
        else:
            self._well("leader")
        if self._leader.held != self._leading:
            self._leading = not self._leading
            self._line("leader", leader=self._leading, identity=self._options.identity, holder=self._leader.holder)

    def _look_at_brake(self) -> None:
        """Whoever does not lead tells of it all the same. A dry run never leads: it makes no objects."""
        happened = self._brake.look(sum(self._desk.backlog().values()), self._limit, self._leader.held)
        if happened:
            self._line("brake", engaged=self._brake.engaged, message=happened)

    @property
    def _limit(self) -> int:
        return pending_limit(self._policy, self._options.pending_limit)

    def _count(self) -> None:
        self._metrics.state(self._desk.backlog(), self._desk.left_alone(), self._limit)
        self._metrics.role(self._leader.held, self._brake.seen, self._options.dry_run)

    def _serve_metrics(self) -> None:
        if not self._options.metrics_port:
            return
        try:
            serve(self._options.metrics_address, self._options.metrics_port, self._metrics)
        except OSError as error:
            # Nobody is to wait for a certificate because of a port.
            self._trouble("metrics", f"there are no metrics: {error.strerror or error}")

    def _trouble(self, kind: str, message: str) -> None:
        """Once, not at each attempt."""
        self._metrics.error(kind)
        if self._said.get(kind) != message:
            self._said[kind] = message
            self._line("trouble", message=message)

    def _well(self, kind: str) -> None:
        self._said.pop(kind, None)

    def _line(self, event: str, **values: Any) -> None:
        line = {"event": event, **({} if "time" in values else {"time": _now()}), **values}
        self._output.write(json.dumps(line, ensure_ascii=True) + "\n")
        self._output.flush()


def _now() -> str:
    return utc_now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def notify_systemd(message: str) -> None:
    """sd_notify(3), where systemd listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    # That nobody listens is no reason to stop approving.
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        connection.connect("\0" + address[1:] if address.startswith("@") else address)
        connection.sendall(message.encode())
