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
from typing import Any, Protocol

from .certificate import CertificateInfo, instant_text
from .csr import parse_time
from .errors import InputError

__all__ = [
    "Ledger",
    "Recorded",
    "certificate_entry",
    "check_cluster",
    "check_newest",
    "current_entries",
    "read_ledger",
    "restored",
    "unreadable_text",
]

# So many lines are named in a message.
_SHOWN = 10


@dataclass
class Ledger:
    # The SHA-256 of the certificates of a CA, the newest last.
    authorities: dict[str, list[str]] = field(default_factory=dict)
    # host -> identity -> sha256 and not_before of the newest certificate.
    current: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    # When each of those CAs was first recorded, by its SHA-256.
    recorded: dict[str, str] = field(default_factory=dict)
    # Which cluster each of those CAs was made for, by its SHA-256, where it was said.
    clusters: dict[str, str] = field(default_factory=dict)
    # The numbers of lines that say nothing.
    unreadable: list[int] = field(default_factory=list)

    def since(self) -> dict[str, str]:
        """By name, from when on all that a CA has signed is known here."""
        newest = {name: known[-1] for name, known in self.authorities.items()}
        return {name: self.recorded[sha256] for name, sha256 in newest.items() if sha256 in self.recorded}


def read_ledger(lines: Iterable[bytes]) -> Ledger:
    """A line that a killed run has torn is noted and passed over."""
    ledger = Ledger()
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
            if entry["event"] == "ca":
                sha256 = str(entry["sha256"])
                ledger.authorities.setdefault(str(entry["ca"]), []).append(sha256)
                ledger.recorded.setdefault(sha256, instant_text(parse_time(str(entry["time"]))))
                if "cluster" in entry:
                    ledger.clusters.setdefault(sha256, str(entry["cluster"]))
            elif entry["event"] == "certificate":
                newest = {key: str(entry[key]) for key in ("sha256", "not_before")}
                ledger.current.setdefault(str(entry["holder"]), {})[str(entry["identity"])] = newest
        except (ValueError, KeyError, TypeError, RecursionError):
            ledger.unreadable.append(number)
    return ledger


def unreadable_text(lines: Iterable[int]) -> str:
    """Which they are and what to do, without what they hold."""
    numbers = list(lines)
    shown = ", ".join(map(str, numbers[:_SHOWN])) + (f" and {len(numbers) - _SHOWN} more" if numbers[_SHOWN:] else "")
    which = f"line {shown} says" if len(numbers) == 1 else f"lines {shown} say"
    return (
        f"{which} nothing, and what was recorded there is not known: half a line is left by a run that was killed, and "
        "is no harm; restore what is damaged from the newest backup, or take the line out"
    )


def current_entries(lines: Iterable[bytes], now: datetime.datetime) -> dict[str, Any]:
    """For people: the newest certificate of each identity, by host and name, and the newest of each CA."""
    keys = ("sha256", "subject", "issuer", "serial", "not_before", "not_after")
    found: dict[str, Any] = {"cas": {}, "recorded": {}, "certificates": {}, "unreadable": []}
    first: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
            if entry["event"] == "ca":
                name, sha256 = str(entry["ca"]), str(entry["sha256"])
                found["cas"][name] = sha256
                found["recorded"][name] = first.setdefault(sha256, instant_text(parse_time(str(entry["time"]))))
            elif entry["event"] == "certificate":
                newest: dict[str, Any] = {key: str(entry[key]) for key in keys}
                newest["seconds_left"] = int((parse_time(newest["not_after"]) - now).total_seconds())
                found["certificates"].setdefault(str(entry["holder"]), {})[str(entry["identity"])] = newest
        except (ValueError, KeyError, TypeError, RecursionError):
            found["unreadable"].append(number)
    return found


def check_newest(ledger: Ledger, name: str, directory: str, fingerprint: str) -> None:
    """A CA that was replaced once must not come back by itself: others no longer trust it, or should not."""
    known = ledger.authorities.get(name, [])
    if fingerprint not in known or known[-1] == fingerprint:
        return
    raise InputError(
        f"CA {name} in {directory} is an older one ({fingerprint[:16]}) than the newest in the ledger "
        f"({known[-1][:16]}): an old backup was restored; restore the newest one, or take this one, for one run, with "
        f"-e ca_accept_restored={name}"
    )


def check_cluster(ledger: Ledger, name: str, directory: str, fingerprint: str, cluster: str) -> None:
    """Two clusters with one CA would be one: each would let in whom the other has given a certificate."""
    known = ledger.clusters.get(fingerprint)
    if cluster and known and known != cluster:
        raise InputError(
            f"CA {name} in {directory} was made for the cluster {known}, not for {cluster}, and whoever has a "
            "certificate of one cluster would be let into the other: give each cluster a cluster_ca_directory of "
            "its own, or set cluster_name back"
        )


def restored(newest: Mapping[str, str] | None, since: str | None, certificate: CertificateInfo) -> str | None:
    """``host`` when its certificate is older than the ledger's newest, ``ca`` when it is newer than the ledger.

    Where the ledger has none, what its CA signed before it was recorded (``since``) was never to be there: the CA was
    brought, and its certificates with it.
    """
    begins = instant_text(certificate.not_before)
    if newest is None:
        return "ca" if since is not None and begins > since else None
    if newest["sha256"] == certificate.fingerprint:
        return None
    return "ca" if begins > newest["not_before"] else "host"


class Recorded(Protocol):
    """What is noted of a certificate: one that was read, or one that has just been made."""

    @property
    def authority_key_id(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def dns_names(self) -> tuple[str, ...]: ...
    @property
    def ip_addresses(self) -> tuple[str, ...]: ...
    @property
    def usages(self) -> tuple[str, ...]: ...
    @property
    def serial(self) -> int: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def not_before(self) -> datetime.datetime: ...
    @property
    def not_after(self) -> datetime.datetime: ...


def certificate_entry(
    time: str, holder: str, identity: str, issuer: str, info: Recorded, reasons: Iterable[str]
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
