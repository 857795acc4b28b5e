# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making the CAs of a folder, and looking whether those that are there are the right ones."""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass, field
from typing import Any

from . import files, x509
from .ca_folder import LEDGER, PENDING, Folder, Pair
from .domain.ca import Authority, authority_of, ending_soon, lifetime
from .domain.certificate import instant_text
from .domain.errors import InputError, given
from .domain.identity import end_text, subject_text
from .domain.ledger import Ledger, check_newest
from .domain.reasons import Reason
from .runner import Outcome

__all__ = ["ensure_authorities"]

BACKUP = ".backup"
SHORTEST_PASSPHRASE = 12


def ensure_authorities(
    directory: str,
    rows: list[dict[str, Any]],
    mode: str,
    now: datetime.datetime,
    check: bool,
    wait: float,
    accepted: tuple[str, ...] = (),
    passphrase: bytes | None = None,
) -> Outcome:
    """Make the CAs that are not there; report those that are, and what hosts have published."""
    folder = Folder(directory, mode, accepted, passphrase)
    authorities = [authority_of(row) for row in rows]
    if passphrase is not None:
        _check_passphrase(passphrase, authorities)
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
            "current": seen.ledger.current,
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
    unrecorded: list[Pair] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)


def _check_passphrase(passphrase: bytes, authorities: list[Authority]) -> None:
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise InputError(f"the passphrase of the CA keys has less than {SHORTEST_PASSPHRASE} bytes; give a longer one")
    shared = [authority.name for authority in authorities if authority.key_group]
    if shared:
        raise InputError(
            f"the key of the CA {', '.join(shared)} is read by a component that knows no passphrase; take "
            "the passphrase away, or use cluster_profile separated"
        )


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
    seen = _Seen(ledger=folder.ledger())
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
        if not _is_newest(folder, seen.ledger, pair):
            seen.unrecorded.append(pair)
            ledger = folder.path(LEDGER)
            seen.reasons.append(Reason("NotInLedger", authority.name, ledger, None, pair.info.short()))
        warning = ending_soon(authority.name, pair.info, now)
        seen.warnings += [warning] if warning else []
        if any(waiting):
            seen.leftovers.append(authority)
            left = tuple(_pending(folder, authority, s) for s, there in zip(("key", "crt"), waiting) if there)
            seen.reasons.append(Reason("Leftover", authority.name, left[0], files=left))
    return seen


def _is_newest(folder: Folder, ledger: Ledger, pair: Pair) -> bool:
    name = pair.authority.name
    if name not in folder.accepted:
        check_newest(ledger, name, folder.directory, pair.info.fingerprint)
    return ledger.authorities.get(name, [])[-1:] == [pair.info.fingerprint]


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
    clear = [Reason("KeyNotEncrypted", name, key_path, "in clear", "encrypted")] if pair.in_clear else []
    return [
        *odd,
        *clear,
        *files.attribute_reasons(key_path, name, group=pair.authority.key_group, mode=pair.authority.key_mode),
        *files.attribute_reasons(certificate_path, name, mode="0644"),
    ]


def _apply(folder: Folder, seen: _Seen, now: datetime.datetime) -> None:
    folder.sweep()
    for pair in seen.pairs.values():
        certificate_path = folder.path(pair.authority.certificate_file)
        if not pair.normalised:
            backup = folder.path(BACKUP)
            files.write_atomic(certificate_path, pair.pem.encode("ascii"), mode="0644", backup_directory=backup)
        key_path = folder.path(pair.authority.key_file)
        if pair.in_clear:
            # No backup: it would keep what was to be hidden.
            files.write_atomic(key_path, pair.key.pem(folder.passphrase), mode="0600")
        files.ensure_attributes(key_path, group=pair.authority.key_group, mode=pair.authority.key_mode)
        files.ensure_attributes(certificate_path, mode="0644")
    for pair in seen.unrecorded:
        _record(folder, pair, now)
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
    key_pem = key.pem(folder.passphrase)
    start, end, _cut = lifetime(now, authority.validity)
    pem = x509.self_sign(key, authority.common_name, start, end)
    files.ensure_directory(folder.path(PENDING), mode="0700")
    files.write_atomic(_pending(folder, authority, "key"), key_pem, mode="0600")
    files.write_atomic(_pending(folder, authority, "crt"), pem.encode("ascii"), mode="0644")
    _go_live(folder, authority, key_pem, pem.encode("ascii"))
    return _recorded(folder, authority, now)


def _recorded(folder: Folder, authority: Authority, now: datetime.datetime) -> Pair:
    """A new CA, checked as it lies there and written to the ledger."""
    pair = given(folder.pair(authority, now))
    _record(folder, pair, now)
    return pair


def _record(folder: Folder, pair: Pair, now: datetime.datetime) -> None:
    entry = {
        "time": instant_text(now),
        "event": "ca",
        "ca": pair.authority.name,
        "subject": pair.info.subject,
        "serial": f"{pair.info.serial:x}",
        "sha256": pair.info.fingerprint,
        "not_before": instant_text(pair.info.not_before),
        "not_after": instant_text(pair.info.not_after),
    }
    folder.record([entry])


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
