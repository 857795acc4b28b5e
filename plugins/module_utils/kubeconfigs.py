# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubeconfigs: structure in, text out, and back. Pure; PyYAML is needed only to read."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

from . import documents
from .domain.errors import InputError
from .domain.plain import plain_text

__all__ = ["Kubeconfig", "build", "parse"]

# What an Authorization header can carry, of which nothing begins another header.
_TOKEN = re.compile(r"[!-~]*\Z")


@dataclass(frozen=True)
class Kubeconfig:
    """One cluster, one user, one context. Of CA, certificate and key either the path or the data is given."""

    server: str
    cluster_name: str = "kubernetes"
    user_name: str = "user"
    ca_path: str | None = None
    ca_data: bytes | None = None
    certificate_path: str | None = None
    certificate_data: bytes | None = None
    key_path: str | None = None
    key_data: bytes | None = None
    token: str | None = None
    context_name: str | None = None

    def __repr__(self) -> str:
        """Without key and token."""
        return f"Kubeconfig({self.user_name}@{self.cluster_name}, {self.server})"


def build(config: Kubeconfig) -> bytes:
    context = config.context_name or f"{config.user_name}@{config.cluster_name}"
    cluster = _present(
        **{
            "certificate-authority": config.ca_path,
            "certificate-authority-data": _encode(config.ca_data),
            "server": config.server,
        }
    )
    user = _present(
        **{
            "client-certificate": config.certificate_path,
            "client-certificate-data": _encode(config.certificate_data),
            "client-key": config.key_path,
            "client-key-data": _encode(config.key_data),
            "token": config.token,
        }
    )
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": config.cluster_name, "cluster": cluster}],
        "contexts": [{"name": context, "context": {"cluster": config.cluster_name, "user": config.user_name}}],
        "current-context": context,
        "users": [{"name": config.user_name, "user": user}],
    }
    return "".join(line + "\n" for line in _emit(document, "")).encode("ascii")


def _present(**values: str | None) -> dict[str, str]:
    return {key: value for key, value in values.items() if value is not None}


def _encode(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode("ascii")


def _emit(value: dict[str, Any], indent: str) -> list[str]:
    """Block YAML of dicts, lists of dicts and strings; a JSON string is a YAML string."""
    lines = []
    for key, entry in value.items():
        if isinstance(entry, dict):
            lines += [f"{indent}{key}:", *_emit(entry, indent + "  ")]
        elif isinstance(entry, list):
            lines.append(f"{indent}{key}:")
            for item in entry:
                first, *rest = _emit(item, indent + "    ")
                lines += [f"{indent}  - {first.strip()}", *rest]
        else:
            lines.append(f"{indent}{key}: {json.dumps(entry)}")
    return lines


def parse(data: bytes, what: str) -> Kubeconfig:
    """The cluster and user of the current context."""
    document = _document(data, what)
    try:
        context_name = document.get("current-context") or document["contexts"][0]["name"]
        context = _named(document["contexts"], context_name)["context"]
        cluster = _named(document["clusters"], context["cluster"])["cluster"]
        user = _named(document.get("users") or [], context.get("user")).get("user") or {}
        return Kubeconfig(
            server=_server(cluster["server"], what),
            cluster_name=plain_text(context["cluster"]),
            user_name=plain_text(context.get("user")),
            context_name=plain_text(context_name),
            ca_path=_path(cluster.get("certificate-authority")),
            ca_data=_decode(cluster.get("certificate-authority-data")),
            certificate_path=_path(user.get("client-certificate")),
            certificate_data=_decode(user.get("client-certificate-data")),
            key_path=_path(user.get("client-key")),
            key_data=_decode(user.get("client-key-data")),
            token=_token(user.get("token"), what),
        )
    except (KeyError, IndexError, TypeError, AttributeError, binascii.Error, ValueError):
        raise InputError(f"{what}: not a kubeconfig with a current context") from None


def _document(data: bytes, what: str) -> dict[str, Any]:
    document = documents.load(data, what)
    if not isinstance(document, dict) or document.get("kind") != "Config":
        raise InputError(f"{what}: not a kubeconfig")
    return document


def _named(entries: list[dict[str, Any]], name: str | None) -> dict[str, Any]:
    return next(entry for entry in [*entries, {"name": name}] if entry.get("name") == name)


def _server(value: Any, what: str) -> str:
    """Shown wherever the API server is spoken of, so that a password in it would be."""
    server = plain_text(value)
    if "@" in server:
        raise InputError(
            f"{what}: the address of the server holds a user name or a password, which is not used: write "
            "https://<host>:<port>, and give the user a client certificate or a token"
        )
    return server


def _token(value: Any, what: str) -> str | None:
    if value is None or (isinstance(value, str) and _TOKEN.match(value)):
        return value
    raise InputError(
        f"{what}: the user's token is no text of printable ASCII characters without spaces: write it in quotes, and "
        "without a line break at its end"
    )


def _path(value: Any) -> str | None:
    if value is not None and (not isinstance(value, str) or "\0" in value):
        raise ValueError("no path")
    return value


def _decode(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text, validate=True)
