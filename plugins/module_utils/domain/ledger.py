# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ledger of the CA host says: which CAs there have been, and which certificate of an identity is the newest.

It is only ever appended to, so the last line of a thing is the current one.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .certificate import CertificateInfo, instant_text
from .csr import parse_time
from .errors import InputError

__all__ = ["Ledger", "certificate_entry", "check_newest", "current_entries", "read_ledger", "restored"]


@dataclass
class Ledger:
    # The SHA-256 of the certificates of a CA, the newest last.
    authorities: dict[str, list[str]] = field(default_factory=dict)
    # host -> identity -> sha256 and not_before of the newest certificate.
    current: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    unreadable: int = 0


def read_ledger(lines: Iterable[bytes]) -> Ledger:
    """A line that a killed run has torn is counted and passed over."""
    ledger = Ledger()
    for line in lines:
        try:
            entry = json.loads(line)
            if entry["event"] == "ca":
                ledger.authorities.setdefault(str(entry["ca"]), []).append(str(entry["sha256"]))
            elif entry["event"] == "certificate":
                newest = {key: str(entry[key]) for key in ("sha256", "not_before")}
                ledger.current.setdefault(str(entry["holder"]), {})[str(entry["identity"])] = newest
        except (ValueError, KeyError, TypeError, RecursionError):
            ledger.unreadable += 1
    return ledger


def current_entries(lines: Iterable[bytes], now: datetime.datetime) -> dict[str, Any]:
    """For people: the newest certificate of each identity, by host and name, and the newest of each CA."""
    keys = ("sha256", "subject", "issuer", "serial", "not_before", "not_after")
    found: dict[str, Any] = {"cas": {}, "certificates": {}, "unreadable": 0}
    for line in lines:
        try:
            entry = json.loads(line)
            if entry["event"] == "ca":
                found["cas"][str(entry["ca"])] = str(entry["sha256"])
            elif entry["event"] == "certificate":
                newest: dict[str, Any] = {key: str(entry[key]) for key in keys}
                newest["seconds_left"] = int((parse_time(newest["not_after"]) - now).total_seconds())
                found["certificates"].setdefault(str(entry["holder"]), {})[str(entry["identity"])] = newest
        except (ValueError, KeyError, TypeError, RecursionError):
            found["unreadable"] += 1
    return found


def check_newest(ledger: Ledger, name: str, directory: str, fingerprint: str) -> None:
    """A CA that was replaced once must not come back by itself: others no longer trust it, or should not."""
    known = ledger.authorities.get(name, [])
    if fingerprint not in known or known[-1] == fingerprint:
        return
    raise InputError(
        f"CA {name} in {directory} is an older one ({fingerprint[:16]}) than the newest in the ledger "
        f"({known[-1][:16]}): an old backup was restored; restore the newest one, or name the CA in accept_restored"
    )


def restored(newest: Mapping[str, str] | None, certificate: CertificateInfo) -> str | None:
    """``host`` when its certificate is older than the ledger's newest, ``ca`` when it is newer than the ledger."""
    if newest is None or newest["sha256"] == certificate.fingerprint:
        return None
    return "ca" if instant_text(certificate.not_before) > newest["not_before"] else "host"


def certificate_entry(
    time: str, holder: str, identity: str, issuer: str, info: CertificateInfo, reasons: Iterable[str]
) -> dict[str, Any]:
    return {
        "time": time,
        "event": "certificate",
        "holder": holder,
        "identity": identity,
        "issuer": issuer,
        "issuer_key_id": info.authority_key_id,
        "subject": info.subject,
        "dns_names": list(info.dns_names),
        "ip_addresses": list(info.ip_addresses),
        "usages": list(info.usages),
        "serial": f"{info.serial:x}",
        "sha256": info.fingerprint,
        "not_before": instant_text(info.not_before),
        "not_after": instant_text(info.not_after),
        "reasons": list(reasons),
    }
