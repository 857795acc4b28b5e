# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at a server of our own, whose certificate is good, of another CA, or for another name."""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
import subprocess
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import endpoint
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.endpoint import (
    check_endpoint,
    look_at_endpoint,
)

DATE, TOLD = b"Date: Sun, 22 Nov 2026 15:00:00 GMT", datetime.datetime(2026, 11, 22, 15, tzinfo=datetime.timezone.utc)


@pytest.fixture
def received() -> list[bytes]:
    """What the server was sent within TLS."""
    return []


def make(folder: Path, name: str, address: str, *options: str) -> None:
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x", *options)
    names = ("-addext", f"subjectAltName=IP:{address}")
    files = ("-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt")
    subprocess.run(["openssl", "req", "-x509", *kind, *names, *files], check=True, capture_output=True)


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    for name, address in (("server", "127.0.0.1"), ("other", "127.0.0.1"), ("elsewhere", "192.0.2.1")):
        make(tmp_path, name, address)
    return tmp_path


@contextlib.contextmanager
def server(pki: Path, name: str, received: list[bytes], date: bytes = DATE) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / f"{name}.crt", pki / f"{name}.key")

    def answer() -> None:
        plain, _address = listener.accept()
        with contextlib.suppress(OSError), plain, context.wrap_socket(plain, server_side=True) as wrapped:
            received.append(b"")
            # A client that goes without reading the session tickets resets the connection.
            received[0] += wrapped.recv(100)
            wrapped.sendall(b"HTTP/1.1 401 Unauthorized\r\n" + date + b"\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(10)


def test_the_right_server_is_let_pass_and_sent_nothing(pki: Path, received: list[bytes]) -> None:
    with server(pki, "server", received) as url:
        check_endpoint(url, str(pki / "server.crt"))
    assert received == [b""]


@pytest.mark.parametrize(("shown", "trusted"), [("other", "server"), ("elsewhere", "elsewhere")])
def test_another_server_is_refused_and_sent_nothing(pki: Path, received: list[bytes], shown: str, trusted: str) -> None:
    with server(pki, shown, received) as url, pytest.raises(InputError) as refusal:
        check_endpoint(url, str(pki / f"{trusted}.crt"))
    assert f"{url} shows a certificate that is not trusted" in str(refusal.value)
    assert f"{trusted}.crt" in str(refusal.value)
    assert received in ([], [b""])


def test_a_server_that_does_not_answer_is_let_pass(pki: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    check_endpoint(f"https://127.0.0.1:{port}", str(pki / "server.crt"))


def test_a_file_without_a_ca_is_named(pki: Path) -> None:
    with pytest.raises(InputError, match=r"server\.key: no CA certificate"):
        check_endpoint("https://127.0.0.1:1", str(pki / "server.key"))


def test_the_clock_of_the_right_server_is_read(pki: Path, received: list[bytes]) -> None:
    with server(pki, "server", received) as url:
        seen = look_at_endpoint(url, str(pki / "none.crt"), (pki / "server.crt").read_text())
    assert (seen.problem, seen.date) == ("", TOLD)
    assert received[0].startswith(b"HEAD /livez HTTP/1.1")
    assert b"Authorization" not in received[0]


def test_another_server_is_asked_nothing(pki: Path, received: list[bytes]) -> None:
    with server(pki, "other", received) as url:
        seen = look_at_endpoint(url, str(pki / "server.crt"))
    assert (seen.problem, seen.date) == ("untrusted", None)
    assert received in ([], [b""])


def test_a_certificate_that_has_ended_is_told_by_the_servers_own_clock(pki: Path, received: list[bytes]) -> None:
    make(pki, "ended", "127.0.0.1", "-days", "1")
    with server(pki, "ended", received, b"Date: Sun, 22 Nov 2099 15:00:00 GMT") as url:
        seen = look_at_endpoint(url, str(pki / "ended.crt"))
    assert seen.problem == "expired"
    assert seen.text.startswith(f"the certificate of {url} ended at 20")


def test_nobody_there_and_no_such_name(pki: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    ca = str(pki / "server.crt")
    assert look_at_endpoint(f"https://127.0.0.1:{port}", ca).problem == "unreachable"
    assert look_at_endpoint("https://api.invalid:6443", ca).problem == "unresolved"
    assert look_at_endpoint(f"https://127.0.0.1:{port}", str(pki / "server.key")).problem == "untrusted"


@pytest.mark.parametrize(
    "date",
    [
        b"Sun, 22 Nov 2026 15:00:00",
        b"Sun, 22 Nov 2026 15:00:00 -0000",
        b"Sun, 22 Nov 2026 15:00:00 +99999999",
        b"Fri, 31 Dec 9999 23:00:00 -2300",
        b"\xb2",
    ],
)
def test_a_date_that_is_none_says_nothing(pki: Path, received: list[bytes], date: bytes) -> None:
    with server(pki, "server", received, b"Date: " + date) as url:
        seen = look_at_endpoint(url, str(pki / "server.crt"))
    assert (seen.problem, seen.date) == ("", None)


@pytest.mark.parametrize("url", ["https://[::1", "https://127.0.0.1:99999", "https://u:canary@127.0.0.1:1", "https://"])
def test_what_is_no_address_is_refused_and_not_shown(pki: Path, url: str) -> None:
    for look in (check_endpoint, look_at_endpoint):
        with pytest.raises(InputError, match=r"^server: the address of the API server is not like") as refused:
            look(url, str(pki / "server.crt"))
        assert "canary" not in str(refused.value)


def test_what_is_no_name_does_not_resolve(pki: Path) -> None:
    assert look_at_endpoint("https://a..b:6443", str(pki / "server.crt")).problem == "unresolved"


def test_a_ca_that_is_not_there_is_named(pki: Path) -> None:
    seen = look_at_endpoint("https://127.0.0.1:1", str(pki / "none.crt"), "")
    assert seen.problem == "untrusted"
    assert "none.crt: no CA certificate can be read (No such file" in seen.text


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic time there, which passes as the test says."""
    now = [0.0]
    monkeypatch.setattr(endpoint, "time", types.SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_a_header_that_never_ends_is_left_when_the_time_is_over(clock: list[float]) -> None:
    class Dripping:
        timeouts: list[float] = []  # noqa: RUF012 - of one test

        def sendall(self, data: bytes) -> None:
            assert data.startswith(b"HEAD ")

        def settimeout(self, seconds: float) -> None:
            self.timeouts.append(seconds)

        def recv(self, size: int) -> bytes:
            assert clock[0] < endpoint.TIMEOUT
            clock[0] += 3.0
            return b"a"

    wrapped: Any = Dripping()
    assert endpoint._date(wrapped, "h", endpoint.TIMEOUT) is None
    assert wrapped.timeouts == [10.0, 10.0, 7.0, 4.0, 1.0]


def test_black_holes_share_the_time_and_are_resolved_once(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class BlackHole:
        def __init__(self, *_kind: int) -> None:
            pass

        def settimeout(self, seconds: float) -> None:
            clock[0] += seconds

        def connect(self, address: tuple[str, int]) -> None:
            asked.append(address[0])
            raise socket.timeout("timed out")

        def close(self) -> None:
            pass

    def resolve(_host: str, port: int, **_hints: int) -> list[Any]:
        asked.append("name")
        return [(0, 0, 0, "", (f"192.0.2.{number}", port)) for number in range(6)]

    monkeypatch.setattr(socket, "socket", BlackHole)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(socket.timeout):
        endpoint._connect("h", 1, endpoint.TIMEOUT)
    assert asked == ["name", *(f"192.0.2.{number}" for number in range(6))]
    assert clock[0] == pytest.approx(endpoint.TIMEOUT)
