# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only Kubernetes client.

It stands on the Python package `kubernetes` (22.6, Debian 12, and later): its configuration, its pool of verified
connections, its watch. The layer above the pool, `ApiClient.call_api`, takes other arguments in 37 than in 22.6, so
requests, which are plain JSON here, go to the pool itself. Its retries count attempts; here a deadline bounds them.
The package is slow to import: only a `Cluster` does.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import queue
import random
import re
import socket
import ssl
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from .domain.errors import InputError
from .trust import PARTIAL_CHAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from .access import Access

    Slim = Callable[[dict[str, Any]], dict[str, Any]]

__all__ = [
    "AT_ONCE",
    "Cluster",
    "ClusterError",
    "ConflictError",
    "Event",
    "Follower",
    "ForbiddenError",
    "GoneError",
    "HeldBackError",
    "NotFoundError",
    "UnauthorizedError",
    "UnreachableError",
    "UntrustedError",
    "side_by_side",
]

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")

REQUEST_TIMEOUT = 15.0
# The service has no deadline of its own; one operation of it has this.
OPERATION_TIMEOUT = 30.0
WATCH_SECONDS = 60
# A server that is silent for longer than its own watch would last is gone.
WATCH_SILENCE = WATCH_SECONDS + 15.0
PAGE = 500
# Of an answer: what is kept of an object is at most 1.5 MiB (etcd), and nearly all are a hundredth of that.
LARGEST = 256 * 1024 * 1024
_PART = 256 * 1024
# Open to everybody who has logged in: ClusterRole system:public-info-viewer.
READY = "/readyz"
_CALLED = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[^/?#%\s\x00-\x1f]+)+\Z")
# The most threads that ask at a time.
CONNECTIONS = 16
# How many of them one caller has.
AT_ONCE = 8
FIRST_WAIT = 0.1
_LITTLE = 1.0
LONGEST_WAIT = 5.0
LONGEST_TOLD_WAIT = 60.0
# A watch that cannot be had is told after so many attempts: one that breaks off is nothing.
_TOLD_AFTER = 3
_UNREADABLE = "the watch has an event that cannot be read"
_JITTER = random.SystemRandom()
_AGAIN = (429, 502, 503, 504)
_METHODS = {"create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE"}
_RESOURCE = re.compile(r"/(?:api|apis/[^/]+)/[^/]+/(?:namespaces/([^/]+)/)?([^/]+)(?:/[^/]+(/[^/]+)?)?$")


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


class HeldBackError(ClusterError):
    """429 of an eviction: what is to be asked is for the caller to decide, which has other Pods to evict meanwhile."""


_ERRORS = {404: NotFoundError, 409: ConflictError, 410: GoneError}


class _AgainError(Exception):
    """Worth another attempt, after so many seconds where the server said so."""

    def __init__(self, why: str, after: str | None = None) -> None:
        super().__init__(why)
        self.after = after

    def wait(self, attempt: int) -> float:
        if self.after and self.after.isascii() and self.after.isdigit():
            return min(LONGEST_TOLD_WAIT, float(self.after))
        return _wait(attempt)


def _wait(attempt: int) -> float:
    """Doubling, with jitter, so that many do not come back at once."""
    return float(min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempt, 10)) * _JITTER.uniform(0.75, 1.25))


@dataclass(frozen=True)
class _Call:
    """`verb` is that of RBAC."""

    verb: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """A name that changes the path would ask for something else: without one, DELETE takes all that is there."""
        if not _CALLED.match(self.path):
            raise InputError(
                f"{self.path!r} is not asked of the API server: a name in it is empty, '.' or '..', or has a space or "
                "one of the characters / ? # %"
            )

    @property
    def target(self) -> str:
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    @property
    def text(self) -> str:
        found = _RESOURCE.match(self.path)
        if not found:
            return f"{self.verb} {self.path}"
        namespace, resource, subresource = found.groups(default="")
        return f"{self.verb} {resource}{subresource}" + (f" in namespace {namespace}" if namespace else "")


def _package() -> tuple[Any, Any]:
    """`kubernetes`, and urllib3, on which it stands."""
    try:
        return importlib.import_module("kubernetes"), importlib.import_module("urllib3")
    except ImportError as error:
        raise InputError(
            f"the Python library kubernetes is missing for {sys.executable} ({error}); install the package "
            "python3-kubernetes on this host"
        ) from None


def _pools(urllib3: Any, used: Callable[[Any], None]) -> dict[str, Any]:
    """Connections that take a CA below another for an anchor, as all readers in Go do.

    Each tells `used` its socket before it asks: a response to `Connection: close` takes it away from its connection.
    """
    base = urllib3.connection.HTTPSConnection

    def connect(self: Any) -> None:
        self.ssl_context = urllib3.util.ssl_.create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
        self.ssl_context.verify_flags |= PARTIAL_CHAIN
        base.connect(self)

    def request(self: Any, *arguments: Any, **options: Any) -> Any:
        used(self.sock)
        return base.request(self, *arguments, **options)

    connection = type("Connection", (base,), {"connect": connect, "request": request})
    return {"https": type("Pool", (urllib3.HTTPSConnectionPool,), {"ConnectionCls": connection})}


class Cluster:
    """The API server that a kubeconfig names. May be used by several threads.

    `timeout` bounds everything that is done with it, retries included; None (the service) bounds each operation alone.
    """

    def __init__(self, access: Access, timeout: float | None = 60.0, request_timeout: float = REQUEST_TIMEOUT) -> None:
        self._kubernetes, self._urllib3 = _package()
        self.access = access
        self._request_timeout = request_timeout
        # Of each thread, the sockets that it is asking with, and until when.
        self._asking = threading.local()
        self._pool = self._connections()
        # All that is slow is done before the time begins.
        self._end = None if timeout is None else time.monotonic() + timeout

    def _connections(self) -> Any:
        """The package's pool, which verifies whatever the kubeconfig says. Each new connection reads the files."""
        configuration = self._kubernetes.client.Configuration()
        configuration.host = self.access.server
        # Later versions take one from the environment; whom credentials are shown to is the kubeconfig's to say.
        configuration.proxy = None
        configuration.verify_ssl = True
        configuration.ssl_ca_cert = self.access.ca
        configuration.cert_file, configuration.key_file = self.access.certificate, self.access.key
        configuration.connection_pool_maxsize = CONNECTIONS
        manager = self._kubernetes.client.ApiClient(configuration).rest_client.pool_manager
        manager.pool_classes_by_scheme = _pools(self._urllib3, self._use)
        return manager

    # -- what modules and the service use ---------------------------------------------------------------------------

    def remaining(self) -> float:
        return float("inf") if self._end is None else max(0.0, self._end - time.monotonic())

    def get(self, path: str) -> dict[str, Any]:
        return self._request(_Call("get", path))

    def find(self, path: str) -> dict[str, Any] | None:
        """What is there, or None."""
        try:
            return self.get(path)
        except NotFoundError:
            return None

    def list(
        self, path: str, query: Mapping[str, str] | None = None, size: int = PAGE, slim: Slim | None = None
    ) -> tuple[list[dict[str, Any]], str]:
        """All items, in pages of `size`, and the version to watch from. `slim` leaves of each what is to be kept."""
        items: list[dict[str, Any]] = []
        asked = {**(query or {}), "limit": str(size)}
        while True:
            page = self._request(_Call("list", path, asked))
            found, metadata = page.get("items") or [], page.get("metadata") or {}
            if not isinstance(found, list) or not isinstance(metadata, dict):
                raise ClusterError(f"the API server {self.access.server} answers with what is no list: is it one?")
            items.extend(map(slim, found) if slim else found)
            if not metadata.get("continue"):
                return items, str(metadata.get("resourceVersion", ""))
            asked["continue"] = metadata["continue"]

    def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._request(_Call("create", path, body=body))

    def try_as(self, user: str, group: str, path: str, body: Mapping[str, Any]) -> None:
        """Create as somebody else, up to where it would be written; raises what the API server has against it."""
        headers = {"Impersonate-User": user, "Impersonate-Group": group}
        self._request(_Call("create", path, {"dryRun": "All"}, body, headers))

    def replace(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._request(_Call("update", path, body=body))

    def merge(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A JSON merge patch (RFC 7386): lists are replaced, null removes."""
        return self._request(_Call("patch", path, body=body))

    def evict(self, path: str, name: str, namespace: str, uid: str) -> bool:
        """Have a Pod end as its PodDisruptionBudgets allow. False where it was gone already."""
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": namespace},
            "deleteOptions": {"preconditions": {"uid": uid}},
        }
        try:
            self._request(_Call("create", f"{path}/eviction", body=body))
        except (NotFoundError, ConflictError):
            return False
        return True

    def delete(self, path: str, uid: str | None = None) -> bool:
        """False where it was gone already. With `uid`, nothing that took the name meanwhile is touched."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", **({"preconditions": {"uid": uid}} if uid else {})}
        try:
            self._request(_Call("delete", path, body=body))
        except NotFoundError:
            return False
        except ConflictError:
            if uid is None:
                raise
            return False
        return True

    def follow(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        forever: bool = False,
        size: int = PAGE,
        slim: Slim | None = None,
    ) -> Follower:
        return Follower(self, path, query or {}, forever, size, slim)

    def watch(self, path: str, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """The events of one watch, until the server ends it."""
        call = _Call("watch", path, {**query, "watch": "1", "timeoutSeconds": str(WATCH_SECONDS)})

        def ask(**_options: Any) -> Any:
            with self._cut_off(WATCH_SILENCE):
                response = self._send(call, WATCH_SILENCE)
                if response.status != 200:
                    self._answer(call, response, self._body(response))
            return response

        with self._told(GoneError(_UNREADABLE)):
            # With a time limit it asks once: when to go on, and from where, is decided here.
            yield from self._kubernetes.watch.Watch().stream(ask, timeout_seconds=WATCH_SECONDS)

    # -- one request ------------------------------------------------------------------------------------------------

    def _request(self, call: _Call) -> dict[str, Any]:
        end = time.monotonic() + OPERATION_TIMEOUT if self._end is None else self._end
        error: Exception | None = None
        for attempt in itertools.count():
            left = end - time.monotonic()
            try:
                return self._attempt(call, left)
            except _AgainError as again:
                # One for which little time was left says only that.
                wait, error = again.wait(attempt), error if error and left < _LITTLE else again
            except ForbiddenError as forbidden:
                if self._knows_roles(end - time.monotonic()):
                    raise
                wait, error = _wait(attempt), forbidden
            if time.monotonic() + wait >= end:
                raise self._too_late(call, error) from None
            time.sleep(wait)
        raise AssertionError("unreachable")

    def _too_late(self, call: _Call, error: Exception) -> Exception:
        if isinstance(error, ForbiddenError):
            return error
        return UnreachableError(
            f"the API server {self.access.server} could not be asked to {call.text} in time: {error}"
        )

    def _knows_roles(self, seconds: float) -> bool:
        """Until an API server that has just started has read the roles, it forbids everything, this question too."""
        try:
            response, _data = self._exchange(_Call("get", READY), seconds)
        except _AgainError:
            return False
        return bool(response.status == 200)

    def _attempt(self, call: _Call, seconds: float) -> dict[str, Any]:
        return self._answer(call, *self._exchange(call, seconds))

    def _exchange(self, call: _Call, seconds: float) -> tuple[Any, bytes]:
        """The answer as it came, with all of its body."""
        with self._told(), self._cut_off(seconds):
            response = self._send(call, min(self._request_timeout, max(0.05, seconds)))
            return response, self._body(response)

    def _use(self, used: Any) -> None:
        self._asking.sockets.append(used)
        if time.monotonic() >= self._asking.end:
            raise socket.timeout("connecting took too long")

    @contextlib.contextmanager
    def _cut_off(self, seconds: float) -> Iterator[None]:
        """Ends an answer that comes so slowly that no single read runs into its timeout."""
        wait, sockets = max(0.05, seconds), list[Any]()
        self._asking.end, self._asking.sockets = time.monotonic() + wait, sockets

        late = threading.Event()

        def cut() -> None:
            late.set()
            for used in sockets:
                with contextlib.suppress(OSError, AttributeError):
                    used.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(wait, cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (OSError, self._urllib3.exceptions.HTTPError) as error:
            # Where it was cut off here, the other end has not closed it.
            if not late.is_set() or isinstance(error, (socket.timeout, self._urllib3.exceptions.TimeoutError)):
                raise
        finally:
            timer.cancel()
        # Headers that are cut off look like an answer without a body.
        if late.is_set():
            raise socket.timeout("the answer took too long")

    def _body(self, response: Any) -> bytes:
        """As it is: a small one that was packed may be without an end."""
        parts: list[bytes] = []
        size = 0
        for part in iter(lambda: response.read(_PART, decode_content=False), b""):
            size += len(part)
            if size > LARGEST:
                response.close()
                raise ClusterError(f"the API server {self.access.server} answers with more than {LARGEST} bytes")
            parts.append(part)
        return b"".join(parts)

    def _send(self, call: _Call, timeout: float) -> Any:
        """The answer, with its body still to be read."""
        headers = {"Accept": "application/json", "User-Agent": "tlsbootstrap.kubernetes", **call.headers}
        if self.access.bearer:
            headers["Authorization"] = "Bearer " + self.access.bearer
        if call.body is not None:
            headers["Content-Type"] = f"application/{'merge-patch+' if call.verb == 'patch' else ''}json"
        return self._pool.request(
            _METHODS.get(call.verb, "GET"),
            self.access.server.rstrip("/") + call.target,
            body=None if call.body is None else json.dumps(call.body).encode(),
            headers=headers,
            timeout=self._urllib3.Timeout(connect=min(timeout, self._request_timeout), read=timeout),
            # Whether to ask again is decided above, and nobody else is shown the credentials.
            retries=False,
            redirect=False,
            preload_content=False,
        )

    def _answer(self, call: _Call, response: Any, data: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(data or b"{}")
        except ValueError:
            answer = None
        if response.status >= 300:
            raise self._error(call, response, answer if isinstance(answer, dict) else {})
        if not isinstance(answer, dict):
            raise _AgainError("the answer is not JSON, or broke off")
        return answer

    def _error(self, call: _Call, response: Any, status: Mapping[str, Any]) -> Exception:
        code = response.status
        # What an admission plugin says of a Secret may quote it.
        quotable = None if "/secrets" in call.path else status.get("message")
        said = quotable or status.get("reason") or response.reason or ""
        if code == 429 and call.path.endswith("/eviction"):
            return HeldBackError(str(said))
        if code in _AGAIN or (code == 500 and call.verb in ("get", "list", "watch")):
            return _AgainError(f"{code} {said}", response.headers.get("Retry-After"))
        who = f"the credentials of {self.access.path}"
        if code == 401:
            return UnauthorizedError(
                f"the API server {self.access.server} does not accept {who}: the certificate may have expired or be of "
                "a CA that it does not trust"
            )
        if code == 403:
            return ForbiddenError(f"{who} may not {call.text}: {said}{_remedy(status)}")
        kind = _ERRORS.get(code, ClusterError)
        return kind(f"the API server {self.access.server} refused to {call.text} ({call.path}): {code} {said}")

    @contextlib.contextmanager
    def _told(self, unreadable: ClusterError | None = None) -> Iterator[None]:
        """What goes wrong on the way, as an error of ours."""
        try:
            yield
        except self._kubernetes.client.ApiException as error:
            # An event of a watch; answers are judged by their status.
            raise GoneError("the watch has expired") if error.status == 410 else _AgainError(error.reason) from None
        except self._urllib3.exceptions.SSLError as error:
            # The errors for a wrong certificate or name are those that are ValueErrors, in ssl and in urllib3.
            if error.args and isinstance(error.args[0], ValueError):
                raise self._untrusted(error.args[0]) from None
            raise _AgainError(_said(error)) from None
        except (OSError, self._urllib3.exceptions.HTTPError) as error:
            raise _AgainError(_said(error)) from None
        except ValueError:
            raise unreadable or _AgainError("the answer cannot be read") from None

    def _untrusted(self, error: ValueError) -> UntrustedError:
        return UntrustedError(
            f"the API server {self.access.server} shows a certificate that is not trusted "
            f"({getattr(error, 'verify_message', None) or error}): either it is another server, or "
            f"{self.access.authority} is not its CA or the address not among its names; nothing was sent to it"
        )


@dataclass(frozen=True)
class Event:
    """SNAPSHOT with all items, ADDED, MODIFIED or DELETED with one, TROUBLE with a message."""

    kind: str
    items: list[dict[str, Any]]
    message: str = ""


class Follower:
    """A list and the watch after it, read by a thread; begins anew by itself when the server loses the thread.

    A thread, because a read that timed out spoils the connection's buffer, and whoever waits has a clock to look at.
    """

    def __init__(
        self,
        cluster: Cluster,
        path: str,
        query: Mapping[str, str],
        forever: bool,
        size: int = PAGE,
        slim: Slim | None = None,
    ) -> None:
        self._cluster = cluster
        self._path = path
        self._query = query
        self._forever = forever
        self._size = size
        self._slim = slim
        # When the API server has last said something, on the monotonic clock; an idle watch hears from it each minute.
        self.contact: float | None = None
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
        version, attempt = "", 0
        while not self._stopped.is_set() and self._cluster.remaining() > 0:
            wait = FIRST_WAIT
            try:
                if not version:
                    items, version = self._cluster.list(self._path, self._query, self._size, self._slim)
                    self.contact = time.monotonic()
                    self._put(Event("SNAPSHOT", items))
                version = self._watch(version)
                attempt = 0
                continue
            except GoneError:
                version = ""
            except _AgainError as again:
                wait = again.wait(attempt)
                if attempt == _TOLD_AFTER:
                    self._put(Event("TROUBLE", [], f"the API server {self._cluster.access.server}: {again}"))
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
        query = {**self._query, "resourceVersion": version, "allowWatchBookmarks": "true"}
        for event in self._cluster.watch(self._path, query):
            if event is None:
                raise GoneError(_UNREADABLE)
            self.contact = time.monotonic()
            item = event.get("object") or {}
            version = (item.get("metadata") or {}).get("resourceVersion", version)
            if event.get("type") in ("ADDED", "MODIFIED", "DELETED"):
                self._put(Event(event["type"], [self._slim(item) if self._slim else item]))
            if self._stopped.is_set():
                break
        self.contact = time.monotonic()
        return version


def side_by_side(work: Callable[[_Item], _Answer], items: Sequence[_Item]) -> list[_Answer]:
    """Round trips overlap; the first failure is raised after all have ended."""
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(AT_ONCE, len(items))) as pool:
        futures = [pool.submit(work, item) for item in items]
    return [future.result() for future in futures]


def _remedy(status: Mapping[str, Any]) -> str:
    """Of a 403. Admission asks for rights too (to approve, to bind a role), but nobody's in a namespace that ends."""
    causes = (status.get("details") or {}).get("causes") or []
    ending = any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
    return "" if ending else "; a role that allows it has to be bound to them"


def _said(error: BaseException) -> str:
    """The last argument of urllib3's errors says what happened; it begins with the name of an object."""
    said = re.sub(r"^\S*(?:\([^)]*\)| object at 0x[0-9a-f]+>): ", "", str(error.args[-1] if error.args else ""))
    # Of the last attempt it is what was left of the time, and no timeout that anybody has set.
    return re.sub(r"\.? \((?:connect|read) timeout=[^)]*\)$", "", said) or type(error).__name__
