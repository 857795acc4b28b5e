# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates that a CA of ours signs: when one is asked for, and how it goes live."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .. import files
from ..domain.certificate import RequestInfo
from ..domain.errors import InputError, given
from ..domain.identity import Identity, compare, new_key_wanted
from ..domain.ledger import restored
from ..domain.reasons import Reason
from .kubeconfig import Kubeconfigs
from .material import Issuer, Material, issuer_of, material_of, read_live, with_chain
from .pending import Pending
from .places import examine_attributes, new_pair, reason_at, write_certificate, write_key
from .work import Task, Work

__all__ = ["Certificates"]


class Certificates:
    def __init__(self, task: Task) -> None:
        self._task = task
        self._issuers = {name: issuer_of(name, pem, task.chains.get(name, "")) for name, pem in task.issuers.items()}
        self._kubeconfigs = Kubeconfigs(task)
        self.requests: list[dict[str, Any]] = []

    def examine(self, identity: Identity) -> Work:
        work = Work()
        issuer = self._issuers.get(str(identity.issuer))
        live = read_live(identity, issuer)
        reasons = self._compare(identity, live, issuer, self._task.forces(identity.name))
        reasons = reasons or self._compare_ledger(identity, live, work)
        pending = Pending(identity, self._task.keys)
        wanted = (self._task.certificates or {}).get(identity.name)
        candidate = self._candidate(identity, pending, live, issuer, wanted)
        if candidate is not None and (wanted is not None or reasons):
            if wanted is None:
                reasons = [replace(reason_at(identity, "Interrupted"), files=_halves(identity, live, candidate))]
            reasons = reasons or [reason_at(identity, "Forced")]
            self._go_live(identity, live, candidate, pending, issuer, reasons, work)
            live = candidate
        elif reasons and identity.external:
            self._ask_elsewhere(identity, pending, live, reasons, work)
        elif reasons and self._task.first:
            self._ask(identity, pending, live, reasons, work)
        elif not reasons:
            self._tidy(identity, pending, live, issuer, work)
        asking = bool(reasons) and candidate is None and identity.external
        self._kubeconfigs.examine(identity, live, issuer, work, asking)
        examine_attributes(identity, work)
        return work

    def _ask(self, identity: Identity, pending: Pending, live: Material, reasons: list[Reason], work: Work) -> None:
        key_type = pending.new_key_type(identity, None if self._renewed(identity, live) else live.key)
        work.add(reasons, lambda: self._request(identity, pending, live, reasons), key_type)

    def _ask_elsewhere(
        self, identity: Identity, pending: Pending, live: Material, reasons: list[Reason], work: Work
    ) -> None:
        """The answer may be long in coming: what waits already is asked again and is no change.

        In check mode nothing is asked that does not wait yet, so that the request is empty.
        """
        if not self._task.first:
            return
        kept = None if self._renewed(identity, live) else live.key
        asked = pending.asked(identity, kept)
        if asked is not None or self._task.check:
            self.requests.append(_asking(identity, asked or "", reasons))
        if asked is None:
            path, why = pending.path("csr"), ", ".join(reason.code for reason in reasons)
            replaced = files.state_of(path).exists
            made = (path,) if kept is not None else (pending.path("key"), path)
            reason = Reason("RequestChanged" if replaced else "Requested", identity.name, path, None, why, files=made)
            key_type = pending.new_key_type(identity, kept)
            work.add([reason], lambda: self._request(identity, pending, live, reasons), key_type)

    def _renewed(self, identity: Identity, live: Material) -> bool:
        return new_key_wanted(identity, live.found, self._task.forces(identity.name))

    def _tidy(self, identity: Identity, pending: Pending, live: Material, issuer: Issuer | None, work: Work) -> None:
        waiting = pending.paths()
        if waiting and self._task.first:
            work.add([Reason("Leftover", identity.name, waiting[0], files=waiting)], pending.remove)
        path = identity.certificate_path or identity.home
        if not live.found.chained:
            served = replace(live, certificate=with_chain(live.certificate or b"", issuer))
            reason = Reason("ChainChanged", identity.name, path, files=(path,))
            work.add([reason], lambda: self._write_pair(identity, served, issuer))
        elif not live.found.normalised:
            reason = Reason("FormatChanged", identity.name, path)
            work.add([reason], lambda: self._write_pair(identity, live, issuer))

    def _compare(self, identity: Identity, material: Material, issuer: Issuer | None, forced: bool) -> list[Reason]:
        return compare(identity, material.found, issuer.info if issuer else None, self._task.now, forced)

    def _compare_ledger(self, identity: Identity, live: Material, work: Work) -> list[Reason]:
        """What serves may still be what a backup has brought back, of this host or of the CA host."""
        certificate, newest = given(live.found.certificate), self._task.current.get(identity.name)
        who = restored(newest, self._task.recorded.get(str(identity.issuer)), certificate)
        if who == "ca":
            work.warnings.append(
                f"the certificate {certificate.short()} of {identity.name} on {self._task.host} is not in the ledger "
                "of the CA host: somebody else made it, an old backup of the CA folder was restored, or the host had "
                "another name; one that is made anew is known again: run the playbook site once with "
                f"-e identities_force={identity.name}"
            )
        if who != "host":
            return []
        old, new = certificate.short(), f"{given(newest)['sha256'][:16]} of {given(newest)['not_before']}"
        return [replace(reason_at(identity, "Superseded", old, new), files=identity.files)]

    def _candidate(
        self, identity: Identity, pending: Pending, live: Material, issuer: Issuer | None, wanted: str | None
    ) -> Material | None:
        """The pair that is to go live: a certificate that has just come, or one that a killed run had not installed."""
        if wanted is not None:
            return self._checked(identity, pending, live, issuer, wanted)
        certificate = files.read(pending.path("crt"))
        key = None if certificate is None else files.read(pending.path("key"))
        if certificate is None or key is None or self._task.forces(identity.name):
            return None
        material = material_of(certificate, key, issuer)
        return None if self._compare(identity, material, issuer, False) else material

    def _checked(
        self, identity: Identity, pending: Pending, live: Material, issuer: Issuer | None, wanted: str
    ) -> Material:
        """A certificate is installed only when it says what the row says, for the key that asked, by its CA."""
        keys = [key for key in (live.key, pending.key()) if key is not None]
        for key in keys or (None,):
            material = material_of(with_chain(wanted.encode("utf-8"), issuer), key, issuer)
            if material.found.certificate is not None and material.found.certificate.key == material.found.key:
                break
        problems = self._compare(identity, material, issuer, False)
        # A life shorter than renew_before is the user's to judge, and no reason to refuse what has come.
        problems = [problem for problem in problems if problem.code != "Expiring"]
        if problems:
            why = "; ".join(problem.text() for problem in problems)
            raise InputError(f"the certificate that came for {identity.name} is not the one asked for: {why}")
        return material

    def _request(self, identity: Identity, pending: Pending, live: Material, reasons: list[Reason]) -> None:
        kept, keys = None if self._renewed(identity, live) else live.key, self._task.keys
        request = pending.request(identity, kept) if keys is None else pending.own_request(identity, kept, keys)
        self.requests.append(_asking(identity, request, reasons))

    def _go_live(
        self,
        identity: Identity,
        live: Material,
        material: Material,
        pending: Pending,
        issuer: Issuer | None,
        reasons: list[Reason],
        work: Work,
    ) -> None:
        """Of a pair that nobody reads yet a kill in between takes nothing away: the next run makes another."""
        fresh = self._task.keys is not None and not (live.key or live.certificate or pending.paths())
        if fresh and not files.state_of(identity.home).exists:
            work.reasons += reasons
            work.new_files += self._new_files(identity, material, issuer)
        else:
            work.add(reasons, lambda: self._install(identity, material, pending, issuer))

    def _new_files(self, identity: Identity, material: Material, issuer: Issuer | None) -> list[files.NewFile]:
        if identity.embedded:
            return [self._kubeconfigs.new_file(identity, material, issuer)]
        return new_pair(identity, material)

    def _install(self, identity: Identity, material: Material, pending: Pending, issuer: Issuer | None) -> None:
        pending.keep(material)
        self._write_pair(identity, material, issuer)
        pending.remove()

    def _write_pair(self, identity: Identity, material: Material, issuer: Issuer | None) -> None:
        """Key first: Kubernetes' readers keep the old pair while the halves do not match, in either order."""
        if identity.embedded:
            self._kubeconfigs.write(identity, material, issuer)
            return
        write_key(identity, material.key or b"")
        write_certificate(identity, material)


def _asking(identity: Identity, request: str | RequestInfo, reasons: list[Reason]) -> dict[str, Any]:
    return {
        "identity": identity.name,
        "request": request,
        "reasons": [reason.as_dict() for reason in reasons],
    }


def _halves(identity: Identity, live: Material, wanted: Material) -> tuple[str, ...]:
    """Which files are not yet those of the wanted pair."""
    if identity.embedded:
        return identity.files
    halves = (
        (identity.key_file, live.key, wanted.key),
        (identity.certificate_file, live.certificate, wanted.certificate),
    )
    return tuple(path for path, old, new in halves if old != new)
