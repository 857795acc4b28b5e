# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at the API server as a kubelet of this host will see it. No credential is sent to it."""

from __future__ import annotations

import datetime
import email.utils
import socket
import ssl
import threading
from typing import Any
from urllib.parse import urlsplit

from .domain.errors import InputError
from .domain.preflight import Endpoint
from .trust import client_context

__all__ = ["check_endpoint", "look_at_endpoint"]

TIMEOUT = 5.0
# X509_V_FLAG_NO_CHECK_TIME: a clock that is wrong here is found out by itself, and named.
_ANY_TIME = 0x200000
_LARGEST = 65536


def check_endpoint(server: str, ca_path: str) -> None:
    """Refuse what shows a certificate that the CA does not vouch for. One that does not answer may do so later."""
    seen = _look(server, _context(ca_path, None), ca_path, asked=False)
    if seen.problem == "untrusted":
        raise InputError(seen.text)


def look_at_endpoint(server: str, ca_path: str, ca: str | None = None) -> Endpoint:
    """What is in the way of a kubelet, and what the API server's clock says. `ca`: in PEM, before it lies here."""
    try:
        context = _context(ca_path, ca)
    except InputError as error:
        return Endpoint("untrusted", str(error))
    context.verify_flags |= _ANY_TIME
    return _look(server, context, ca_path, asked=True)


def _context(ca_path: str, ca: str | None) -> ssl.SSLContext:
    try:
        context = client_context(None if ca else ca_path)
        if ca:
            context.load_verify_locations(cadata=ca)
    except ssl.SSLError as error:
        raise InputError(
            f"{ca_path}: no CA certificate can be read ({error.reason}); the playbook `pki` mends it"
        ) from None
    return context


def _look(server: str, context: ssl.SSLContext, ca_path: str, asked: bool) -> Endpoint:
    parts = urlsplit(server)
    host, port = parts.hostname or "", parts.port or 443
    try:
        with _connect(host, port) as plain, context.wrap_socket(plain, server_hostname=host) as wrapped:
            return _answer(server, wrapped, host) if asked else Endpoint()
    except ssl.CertificateError as error:
        return Endpoint(
            "untrusted",
            f"{server} shows a certificate that is not trusted ({getattr(error, 'verify_message', None) or error}): "
            f"either it is another server, or {ca_path} is not its CA or the address not among its names; a kubelet "
            "would not join there, so nothing was done",
        )
    except socket.gaierror:
        return Endpoint(
            "unresolved",
            f"the name {host} of {server} does not resolve here: enter it into the DNS or /etc/hosts, or give another "
            "cluster_api_endpoint",
        )
    except OSError as error:
        return Endpoint(
            "unreachable",
            f"{server} cannot be reached from here ({error.strerror or error or 'no answer'}): does the API server, "
            "or the load balancer before it, run, and does a firewall or a route keep this host from it?",
        )


def _connect(host: str, port: int) -> socket.socket:
    """Resolvers know no timeout, so that a thread is left behind where one hangs."""
    found: list[Any] = []

    def resolve() -> None:
        try:
            found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            found.append(error)

    thread = threading.Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(TIMEOUT)
    if not found:
        raise socket.gaierror
    if isinstance(found[0], OSError):
        raise found[0]
    return socket.create_connection((host, port), TIMEOUT)


def _answer(server: str, wrapped: ssl.SSLSocket, host: str) -> Endpoint:
    """The clock of what is trusted by now, and whether its certificate is good by that."""
    shown: dict[str, Any] = wrapped.getpeercert() or {}
    date = _date(wrapped, host)
    now = date or datetime.datetime.now(datetime.timezone.utc)
    end = datetime.datetime.fromtimestamp(ssl.cert_time_to_seconds(shown["notAfter"]), datetime.timezone.utc)
    if now < end:
        return Endpoint(date=date)
    return Endpoint(
        "expired",
        f"the certificate of {server} ended at {end:%Y-%m-%dT%H:%M:%SZ}: the playbook `pki` renews it",
        date,
    )


def _date(wrapped: ssl.SSLSocket, host: str) -> datetime.datetime | None:
    """Open to everybody, and if it is not the answer has a date too."""
    name = f"[{host}]" if ":" in host else host
    answer = b""
    try:
        wrapped.sendall(f"HEAD /livez HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode("ascii"))
        while b"\r\n\r\n" not in answer and len(answer) < _LARGEST:
            received = wrapped.recv(4096)
            if not received:
                break
            answer += received
    except OSError:
        return None
    for line in answer.decode("latin-1").split("\r\n"):
        if line.lower().startswith("date:"):
            try:
                return email.utils.parsedate_to_datetime(line.partition(":")[2].strip())
            except (TypeError, ValueError):
                return None
    return None
