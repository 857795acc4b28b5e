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
from .domain.answers import Waiting, waiting_text
from .domain.ca import Authority, authority_of, lifetime, usage_problems
from .domain.certificate import RequestInfo, instant_text
from .domain.errors import InputError, given
from .domain.findings import Findings
from .domain.identity import Identity, identity_of, subject_text
from .domain.ledger import Recorded, certificate_entry
from .domain.pem import CERTIFICATE, bundle
from .domain.reasons import CODES, Reason
from .elsewhere import Answer, Elsewhere, answered_leaf
from .runner import Outcome

__all__ = ["sign_requests"]

_SIGN_LEAF = "Have each signed as it asks for: public key, subject, names, usages; with an authority key identifier."


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
    folder.refuse_foreign(authorities.values())
    every = [_Wanted.of(request, authorities) for request in requests]
    wanted = [entry for entry in every if entry.authority.signs]
    others = _Others.look(folder, [entry for entry in every if not entry.authority.signs], now)
    reasons = [_reason_of(entry) for entry in wanted] + others.reasons + _publish_reasons(folder, publish)
    message = waiting_text(others.waiting, "request", _SIGN_LEAF)
    outcome = Outcome(
        reasons=reasons,
        result={
            # In check mode too: they are there already, and a check of the hosts says what they bring.
            "certificates": others.certificates(),
            "published": folder.published(),
            "waiting": [entry.as_dict() for entry in others.waiting],
            "waiting_message": message,
        },
        warnings=[f"a run would stop here: {message}"] if check and message else [],
    )
    if check or not reasons:
        return outcome
    if not os.path.isdir(folder.directory):
        raise InputError(f"the CA folder {folder.directory} is not there; run the role ca first")
    with files.lock(folder.directory, wait):
        folder.sweep(authorities.values())
        pairs = _pairs(folder, {entry.identity.issuer: entry.authority for entry in wanted}, now)
        _refuse_usages(wanted, pairs)
        signed, outcome.warnings = _sign_all(folder, wanted, pairs, now)
        for host, found in signed.items():
            outcome.result["certificates"].setdefault(host, {}).update(found)
        others.apply(now)
        _publish(folder, publish)
    outcome.result["published"] = folder.published()
    return outcome


@dataclass(frozen=True)
class _Wanted:
    """One request, its row and its CA, checked before anything is signed."""

    host: str
    identity: Identity
    authority: Authority
    # None in check mode, where the key is not made yet and somebody else will sign.
    request: RequestInfo | None
    text: str
    why: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.identity.name}@{self.host}"

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
        # One that comes from this very process has no text.
        asked, text = entry["request"], ""
        request: RequestInfo | None = asked if isinstance(asked, RequestInfo) else None
        if request is None:
            text = str(asked)
            known = text or authority.signs
            request = x509.load_request(text.encode("utf-8"), what) if known else None
        if request is not None and request.key.key_type != identity.key_type:
            raise InputError(f"{what}: the request has a {request.key.key_type} key, wanted is {identity.key_type}")
        why = tuple(sorted({str(r.get("code") if isinstance(r, dict) else r) for r in entry.get("reasons") or ()}))
        return cls(host, identity, authority, request, text, why)


def _reason_of(entry: _Wanted) -> Reason:
    name = subject_text(entry.identity.common_name, entry.identity.organizations)
    code = next((why for why in entry.why if why in CODES), "Missing")
    return Reason(code, entry.name, None, None, f"{name} by {entry.authority.name}")


class _Others:
    """Requests that somebody else signs: those that are answered, and those that wait."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._elsewhere = Elsewhere(folder)
        self._answered: list[tuple[_Wanted, Answer, bool]] = []
        self._asking: list[_Wanted] = []
        self.waiting: list[Waiting] = []
        self.reasons: list[Reason] = []

    @classmethod
    def look(cls, folder: Folder, wanted: list[_Wanted], now: datetime.datetime) -> _Others:
        """Read only. Every answer that is wrong is named, all of them at once, before anything is done."""
        others, findings = cls(folder), Findings()
        if wanted:
            pairs = _pairs(folder, {entry.authority.name: entry.authority for entry in wanted}, now)
            current = folder.ledger().current
            for entry in wanted:
                newest = current.get(entry.host, {}).get(entry.identity.name, {}).get("sha256")
                others._look_at(entry, pairs[entry.authority.name], newest, now, findings)
        findings.raise_any()
        return others

    def _look_at(
        self, entry: _Wanted, pair: Pair, newest: str | None, now: datetime.datetime, findings: Findings
    ) -> None:
        if not is_published_name(entry.name):
            findings.add(f"{entry.name}: a request cannot have that name; give the host another one in the inventory")
            return
        file, answer = _file(entry), None
        if entry.request is not None:
            answer = answered_leaf(
                self._elsewhere, file, entry.identity, entry.request.key, pair.certificate, newest, now, findings
            )
        if answer is not None:
            self._take(entry, answer, answer.info.fingerprint != newest)
            return
        self.waiting.append(self._elsewhere.waiting(file, entry.authority.name))
        what = f"{subject_text(entry.identity.common_name, entry.identity.organizations)} by {entry.authority.name}"
        reasons = self._elsewhere.request_reasons(file, entry.name, entry.text or None, what)
        if reasons:
            self._asking.append(entry)
            self.reasons += reasons

    def _take(self, entry: _Wanted, answer: Answer, new: bool) -> None:
        """One that the ledger knows was taken in by a run that was stopped before the host had it."""
        self._answered.append((entry, answer, new))
        path = self._elsewhere.request_path(_file(entry))
        asked = files.state_of(path).exists
        if new or asked:
            left = (path,) if asked else (answer.path,)
            self.reasons.append(Reason("Answered", entry.name, answer.path, None, answer.info.short(), files=left))

    def certificates(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for entry, answer, _new in self._answered:
            found.setdefault(entry.host, {})[entry.identity.name] = answer.block.text()
        return found

    def apply(self, now: datetime.datetime) -> None:
        taken = [(entry, answer.info) for entry, answer, new in self._answered if new]
        self._folder.record([_entry(entry, info, now) for entry, info in taken])
        for entry, _answer, _new in self._answered:
            self._elsewhere.drop_request(_file(entry))
        for entry in self._asking:
            self._elsewhere.keep_request(_file(entry), entry.text)


def _file(entry: _Wanted) -> str:
    return os.path.join(entry.authority.name, entry.name)


def _entry(entry: _Wanted, info: Recorded, now: datetime.datetime) -> dict[str, Any]:
    time, name, issuer = instant_text(now), entry.identity.name, entry.authority.name
    return certificate_entry(time, entry.host, name, issuer, info, entry.why)


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


def _refuse_usages(wanted: list[_Wanted], pairs: dict[str, Pair]) -> None:
    """Whoever wrote the rows of the CAs may have left out what one of them is asked for."""
    for entry in wanted:
        problems = usage_problems(pairs[entry.authority.name].info, entry.identity.usages)
        if problems:
            raise InputError(f"{entry.name}, CA {entry.authority.name}: {'; '.join(problems)}")


def _sign_all(
    folder: Folder, wanted: list[_Wanted], pairs: dict[str, Pair], now: datetime.datetime
) -> tuple[dict[str, dict[str, str]], list[str]]:
    signed: dict[str, dict[str, str]] = {}
    warnings = []
    lines = []
    for entry in wanted:
        pair = pairs[entry.authority.name]
        issued, cut = _sign(pair, entry, now)
        lines.append(_entry(entry, issued, now))
        signed.setdefault(entry.host, {})[entry.identity.name] = issued.pem
        if cut:
            warnings.append(
                f"{entry.name} ends at {instant_text(issued.not_after)}, "
                f"with its CA {entry.authority.name}, sooner than asked for"
            )
    # Before anybody gets a certificate: none is about that the ledger does not know.
    folder.record(lines)
    return signed, warnings


def _sign(pair: Pair, entry: _Wanted, now: datetime.datetime) -> tuple[x509.Issued, bool]:
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
    return x509.issue(pair.certificate, given(pair.key), given(entry.request), leaf), cut


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
