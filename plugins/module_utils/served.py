# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates that servers show, read from the wire as they are sent.

Nothing is sent over these connections and nothing that is served is believed, so they are made with any server,
whoever signed its certificate and however weak it is.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .domain.endpoints import Endpoint

__all__ = ["Served", "read_served"]

_AT_ONCE = 32
_DER = 2
_LATE = "no answer within {:g} s"


@dataclass(frozen=True)
class Served:
    """What was sent, in its order. `whole` is false where only the first certificate can be told."""

    chain: tuple[bytes, ...] = ()
    whole: bool = True
    protocol: str = ""
    problem: str = ""


def read_served(endpoints: Sequence[Endpoint], seconds: float) -> list[Served]:
    """Of each endpoint, in their order; many side by side, none longer than `seconds`."""
    found: list[Served] = []
    for start in range(0, len(endpoints), _AT_ONCE):
        found += _side_by_side(endpoints[start : start + _AT_ONCE], seconds)
    return found


def _side_by_side(endpoints: Sequence[Endpoint], seconds: float) -> list[Served]:
    found: dict[int, Served] = {}

    def attend(number: int, endpoint: Endpoint) -> None:
        found[number] = _read(endpoint, seconds)

    threads = [
        # Resolvers know no timeout: a thread that hangs in one is left behind, and ends with the process.
        threading.Thread(target=attend, args=pair, daemon=True)
        for pair in enumerate(endpoints)
    ]
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()) + 0.05)
    late = Served(problem=_LATE.format(seconds))
    return [found.get(number, late) for number in range(len(endpoints))]


def _read(endpoint: Endpoint, seconds: float) -> Served:
    deadline = time.monotonic() + seconds
    try:
        connection = socket.create_connection((endpoint.host, endpoint.port), seconds)
    except socket.gaierror:
        return Served(problem="its name does not resolve")
    except socket.timeout:
        return Served(problem=_LATE.format(seconds))
    except OSError as error:
        return Served(problem=f"cannot be reached: {error.strerror or 'no address answers'}")
    with contextlib.closing(connection):
        connection.settimeout(max(0.05, deadline - time.monotonic()))
        try:
            return _handshake(connection, endpoint.server_name)
        except socket.timeout:
            return Served(problem=_LATE.format(seconds))
        except ValueError:
            return Served(problem=f"{endpoint.server_name!r} is no name that can be asked for")
        except OSError as error:
            return Served(problem=f"no TLS: {getattr(error, 'reason', None) or error.strerror or 'closed'}")


def _handshake(connection: socket.socket, server_name: str) -> Served:
    wrapped = _context().wrap_socket(connection, server_hostname=server_name, do_handshake_on_connect=False)
    with contextlib.closing(wrapped):
        refused: ssl.SSLError | None = None
        try:
            wrapped.do_handshake()
        except ssl.SSLError as error:
            # Before TLS 1.3 a server that wants a client's certificate refuses after it has shown its own.
            refused = error
        chain, whole = _chain(wrapped)
        if refused is not None and not chain:
            raise refused
        return Served(chain, whole, wrapped.version() or "")


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with contextlib.suppress(ssl.SSLError):
        # A server with a short key is to be seen, too.
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _chain(wrapped: ssl.SSLSocket) -> tuple[tuple[bytes, ...], bool]:
    """All that was sent: since Python 3.13 by a method of the socket, since 3.10 by one of what is under it.

    Python 3.9 tells the first certificate only.
    """
    public: Any = getattr(wrapped, "get_unverified_chain", None)
    if public is not None:
        return tuple(bytes(der) for der in public() or ()), True
    inner: Any = getattr(getattr(wrapped, "_sslobj", None), "get_unverified_chain", None)
    if inner is not None:
        return tuple(bytes(entry.public_bytes(_DER)) for entry in inner() or ()), True
    try:
        first = wrapped.getpeercert(binary_form=True)
    except ValueError:  # the handshake was refused
        return (), False
    return ((first,) if first else ()), False
