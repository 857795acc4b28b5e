# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client before a server that is the right one, and behaves badly."""

from __future__ import annotations

import contextlib
import itertools
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import cluster
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.access import Access

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CLOSE = b"Connection: close\r\n\r\n"


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., cluster.Cluster]]:
    """A client of a server that answers with a beginning, and with a part so often, a tenth of a second apart."""
    key, certificate = tmp_path / "server.key", tmp_path / "server.crt"
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x")
    names = ("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate)
    subprocess.run(["openssl", "req", "-x509", *kind, *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(plain: socket.socket, first: bytes, part: bytes, times: int, last: bytes) -> None:
        with contextlib.suppress(OSError), plain, context.wrap_socket(plain, server_side=True) as wrapped:
            wrapped.recv(65536)
            wrapped.sendall(first)
            for _number in range(times):
                wrapped.sendall(part)
                time.sleep(0.1)
            wrapped.sendall(last)

    def accept(*parts: Any) -> None:
        with contextlib.suppress(OSError):
            for _number in itertools.count():
                threading.Thread(target=answer, args=(listener.accept()[0], *parts), daemon=True).start()

    def start(first: bytes, part: bytes = b"", times: int = 0, last: bytes = b"", timeout: float = 2.0) -> Any:
        threading.Thread(target=accept, args=(first, part, times, last), daemon=True).start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        return cluster.Cluster(Access("x", url, str(certificate), bearer="x"), timeout)

    yield start
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


# Each would be a good answer after half a minute.
SLOW = {
    "body, closed": (OK + CLOSE, b" ", b"{}"),
    "body, kept": (OK + b"Content-Length: 302\r\n\r\n", b" ", b"{}"),
    "body in chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    "headers": (OK + b"X: ", b"a", b"\r\n" + CLOSE + b"{}"),
}


@pytest.mark.parametrize("kind", SLOW)
def test_an_answer_that_drips_is_left_when_the_time_is_over(serve: Any, kind: str) -> None:
    first, part, last = SLOW[kind]
    with pytest.raises(cluster.UnreachableError, match="could not be asked to get /version in time"):
        serve(first, part, 300, last).get("/version")


def test_a_server_that_says_nothing_is_told_as_what_it_is(serve: Any) -> None:
    with pytest.raises(cluster.UnreachableError, match=r"in time: (Read timed out|the answer took too long)$"):
        serve(b"", b"", 300).get("/version")


def test_what_was_left_of_the_time_is_not_told(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that is off: nothing answers the connection."""
    client = serve(OK + CLOSE)

    def connect(*_arguments: Any, timeout: Any, **_options: Any) -> Any:
        where = f"Connection to 192.0.2.1 timed out. (connect timeout={timeout.connect_timeout})"
        raise client._urllib3.exceptions.ConnectTimeoutError(None, where)

    monkeypatch.setattr(client._pool, "request", connect)
    with pytest.raises(cluster.UnreachableError, match=r"in time: Connection to 192\.0\.2\.1 timed out$"):
        client.get("/version")


def test_the_last_attempt_hides_nothing_of_those_before(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client = serve(OK + CLOSE)

    def connect(*_arguments: Any, timeout: Any, **_options: Any) -> Any:
        if timeout.connect_timeout > 1:
            raise OSError("No route to host")
        raise client._urllib3.exceptions.ConnectTimeoutError(None, "Connection timed out.")

    monkeypatch.setattr(client._pool, "request", connect)
    with pytest.raises(cluster.UnreachableError, match=r"in time: No route to host$"):
        client.get("/version")


def test_an_answer_without_an_end_is_left(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "LARGEST", 1000)
    with pytest.raises(cluster.ClusterError, match="answers with more than 1000 bytes"):
        serve(OK + CLOSE, b"", 0, b'{"a":"' + b"x" * 1000 + b'"}', 30.0).get("/version")


def test_a_large_answer_is_read_whole(serve: Any) -> None:
    text = "x" * (3 * 1024 * 1024)
    body = b'{"a":"' + text.encode() + b'"}'
    assert serve(OK + b"Content-Length: %d\r\n\r\n" % len(body), last=body, timeout=60.0).get("/version") == {"a": text}


def test_a_wait_that_is_no_number_is_not_waited_for(serve: Any) -> None:
    with pytest.raises(cluster.UnreachableError, match="in time: 429 Too"):
        serve(b"HTTP/1.1 429 Too\r\nRetry-After: \xb2\r\n" + CLOSE + b"{}").get("/version")


def test_what_cannot_be_sent_is_not_told_as_a_watch(serve: Any) -> None:
    client = serve(OK + CLOSE)
    client.access = Access("x", client.access.server, client.access.ca, bearer="canary\n")
    with pytest.raises(cluster.UnreachableError, match=r"in time: the answer cannot be read$"):
        client.get("/version")


@pytest.mark.parametrize("body", [b'{"items": 5}', b'{"items": {"a": 1}}', b'{"items": [], "metadata": [1]}'])
def test_what_is_no_list_is_refused(serve: Any, body: bytes) -> None:
    with pytest.raises(cluster.ClusterError, match="what is no list"):
        serve(OK + CLOSE + body, timeout=30.0).list("/api/v1/nodes")


def test_the_events_of_a_watch_are_read_as_they_come(serve: Any) -> None:
    event = b'{"type":"ADDED","object":{"kind":"Node","metadata":{"name":"w1"}}}\n'
    chunk = b"%x\r\n%s\r\n" % (len(event), event)
    client = serve(OK + b"Transfer-Encoding: chunked\r\n\r\n", chunk, 3, b"0\r\n\r\n", 30.0)
    assert [one["type"] for one in client.watch("/api/v1/nodes", {})] == ["ADDED"] * 3


def test_a_watch_from_too_old_a_version_says_so(serve: Any) -> None:
    client = serve(b"HTTP/1.1 410 Gone\r\n" + CLOSE + b'{"kind":"Status","code":410}', timeout=30.0)
    with pytest.raises(cluster.GoneError):
        list(client.watch("/api/v1/nodes", {}))
