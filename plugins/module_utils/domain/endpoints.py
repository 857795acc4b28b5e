# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where something serves TLS: ``host:port``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .errors import InputError

__all__ = ["Endpoint", "endpoint_of"]

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
