# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CertificateSigningRequest objects of the API, as they lie in a file, to be shown."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from .csr import CREDENTIAL_ID
from .errors import InputError
from .plain import plain_text

__all__ = ["described", "embedded", "objects_in"]

KIND = "CertificateSigningRequest"
_STATES = ("Failed", "Denied", "Approved")


def objects_in(document: Any, what: str) -> list[dict[str, Any]]:
    """The objects of a document that is one, or a list of them as `kubectl get csr -o yaml` writes it."""
    items = document.get("items") if isinstance(document, dict) and "items" in document else [document]
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise InputError(f"{what}: not a list of objects")
    found = [item for item in items if item.get("kind", KIND) == KIND]
    if not found or not all(isinstance(item.get("spec"), dict) for item in found):
        raise InputError(f"{what}: no CertificateSigningRequest with a spec in it")
    return found


def described(item: dict[str, Any], what: str) -> dict[str, Any]:
    """What it says of itself, without the request and the certificate in it."""
    try:
        return _described(item)
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{what}: a field of a CertificateSigningRequest is of another kind than the API's") from None


def _described(item: dict[str, Any]) -> dict[str, Any]:
    metadata, spec, status = _dict(item.get("metadata")), item["spec"], _dict(item.get("status"))
    conditions = [_condition(entry) for entry in status.get("conditions") or [] if isinstance(entry, dict)]
    types = [condition["type"] for condition in conditions]
    state = next((kind for kind in _STATES if kind in types), "Pending")
    credential = _dict(spec.get("extra")).get(CREDENTIAL_ID) or [None]
    return {
        "name": _text(metadata.get("name")),
        "created": _text(metadata.get("creationTimestamp")),
        "signer": _text(spec.get("signerName")),
        "requester": _text(spec.get("username")),
        "requester_groups": [plain_text(group) for group in spec.get("groups") or []],
        "credential_id": None if credential[0] is None else plain_text(credential[0]),
        "usages": [plain_text(usage) for usage in spec.get("usages") or []],
        "expiration_seconds": spec.get("expirationSeconds"),
        "conditions": conditions,
        "state": "Issued" if state == "Approved" and status.get("certificate") else state,
    }


def embedded(item: dict[str, Any], what: str) -> tuple[bytes, bytes]:
    """The request, and the certificate that was issued, empty where there is none."""
    request, certificate = item["spec"].get("request"), _dict(item.get("status")).get("certificate")
    try:
        return base64.b64decode(plain_text(request or ""), validate=True), base64.b64decode(
            plain_text(certificate or ""), validate=True
        )
    except (binascii.Error, ValueError):
        raise InputError(f"{what}: the request or the certificate in it is no base64") from None


def _condition(entry: dict[str, Any]) -> dict[str, str]:
    keys = ("type", "status", "reason", "message")
    time = entry.get("lastTransitionTime") or entry.get("lastUpdateTime")
    return {**{key: _text(entry.get(key)) for key in keys}, "time": _text(time)}


def _text(value: Any) -> str:
    """YAML makes datetimes of times that are not quoted."""
    if value is None:
        return ""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if hasattr(value, "strftime") else plain_text(value)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
