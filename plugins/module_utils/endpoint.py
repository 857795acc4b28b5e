# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at the API server as a kubelet of this host will see it. Nothing is sent to it."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

from .domain.errors import InputError
from .trust import client_context

__all__ = ["check_endpoint"]

TIMEOUT = 5.0


def check_endpoint(server: str, ca_path: str) -> None:
    """Refuse what shows a certificate that the CA does not vouch for. One that does not answer may do so later."""
    parts = urlsplit(server)
    host = parts.hostname or ""
    try:
        context = client_context(ca_path)
    except ssl.SSLError as error:
        raise InputError(
            f"{ca_path}: no CA certificate can be read ({error.reason}); the playbook `pki` mends it"
        ) from None
    try:
        with socket.create_connection((host, parts.port or 443), TIMEOUT) as plain:
            context.wrap_socket(plain, server_hostname=host).close()
    except ssl.CertificateError as error:
        raise InputError(
            f"{server} shows a certificate that is not trusted ({getattr(error, 'verify_message', None) or error}): "
            f"either it is another server, or {ca_path} is not its CA or the address not among its names; a kubelet "
            "would not join there, so nothing was done"
        ) from None
    except OSError:
        return
