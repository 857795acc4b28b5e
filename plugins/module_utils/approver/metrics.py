# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service tells of itself, at http://ADDRESS:PORT/metrics. None of it is secret."""

from __future__ import annotations

import http.server
import socket
import socketserver
import threading
import time

from ..domain.csr import KINDS
from ..domain.metrics import APPROVER_PREFIX, Metric, render
from .desk import Decision

__all__ = ["Metrics", "serve"]

# Whoever sends its request slowly does not keep a thread for long.
_SECONDS = 5


class Metrics:
    """Only the loop of the service writes them."""

    def __init__(self, started: float) -> None:
        self._all: list[Metric] = []
        self._decisions = self._new(
            "decisions_total", "counter", "Decisions on requests, those left alone too.", "verdict", "reason", "kind"
        )
        self._last = self._new("last_decision_timestamp_seconds", "gauge", "When the last request was decided.")
        self._pending = self._new("pending_requests", "gauge", "Requests that wait for a decision of ours.", "kind")
        self._ignored = self._new("ignored_requests", "gauge", "Pending requests that are left to somebody else.")
        self._limit = self._new("pending_limit", "gauge", "With more pending requests than this the brake engages.")
        self._brake = self._new("brake_engaged", "gauge", "Whether nothing is approved until a person has looked.")
        self._errors = self._new("errors_total", "counter", "Troubles with the API server or the policy.", "kind")
        self._policy = self._new("policy_loaded_timestamp_seconds", "gauge", "When the policy was read.")
        self._nodes = self._new("policy_nodes", "gauge", "Nodes in the policy.")
        self._bad = self._new("policy_unreadable", "gauge", "Whether the file cannot be read and an older one is kept.")
        self._leader = self._new("leader", "gauge", "Whether this approver is the one that decides.")
        self._dry = self._new("dry_run", "gauge", "Whether decisions are told only, and not posted.")
        self._contact = self._new("last_contact_timestamp_seconds", "gauge", "When the API server was last heard.")
        self._started = self._new("start_timestamp_seconds", "gauge", "When the service was started.")
        self._started.set(started)

    def _new(self, name: str, kind: str, text: str, *labels: str) -> Metric:
        metric = Metric(APPROVER_PREFIX + name, kind, text, labels)
        self._all.append(metric)
        return metric

    def decided(self, decision: Decision) -> None:
        self._decisions.add(decision.verdict.action, decision.verdict.reason, decision.request.kind)
        self._last.set(decision.time.timestamp())

    def error(self, kind: str) -> None:
        self._errors.add(kind)

    def policy(self, when: float, nodes: int) -> None:
        self._policy.set(when)
        self._nodes.set(nodes)
        self._bad.set(0)

    def policy_unreadable(self) -> None:
        self._bad.set(1)

    def state(self, pending: dict[str, int], ignored: int, limit: int) -> None:
        for kind in KINDS:
            self._pending.set(pending[kind], kind)
        self._ignored.set(ignored)
        self._limit.set(limit)

    def role(self, leader: bool, brake: bool, dry_run: bool) -> None:
        self._leader.set(leader)
        self._brake.set(brake)
        self._dry.set(dry_run)

    def contact(self, seconds_ago: float) -> None:
        self._contact.set(round(time.time() - seconds_ago, 3))

    def text(self) -> str:
        return render(self._all)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], text: Metrics) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.metrics = text
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # That of HTTPServer asks the resolver for a name of the address.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, *_unused: object) -> None:
        """That somebody hangs up is nothing for the journal."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    timeout = _SECONDS
    server_version = "csr-approver"
    sys_version = ""

    def do_GET(self) -> None:
        if self.path.split("?")[0] != "/metrics":
            self.send_error(404)
            return
        body = self.server.metrics.text().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_unused: object) -> None:
        """A scrape each few seconds is nothing for the journal."""


def serve(address: str, port: int, metrics: Metrics) -> None:
    """Answer from now on, by a thread; raises OSError where the port is taken."""
    server = _Server((address, port), metrics)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
