# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where something serves TLS: ``host:port``, or ``https://host:port`` of an API server."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .errors import InputError

__all__ = ["Endpoint", "EndpointSeen", "endpoint_of", "host_and_port"]

_ADDRESS = re.compile(
    r"(?:\[(?P<literal>[0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|(?P<host>[\w.-]{1,253})):(?P<port>[0-9]{1,5})\Z", re.ASCII
)


@dataclass(frozen=True)
class Endpoint:
    """`address` as the user wrote it."""

    address: str
    host: str
    port: int
    server_name: str


@dataclass(frozen=True)
class EndpointSeen:
    """What came of asking one.

    `problem`: unresolved, unreachable, untrusted, expired, or nothing; `text` says it. `date`: its clock.
    """

    problem: str = ""
    text: str = ""
    date: datetime.datetime | None = None


def endpoint_of(row: dict[str, Any]) -> Endpoint:
    """Of a row with `address` and, where it is not the host of the address, `server_name`."""
    address = str(row["address"])
    match = _ADDRESS.match(address.strip())
    port = int(match["port"]) if match else 0
    if match is None or not 0 < port < 65536:
        raise InputError(
            f"endpoint {address!r} is not host:port; write 192.0.2.1:6443, [2001:db8::1]:6443 or api.example.org:443"
        )
    host = match["literal"] or match["host"]
    return Endpoint(address, host, port, str(row.get("server_name") or host))


def host_and_port(server: str, where: str) -> tuple[str, int]:
    """Of the address of an API server. What is none is not shown: it may hold a password."""
    try:
        parts = urlsplit(server)
        host, port = parts.hostname, 443 if parts.port is None else parts.port
    except ValueError:
        host, port = None, 0
    if not host or not port or "@" in server or not server.startswith("https://"):
        raise InputError(f"{where}: the address of the API server is not like https://<host>:<port>")
    return host, port
