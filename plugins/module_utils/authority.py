# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CAs of a folder: whether those that are there are the right ones, and what has to be made or asked for."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from . import files, x509
from .above import Root, load_root, refuse_nested
from .ca_folder import BACKUP, LEDGER, Folder, Pair
from .ca_making import NewAuthority
from .domain.answers import Waiting, waiting_text
from .domain.ca import Authority, authority_of, ending_soon, lifetime, refuse_shared_keys, strict_problems
from .domain.certificate import instant_text
from .domain.errors import InputError, given
from .domain.findings import Findings
from .domain.identity import end_text, subject_text
from .domain.ledger import Ledger, check_cluster, check_newest, unreadable_text
from .domain.reasons import Reason
from .elsewhere import Answer, Elsewhere, answered_authority
from .runner import Outcome

__all__ = ["ensure_authorities"]

SHORTEST_PASSPHRASE = 12
_SIGN_CA = (
    "Have each signed by the root as a CA with path length 0 and keyUsage keyCertSign and cRLSign, with the subject of "
    "the request, subject and authority key identifiers."
)


def ensure_authorities(
    folder: Folder, rows: list[dict[str, Any]], now: datetime.datetime, check: bool, wait: float
) -> Outcome:
    """Make the CAs that are not there; report those that are, and what hosts have published."""
    authorities = [authority_of(row) for row in rows]
    if folder.passphrase is not None:
        _check_passphrase(folder.passphrase, authorities)
    _refuse_shared_files(authorities)
    folder.refuse_foreign(authorities)
    folder_reasons = _folder_reasons(folder)
    # Settled folders and checks are read without the lock, so that they never wait for a run.
    seen = _glance(folder, authorities, now, check)
    if seen is None or ((seen.reasons or folder_reasons) and not check):
        files.ensure_directory(folder.directory, mode=folder.mode)
        with files.lock(folder.directory, wait):
            # Another run may have made them meanwhile.
            seen = _compare(folder, authorities, now)
            _apply(folder, authorities, seen, now)
    message = waiting_text(seen.waiting, "CA request", _SIGN_CA)
    return Outcome(
        reasons=folder_reasons + seen.reasons,
        result={
            "certificates": {name: pair.pem for name, pair in seen.pairs.items()},
            "chains": {name: pair.chain for name, pair in seen.pairs.items()},
            "published": folder.published(),
            "waiting": [entry.as_dict() for entry in seen.waiting],
            "waiting_message": message,
            "directory": folder.directory,
            "current": seen.ledger.current,
            "recorded": seen.ledger.since(),
        },
        warnings=seen.warnings + ([f"a run would stop here: {message}"] if check and message else []),
    )


@dataclass
class _Seen:
    """The CAs of the folder, compared with what is wanted."""

    reasons: list[Reason] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    pairs: dict[str, Pair] = field(default_factory=dict)
    # Made here, by themselves or by the root.
    missing: list[tuple[Authority, Root | None]] = field(default_factory=list)
    # Brought by the user, who is told of all that are not there at once.
    not_brought: Findings = field(default_factory=Findings)
    # Those that will sign CAs that are not there yet.
    roots: dict[str, Root] = field(default_factory=dict)
    # Below a root that is elsewhere: asked for, or answered.
    asking: list[Authority] = field(default_factory=list)
    answered: list[tuple[Authority, Answer, Root]] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
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
    if seen.ledger.unreadable:
        seen.warnings.append(f"{folder.path(LEDGER)}: {unreadable_text(seen.ledger.unreadable)}")
    for authority in authorities:
        new = NewAuthority(folder, authority)
        if new.interrupted():
            seen.interrupted.append(authority)
            path = folder.path(authority.certificate_file)
            seen.reasons.append(Reason("Interrupted", authority.name, path, files=folder.files(authority)))
            continue
        pair = folder.pair(authority, now)
        if pair is None:
            _compare_absent(folder, seen, new, now)
        else:
            _compare_present(folder, seen, pair, now)
            left = new.leftovers()
            if left:
                seen.leftovers.append(authority)
                seen.reasons.append(Reason("Leftover", authority.name, left[0], files=left))
    seen.not_brought.raise_any()
    refuse_shared_keys({name: pair.info for name, pair in seen.pairs.items()})
    above: dict[str, Sequence[Any]] = {name: pair.served() for name, pair in seen.pairs.items() if pair.chain}
    above.update({name: root.loaded for name, root in seen.roots.items()})
    refuse_nested({name: pair.certificate for name, pair in seen.pairs.items()}, above)
    seen.reasons += _book_reasons(folder, authorities)
    return seen


def _compare_present(folder: Folder, seen: _Seen, pair: Pair, now: datetime.datetime) -> None:
    name = pair.authority.name
    seen.pairs[name] = pair
    seen.reasons += _pair_attributes(folder, pair)
    check_cluster(seen.ledger, name, folder.directory, pair.info.fingerprint, folder.cluster)
    if not _is_newest(folder, seen.ledger, pair):
        seen.unrecorded.append(pair)
        seen.reasons.append(Reason("NotInLedger", name, folder.path(LEDGER), None, pair.info.short()))
    warning = ending_soon(name, pair.info, now)
    seen.warnings += [warning] if warning else []
    infos = [pair.info, *map(x509.certificate_info, pair.served()[1:])]
    seen.warnings += [text for info in infos for text in strict_problems(f"CA {name}", info)]


def _compare_absent(folder: Folder, seen: _Seen, new: NewAuthority, now: datetime.datetime) -> None:
    authority = new.authority
    if authority.source in ("imported", "external"):
        seen.not_brought.add(_to_be_brought(folder, authority))
        return
    root = load_root(authority, folder.passphrase, now) if authority.below_a_root else None
    if root is not None:
        seen.roots[authority.name] = root
        seen.warnings += strict_problems(f"the root of CA {authority.name}", root.info)
    if root is not None and authority.source == "offline_root":
        _compare_asked(folder, seen, new, root, now)
        return
    seen.missing.append((authority, root))
    seen.reasons.append(_missing(folder, authority, now, root, "Missing"))
    if root is not None and lifetime(now, authority.validity, root.info)[2]:
        seen.warnings.append(
            f"CA {authority.name} ends with its root at {instant_text(root.info.not_after)}, sooner than asked for"
        )


def _compare_asked(folder: Folder, seen: _Seen, new: NewAuthority, root: Root, now: datetime.datetime) -> None:
    """Below a root that is elsewhere: the request goes out, and its answer comes in when it is there."""
    authority, elsewhere = new.authority, Elsewhere(folder)
    name, key = authority.name, new.pending_key()
    known = seen.ledger.authorities.get(name, [])
    answer = answered_authority(elsewhere, authority, key.info, root.certificate, known, now) if key else None
    if answer is not None:
        seen.answered.append((authority, answer, root))
        seen.reasons.append(_missing(folder, authority, now, root, "Answered"))
        return
    seen.waiting.append(elsewhere.waiting(name, root.info.subject))
    text = new.kept_request(key) if key else None
    what = f"{subject_text(authority.common_name, ())} by {root.info.subject}"
    reasons = elsewhere.request_reasons(name, name, text, what)
    if reasons:
        seen.asking.append(authority)
        seen.reasons += reasons


def _to_be_brought(folder: Folder, authority: Authority) -> str:
    certificate, key = folder.path(authority.certificate_file), folder.path(authority.key_file)
    brought = f"certificate to {certificate}" + (f" and its key to {key}" if authority.signs else ", without its key")
    return (
        f"CA {authority.name} is not there, and its source {authority.source} says that it is brought: copy its "
        f"{brought}; where it is no root, the CA and those above it to {folder.path(authority.chain_file)} as well"
    )


def _is_newest(folder: Folder, ledger: Ledger, pair: Pair) -> bool:
    name = pair.authority.name
    if name not in folder.accepted:
        check_newest(ledger, name, folder.directory, pair.info.fingerprint)
    return ledger.authorities.get(name, [])[-1:] == [pair.info.fingerprint]


def _missing(folder: Folder, authority: Authority, now: datetime.datetime, root: Root | None, code: str) -> Reason:
    details = (
        ("subject", subject_text(authority.common_name, ())),
        ("issuer", root.info.subject if root else "itself"),
        ("end", end_text(now, authority.validity, root.info if root else None)),
        ("key", authority.key_type),
    )
    path = folder.path(authority.certificate_file)
    return Reason(code, authority.name, path, details=details, files=folder.files(authority))


def _folder_reasons(folder: Folder) -> list[Reason]:
    if not files.state_of(folder.directory).exists:
        return [Reason("DirectoryMissing", "directory", folder.directory, None, folder.mode)]
    return files.attribute_reasons(folder.directory, "directory", mode=folder.mode)


def _book_reasons(folder: Folder, authorities: list[Authority]) -> list[Reason]:
    """In a folder that others may enter, the owner of a file can say in it what is to be believed."""
    paths = folder.books(authorities)
    return [reason for path in paths for reason in files.foreign_owner_reasons(path, os.path.basename(path))]


def _pair_attributes(folder: Folder, pair: Pair) -> list[Reason]:
    name, certificate_path = pair.authority.name, folder.path(pair.authority.certificate_file)
    # Line ends of another system, or text around the block: Kubernetes and other tools read the file as well.
    odd = [] if pair.normalised else [Reason("FormatChanged", name, certificate_path, "other bytes", "PEM")]
    key_path = folder.path(pair.authority.key_file)
    clear = [Reason("KeyNotEncrypted", name, key_path, "in clear", "encrypted")] if pair.in_clear else []
    return [
        *odd,
        *clear,
        *files.foreign_owner_reasons(key_path, name),
        *files.foreign_owner_reasons(certificate_path, name),
        *files.attribute_reasons(key_path, name, group=pair.authority.key_group, mode=pair.authority.key_mode),
        *files.attribute_reasons(certificate_path, name, mode="0644"),
    ]


def _apply(folder: Folder, authorities: list[Authority], seen: _Seen, now: datetime.datetime) -> None:
    folder.sweep(authorities)
    for reason in _book_reasons(folder, authorities):
        files.ensure_attributes(given(reason.path), owner=str(os.geteuid()))
    for pair in seen.pairs.values():
        _mend_certificate(folder, pair)
        _mend_key(folder, pair)
    for pair in seen.unrecorded:
        _record(folder, pair, now)
    for authority in seen.leftovers:
        NewAuthority(folder, authority).remove_leftovers()
    for authority in seen.interrupted:
        NewAuthority(folder, authority).finish()
        seen.pairs[authority.name] = _recorded(folder, authority, now)
    with x509.keys_ahead([authority.key_type for authority, _root in seen.missing]):
        for authority, root in seen.missing:
            NewAuthority(folder, authority).make(root, now)
            seen.pairs[authority.name] = _recorded(folder, authority, now)
    for authority in seen.asking:
        NewAuthority(folder, authority).ask()
    for authority, answer, root in seen.answered:
        NewAuthority(folder, authority).take(answer.block, root)
        seen.pairs[authority.name] = _recorded(folder, authority, now)


def _mend_certificate(folder: Folder, pair: Pair) -> None:
    path, pem = folder.path(pair.authority.certificate_file), pair.pem.encode("ascii")
    if not pair.normalised:
        files.write_atomic(path, pem, mode="0644", backup_directory=folder.path(BACKUP))
    elif files.foreign_owner_reasons(path, ""):
        files.write_atomic(path, pem, mode="0644")
    files.ensure_attributes(path, mode="0644")


def _mend_key(folder: Folder, pair: Pair) -> None:
    if pair.key is None:
        return
    path = folder.path(pair.authority.key_file)
    if pair.in_clear:
        # No backup: it would keep what was to be hidden.
        files.write_atomic(path, pair.key.pem(folder.passphrase), mode="0600")
    elif files.foreign_owner_reasons(path, ""):
        # A file of one's own takes its place: that needs no root, and whoever has the old one open writes nowhere.
        files.write_atomic(path, files.read(path) or b"", mode=pair.authority.key_mode)
    files.ensure_attributes(path, group=pair.authority.key_group, mode=pair.authority.key_mode)


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
        **({"cluster": folder.cluster} if folder.cluster else {}),
    }
    folder.record([entry])
