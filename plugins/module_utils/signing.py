# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing with the CAs of a folder, and keeping what hosts publish."""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass
from typing import Any

from . import files, x509
from .ca_folder import PUBLISHED, Folder, Pair, is_published_name
from .domain.ca import Authority, authority_of, lifetime
from .domain.certificate import RequestInfo, instant_text
from .domain.errors import InputError
from .domain.identity import Identity, identity_of, subject_text
from .domain.ledger import certificate_entry
from .domain.pem import CERTIFICATE, Block, bundle, certificates
from .domain.reasons import CODES, Reason
from .runner import Outcome

__all__ = ["sign_requests"]


def sign_requests(
    directory: str,
    rows: list[dict[str, Any]],
    requests: list[dict[str, Any]],
    publish: dict[str, str],
    now: datetime.datetime,
    check: bool,
    wait: float,
    passphrase: bytes | None = None,
) -> Outcome:
    """Sign all requests of all hosts, and keep what hosts publish."""
    folder = Folder(directory, passphrase=passphrase)
    authorities = {authority.name: authority for authority in (authority_of(row) for row in rows)}
    wanted = [_Wanted.of(request, authorities) for request in requests]
    reasons = [_reason_of(entry) for entry in wanted] + _publish_reasons(folder, publish)
    outcome = Outcome(reasons=reasons, result={"certificates": {}, "published": folder.published()})
    if check or not reasons:
        return outcome
    if not os.path.isdir(folder.directory):
        raise InputError(f"the CA folder {folder.directory} is not there; run the role ca first")
    with files.lock(folder.directory, wait):
        folder.sweep()
        pairs = _pairs(folder, {entry.identity.issuer: entry.authority for entry in wanted}, now)
        outcome.result["certificates"], outcome.warnings = _sign_all(folder, wanted, pairs, now)
        _publish(folder, publish)
    outcome.result["published"] = folder.published()
    return outcome


@dataclass(frozen=True)
class _Wanted:
    """One request, its row and its CA, checked before anything is signed."""

    host: str
    identity: Identity
    authority: Authority
    request: RequestInfo
    why: tuple[str, ...]

    @classmethod
    def of(cls, entry: dict[str, Any], authorities: dict[str, Authority]) -> _Wanted:
        host, identity = str(entry["host"]), identity_of(entry["identity"])
        what = f"host {host}, identity {identity.name}"
        if identity.kind != "certificate":
            raise InputError(f"{what}: a {identity.kind} is not signed here")
        authority = authorities.get(identity.issuer or "")
        if authority is None:
            raise InputError(
                f"{what}: its issuer {identity.issuer} is none of the CAs {', '.join(sorted(authorities))}"
            )
        request = x509.load_request(str(entry["request"]).encode("utf-8"), what)
        if request.key.key_type != identity.key_type:
            raise InputError(f"{what}: the request has a {request.key.key_type} key, wanted is {identity.key_type}")
        why = tuple(sorted({str(r.get("code") if isinstance(r, dict) else r) for r in entry.get("reasons") or ()}))
        return cls(host, identity, authority, request, why)


def _reason_of(entry: _Wanted) -> Reason:
    name = subject_text(entry.identity.common_name, entry.identity.organizations)
    code = next((why for why in entry.why if why in CODES), "Missing")
    return Reason(code, f"{entry.identity.name}@{entry.host}", None, None, f"{name} by {entry.authority.name}")


def _publish_reasons(folder: Folder, publish: dict[str, str]) -> list[Reason]:
    present = folder.published()
    reasons = []
    for name, text in sorted(publish.items()):
        if not is_published_name(name):
            raise InputError(f"published part {name!r}: the name is not of the form identity@host")
        if present.get(name) != _normalised(name, text):
            reasons.append(Reason("PublishedChanged", name, os.path.join(folder.path(PUBLISHED), f"{name}.pem")))
    return reasons


def _normalised(name: str, text: str) -> str:
    """Public parts only: nothing but certificates or public keys may ever be published."""
    label = CERTIFICATE if f"BEGIN {CERTIFICATE}-" in text else "PUBLIC KEY"
    return bundle([text], label, f"published part {name}")


def _pairs(folder: Folder, wanted: dict[str | None, Authority], now: datetime.datetime) -> dict[str, Pair]:
    found = {}
    for authority in wanted.values():
        pair = folder.pair(authority, now)
        if pair is None:
            raise InputError(f"CA {authority.name} is not in {folder.directory}; run the role ca first")
        found[authority.name] = pair
    return found


def _sign_all(
    folder: Folder, wanted: list[_Wanted], pairs: dict[str, Pair], now: datetime.datetime
) -> tuple[dict[str, dict[str, str]], list[str]]:
    signed: dict[str, dict[str, str]] = {}
    warnings = []
    lines = []
    for entry in wanted:
        pair = pairs[entry.authority.name]
        pem, cut = _sign(pair, entry, now)
        info = x509.certificate_info(x509.load_certificate(_only(pem), entry.identity.name))
        name, issuer = entry.identity.name, entry.authority.name
        lines.append(certificate_entry(instant_text(now), entry.host, name, issuer, info, entry.why))
        signed.setdefault(entry.host, {})[entry.identity.name] = pem
        if cut:
            warnings.append(
                f"{entry.identity.name}@{entry.host} ends at {instant_text(info.not_after)}, "
                f"with its CA {entry.authority.name}, sooner than asked for"
            )
    # Before anybody gets a certificate: none is about that the ledger does not know.
    folder.record(lines)
    return signed, warnings


def _only(pem: str) -> Block:
    return certificates(pem.encode("ascii"), "the new certificate")[0]


def _sign(pair: Pair, entry: _Wanted, now: datetime.datetime) -> tuple[str, bool]:
    identity = entry.identity
    start, end, cut = lifetime(now, identity.validity, pair.info)
    leaf = x509.Leaf(
        common_name=identity.common_name,
        organizations=identity.organizations,
        dns_names=identity.dns_names,
        ip_addresses=identity.ip_addresses,
        usages=identity.usages,
        not_before=start,
        not_after=end,
    )
    return x509.issue(pair.certificate, pair.key, entry.request, leaf), cut


def _publish(folder: Folder, publish: dict[str, str]) -> None:
    """One file per public part, so that two control planes, or two runs with --limit, never replace each other's."""
    if not publish:
        return
    files.ensure_directory(folder.path(PUBLISHED), mode="0700")
    present = folder.published()
    for name, text in sorted(publish.items()):
        normalised = _normalised(name, text)
        if present.get(name) != normalised:
            files.write_atomic(
                os.path.join(folder.path(PUBLISHED), f"{name}.pem"), normalised.encode("ascii"), mode="0644"
            )
