# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host makes for itself and others trust: signing CAs and service-account keys."""

from __future__ import annotations

from .. import files, x509
from ..domain.ca import check_authority, ending_soon, lifetime
from ..domain.certificate import KeyInfo
from ..domain.errors import InputError
from ..domain.identity import Found, Identity, end_text, subject_text
from ..domain.reasons import Reason
from .material import Material, read_live
from .pending import Pending
from .places import examine_attributes, reason_at, write_certificate, write_key, write_other
from .work import Task, Work, ask_for_new

__all__ = ["examine_authority", "examine_service_account"]


def examine_authority(task: Task, identity: Identity) -> Work:
    work = Work()
    live, pending = read_live(identity, None), Pending(identity)
    forced = task.forces(identity.name)
    interrupted = pending.interrupted(live)
    if interrupted is not None and not forced:
        # An interrupted write of a new CA leaves no half of the old: its bytes are in .pending.
        work.add([reason_at(identity, "Interrupted")], lambda: _install(identity, interrupted, pending))
    elif forced or (live.key is None and live.certificate is None):
        work.add([_new_authority(task, identity)], lambda: _make_authority(task, identity, pending), identity.key_type)
    else:
        _check_authority(task, identity, live, work)
        waiting = pending.paths()
        if waiting:
            work.add([Reason("Leftover", identity.name, waiting[0], files=waiting)], pending.remove)
    examine_attributes(identity, work)
    return work


def _new_authority(task: Task, identity: Identity) -> Reason:
    details = (
        ("subject", subject_text(identity.common_name, ())),
        ("issuer", "itself"),
        ("end", end_text(task.now, identity.validity)),
        ("key", identity.key_type),
    )
    code = "Forced" if task.forces(identity.name) else "Missing"
    return Reason(code, identity.name, identity.certificate_path, details=details, files=identity.files)


def _check_authority(task: Task, identity: Identity, live: Material, work: Work) -> None:
    """A CA that is there is kept as it is; one that cannot serve is refused, for others trust it by its key."""
    what = f"{identity.name} in {identity.certificate_path}"
    problem = live.found.key_problem or live.found.certificate_problem
    if problem or live.found.certificate is None or live.found.key is None:
        half = identity.key_path if live.key is None else identity.certificate_path
        raise InputError(f"{what}: {problem or f'{half} is missing'}; {ask_for_new(identity.name)}")
    try:
        check_authority(what, live.found.certificate, live.found.key, task.now, identity.usages)
    except InputError as error:
        raise InputError(f"{error}; {ask_for_new(identity.name)}") from None
    warning = ending_soon(identity.name, live.found.certificate, task.now)
    work.warnings += [warning] if warning else []
    if not live.found.normalised:
        reason = Reason("FormatChanged", identity.name, identity.certificate_path)
        work.add([reason], lambda: write_certificate(identity, live))


def _make_authority(task: Task, identity: Identity, pending: Pending) -> None:
    key = x509.generate_key(identity.key_type)
    start, end, _cut = lifetime(task.now, identity.validity)
    pem = x509.self_sign(key, identity.common_name, start, end)
    _install(identity, Material(Found(), pem.encode("ascii"), key.pem()), pending)


def _install(identity: Identity, material: Material, pending: Pending) -> None:
    pending.keep(material)
    write_key(identity, material.key or b"")
    write_certificate(identity, material)
    pending.remove()


# ---- service-account keys


def examine_service_account(task: Task, identity: Identity) -> Work:
    work = Work()
    data, public = files.read(identity.key_file), files.read(identity.public_key_file)
    forced = task.forces(identity.name)
    if forced or (data is None and public is None):
        paths = (identity.key_file, identity.public_key_file)
        code = "Forced" if forced else "Missing"
        details = (("key", identity.key_type),)
        reason = Reason(code, identity.name, identity.key_path, details=details, files=paths)
        work.add([reason], lambda: _make_service_account(identity), identity.key_type)
    elif data is None:
        raise InputError(
            f"{identity.name}: {identity.public_key_path} is there, its private key {identity.key_path} is not: "
            f"tokens of the old key would die; {ask_for_new(identity.name)}"
        )
    else:
        _compare_public_key(identity, data, public, work)
    examine_attributes(identity, work)
    return work


def _compare_public_key(identity: Identity, data: bytes, public: bytes | None, work: Work) -> None:
    try:
        key = x509.load_private_key(data, identity.key_file, trusted=True)
    except InputError as error:
        raise InputError(f"{error}; {ask_for_new(identity.name)}") from None
    if public is not None and public.decode("ascii", "replace") == key.public_pem():
        return
    old = None if public is None else _public_key_text(public)
    reason = Reason("PublicKeyChanged", identity.name, identity.public_key_path, old, _short(key.info))
    work.add([reason], lambda: _write_public_key(identity, key))


def _make_service_account(identity: Identity) -> None:
    key = x509.generate_key(identity.key_type)
    write_key(identity, key.pem())
    _write_public_key(identity, key)


def _write_public_key(identity: Identity, key: x509.PrivateKey) -> None:
    public = key.public_pem().encode("ascii")
    write_other(identity.public_key_file, public, identity.owner, identity.group, identity.certificate_mode)


def _short(key: KeyInfo) -> str:
    return f"key {key.public_key_sha256[:16]}"


def _public_key_text(data: bytes) -> str:
    try:
        return _short(x509.public_key_info(data, "public key"))
    except InputError:
        return "unreadable"
