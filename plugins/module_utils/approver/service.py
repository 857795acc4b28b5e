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
from collections.abc import Callable
from typing import IO, Any

from .. import files
from ..cluster import Cluster, ClusterError, Event, Follower
from ..domain.approval import Policy, read_policy
from ..domain.errors import InputError
from ..runner import utc_now
from .desk import PATH, Desk

__all__ = ["PolicyFile", "Service", "notify_systemd"]

POLICY_LIMIT = 16 * 1024 * 1024
_BEAT = 1.0


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


class Service:
    """Runs until it is told to stop."""

    def __init__(
        self,
        cluster: Cluster,
        policy: PolicyFile,
        notify: Callable[[str], None],
        output: IO[str],
        dry_run: bool = False,
    ) -> None:
        self._policy = policy
        self._notify = notify
        self._output = output
        self._stop = threading.Event()
        self._ready = False
        self._said = ""
        self._cluster = cluster
        self._desk = Desk(cluster, policy.read(), utc_now, dry_run=dry_run)

    def stop(self, *_signal: object) -> None:
        self._stop.set()

    def run(self) -> None:
        with self._cluster.follow(PATH, forever=True) as follower:
            while not self._stop.is_set():
                self._step(follower)
        self._notify("STOPPING=1")

    def _step(self, follower: Follower) -> None:
        event = follower.next(_BEAT)
        # A burst is taken whole, so that of several requests of one node the newest is seen first.
        while event is not None:
            self._take(event)
            event = follower.next(0)
        if self._policy.changed():
            self._reload()
        try:
            for decision in self._desk.work():
                self._line("decision", **decision.line())
        except ClusterError as error:
            self._trouble(str(error))
            self._stop.wait(_BEAT)

    def _take(self, event: Event) -> None:
        if event.kind == "TROUBLE":
            self._trouble(event.message)
            return
        self._desk.take(event.kind, event.items)
        self._said = ""
        if not self._ready:
            self._ready = True
            self._line("ready", requests=len(event.items))
            self._notify("READY=1")

    def _reload(self) -> None:
        try:
            self._desk.use(self._policy.read())
        except InputError as error:
            # The policy that is in force stays: half a policy must deny nobody.
            self._trouble(f"the policy in force is kept: {error}")
        else:
            self._line("policy", path=self._policy.path)

    def _trouble(self, message: str) -> None:
        """Once, not at each attempt."""
        if message != self._said:
            self._said = message
            self._line("trouble", message=message)

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
