# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of the CAs: making them, signing with them, and the ledger of what they signed.

<folder>/                 0700, one lock
  kubernetes-ca.{crt,key} the pairs, keys 0600
  published/<X@host>.pem  public parts that were born on hosts: signing CAs, service-account keys
  ledger.jsonl            one line per certificate issued, only ever appended to
"""

from __future__ import annotations

import datetime
import json
import os
import re
from dataclasses import dataclass, field
from typing import Any

from . import files, x509
from .domain.ca import Authority, authority_of, check_authority, ending_soon, lifetime
from .domain.certificate import CertificateInfo, RequestInfo, instant_text
from .domain.errors import InputError, given
from .domain.identity import Identity, end_text, identity_of, subject_text
from .domain.pem import CERTIFICATE, Block, bundle, certificates
from .domain.reasons import CODES, Reason
from .runner import Outcome

__all__ = ["LEDGER", "PUBLISHED", "ensure_authorities", "sign_requests"]

LEDGER = "ledger.jsonl"
PENDING = ".pending"
PUBLISHED = "published"
_PUBLISHED_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*@[A-Za-z0-9_][A-Za-z0-9_.:-]*")


@dataclass(frozen=True)
class Pair:
    """A CA as it was read from the folder."""

    authority: Authority
    pem: str
    certificate: Any
    info: CertificateInfo
    key: x509.PrivateKey
    normalised: bool = True


class Folder:
    def __init__(self, directory: str, mode: str = "0700") -> None:
        self.directory = os.path.abspath(directory)
        self.mode = mode

    def path(self, name: str) -> str:
        return os.path.join(self.directory, name)

    def files(self, authority: Authority) -> tuple[str, ...]:
        return self.path(authority.key_file), self.path(authority.certificate_file)

    def pair(self, authority: Authority, now: datetime.datetime) -> Pair | None:
        """The CA when both halves are there and serve; half a CA is refused, never made whole with a new key."""
        certificate_path, key_path = self.path(authority.certificate_file), self.path(authority.key_file)
        certificate, key = files.read(certificate_path), files.read(key_path)
        if certificate is None and key is None:
            return None
        if certificate is None or key is None:
            there, gone = (key_path, certificate_path) if certificate is None else (certificate_path, key_path)
            raise InputError(
                f"CA {authority.name}: {there} is there, {gone} is not; restore it from a backup "
                "(a CA key is never replaced by itself)"
            )
        return self._read_pair(authority, certificate, key, now)

    def _read_pair(self, authority: Authority, certificate: bytes, key: bytes, now: datetime.datetime) -> Pair:
        certificate_path, key_path = self.path(authority.certificate_file), self.path(authority.key_file)
        found = certificates(certificate, certificate_path)
        if len(found) != 1:
            # The controller-manager refuses a signing file with more than one, and kubeadm reads the first only.
            raise InputError(f"{certificate_path}: {len(found)} certificates where the CA's own alone belongs")
        loaded = x509.load_certificate(found[0], certificate_path)
        info = x509.certificate_info(loaded)
        private = x509.load_private_key(key, key_path)
        check_authority(f"CA {authority.name} in {self.directory}", info, private.info, now)
        pem = found[0].text()
        return Pair(authority, pem, loaded, info, private, certificate == pem.encode("ascii"))

    def published(self) -> dict[str, str]:
        directory = self.path(PUBLISHED)
        if not os.path.isdir(directory):
            return {}
        found = {}
        for entry in sorted(os.listdir(directory)):
            name, suffix = os.path.splitext(entry)
            if suffix == ".pem" and _PUBLISHED_NAME.fullmatch(name):
                data = files.read(os.path.join(directory, entry))
                found[name] = (data or b"").decode("utf-8", "replace")
        return found

    def sweep(self) -> None:
        """What killed writers left; called under the lock."""
        for directory in (self.directory, self.path(PENDING), self.path(PUBLISHED)):
            files.sweep(directory)

    def record(self, entries: list[dict[str, Any]]) -> None:
        """One append and one sync for a whole batch."""
        lines = [json.dumps(entry, sort_keys=True, ensure_ascii=True) for entry in entries]
        if lines:
            files.append_line(self.path(LEDGER), "\n".join(lines))


# ---- module ca


def ensure_authorities(
    directory: str, rows: list[dict[str, Any]], mode: str, now: datetime.datetime, check: bool, wait: float
) -> Outcome:
    """Make the CAs that are not there; report those that are, and what hosts have published."""
    folder = Folder(directory, mode)
    authorities = [authority_of(row) for row in rows]
    _refuse_shared_files(authorities)
    folder_reasons = _folder_reasons(folder)
    # Settled folders and checks are read without the lock, so that they never wait for a run.
    seen = _glance(folder, authorities, now, check)
    if seen is None or ((seen.reasons or folder_reasons) and not check):
        files.ensure_directory(folder.directory, mode=folder.mode)
        with files.lock(folder.directory, wait):
            # Another run may have made them meanwhile.
            seen = _compare(folder, authorities, now)
            _apply(folder, seen, now)
    return Outcome(
        reasons=folder_reasons + seen.reasons,
        result={
            "certificates": {name: pair.pem for name, pair in seen.pairs.items()},
            "published": folder.published(),
            "directory": folder.directory,
        },
        warnings=seen.warnings,
    )


@dataclass
class _Seen:
    """The CAs of the folder, compared with what is wanted."""

    reasons: list[Reason] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    pairs: dict[str, Pair] = field(default_factory=dict)
    missing: list[Authority] = field(default_factory=list)
    interrupted: list[Authority] = field(default_factory=list)
    leftovers: list[Authority] = field(default_factory=list)


def _glance(folder: Folder, authorities: list[Authority], now: datetime.datetime, check: bool) -> _Seen | None:
    """A look without the lock. What it would refuse may be another run's half-way state: None, look again."""
    try:
        return _compare(folder, authorities, now)
    except InputError:
        if check or not os.path.isdir(folder.directory):
            raise
        return None


def _refuse_shared_files(authorities: list[Authority]) -> None:
    names = [name for authority in authorities for name in (authority.certificate_file, authority.key_file)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"two CAs share the file {', '.join(twice)}; give each its own")


def _compare(folder: Folder, authorities: list[Authority], now: datetime.datetime) -> _Seen:
    seen = _Seen()
    for authority in authorities:
        path = folder.path(authority.certificate_file)
        waiting = [os.path.exists(_pending(folder, authority, suffix)) for suffix in ("key", "crt")]
        if all(waiting) and _is_interrupted(folder, authority):
            seen.interrupted.append(authority)
            seen.reasons.append(Reason("Interrupted", authority.name, path, files=folder.files(authority)))
            continue
        pair = folder.pair(authority, now)
        if pair is None:
            seen.missing.append(authority)
            seen.reasons.append(_missing(folder, authority, now))
            continue
        seen.pairs[authority.name] = pair
        seen.reasons += _pair_attributes(folder, pair)
        warning = ending_soon(authority.name, pair.info, now)
        seen.warnings += [warning] if warning else []
        if any(waiting):
            seen.leftovers.append(authority)
            left = tuple(_pending(folder, authority, s) for s, there in zip(("key", "crt"), waiting) if there)
            seen.reasons.append(Reason("Leftover", authority.name, left[0], files=left))
    return seen


def _missing(folder: Folder, authority: Authority, now: datetime.datetime) -> Reason:
    details = (
        ("subject", subject_text(authority.common_name, ())),
        ("issuer", "itself"),
        ("end", end_text(now, authority.validity)),
        ("key", authority.key_type),
    )
    path = folder.path(authority.certificate_file)
    return Reason("Missing", authority.name, path, details=details, files=folder.files(authority))


def _is_interrupted(folder: Folder, authority: Authority) -> bool:
    """Both halves wait, and nothing else has taken their place."""
    live_key = files.read(folder.path(authority.key_file))
    return (
        live_key in (None, files.read(_pending(folder, authority, "key")))
        and files.read(folder.path(authority.certificate_file)) is None
    )


def _folder_reasons(folder: Folder) -> list[Reason]:
    if not files.state_of(folder.directory).exists:
        return [Reason("DirectoryMissing", "directory", folder.directory, None, folder.mode)]
    return files.attribute_reasons(folder.directory, "directory", mode=folder.mode)


def _pair_attributes(folder: Folder, pair: Pair) -> list[Reason]:
    name, certificate_path = pair.authority.name, folder.path(pair.authority.certificate_file)
    # Line ends of another system, or text around the block: Kubernetes and other tools read the file as well.
    odd = [] if pair.normalised else [Reason("FormatChanged", name, certificate_path, "other bytes", "PEM")]
    key_path = folder.path(pair.authority.key_file)
    return [
        *odd,
        *files.attribute_reasons(key_path, name, group=pair.authority.key_group, mode=pair.authority.key_mode),
        *files.attribute_reasons(certificate_path, name, mode="0644"),
    ]


def _apply(folder: Folder, seen: _Seen, now: datetime.datetime) -> None:
    folder.sweep()
    for pair in seen.pairs.values():
        certificate_path = folder.path(pair.authority.certificate_file)
        if not pair.normalised:
            files.write_atomic(certificate_path, pair.pem.encode("ascii"), mode="0644")
        key_path = folder.path(pair.authority.key_file)
        files.ensure_attributes(key_path, group=pair.authority.key_group, mode=pair.authority.key_mode)
        files.ensure_attributes(certificate_path, mode="0644")
    for authority in seen.leftovers:
        _remove_pending(folder, authority)
    for authority in seen.interrupted:
        key, certificate = (files.read(_pending(folder, authority, suffix)) for suffix in ("key", "crt"))
        _go_live(folder, authority, key or b"", certificate or b"")
        seen.pairs[authority.name] = _recorded(folder, authority, now)
    for authority in seen.missing:
        seen.pairs[authority.name] = _make(folder, authority, now)


def _make(folder: Folder, authority: Authority, now: datetime.datetime) -> Pair:
    """Both halves wait in .pending before either goes live, so that a kill in between can be told and finished."""
    key = x509.generate_key(authority.key_type)
    start, end, _cut = lifetime(now, authority.validity)
    pem = x509.self_sign(key, authority.common_name, start, end)
    files.ensure_directory(folder.path(PENDING), mode="0700")
    files.write_atomic(_pending(folder, authority, "key"), key.pem(), mode="0600")
    files.write_atomic(_pending(folder, authority, "crt"), pem.encode("ascii"), mode="0644")
    _go_live(folder, authority, key.pem(), pem.encode("ascii"))
    return _recorded(folder, authority, now)


def _recorded(folder: Folder, authority: Authority, now: datetime.datetime) -> Pair:
    """A new CA, checked as it lies there and written to the ledger."""
    pair = given(folder.pair(authority, now))
    entry = {
        "time": instant_text(now),
        "event": "ca",
        "ca": authority.name,
        "subject": pair.info.subject,
        "serial": f"{pair.info.serial:x}",
        "sha256": pair.info.fingerprint,
        "not_before": instant_text(pair.info.not_before),
        "not_after": instant_text(pair.info.not_after),
    }
    folder.record([entry])
    return pair


def _pending(folder: Folder, authority: Authority, suffix: str) -> str:
    return os.path.join(folder.path(PENDING), f"{authority.name}.{suffix}")


def _go_live(folder: Folder, authority: Authority, key: bytes, certificate: bytes) -> None:
    for name in (authority.key_file, authority.certificate_file):
        parent = os.path.dirname(folder.path(name))
        if parent != folder.directory:
            files.ensure_directory(parent, mode=None if os.path.isdir(parent) else folder.mode)
    files.write_atomic(folder.path(authority.key_file), key, group=authority.key_group, mode=authority.key_mode)
    files.write_atomic(folder.path(authority.certificate_file), certificate, mode="0644")
    _remove_pending(folder, authority)


def _remove_pending(folder: Folder, authority: Authority) -> None:
    for suffix in ("crt", "key"):
        files.remove(_pending(folder, authority, suffix))


# ---- module sign


def sign_requests(
    directory: str,
    rows: list[dict[str, Any]],
    requests: list[dict[str, Any]],
    publish: dict[str, str],
    now: datetime.datetime,
    check: bool,
    wait: float,
) -> Outcome:
    """Sign all requests of all hosts, and keep what hosts publish."""
    folder = Folder(directory)
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
        if not _PUBLISHED_NAME.fullmatch(name):
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
        lines.append(_ledger_entry(entry, info, now))
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


def _ledger_entry(entry: _Wanted, info: CertificateInfo, now: datetime.datetime) -> dict[str, Any]:
    return {
        "time": instant_text(now),
        "event": "certificate",
        "holder": entry.host,
        "identity": entry.identity.name,
        "issuer": entry.authority.name,
        "issuer_key_id": info.authority_key_id,
        "subject": info.subject,
        "dns_names": list(info.dns_names),
        "ip_addresses": list(info.ip_addresses),
        "usages": list(info.usages),
        "serial": f"{info.serial:x}",
        "sha256": info.fingerprint,
        "not_before": instant_text(info.not_before),
        "not_after": instant_text(info.not_after),
        "reasons": list(entry.why),
    }


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
