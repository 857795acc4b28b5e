# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that holds identities: its keys are born here and stay here.

Everything is read and compared first, so that what is refused is refused before anything has changed. A new key waits
in `.pending/` beside the old one and asks with one and the same request, run after run, until its certificate has
come; both halves lie there before the live pair is touched, so the next run can finish what a kill has cut off.
"""

from __future__ import annotations

import datetime
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from . import files, kubeconfigs, x509
from .domain.ca import check_authority, ending_soon, lifetime
from .domain.certificate import CertificateInfo, KeyInfo, instant_text
from .domain.errors import InputError, given
from .domain.identity import Found, Identity, KubeconfigWanted, compare, identity_of
from .domain.pem import CERTIFICATE, PUBLIC_KEY, Block, blocks, bundle, certificates
from .domain.reasons import Reason
from .runner import Outcome

__all__ = ["Task", "hold"]

PENDING = ".pending"
BACKUP = ".backup"
_FORCEABLE = "restore it from a backup, or ask for a new one by name with force"


@dataclass(frozen=True)
class Task:
    """The options of one call. `certificates` is None in the first call of a run."""

    host: str
    identities: list[dict[str, Any]]
    bundles: list[dict[str, Any]]
    issuers: dict[str, str]
    certificates: dict[str, str] | None
    force: list[str]
    now: datetime.datetime
    check: bool = False


@dataclass(frozen=True)
class Issuer:
    certificate: Any
    info: CertificateInfo
    pem: str


@dataclass
class Work:
    """What one identity or bundle needs: the reasons, and the steps that remove them."""

    reasons: list[Reason] = field(default_factory=list)
    steps: list[Callable[[], None]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, reasons: list[Reason], step: Callable[[], None]) -> None:
        self.reasons += reasons
        if reasons:
            self.steps.append(step)


@dataclass(frozen=True)
class Material:
    """The bytes that lie on the host, and what they say."""

    found: Found
    certificate: bytes | None = None
    key: bytes | None = None


def hold(task: Task) -> Outcome:
    """One call for everything that a host holds."""
    identities = [identity_of(row) for row in task.identities]
    _refuse_unknown(task, identities)
    holder = _Holder(task, identities)
    works = [holder.examine(identity) for identity in identities]
    bundles = [holder.examine_bundle(row) for row in task.bundles]
    folders = holder.examine_folders(identities, task.bundles)
    every = [folders, *works, *bundles]
    if not task.check:
        for work in every:
            for step in work.steps:
                step()
    outcome = Outcome(
        reasons=[reason for work in every for reason in work.reasons],
        warnings=[warning for work in every for warning in work.warnings],
    )
    outcome.result = {
        "host": task.host,
        "requests": holder.requests,
        "published": holder.published(),
        "bundles": {row["path"]: _bundle_hash(row) for row in task.bundles},
    }
    return outcome


def _refuse_unknown(task: Task, identities: list[Identity]) -> None:
    names = [identity.name for identity in identities]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"the identities {', '.join(twice)} are given twice; names have to differ")
    paths: dict[str, str] = {}
    for identity in identities:
        kubeconfig = identity.kubeconfig.path if identity.kubeconfig else None
        for path in filter(None, (identity.certificate_path, identity.key_path, identity.public_key_path, kubeconfig)):
            if path in paths:
                raise InputError(f"the identities {paths[path]} and {identity.name} share the file {path}")
            paths[path] = identity.name
    unknown = sorted({*task.force, *(task.certificates or {})} - set(names))
    if unknown:
        raise InputError(f"no identity of this host is called {', '.join(unknown)}; it has {', '.join(names)}")


class _Holder:
    def __init__(self, task: Task, identities: list[Identity]) -> None:
        self.task = task
        self.issuers = {name: _issuer(name, pem) for name, pem in task.issuers.items()}
        self.requests: list[dict[str, Any]] = []
        self._bundle_texts = {row["path"]: row["content"] for row in task.bundles if row.get("content")}
        self._public: list[tuple[str, str]] = []
        for identity in identities:
            if identity.kind == "ca":
                self._public.append((identity.name, str(identity.certificate_path)))
            elif identity.kind == "service_account":
                self._public.append((identity.name, str(identity.public_key_path)))

    def published(self) -> dict[str, str]:
        """The public parts that others trust, as they lie here now."""
        found = {}
        for name, path in self._public:
            data = files.read(path)
            if data is not None:
                found[f"{name}@{self.task.host}"] = data.decode("ascii", "replace")
        return found

    def examine(self, identity: Identity) -> Work:
        if identity.kind == "ca":
            return self._examine_ca(identity)
        if identity.kind == "service_account":
            return self._examine_service_account(identity)
        return self._examine_certificate(identity)

    def _forced(self, identity: Identity) -> bool:
        """In the second call of a run what was forced has been made already."""
        return identity.name in self.task.force and self.task.certificates is None

    # ---- certificates of a CA of ours

    def _examine_certificate(self, identity: Identity) -> Work:
        work = Work()
        issuer = self.issuers.get(str(identity.issuer))
        live = _read_live(identity, issuer)
        reasons = self._reasons(identity, live.found, issuer)
        pending = _Pending(identity)
        wanted = (self.task.certificates or {}).get(identity.name)
        candidate = self._candidate(identity, pending, live, issuer, wanted)
        if candidate is not None and (wanted is not None or reasons):
            if wanted is None:
                reasons = [_at(identity, "Interrupted")]
            work.add(
                reasons or [_at(identity, "Forced")],
                lambda: self._install(identity, candidate, pending),
            )
            live = candidate
        elif reasons and self.task.certificates is None:
            work.add(reasons, lambda: self._request(identity, pending, reasons))
        elif not reasons:
            if pending.exists() and self.task.certificates is None:
                work.add([Reason("Leftover", identity.name, pending.path("key"))], pending.remove)
            if not live.found.normalised:
                work.add([_at(identity, "FormatChanged")], lambda: self._write_pair(identity, live))
        self._examine_kubeconfig(identity, live, issuer, work)
        _examine_attributes(identity, work)
        return work

    def _reasons(self, identity: Identity, found: Found, issuer: Issuer | None) -> list[Reason]:
        info = issuer.info if issuer else None
        return compare(identity, found, info, self.task.now, self._forced(identity))

    def _candidate(
        self, identity: Identity, pending: _Pending, live: Material, issuer: Issuer | None, wanted: str | None
    ) -> Material | None:
        """The pair that is to go live: a certificate that has just come, or one that a killed run had not installed."""
        if wanted is not None:
            return self._checked(identity, pending, live, issuer, wanted)
        certificate, key = files.read(pending.path("crt")), files.read(pending.path("key"))
        if certificate is None or key is None or self._forced(identity):
            return None
        material = _material(certificate, key, issuer)
        if compare(identity, material.found, issuer.info if issuer else None, self.task.now):
            return None
        return material

    def _checked(
        self, identity: Identity, pending: _Pending, live: Material, issuer: Issuer | None, wanted: str
    ) -> Material:
        """A certificate is installed only when it says what the row says, for the key that asked, by its CA."""
        waiting = files.read(pending.path("key"))
        for key in [live.key] if waiting is None else [live.key, waiting]:
            material = _material(wanted.encode("utf-8"), key, issuer)
            if material.found.certificate is not None and material.found.certificate.key == material.found.key:
                break
        problems = compare(identity, material.found, issuer.info if issuer else None, self.task.now)
        # A life shorter than renew_before is the user's to judge, and no reason to refuse what has come.
        problems = [problem for problem in problems if problem.code != "Expiring"]
        if problems:
            why = "; ".join(problem.text() for problem in problems)
            raise InputError(f"the certificate that came for {identity.name} is not the one asked for: {why}")
        return material

    def _request(self, identity: Identity, pending: _Pending, reasons: list[Reason]) -> None:
        self.requests.append(
            {
                "identity": identity.name,
                "request": pending.request(identity),
                "reasons": [reason.as_dict() for reason in reasons],
            }
        )

    def _install(self, identity: Identity, material: Material, pending: _Pending) -> None:
        pending.keep(material)
        self._write_pair(identity, material)
        pending.remove()

    def _write_pair(self, identity: Identity, material: Material) -> None:
        """Key first: Kubernetes' readers keep the old pair while the halves do not match, in either order."""
        if identity.embedded:
            issuer = self.issuers.get(str(identity.issuer))
            _write_kubeconfig(given(identity.kubeconfig), self._kubeconfig_bytes(identity, material, issuer))
            return
        _write_key(identity, material.key or b"")
        _make_parent(identity.certificate_file)
        files.write_atomic(
            identity.certificate_file,
            _normalised(material.certificate or b""),
            identity.owner,
            identity.group,
            identity.certificate_mode,
            _backup(identity.certificate_file),
        )

    # ---- kubeconfigs of identities

    def _kubeconfig_bytes(self, identity: Identity, material: Material, issuer: Issuer | None) -> bytes:
        wanted = given(identity.kubeconfig)
        config = kubeconfigs.Kubeconfig(wanted.server, wanted.cluster_name, wanted.user_name)
        if not wanted.embed:
            return kubeconfigs.build(
                replace(
                    config,
                    ca_path=wanted.ca_path,
                    certificate_path=identity.certificate_path,
                    key_path=identity.key_path,
                )
            )
        return kubeconfigs.build(
            replace(
                config,
                ca_data=self._ca_data(wanted, issuer),
                certificate_data=_normalised(material.certificate or b""),
                key_data=_normalised(material.key or b""),
            )
        )

    def _ca_data(self, wanted: KubeconfigWanted, issuer: Issuer | None) -> bytes:
        text = self._bundle_texts.get(wanted.ca_path)
        if text is None and issuer is not None:
            text = issuer.pem
        return bundle([text or ""], CERTIFICATE, wanted.ca_path).encode("ascii")

    def _examine_kubeconfig(self, identity: Identity, live: Material, issuer: Issuer | None, work: Work) -> None:
        wanted = identity.kubeconfig
        if wanted is None:
            return
        if not work.reasons or not wanted.embed:
            self._compare_kubeconfig(identity, wanted, live, issuer, work)
        for reason in files.attribute_reasons(wanted.path, identity.name, wanted.owner, wanted.group, wanted.mode):
            work.add([reason], lambda: files.ensure_attributes(wanted.path, wanted.owner, wanted.group, wanted.mode))

    def _compare_kubeconfig(
        self, identity: Identity, wanted: KubeconfigWanted, live: Material, issuer: Issuer | None, work: Work
    ) -> None:
        if live.certificate is None and not self.task.check:
            # Its pair comes with the second call, and so does it.
            return
        expected = self._kubeconfig_bytes(identity, live, issuer)
        data = files.read(wanted.path)
        if data == expected:
            return
        code = "KubeconfigMissing" if data is None else "KubeconfigChanged"
        old = None if data is None else _kubeconfig_text(data, wanted.path)
        new = f"{wanted.user_name}@{wanted.cluster_name} {wanted.server} CA {wanted.ca_path}"
        if data is not None and wanted.embed and not self._embedded_differs(data, wanted, expected):
            return
        work.add([Reason(code, identity.name, wanted.path, old, new)], lambda: _write_kubeconfig(wanted, expected))

    def _embedded_differs(self, data: bytes, wanted: KubeconfigWanted, expected: bytes) -> bool:
        """kubeadm's own files have other whitespace and a `preferences` key, and serve as they are."""
        try:
            present = kubeconfigs.parse(data, wanted.path)
        except InputError:
            return True
        return present != kubeconfigs.parse(expected, wanted.path)

    # ---- signing CAs of this host

    def _examine_ca(self, identity: Identity) -> Work:
        work = Work()
        live, pending = _read_live(identity, None), _Pending(identity)
        forced = self._forced(identity)
        interrupted = _interrupted(pending, live)
        if interrupted is not None and not forced:
            # An interrupted write of a new CA leaves no half of the old: its bytes are in .pending.
            work.add([_at(identity, "Interrupted")], lambda: self._install(identity, interrupted, pending))
        elif forced or (live.key is None and live.certificate is None):
            code = "Forced" if forced else "Missing"
            _start, end, _cut = lifetime(self.task.now, identity.validity)
            new = f"CN={identity.common_name}, {identity.key_type}, until {instant_text(end)}"
            work.add([_at(identity, code, None, new)], lambda: self._make_ca(identity, pending))
        else:
            self._check_ca(identity, live, work)
            if pending.exists():
                work.add([Reason("Leftover", identity.name, pending.path("key"))], pending.remove)
        _examine_attributes(identity, work)
        return work

    def _check_ca(self, identity: Identity, live: Material, work: Work) -> None:
        """A CA that is there is kept as it is; one that cannot serve is refused, for others trust it by its key."""
        what = f"{identity.name} in {identity.certificate_path}"
        problem = live.found.key_problem or live.found.certificate_problem
        if problem or live.found.certificate is None or live.found.key is None:
            half = identity.key_path if live.key is None else identity.certificate_path
            raise InputError(f"{what}: {problem or f'{half} is missing'}; {_FORCEABLE}")
        try:
            check_authority(what, live.found.certificate, live.found.key, self.task.now)
        except InputError as error:
            raise InputError(f"{error}; {_FORCEABLE}") from None
        warning = ending_soon(identity.name, live.found.certificate, self.task.now)
        work.warnings += [warning] if warning else []
        if not live.found.normalised:
            work.add([_at(identity, "FormatChanged")], lambda: self._write_pair(identity, live))

    def _make_ca(self, identity: Identity, pending: _Pending) -> None:
        key = x509.generate_key(identity.key_type)
        start, end, _cut = lifetime(self.task.now, identity.validity)
        pem = x509.self_sign(key, identity.common_name, start, end)
        self._install(identity, Material(Found(), pem.encode("ascii"), key.pem()), pending)

    # ---- service-account keys

    def _examine_service_account(self, identity: Identity) -> Work:
        work = Work()
        data, public = files.read(identity.key_file), files.read(identity.public_key_file)
        if self._forced(identity) or (data is None and public is None):
            code = "Forced" if self._forced(identity) else "Missing"
            work.add([_at(identity, code, None, identity.key_type)], lambda: self._make_service_account(identity))
        elif data is None:
            raise InputError(
                f"{identity.name}: {identity.public_key_path} is there, its private key {identity.key_path} is not: "
                f"tokens of the old key would die; {_FORCEABLE}"
            )
        else:
            key = _service_account_key(identity.key_file, data)
            if public is None or public.decode("ascii", "replace") != key.public_pem():
                old = None if public is None else _public_key_text(public)
                new = f"key {key.info.public_key_sha256[:16]}"
                reason = Reason("PublicKeyChanged", identity.name, identity.public_key_path, old, new)
                work.add([reason], lambda: _write_public_key(identity, key))
        _examine_attributes(identity, work)
        return work

    def _make_service_account(self, identity: Identity) -> None:
        key = x509.generate_key(identity.key_type)
        _write_key(identity, key.pem())
        _write_public_key(identity, key)

    # ---- bundles

    def examine_bundle(self, row: dict[str, Any]) -> Work:
        """A bundle of which a member is not known yet is left for the second call, which adds and drops nothing."""
        work = Work()
        path, kind = row["path"], PUBLIC_KEY if row.get("kind") == "public_keys" else CERTIFICATE
        data = files.read(path)
        complete = bool(row.get("complete", True))
        if not complete and self.task.certificates is None and not (self.task.check and data is None):
            return work
        parts = [row.get("content") or ""]
        if not complete and data is not None:
            parts += [_same_kind(data, kind, path)]
        wanted = bundle(parts, kind, path).encode("ascii")
        if not wanted and not self.task.check:
            return work
        name = row.get("name") or path
        attributes = (row.get("owner"), row.get("group"), row.get("mode") or "0644")
        if data != wanted:
            code = "BundleMissing" if data is None else "BundleChanged"
            old = None if data is None else _members(data)
            work.add([Reason(code, name, path, old, _members(wanted))], lambda: _write(path, wanted, *attributes))
        work.add(
            files.attribute_reasons(path, name, *attributes),
            lambda: files.ensure_attributes(path, *attributes),
        )
        return work

    def examine_folders(self, identities: list[Identity], bundles: list[dict[str, Any]]) -> Work:
        """A folder in which others may write lets them swap what is in it."""
        work = Work()
        paths = {os.path.dirname(str(row["path"])) for row in bundles}
        for identity in identities:
            kubeconfig = identity.kubeconfig.path if identity.kubeconfig else None
            named = (identity.certificate_path, identity.key_path, identity.public_key_path, kubeconfig)
            paths |= {os.path.dirname(path) for path in named if path}
        for path in sorted(paths):
            state = files.state_of(path)
            if state.kind == "directory" and state.mode & 0o022 and not state.mode & 0o1000:
                mode = f"{state.mode & ~0o022:04o}"
                reason = Reason("ModeChanged", "directory", path, f"{state.mode:04o}", mode)
                work.add([reason], _mode_setter(path, mode))
            if not self.task.check:
                work.steps.append(_sweeper(path))
        return work


def _mode_setter(path: str, mode: str) -> Callable[[], None]:
    return lambda: files.ensure_attributes(path, mode=mode)


def _sweeper(path: str) -> Callable[[], None]:
    def step() -> None:
        for directory in (path, os.path.join(path, PENDING), os.path.join(path, BACKUP)):
            files.sweep(directory)

    return step


class _Pending:
    """What waits beside a live pair: the new key, its request and, while both are being installed, its certificate."""

    def __init__(self, identity: Identity) -> None:
        self.directory = os.path.join(os.path.dirname(identity.home), PENDING)
        self.name = identity.name

    def path(self, suffix: str) -> str:
        return os.path.join(self.directory, f"{self.name}.{suffix}")

    def exists(self) -> bool:
        return any(files.state_of(self.path(suffix)).exists for suffix in ("key", "csr", "crt"))

    def request(self, identity: Identity) -> str:
        """The request of the key that waits, the same text in every run; a key of another kind makes way."""
        data, text = files.read(self.path("key")), files.read(self.path("csr"))
        key = None
        if data is not None:
            try:
                key = x509.load_private_key(data, self.path("key"), trusted=True)
            except InputError:
                key = None
        if key is None or key.info.key_type != identity.key_type:
            key, text = x509.generate_key(identity.key_type), None
            self._write("key", key.pem())
        if text is None or not _asks_for(text, identity, key.info):
            text = x509.make_request(key, identity.common_name, identity.organizations).encode("ascii")
            self._write("csr", text)
        # A certificate that waits beside a request did not serve.
        files.remove(self.path("crt"))
        return text.decode("ascii")

    def keep(self, material: Material) -> None:
        """Both halves lie here before the live ones are touched; certificate last, it makes the pair complete."""
        if files.read(self.path("key")) != material.key:
            self._write("key", material.key or b"")
        self._write("crt", material.certificate or b"")

    def _write(self, suffix: str, data: bytes) -> None:
        _make_parent(self.directory)
        files.ensure_directory(self.directory, mode="0700")
        files.write_atomic(self.path(suffix), data, mode="0600")

    def remove(self) -> None:
        for suffix in ("csr", "crt", "key"):
            files.remove(self.path(suffix))


def _asks_for(text: bytes, identity: Identity, key: KeyInfo) -> bool:
    try:
        request = x509.load_request(text, "the request that waits")
    except InputError:
        return False
    subject = (request.common_name, request.organizations)
    return request.key == key and subject == (identity.common_name, identity.organizations)


# ---- reading


def _issuer(name: str, pem: str) -> Issuer:
    found = certificates(pem.encode("utf-8"), f"CA {name}")
    certificate = x509.load_certificate(found[0], f"CA {name}")
    return Issuer(certificate, x509.certificate_info(certificate), found[0].text())


def _read_live(identity: Identity, issuer: Issuer | None) -> Material:
    if not identity.embedded:
        return _material(files.read(identity.certificate_file), files.read(identity.key_file), issuer)
    kubeconfig = given(identity.kubeconfig)
    data = files.read(kubeconfig.path)
    if data is None:
        return Material(Found())
    try:
        config = kubeconfigs.parse(data, kubeconfig.path)
    except InputError as error:
        return Material(Found(certificate_problem=str(error)))
    return _material(config.certificate_data, config.key_data, issuer)


def _material(certificate: bytes | None, key: bytes | None, issuer: Issuer | None) -> Material:
    """What is unreadable is a reason to make it anew, not to fail."""
    info, issued, certificate_problem, key_info, key_problem = None, False, None, None, None
    if certificate is not None:
        try:
            loaded = x509.load_certificate(_single(certificate), "certificate")
            info = x509.certificate_info(loaded)
            issued = issuer is not None and x509.is_issued_by(loaded, issuer.certificate)
        except InputError as error:
            certificate_problem = str(error)
    if key is not None:
        try:
            key_info = x509.load_private_key(key, "private key", trusted=True).info
        except InputError as error:
            key_problem = str(error)
    normal = info is None or certificate == _normalised(certificate or b"")
    found = Found(info, certificate_problem, key_info, key_problem, issued, normal)
    return Material(found, certificate, key)


def _single(data: bytes) -> Block:
    found = certificates(data, "certificate")
    if len(found) != 1:
        raise InputError(f"certificate: {len(found)} certificates where one belongs")
    return found[0]


def _interrupted(pending: _Pending, live: Material) -> Material | None:
    """The pair in .pending, when a killed run has not brought both halves live."""
    certificate, key = files.read(pending.path("crt")), files.read(pending.path("key"))
    if certificate is None or key is None or (live.certificate == certificate and live.key == key):
        return None
    material = _material(certificate, key, None)
    info = material.found
    return material if info.certificate is not None and info.certificate.key == info.key else None


def _normalised(data: bytes) -> bytes:
    return "".join(block.text() for block in blocks(data, "PEM")).encode("ascii")


def _same_kind(data: bytes, kind: str, path: str) -> str:
    try:
        return bundle([data.decode("latin-1")], kind, path)
    except InputError:
        return ""


def _bundle_hash(row: dict[str, Any]) -> str:
    """Of the content as it would be written; empty when there is none."""
    data = files.read(row["path"])
    return "" if data is None else hashlib.sha256(data).hexdigest()


def _service_account_key(path: str, data: bytes) -> x509.PrivateKey:
    try:
        return x509.load_private_key(data, path, trusted=True)
    except InputError as error:
        raise InputError(f"{error}; {_FORCEABLE}") from None


# ---- writing


def _make_parent(path: str) -> None:
    parent = os.path.dirname(path)
    if not os.path.isdir(parent):
        files.ensure_directory(parent, mode="0755")


def _backup(path: str) -> str:
    return os.path.join(os.path.dirname(path), BACKUP)


def _write(path: str, data: bytes, owner: str | None, group: str | None, mode: str) -> None:
    _make_parent(path)
    files.write_atomic(path, data, owner, group, mode)


def _write_key(identity: Identity, data: bytes) -> None:
    _make_parent(identity.key_file)
    if files.read(identity.key_file) == data:
        files.ensure_attributes(identity.key_file, identity.owner, identity.group, identity.key_mode)
        return
    backup = _backup(identity.key_file)
    files.write_atomic(identity.key_file, data, identity.owner, identity.group, identity.key_mode, backup)


def _write_public_key(identity: Identity, key: x509.PrivateKey) -> None:
    public = key.public_pem().encode("ascii")
    _write(identity.public_key_file, public, identity.owner, identity.group, identity.certificate_mode)


def _write_kubeconfig(wanted: KubeconfigWanted, data: bytes) -> None:
    _write(wanted.path, data, wanted.owner, wanted.group, wanted.mode)


def _examine_attributes(identity: Identity, work: Work) -> None:
    """Of the files that stay; new ones are born with the right owner and mode."""
    for path, mode in (
        (identity.key_path, identity.key_mode),
        (identity.certificate_path, identity.certificate_mode),
        (identity.public_key_path, identity.certificate_mode),
    ):
        if path is not None:
            reasons = files.attribute_reasons(path, identity.name, identity.owner, identity.group, mode)
            work.add(reasons, _attributes_setter(identity, path, mode))


def _attributes_setter(identity: Identity, path: str, mode: str) -> Callable[[], None]:
    return lambda: files.ensure_attributes(path, identity.owner, identity.group, mode)


# ---- words for reasons


def _at(identity: Identity, code: str, old: str | None = None, new: str | None = None) -> Reason:
    return Reason(code, identity.name, identity.certificate_path or identity.home, old, new)


def _kubeconfig_text(data: bytes, path: str) -> str:
    try:
        found = kubeconfigs.parse(data, path)
    except InputError:
        return "another content"
    return f"{found.user_name}@{found.cluster_name} {found.server} CA {found.ca_path or 'embedded'}"


def _public_key_text(data: bytes) -> str:
    try:
        return f"key {x509.public_key_info(data, 'public key').public_key_sha256[:16]}"
    except InputError:
        return "unreadable"


def _members(data: bytes) -> str:
    try:
        found = blocks(data, "bundle")
    except InputError:
        return "unreadable"
    return f"{len(found)} members: {', '.join(block.fingerprint[:16] for block in found)}" if found else "nothing yet"
