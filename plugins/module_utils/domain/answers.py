# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a certificate that somebody else has signed is the one that was asked for, and what to say while none is."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from .ca import Authority, extension_problems
from .certificate import CertificateInfo, KeyInfo, instant_text
from .durations import format_duration
from .identity import WEAK_HASHES, Found, Identity, compare, subject_text
from .reasons import Reason

__all__ = ["Waiting", "authority_problems", "leaf_problems", "waiting_text"]

# Some CAs round up, and all date back.
_ROUNDED = datetime.timedelta(days=1)
_PHRASES = {
    "KeyMismatch": "its public key is not that of the request",
    "KeyTypeChanged": "its key is {old}, asked was for {new}",
    "IssuerChanged": "it is not signed by {new}, by signature and key identifier, but by {old}",
    "SubjectChanged": "its subject is {old}, asked was for {new}",
    "SANsChanged": "of its names {old} was not asked for, and {new} is missing",
    "UsagesChanged": "its usages are {old}, asked was for {new}",
    "ConstraintsChanged": "its basic constraints say {old}, asked was for CA:FALSE",
    "SignatureWeak": "it is signed with {old}",
    "Expired": "it ended at {old}",
    "NotYetValid": "it is valid from {old} only",
    "OutlivesIssuer": "it ends at {old}, after its CA, which ends at {new}",
    "Expiring": "it ends at {old}, so soon that the next run would ask for another one (renew_before)",
}


def leaf_problems(
    identity: Identity,
    certificate: CertificateInfo,
    key: KeyInfo,
    issuer: CertificateInfo,
    issued: bool,
    now: datetime.datetime,
) -> list[str]:
    """All that differs from the request; the same comparison as that of what lies on hosts."""
    reasons = compare(identity, Found(certificate, key=key, issued=issued), issuer, now)
    problems = [_phrase(reason) for reason in reasons]
    return problems + extension_problems(certificate) + _too_long(certificate, identity.validity)


def _phrase(reason: Reason) -> str:
    return _PHRASES[reason.code].format(old=reason.old or "nothing", new=reason.new or "nothing")


def _too_long(certificate: CertificateInfo, validity: int) -> list[str]:
    life = certificate.not_after - certificate.not_before
    if life <= datetime.timedelta(seconds=validity) + _ROUNDED:
        return []
    lives, asked = (format_duration(int(seconds)) for seconds in (life.total_seconds(), validity))
    return [f"it lives for {lives}, asked was for {asked} at the most"]


def authority_problems(
    authority: Authority,
    certificate: CertificateInfo,
    key: KeyInfo,
    root: CertificateInfo,
    issued: bool,
    now: datetime.datetime,
) -> list[str]:
    """All that differs from what was asked of the root."""
    wanted = subject_text(authority.common_name, ())
    found = subject_text(certificate.common_name, certificate.organizations)
    usages = set(certificate.key_usages)
    length = "unlimited" if certificate.path_length is None else certificate.path_length
    end, last = instant_text(certificate.not_after), instant_text(root.not_after)
    checks = (
        (certificate.key != key, "its public key is not that of the request"),
        (not issued, f"it is not signed by {root.subject}, by signature and key identifier"),
        (found != wanted or certificate.other_subject, f"its subject is {certificate.subject}, asked was for {wanted}"),
        (certificate.version != 3, "it is an X.509 v1 certificate"),
        (certificate.is_ca is not True, "it has no basicConstraints CA:TRUE"),
        (
            bool(certificate.is_ca) and certificate.path_length != 0,
            f"its path length is {length}, asked was for 0",
        ),
        (
            usages != {"cert sign", "crl sign"},
            f"its keyUsage is {', '.join(sorted(usages)) or 'nothing'}, asked was for cert sign, crl sign",
        ),
        (bool(certificate.usages), f"it is good for {', '.join(certificate.usages)} alone"),
        (not certificate.subject_key_id, "it has no subject key identifier"),
        (certificate.signature_hash in WEAK_HASHES, f"it is signed with {certificate.signature_hash}"),
        (certificate.not_after <= now, f"it ended at {end}"),
        (certificate.not_before > now, f"it is valid from {instant_text(certificate.not_before)} only"),
        (certificate.not_after > root.not_after, f"it ends at {end}, after its root, which ends at {last}"),
    )
    problems = [text for wrong, text in checks if wrong] + extension_problems(certificate)
    return problems + _too_long(certificate, authority.validity)


@dataclass(frozen=True)
class Waiting:
    """A request that has not been answered: who has to sign it, where it lies and where the answer belongs."""

    name: str
    issuer: str
    request: str
    certificate: str

    def as_dict(self) -> dict[str, str]:
        return {
            "name": self.name,
            "issuer": self.issuer,
            "request": self.request,
            "certificate": self.certificate,
        }


def waiting_text(waiting: list[Waiting], noun: str, how: str) -> str:
    """One message for all that waits."""
    if not waiting:
        return ""
    folders: dict[tuple[str, str, str], int] = {}
    for entry in waiting:
        place = (entry.issuer, _folder(entry.request), _folder(entry.certificate))
        folders[place] = folders.get(place, 0) + 1
    places = [
        f"{count} in {requests} by {issuer}, whose certificates belong into {answers}"
        for (issuer, requests, answers), count in folders.items()
    ]
    many = f"1 {noun} has" if len(waiting) == 1 else f"{len(waiting)} {noun}s have"
    return (
        f"{many} to be signed by somebody else first: {'; '.join(places)}. {how} Each certificate gets the name of its "
        "request, with .crt in the place of .csr. Then run this again: it goes on from there"
    )


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
