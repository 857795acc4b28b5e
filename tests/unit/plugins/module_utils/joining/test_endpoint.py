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
from collections.abc import Iterator
from pathlib import Path

import pytest

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
