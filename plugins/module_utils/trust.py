# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a client of ours trusts: the CAs of a file, be they below another one."""

from __future__ import annotations

import ssl

__all__ = ["PARTIAL_CHAIN", "client_context"]

# Go takes every certificate of a file for an anchor, and so does Python since 3.13; OpenSSL wants the root by itself.
# X509_V_FLAG_PARTIAL_CHAIN, which ssl names since Python 3.10.
PARTIAL_CHAIN = 0x80000


def client_context(ca: str | None) -> ssl.SSLContext:
    """Without a file nobody is trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= PARTIAL_CHAIN
    if ca:
        context.load_verify_locations(cafile=ca)
    return context
