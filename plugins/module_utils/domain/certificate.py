# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What certificates, keys and requests say, in plain types."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from .durations import time_left

__all__ = ["KEY_TYPES", "CertificateInfo", "KeyInfo", "RequestInfo", "instant_text"]

# Of the keys that are made, and of those that are accepted.
KEY_TYPES = ("ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "rsa-4096")


def instant_text(instant: datetime.datetime) -> str:
    return instant.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class KeyInfo:
    """The kind of a key, and the SHA-256 of its SubjectPublicKeyInfo, by which keys are compared."""

    key_type: str
    public_key_sha256: str
    size: int = 0


@dataclass(frozen=True)
class RequestInfo:
    common_name: str
    organizations: tuple[str, ...]
    key: KeyInfo
    public_key: Any


@dataclass(frozen=True)
class CertificateInfo:
    common_name: str
    organizations: tuple[str, ...]
    other_subject: bool
    subject: str
    issuer: str
    dns_names: tuple[str, ...]
    ip_addresses: tuple[str, ...]
    other_names: int
    usages: tuple[str, ...]
    key_usages: tuple[str, ...]
    is_ca: bool | None
    path_length: int | None
    not_before: datetime.datetime
    not_after: datetime.datetime
    serial: int
    key: KeyInfo
    subject_key_id: str
    authority_key_id: str
    fingerprint: str
    signature_hash: str
    version: int
    # Extensions that narrow what is signed with it, by name.
    narrowing: tuple[str, ...] = ()
    # Critical extensions that readers do not know, by OID: they refuse whatever has one above it.
    unknown_critical: tuple[str, ...] = ()
    # None where it has no basicConstraints.
    constraints_critical: bool | None = None

    @property
    def self_signed(self) -> bool:
        """By its names; whether the signature is its own shows where it is verified."""
        return self.subject == self.issuer and self.authority_key_id in ("", self.subject_key_id)

    def short(self) -> str:
        """For messages and diffs: which certificate, until when."""
        return f"{self.fingerprint[:16]} until {instant_text(self.not_after)}"

    def as_dict(self, now: datetime.datetime) -> dict[str, Any]:
        seconds_left = int((self.not_after - now).total_seconds())
        return {
            "subject": self.subject,
            "common_name": self.common_name,
            "organizations": list(self.organizations),
            "issuer": self.issuer,
            "dns_names": list(self.dns_names),
            "ip_addresses": list(self.ip_addresses),
            "usages": list(self.usages),
            "key_usages": list(self.key_usages),
            "is_ca": bool(self.is_ca),
            "path_length": self.path_length,
            "not_before": instant_text(self.not_before),
            "not_after": instant_text(self.not_after),
            "seconds_left": seconds_left,
            "time_left": time_left(seconds_left),
            "serial": f"{self.serial:x}",
            "key_type": self.key.key_type,
            "public_key_sha256": self.key.public_key_sha256,
            "subject_key_id": self.subject_key_id,
            "authority_key_id": self.authority_key_id,
            "fingerprint_sha256": self.fingerprint,
            "signature_hash": self.signature_hash,
        }
