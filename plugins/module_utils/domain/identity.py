# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An identity as the plan wants it, and how what lies on a host differs from it. No files, no clock, no keys."""

from __future__ import annotations

import datetime
import functools
import re
from dataclasses import dataclass
from typing import Any

from .certificate import KEY_TYPES, CertificateInfo, KeyInfo, instant_text
from .durations import format_duration, parse_share
from .errors import InputError, given
from .names import canonical_ip, check_dns_name
from .reasons import Reason

__all__ = [
    "USAGES",
    "Found",
    "Identity",
    "KubeconfigWanted",
    "compare",
    "end_text",
    "identity_of",
    "new_key_wanted",
    "subject_text",
]

KINDS = ("certificate", "ca", "service_account")
USAGES = ("server auth", "client auth")
# 300 names work everywhere; 5,000 verify, but break the TLS handshake in OpenSSL and rustls.
LIMIT_NAMES = 300
WEAK_HASHES = ("md5", "sha1", "none")

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")
_MODE = re.compile(r"0?[0-7]{3}")


@dataclass(frozen=True)
class KubeconfigWanted:
    path: str
    server: str
    cluster_name: str
    user_name: str
    ca_path: str
    embed: bool
    owner: str | None
    group: str | None
    mode: str


@dataclass(frozen=True)
class Identity:
    name: str
    kind: str
    issuer: str | None
    common_name: str
    key_type: str
    validity: int
    # Seconds before its end, or per cent of its life; neither: a third of it.
    renew_before: int | None
    renew_share: int | None = None
    organizations: tuple[str, ...] = ()
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
    usages: tuple[str, ...] = ()
    certificate_path: str | None = None
    key_path: str | None = None
    public_key_path: str | None = None
    owner: str | None = None
    group: str | None = None
    key_mode: str = "0600"
    certificate_mode: str = "0644"
    kubeconfig: KubeconfigWanted | None = None
    # Whether renewal keeps the key.
    keep_key: bool = False
    # Whether its certificate comes from elsewhere, maybe days after it was asked for.
    external: bool = False

    @property
    def embedded(self) -> bool:
        return self.kubeconfig is not None and self.kubeconfig.embed

    @property
    def home(self) -> str:
        """The file beside which a pending key waits."""
        if self.embedded:
            return given(self.kubeconfig).path
        return self.key_file

    @property
    def files(self) -> tuple[str, ...]:
        """Where key and certificate live."""
        return tuple(dict.fromkeys(path for path in (self.home, self.certificate_path) if path))

    @property
    def key_file(self) -> str:
        return given(self.key_path)

    @property
    def certificate_file(self) -> str:
        return given(self.certificate_path)

    @property
    def public_key_file(self) -> str:
        return given(self.public_key_path)


@dataclass(frozen=True)
class Found:
    """What lies on the host. A problem says why something that is there could not be read."""

    certificate: CertificateInfo | None = None
    certificate_problem: str | None = None
    key: KeyInfo | None = None
    key_problem: str | None = None
    # Its signature was verified with the wanted issuer's key.
    issued: bool = False
    # The bytes are what would be written now.
    normalised: bool = True
    # What comes after the certificate are the CAs that are to be served with it.
    chained: bool = True


def identity_of(row: dict[str, Any] | Identity) -> Identity:
    """A row of the plan, checked: whatever would make a certificate that somebody rejects is refused here."""
    if isinstance(row, Identity):
        return row
    name = str(row.get("name") or "")
    if not _NAME.fullmatch(name):
        raise InputError(f"identity {name!r}: the name may have lower-case letters, digits, dots and dashes only")
    identity = Identity(
        name=name,
        kind=_one_of(row, "kind", KINDS, name),
        issuer=row.get("issuer") or None,
        common_name=str(row.get("common_name") or ""),
        key_type=_one_of(row, "key_type", KEY_TYPES, name),
        validity=int(row.get("validity") or 0),
        renew_before=_renew_seconds(row.get("renew_before"), name),
        renew_share=parse_share(str(row.get("renew_before") or "")),
        organizations=tuple(row.get("organizations") or ()),
        dns_names=tuple(check_dns_name(str(n), f"identity {name}: DNS name", True) for n in row.get("dns_names") or ()),
        ip_addresses=tuple(canonical_ip(str(a), f"identity {name}: address") for a in row.get("ip_addresses") or ()),
        usages=tuple(row.get("usages") or ()),
        certificate_path=_path(row, "certificate_path", name),
        key_path=_path(row, "key_path", name),
        public_key_path=_path(row, "public_key_path", name),
        owner=row.get("owner"),
        group=row.get("group"),
        key_mode=_mode(row, "key_mode", "0600", name),
        certificate_mode=_mode(row, "certificate_mode", "0644", name),
        kubeconfig=_kubeconfig(row.get("kubeconfig"), name),
        keep_key=bool(row.get("keep_key")),
        external=bool(row.get("external")),
    )
    _check_files(identity)
    if identity.kind != "service_account":
        _check_certificate(identity)
    return identity


def _one_of(row: dict[str, Any], key: str, allowed: tuple[str, ...], name: str) -> str:
    value = str(row.get(key) or "")
    if value not in allowed:
        raise InputError(f"identity {name}: {key} {value!r} is not allowed; choose one of {', '.join(allowed)}")
    return value


def _renew_seconds(value: Any, name: str) -> int | None:
    if value is None or parse_share(str(value)) is not None:
        return None
    if not str(value).isdigit():
        raise InputError(f"identity {name}: renew_before {value!r} is neither seconds nor a share like '25%'")
    return int(value)


def _path(row: dict[str, Any], key: str, name: str) -> str | None:
    value = row.get(key)
    if value is None:
        return None
    path = str(value)
    if not path.startswith("/") or "/../" in path or path.endswith("/"):
        raise InputError(f"identity {name}: {key} {path!r} is not the absolute path of a file")
    return path


def _mode(row: dict[str, Any], key: str, default: str, name: str) -> str:
    value = str(row.get(key) or default)
    if not _MODE.fullmatch(value):
        raise InputError(f"identity {name}: {key} {value!r} is no mode; give it in quotes, like '0600'")
    return value


def _kubeconfig(row: dict[str, Any] | None, name: str) -> KubeconfigWanted | None:
    if not row:
        return None
    missing = [key for key in ("path", "server", "cluster_name", "user_name", "ca_path") if not row.get(key)]
    if missing:
        raise InputError(f"identity {name}: its kubeconfig lacks {', '.join(missing)}")
    path, ca_path = given(_path(row, "path", name)), given(_path(row, "ca_path", name))
    server = str(row["server"])
    if not server.startswith("https://"):
        raise InputError(f"identity {name}: the server {server!r} of its kubeconfig does not begin with https://")
    return KubeconfigWanted(
        path=path,
        server=server,
        cluster_name=str(row["cluster_name"]),
        user_name=str(row["user_name"]),
        ca_path=ca_path,
        embed=bool(row.get("embed")),
        owner=row.get("owner"),
        group=row.get("group"),
        mode=_mode(row, "mode", "0600", name),
    )


def _check_files(identity: Identity) -> None:
    if identity.embedded:
        if identity.kind != "certificate" or identity.key_path or identity.certificate_path:
            raise InputError(f"identity {identity.name}: with an embedding kubeconfig it has no files of its own")
        return
    needed = {"key_path": identity.key_path}
    if identity.kind == "service_account":
        needed["public_key_path"] = identity.public_key_path
    else:
        needed["certificate_path"] = identity.certificate_path
    missing = [key for key, value in needed.items() if not value]
    if missing:
        raise InputError(f"identity {identity.name}: {', '.join(missing)} missing")


def _check_certificate(identity: Identity) -> None:
    what = f"identity {identity.name}"
    subject = (("common_name", identity.common_name), *(("organization", value) for value in identity.organizations))
    for label, value in subject:
        if not 0 < len(value.encode("utf-8")) <= 64:
            raise InputError(f"{what}: {label} {value!r} has to have 1 to 64 bytes (RFC 5280, upper bounds)")
    if "*" in identity.common_name:
        raise InputError(f"{what}: a wildcard in common_name is read by nobody; write it among the dns_names")
    if identity.validity < 60:
        raise InputError(f"{what}: a validity of {identity.validity} s is too short; 60 s is the least")
    if identity.renew_before is not None and not 0 <= identity.renew_before < identity.validity:
        raise InputError(
            f"{what}: renew_before {identity.renew_before} s is not below the validity of {identity.validity} s: "
            "it would be made anew in every run"
        )
    if len(identity.dns_names) + len(identity.ip_addresses) > LIMIT_NAMES:
        raise InputError(f"{what}: more than {LIMIT_NAMES} names break TLS handshakes; give it fewer")
    if identity.kind == "certificate":
        _check_leaf(identity, what)
    elif identity.issuer is not None:
        raise InputError(f"{what}: a CA on a host is self-signed; take its issuer {identity.issuer} away")


def _check_leaf(identity: Identity, what: str) -> None:
    if not identity.issuer:
        raise InputError(f"{what}: issuer missing")
    unknown = [usage for usage in identity.usages if usage not in USAGES]
    if unknown or not identity.usages:
        raise InputError(f"{what}: usages {list(identity.usages)} have to be of {', '.join(USAGES)}")
    if "server auth" in identity.usages and not (identity.dns_names or identity.ip_addresses):
        raise InputError(f"{what}: a server certificate without names is accepted by nobody; give dns_names")


# ---- comparing


def compare(
    identity: Identity, found: Found, issuer: CertificateInfo | None, now: datetime.datetime, forced: bool = False
) -> list[Reason]:
    """Why a new certificate is needed; empty when what is there serves."""
    keeps = not new_key_wanted(identity, found, forced)
    files = identity.files if identity.embedded or not keeps else (identity.certificate_file,)
    differences = _Differences(identity, issuer, now, files)
    if forced:
        differences.add("Forced")
    certificate = found.certificate
    if certificate is None or found.key is None:
        differences.presence(found)
    else:
        differences.key(certificate, found.key)
        differences.issuer(certificate, found.issued)
        differences.contents(certificate)
        differences.lifetime(certificate)
    return differences.reasons


def new_key_wanted(identity: Identity, found: Found, forced: bool) -> bool:
    """A key is kept where the user says so, and only one that is the certificate's own and of the wanted kind."""
    if forced or not identity.keep_key or found.key is None or found.key.key_type != identity.key_type:
        return True
    return found.certificate is not None and found.certificate.key != found.key


def subject_text(common_name: str, organizations: tuple[str, ...]) -> str:
    return ", ".join([f"CN={common_name}", *(f"O={value}" for value in sorted(organizations))])


@functools.lru_cache(maxsize=64)
def end_text(now: datetime.datetime, validity: int, issuer: CertificateInfo | None = None) -> str:
    """When a new certificate will end. A day: the second is known only when it is signed."""
    try:
        end = now + datetime.timedelta(seconds=validity)
    except OverflowError:
        raise InputError(f"a validity of {validity} s ends after the year 9999") from None
    if issuer is not None and issuer.not_after < end:
        return f"{instant_text(issuer.not_after)}, with its CA"
    return f"{end.astimezone(datetime.timezone.utc):%Y-%m-%d}, after {format_duration(validity)}"


class _Differences:
    """The reasons of one identity, each difference by a name of its own."""

    def __init__(
        self, identity: Identity, issuer: CertificateInfo | None, now: datetime.datetime, files: tuple[str, ...]
    ) -> None:
        self.identity = identity
        self.files = files
        self.wanted_issuer = issuer
        self.now = now
        self.reasons: list[Reason] = []

    def add(
        self, code: str, old: str | None = None, new: str | None = None, details: tuple[tuple[str, str], ...] = ()
    ) -> None:
        identity = self.identity
        path = identity.certificate_path or identity.home
        self.reasons.append(Reason(code, identity.name, path, old, new, details, self.files))

    def presence(self, found: Found) -> None:
        if found.key_problem:
            self.add("KeyUnreadable", found.key_problem, "a new key")
        if found.certificate_problem:
            self.add("CertificateUnreadable", found.certificate_problem, "a new certificate")
        if found.key_problem or found.certificate_problem:
            return
        if found.certificate is not None:
            self.add("KeyMissing", None, self.identity.key_type)
        elif found.key is not None:
            self.add("CertificateMissing", None, self._subject())
        else:
            self.add("Missing", details=self._details())

    def _subject(self) -> str:
        return subject_text(self.identity.common_name, self.identity.organizations)

    def _details(self) -> tuple[tuple[str, str], ...]:
        identity = self.identity
        names = ", ".join([*identity.dns_names, *identity.ip_addresses])
        return (
            ("subject", self._subject()),
            *((("names", names),) if names else ()),
            ("usages", ", ".join(identity.usages)),
            ("issuer", str(identity.issuer)),
            ("end", end_text(self.now, identity.validity, self.wanted_issuer)),
            ("key", identity.key_type),
        )

    def key(self, certificate: CertificateInfo, key: KeyInfo) -> None:
        if certificate.key != key:
            mine, theirs = key.public_key_sha256[:16], certificate.key.public_key_sha256[:16]
            self.add("KeyMismatch", f"key {mine}, certificate of key {theirs}", "a new pair")
        if key.key_type != self.identity.key_type:
            self.add("KeyTypeChanged", key.key_type, self.identity.key_type)

    def issuer(self, certificate: CertificateInfo, issued: bool) -> None:
        wanted = self.wanted_issuer
        if wanted is not None and issued:
            return
        new = str(self.identity.issuer) if wanted is None else f"{wanted.subject} {wanted.subject_key_id[:16]}"
        self.add("IssuerChanged", f"{certificate.issuer} {certificate.authority_key_id[:16]}".strip(), new)

    def contents(self, certificate: CertificateInfo) -> None:
        identity = self.identity
        old, new = subject_text(certificate.common_name, certificate.organizations), self._subject()
        if old != new or certificate.other_subject:
            self.add("SubjectChanged", certificate.subject if certificate.other_subject else old, new)
        old_names = {*certificate.dns_names, *certificate.ip_addresses}
        new_names = {*identity.dns_names, *identity.ip_addresses}
        if old_names != new_names or certificate.other_names:
            gone = [*sorted(old_names - new_names), *["names of other kinds"][: certificate.other_names]]
            self.add("SANsChanged", ", ".join(gone), ", ".join(sorted(new_names - old_names)))
        if set(certificate.usages) != set(identity.usages) or not _key_usages_serve(certificate):
            usages = ", ".join(sorted({*certificate.usages, *certificate.key_usages}))
            self.add("UsagesChanged", usages, ", ".join(sorted({*identity.usages, "digital signature"})))
        if certificate.is_ca is not False or certificate.version != 3:
            self.add("ConstraintsChanged", _constraints(certificate), "CA:FALSE")
        if certificate.signature_hash in WEAK_HASHES:
            self.add("SignatureWeak", certificate.signature_hash, "sha256")

    def lifetime(self, certificate: CertificateInfo) -> None:
        issuer, end = self.wanted_issuer, instant_text(certificate.not_after)
        new = end_text(self.now, self.identity.validity, issuer)
        if certificate.not_after <= self.now:
            self.add("Expired", end, new)
        elif certificate.not_before > self.now:
            self.add("NotYetValid", instant_text(certificate.not_before), "now")
        elif issuer is not None and certificate.not_after > issuer.not_after:
            self.add("OutlivesIssuer", end, instant_text(issuer.not_after))
        elif certificate.not_after - self.now > _renew_before(self.identity, certificate):
            return
        elif issuer is None or certificate.not_after != issuer.not_after:
            # One that ends with its CA is kept: a new one would end then too, and every run would make another.
            self.add("Expiring", end, new)


def _constraints(certificate: CertificateInfo) -> str:
    if certificate.version != 3:
        return f"X.509 v{certificate.version}"
    return {None: "none", True: "CA:TRUE", False: "CA:FALSE"}[certificate.is_ca]


def _key_usages_serve(certificate: CertificateInfo) -> bool:
    """What kubeadm made (with key encipherment for EC keys too) serves as well."""
    usages = set(certificate.key_usages)
    return "digital signature" in usages and not usages & {"cert sign", "crl sign"}


def _renew_before(identity: Identity, certificate: CertificateInfo) -> datetime.timedelta:
    if identity.renew_before is not None:
        return datetime.timedelta(seconds=identity.renew_before)
    life = min(datetime.timedelta(seconds=identity.validity), certificate.not_after - certificate.not_before)
    return life / 3 if identity.renew_share is None else life * identity.renew_share / 100
