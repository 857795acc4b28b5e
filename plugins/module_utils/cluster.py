# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only Kubernetes client.

It is made of the standard library. The Python package `kubernetes` costs 0.7 s (version 37) to 1.5 s (22.6, Debian 12)
to import, which every module call would pay, and its calls for plain JSON differ between these versions; what is needed
here are five HTTP verbs and a watch.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import queue
import random
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable
from urllib.parse import urlencode, urlsplit

from .access import Access, load_access
from .domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "Access",
    "Cluster",
    "ClusterError",
    "ConflictError",
    "Event",
    "Follower",
    "ForbiddenError",
    "GoneError",
    "NotFoundError",
    "UnauthorizedError",
    "UnreachableError",
    "UntrustedError",
    "load_access",
]

REQUEST_TIMEOUT = 15.0
# The service has no deadline of its own; one operation of it has this.
OPERATION_TIMEOUT = 30.0
WATCH_SECONDS = 60
# A server that is silent for longer than its own watch would last is gone.
WATCH_SILENCE = WATCH_SECONDS + 15.0
PAGE = 500
LONGEST_LINE = 16 * 1024 * 1024
FIRST_WAIT = 0.1
LONGEST_WAIT = 5.0
_JITTER = random.SystemRandom()
_AGAIN = (429, 502, 503, 504)
_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class ClusterError(InputError):
    """The cluster refused, or could not be asked."""


class UnreachableError(ClusterError):
    """Nothing, or nothing useful, answered before the deadline."""


class UntrustedError(ClusterError):
    """What answered is not the API server that the CA vouches for."""


class UnauthorizedError(ClusterError):
    """401: the API server does not know the credentials."""


class ForbiddenError(ClusterError):
    """403."""


class NotFoundError(ClusterError):
    """404."""


class ConflictError(ClusterError):
    """409: it exists already, or was changed since it was read."""


class GoneError(ClusterError):
    """410: the version from which to watch is too old."""


_ERRORS = {401: UnauthorizedError, 403: ForbiddenError, 404: NotFoundError, 409: ConflictError, 410: GoneError}


class _AgainError(Exception):
    """Worth another attempt, after so many seconds (None: the usual wait)."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.after = after


@dataclass(frozen=True)
class _Call:
    method: str
    path: str
    query: Mapping[str, str]
    body: Any = None
    content_type: str = "application/json"

    @property
    def target(self) -> str:
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    @property
    def resource(self) -> str:
        """The path in the words of RBAC."""
        parts = self.path.strip("/").split("/")
        parts = parts[2:] if parts[0] == "api" else parts[3:]
        where = ""
        if len(parts) > 2 and parts[0] == "namespaces":
            where, parts = f" in namespace {parts[1]}", parts[2:]
        subresource = "/" + parts[2] if len(parts) > 2 else ""
        return (parts[0] if parts else self.path) + subresource + where

    @property
    def verb(self) -> str:
        if self.method == "GET" and "watch" in self.query:
            return "watch"
        parts = self.path.strip("/").split("/")
        named = len(parts) - (2 if parts[0] == "api" else 3)
        named -= 2 if "namespaces" in parts[2:4] and named > 2 else 0
        return "list" if self.method == "GET" and named == 1 else _VERBS[self.method]

    @property
    def text(self) -> str:
        return f"{self.verb} {self.resource}"


class _Connection(http.client.HTTPSConnection):
    """One that is bounded from the handshake on, and knows whether it has served a request."""

    def __init__(self, access: Access, context: ssl.SSLContext, timeout: float) -> None:
        url = urlsplit(access.server)
        super().__init__(url.hostname or "", url.port or 443, timeout=timeout, context=context)
        self._tls = context
        self.used = False

    def connect(self) -> None:
        # Before the handshake, so that a server that accepts and then hangs is bounded too.
        plain = socket.create_connection((self.host, self.port), self.timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        try:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise

    def wait_at_most(self, seconds: float) -> None:
        self.timeout = seconds
        if self.sock is not None:
            self.sock.settimeout(seconds)


class Cluster:
    """The API server that a kubeconfig names. May be used by several threads.

    `timeout` bounds everything that is done with it, retries included; None (the service) bounds each operation alone.
    """

    def __init__(
        self,
        access: Access,
        timeout: float | None = 60.0,
        request_timeout: float = REQUEST_TIMEOUT,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.access = access
        self._request_timeout = request_timeout
        self._clock = clock
        self._sleep = sleep
        self._end = None if timeout is None else clock() + timeout
        self._lock = threading.Lock()
        self._idle: list[_Connection] = []
        self._context: ssl.SSLContext | None = None
        self._fingerprint: object = None

    # -- what modules and the service use ---------------------------------------------------------------------------

    def remaining(self) -> float:
        return float("inf") if self._end is None else max(0.0, self._end - self._clock())

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        return self._request(_Call("GET", path, query or {}))

    def find(self, path: str) -> dict[str, Any] | None:
        """What is there, or None."""
        try:
            return self.get(path)
        except NotFoundError:
            return None

    def list(self, path: str, query: Mapping[str, str] | None = None) -> tuple[list[dict[str, Any]], str]:
        """All items, in pages, and the version to watch from."""
        items: list[dict[str, Any]] = []
        asked = {**(query or {}), "limit": str(PAGE)}
        while True:
            page = self.get(path, asked)
            items.extend(page.get("items") or [])
            metadata = page.get("metadata") or {}
            if not metadata.get("continue"):
                return items, str(metadata.get("resourceVersion", ""))
            asked["continue"] = metadata["continue"]

    def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._request(_Call("POST", path, {}, body))

    def replace(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._request(_Call("PUT", path, {}, body))

    def merge(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A JSON merge patch (RFC 7386): lists are replaced, null removes."""
        return self._request(_Call("PATCH", path, {}, body, "application/merge-patch+json"))

    def delete(self, path: str, uid: str | None = None) -> bool:
        """False where it was gone already. With `uid`, nothing that took the name meanwhile is touched."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", **({"preconditions": {"uid": uid}} if uid else {})}
        try:
            self._request(_Call("DELETE", path, {}, body))
        except NotFoundError:
            return False
        except ConflictError:
            if uid is None:
                raise
            return False
        return True

    def follow(self, path: str, query: Mapping[str, str] | None = None, forever: bool = False) -> Follower:
        return Follower(self, path, query or {}, forever)

    def stream(self, call: _Call) -> Iterator[dict[str, Any]]:
        """The lines of a watch, until the server ends it."""
        with self._connection(self._request_timeout) as connection:
            response = self._send(connection, call)
            if response.status != 200:
                self._answer(call, response, response.read())
            connection.wait_at_most(WATCH_SILENCE)
            while True:
                line = response.readline(LONGEST_LINE)
                if not line.strip():
                    return
                try:
                    yield json.loads(line)
                except ValueError:
                    raise http.client.HTTPException("the watch broke off within an event") from None

    # -- one request ------------------------------------------------------------------------------------------------

    def _request(self, call: _Call) -> dict[str, Any]:
        end = self._end if self._end is not None else self._clock() + OPERATION_TIMEOUT
        attempt = 0
        while True:
            try:
                return self._attempt(call, end)
            except _AgainError as again:
                wait = again.after if again.after is not None else _wait(attempt)
                if self._clock() + wait >= end:
                    raise UnreachableError(
                        f"the API server {self.access.server} could not be asked to {call.text} in time: {again.why}"
                    ) from None
            attempt += 1
            self._sleep(wait)

    def _attempt(self, call: _Call, end: float) -> dict[str, Any]:
        with self._connection(min(self._request_timeout, max(0.05, end - self._clock()))) as connection:
            response = self._send(connection, call)
            blocks = []
            while True:
                block = response.read1(1 << 16)
                if not block:
                    break
                blocks.append(block)
                if self._clock() > end:
                    raise TimeoutError("it answers too slowly")
            # `read1` leaves a body of known length open at its end, and the connection would serve no other request.
            response.close()
        return self._answer(call, response, b"".join(blocks))

    def _send(self, connection: _Connection, call: _Call) -> http.client.HTTPResponse:
        headers = {"Accept": "application/json", "User-Agent": "tlsbootstrap.kubernetes"}
        if self.access.bearer:
            headers["Authorization"] = "Bearer " + self.access.bearer
        body = None
        if call.body is not None:
            headers["Content-Type"] = call.content_type
            body = json.dumps(call.body).encode()
        connection.request(call.method, call.target, body=body, headers=headers)
        return connection.getresponse()

    def _answer(self, call: _Call, response: http.client.HTTPResponse, data: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(data) if data else {}
        except ValueError:
            answer = {}
        if response.status < 300 and isinstance(answer, dict):
            return answer
        raise self._error(call, response, answer if isinstance(answer, dict) else {})

    def _error(self, call: _Call, response: http.client.HTTPResponse, status: Mapping[str, Any]) -> Exception:
        code = response.status
        said = status.get("message") or response.reason or ""
        # What an admission plugin says of a Secret may quote it.
        said = f"{status.get('reason', response.reason)}" if "/secrets" in call.path else said
        if code in _AGAIN or (code == 500 and call.method == "GET"):
            return _AgainError(f"{code} {said}", _retry_after(response.headers.get("Retry-After")))
        who = f"the credentials of {self.access.path}"
        if code == 401:
            return UnauthorizedError(
                f"the API server {self.access.server} does not accept {who}: the certificate may have expired or be of "
                "a CA that it does not trust"
            )
        if code == 403:
            return ForbiddenError(f"{who} may not {call.text}: {said}; a role that allows it has to be bound to them")
        kind = _ERRORS.get(code, ClusterError)
        return kind(f"the API server {self.access.server} refused to {call.text} ({call.path}): {code} {said}")

    # -- connections ------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _connection(self, timeout: float) -> Iterator[_Connection]:
        """A connection of the pool; it goes back only where nothing went wrong."""
        connection = self._take(timeout)
        good = False
        try:
            yield connection
            good = True
        except ssl.SSLCertVerificationError as error:
            raise self._untrusted(error) from None
        except (OSError, http.client.HTTPException) as error:
            # A kept-alive connection that was closed meanwhile says nothing of the server: no wait.
            raise _AgainError(_said(error), 0.0 if connection.used else None) from None
        finally:
            if not good:
                connection.close()
        connection.used = True
        with self._lock:
            self._idle.append(connection)

    def _take(self, timeout: float) -> _Connection:
        context = self._current_context()
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None or connection.sock is None:
            connection = _Connection(self.access, context, timeout)
        connection.wait_at_most(timeout)
        return connection

    def _current_context(self) -> ssl.SSLContext:
        """Certificates are renewed and CAs are rotated under a process that runs for years."""
        fingerprint = self.access.fingerprint()
        with self._lock:
            if self._context is None or fingerprint != self._fingerprint:
                try:
                    self._context = self.access.context()
                except InputError:
                    # Half of a pair may be new: what was good a moment ago is kept.
                    if self._context is None:
                        raise
                self._fingerprint = fingerprint
                self._idle.clear()
            return self._context

    def _untrusted(self, error: ssl.SSLCertVerificationError) -> UntrustedError:
        return UntrustedError(
            f"the API server {self.access.server} shows a certificate that is not trusted ({error.verify_message}): "
            f"either it is another server, or {self.access.authority} is not its CA or the address not among its "
            "names; nothing was sent to it"
        )


class Event:
    """SNAPSHOT with all items, ADDED, MODIFIED or DELETED with one, TROUBLE with a message."""

    def __init__(self, kind: str, items: list[dict[str, Any]], message: str = "") -> None:
        self.kind = kind
        self.items = items
        self.message = message


class Follower:
    """A list and the watch after it, read by a thread; begins anew by itself when the server loses the thread.

    A thread, because a read that timed out spoils the connection's buffer, and whoever waits has a clock to look at.
    """

    def __init__(self, cluster: Cluster, path: str, query: Mapping[str, str], forever: bool) -> None:
        self._cluster = cluster
        self._path = path
        self._query = query
        self._forever = forever
        self._events: queue.Queue[Event | ClusterError] = queue.Queue(maxsize=1000)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follow " + path, daemon=True)

    def __enter__(self) -> Follower:
        self._thread.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self._stopped.set()

    def next(self, timeout: float) -> Event | None:
        """The next event, None when there was none for so long; raises what cannot be mended by waiting."""
        try:
            event = self._events.get(timeout=max(0.0, timeout))
        except queue.Empty:
            return None
        if isinstance(event, ClusterError):
            raise event
        return event

    def _put(self, event: Event | ClusterError) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(queue.Full):
                self._events.put(event, timeout=1.0)
                return

    def _run(self) -> None:
        version, attempt, wait = "", 0, FIRST_WAIT
        while not self._stopped.is_set() and self._cluster.remaining() > 0:
            try:
                if not version:
                    items, version = self._cluster.list(self._path, self._query)
                    self._put(Event("SNAPSHOT", items))
                version = self._watch(version)
                attempt = 0
                continue
            except GoneError:
                version, wait = "", FIRST_WAIT
            except _AgainError as again:
                wait = again.after if again.after is not None else _wait(attempt)
            except ClusterError as error:
                if not (self._forever or isinstance(error, UnreachableError)):
                    self._put(error)
                    return
                self._put(Event("TROUBLE", [], str(error)))
                wait = _wait(attempt)
            attempt += 1
            self._stopped.wait(wait)

    def _watch(self, version: str) -> str:
        """Events until the server ends the watch; the version to go on from."""
        query = {
            **self._query,
            "watch": "1",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        for event in self._cluster.stream(_Call("GET", self._path, query)):
            item = event.get("object") or {}
            if event.get("type") == "ERROR":
                if item.get("code") == 410:
                    raise GoneError("the watch has expired")
                raise _AgainError(str(item.get("reason")))
            version = (item.get("metadata") or {}).get("resourceVersion", version)
            if event.get("type") in ("ADDED", "MODIFIED", "DELETED"):
                self._put(Event(event["type"], [item]))
            if self._stopped.is_set():
                break
        return version


def _wait(attempt: int) -> float:
    """Doubling, with jitter, so that many do not come back at once."""
    return float(min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempt, 10)) * _JITTER.uniform(0.75, 1.25))


def _retry_after(header: str | None) -> float | None:
    return min(60.0, float(header)) if header and header.isdigit() else None


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__
