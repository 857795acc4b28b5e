# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at the API server as a kubelet of this host will see it. No credential is sent to it."""

from __future__ import annotations

import contextlib
import datetime
import email.utils
import socket
import ssl
import threading
import time
from typing import Any

from .domain.endpoints import EndpointSeen, host_and_port
from .domain.errors import InputError
from .trust import client_context

__all__ = ["check_endpoint", "look_at_endpoint"]

# For all of it: the name, its addresses, TLS, the answer.
TIMEOUT = 10.0
_RESOLVING = 5.0
# X509_V_FLAG_NO_CHECK_TIME: a clock that is wrong here is found out by itself, and named.
_ANY_TIME = 0x200000
_LARGEST = 65536


def check_endpoint(server: str, ca_path: str) -> None:
    """Refuse what shows a certificate that the CA does not vouch for. One that does not answer may do so later."""
    seen = _look(server, _context(ca_path, None), ca_path, asked=False)
    if seen.problem == "untrusted":
        raise InputError(seen.text)


def look_at_endpoint(server: str, ca_path: str, ca: str | None = None) -> EndpointSeen:
    """What is in the way of a kubelet, and what the API server's clock says. `ca`: in PEM, before it lies here."""
    try:
        context = _context(ca_path, ca)
    except InputError as error:
        return EndpointSeen("untrusted", str(error))
    context.verify_flags |= _ANY_TIME
    return _look(server, context, ca_path, asked=True)


def _context(ca_path: str, ca: str | None) -> ssl.SSLContext:
    try:
        context = client_context(None if ca else ca_path)
        if ca:
            context.load_verify_locations(cadata=ca)
    except OSError as error:
        # An SSLError is one too, and its reason says more.
        said = getattr(error, "reason", None) or error.strerror
        raise InputError(f"{ca_path}: no CA certificate can be read ({said}); the playbook `pki` mends it") from None
    return context


def _look(server: str, context: ssl.SSLContext, ca_path: str, asked: bool) -> EndpointSeen:
    host, port = host_and_port(server, "server")
    end = time.monotonic() + TIMEOUT
    try:
        with _connect(host, port, end) as plain, _wrapped(context, plain, host, end) as wrapped:
            return _answer(server, wrapped, host, end) if asked else EndpointSeen()
    except ssl.CertificateError as error:
        return EndpointSeen(
            "untrusted",
            f"{server} shows a certificate that is not trusted ({getattr(error, 'verify_message', None) or error}): "
            f"either it is another server, or {ca_path} is not its CA or the address not among its names; a kubelet "
            "would not join there, so nothing was done",
        )
    except socket.gaierror:
        return EndpointSeen(
            "unresolved",
            f"the name {host} of {server} does not resolve here: enter it into the DNS or /etc/hosts, or give another "
            "cluster_api_endpoint",
        )
    except OSError as error:
        return EndpointSeen(
            "unreachable",
            f"{server} cannot be reached from here ({error.strerror or error or 'no answer'}): does the API server, "
            "or the load balancer before it, run, and does a firewall or a route keep this host from it?",
        )


def _left(end: float) -> float:
    """Nothing would mean not to wait at all."""
    return max(0.05, end - time.monotonic())


def _resolved(host: str, port: int) -> list[Any]:
    """Resolvers know no timeout, so that a thread is left behind where one hangs."""
    found: list[Any] = []

    def resolve() -> None:
        # What is no name, such as `a..b`, is a UnicodeError.
        with contextlib.suppress(OSError, UnicodeError):
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))

    thread = threading.Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(_RESOLVING)
    if not found:
        raise socket.gaierror
    return list(found)


def _connect(host: str, port: int, end: float) -> socket.socket:
    """The first address that answers; each has its part of the time that is left."""
    addresses = _resolved(host, port)
    refused: OSError = socket.timeout("timed out")
    for number, (family, kind, protocol, _name, address) in enumerate(addresses):
        plain = None
        try:
            plain = socket.socket(family, kind, protocol)
            plain.settimeout(_left(end) / (len(addresses) - number))
            plain.connect(address)
        except OSError as error:
            refused = error
            if plain is not None:
                plain.close()
        else:
            return plain
    raise refused


def _wrapped(context: ssl.SSLContext, plain: socket.socket, host: str, end: float) -> ssl.SSLSocket:
    """The timeout of a handshake is for all of it."""
    plain.settimeout(_left(end))
    return context.wrap_socket(plain, server_hostname=host)


def _answer(server: str, wrapped: ssl.SSLSocket, host: str, end: float) -> EndpointSeen:
    """The clock of what is trusted by now, and whether its certificate is good by that."""
    shown: dict[str, Any] = wrapped.getpeercert() or {}
    date = _date(wrapped, host, end)
    now = date or datetime.datetime.now(datetime.timezone.utc)
    until = datetime.datetime.fromtimestamp(ssl.cert_time_to_seconds(shown["notAfter"]), datetime.timezone.utc)
    if now < until:
        return EndpointSeen(date=date)
    return EndpointSeen(
        "expired",
        f"the certificate of {server} ended at {until:%Y-%m-%dT%H:%M:%SZ}: the playbook `pki` renews it",
        date,
    )


def _date(wrapped: ssl.SSLSocket, host: str, end: float) -> datetime.datetime | None:
    """Open to everybody, and if it is not the answer has a date too."""
    name = f"[{host}]" if ":" in host else host
    answer = b""
    try:
        wrapped.settimeout(_left(end))
        wrapped.sendall(f"HEAD /livez HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode("ascii"))
        while b"\r\n\r\n" not in answer and len(answer) < _LARGEST and time.monotonic() < end:
            wrapped.settimeout(_left(end))
            received = wrapped.recv(4096)
            if not received:
                break
            answer += received
    except (OSError, UnicodeError):
        return None
    for line in answer.decode("latin-1").split("\r\n"):
        if line.lower().startswith("date:"):
            return _instant(line.partition(":")[2].strip())
    return None


def _instant(text: str) -> datetime.datetime | None:
    """None also without a zone: then it is not what HTTP has for a date."""
    try:
        found = email.utils.parsedate_to_datetime(text)
        return None if found.tzinfo is None else found.astimezone(datetime.timezone.utc)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
