# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that holds identities: its keys are born here and stay here.

Everything is read and compared first, so that what is refused is refused before anything has changed. A new key waits
in `.pending/` beside the old one and asks with one and the same request, run after run, until its certificate has
come; both halves lie there before the live pair is touched, so the next run can finish what a kill has cut off.
"""

from __future__ import annotations

import hashlib
from collections import Counter

from . import files, x509
from .domain.errors import InputError
from .domain.identity import Identity, identity_of
from .holding.own import examine_authority, examine_service_account
from .holding.signed import Certificates
from .holding.trust import examine_bundle, examine_folders
from .holding.users import examine_users
from .holding.work import Task, Work
from .runner import Outcome

__all__ = ["Task", "hold"]


def hold(task: Task) -> Outcome:
    """One call for everything that a host holds."""
    offset, warnings = task.clock()
    identities = [identity_of(row) for row in task.identities]
    places = _places(identities)
    _refuse_unknown(task, identities)
    certificates = Certificates(task)
    works = [_examine(task, certificates, identity) for identity in identities]
    bundles = [examine_bundle(task, row) for row in task.bundles]
    folders = examine_folders(task, [*places, *((str(row["path"]), row.get("owner")) for row in task.bundles)])
    # Users first, files belong to them.
    users = [examine_users(task.users, task.command)] if task.command else []
    every = [*users, folders, *works, *bundles]
    if not task.check:
        with x509.keys_ahead([key_type for work in every for key_type in work.key_types]):
            for work in every:
                work.apply()
        files.write_all([file for work in every for file in work.new_files])
    result = {
        "host": task.host,
        "requests": certificates.requests,
        "published": _published(task, identities if not task.check else _settled(identities, works)),
        "bundles": {str(row["path"]): _hash(str(row["path"])) for row in task.bundles},
        **({} if offset is None else {"clock_offset": offset}),
    }
    reasons = [reason for work in every for reason in work.reasons]
    return Outcome(reasons, result, [*(warning for work in every for warning in work.warnings), *warnings])


def _examine(task: Task, certificates: Certificates, identity: Identity) -> Work:
    if identity.kind == "ca":
        return examine_authority(task, identity)
    if identity.kind == "service_account":
        return examine_service_account(task, identity)
    return certificates.examine(identity)


def _places(identities: list[Identity]) -> list[tuple[str, str | None]]:
    """Each file and the user to whom it belongs."""
    names: dict[str, str] = {}
    places = []
    for identity in identities:
        config = identity.kubeconfig
        own = (identity.certificate_path, identity.key_path, identity.public_key_path)
        found = [(path, identity.owner) for path in own if path]
        found += [(config.path, config.owner)] if config else []
        for path, _owner in found:
            if path in names:
                raise InputError(f"the identities {names[path]} and {identity.name} share the file {path}")
            names[path] = identity.name
        places += found
    return places


def _refuse_unknown(task: Task, identities: list[Identity]) -> None:
    names = Counter(identity.name for identity in identities)
    twice = sorted(name for name, count in names.items() if count > 1)
    if twice:
        raise InputError(f"the identities {', '.join(twice)} are given twice; names have to differ")
    unknown = sorted({*task.force, *(task.certificates or {})} - set(names))
    if unknown:
        raise InputError(f"no identity of this host is called {', '.join(unknown)}; it has {', '.join(names)}")


def _settled(identities: list[Identity], works: list[Work]) -> list[Identity]:
    """A check cannot say what those that are about to change will publish."""
    return [identity for identity, work in zip(identities, works) if not work.reasons]


def _published(task: Task, identities: list[Identity]) -> dict[str, str]:
    """The public parts that others trust, as they lie here now."""
    found = {}
    for identity in identities:
        path = {"ca": identity.certificate_path, "service_account": identity.public_key_path}.get(identity.kind)
        data = files.read(path) if path else None
        if data is not None:
            found[f"{identity.name}@{task.host}"] = data.decode("ascii", "replace")
    return found


def _hash(path: str) -> str:
    """Of the content as it lies there; empty when there is none."""
    data = files.read(path)
    return "" if data is None else hashlib.sha256(data).hexdigest()
