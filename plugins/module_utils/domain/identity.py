# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An identity as the plan wants it, and how what lies on a host differs from it. No files, no clock, no keys."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, field
from typing import Any

from .certificate import CertificateInfo, KeyInfo, instant_text
from .errors import InputError, given
from .names import canonical_ip, check_dns_name
from .reasons import Reason

__all__ = ["KEY_TYPES", "USAGES", "Found", "Identity", "KubeconfigWanted", "compare", "identity_of"]

KEY_TYPES = ("ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "rsa-4096")
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
    renew_before: int | None
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
    details: dict[str, Any] = field(default_factory=dict)


def identity_of(row: dict[str, Any]) -> Identity:
    """A row of the plan, checked: whatever would make a certificate that somebody rejects is refused here."""
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
        renew_before=None if row.get("renew_before") is None else int(row["renew_before"]),
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
    reasons = [_reason(identity, "Forced")] if forced else []
    certificate = found.certificate
    if certificate is None or found.key is None:
        return reasons + _presence(identity, found)
    if certificate.key != found.key:
        reasons.append(_reason(identity, "KeyMismatch", _short(certificate.key), _short(found.key)))
    if found.key.key_type != identity.key_type:
        reasons.append(_reason(identity, "KeyTypeChanged", found.key.key_type, identity.key_type))
    if issuer is None or not found.issued:
        reasons.append(_reason(identity, "IssuerChanged", _key_id(certificate), _wanted_issuer(identity, issuer)))
    reasons += _contents(identity, certificate)
    reasons += _lifetime(identity, certificate, issuer, now)
    return reasons


def _reason(identity: Identity, code: str, old: str | None = None, new: str | None = None) -> Reason:
    path = identity.kubeconfig.path if identity.embedded and identity.kubeconfig else identity.certificate_path
    return Reason(code, identity.name, path or identity.key_path, old, new)


def _short(key: KeyInfo) -> str:
    return f"key {key.public_key_sha256[:16]}"


def _key_id(certificate: CertificateInfo) -> str:
    return f"{certificate.issuer} {certificate.authority_key_id[:16]}".strip()


def _wanted_issuer(identity: Identity, issuer: CertificateInfo | None) -> str:
    return str(identity.issuer) if issuer is None else f"{issuer.subject} {issuer.subject_key_id[:16]}"


def _presence(identity: Identity, found: Found) -> list[Reason]:
    reasons = []
    if found.key_problem:
        reasons.append(_reason(identity, "KeyUnreadable", found.key_problem, "a new key"))
    if found.certificate_problem:
        reasons.append(_reason(identity, "CertificateUnreadable", found.certificate_problem, "a new certificate"))
    if reasons:
        return reasons
    subject = _subject(identity.common_name, identity.organizations)
    if found.certificate is None and found.key is None:
        return [_reason(identity, "Missing", None, subject)]
    return [_reason(identity, "CertificateMissing" if found.certificate is None else "KeyMissing", None, subject)]


def _subject(common_name: str, organizations: tuple[str, ...]) -> str:
    return ", ".join([f"CN={common_name}", *(f"O={value}" for value in sorted(organizations))])


def _contents(identity: Identity, certificate: CertificateInfo) -> list[Reason]:
    reasons = []
    old = _subject(certificate.common_name, certificate.organizations)
    new = _subject(identity.common_name, identity.organizations)
    if old != new or certificate.other_subject:
        reasons.append(_reason(identity, "SubjectChanged", old, new))
    old_names = {*certificate.dns_names, *certificate.ip_addresses}
    new_names = {*identity.dns_names, *identity.ip_addresses}
    if old_names != new_names or certificate.other_names:
        gone, added = sorted(old_names - new_names), sorted(new_names - old_names)
        reasons.append(_reason(identity, "SANsChanged", ", ".join(gone), ", ".join(added)))
    if set(certificate.usages) != set(identity.usages) or not _key_usages_serve(certificate):
        old = ", ".join(sorted({*certificate.usages, *certificate.key_usages}))
        reasons.append(_reason(identity, "UsagesChanged", old, ", ".join(identity.usages)))
    if certificate.is_ca is not False or certificate.version != 3:
        reasons.append(_reason(identity, "ConstraintsChanged", f"CA {certificate.is_ca}", "CA False"))
    if certificate.signature_hash in WEAK_HASHES:
        reasons.append(_reason(identity, "SignatureWeak", certificate.signature_hash, "sha256"))
    return reasons


def _key_usages_serve(certificate: CertificateInfo) -> bool:
    """What kubeadm made (with key encipherment for EC keys too) serves as well."""
    usages = set(certificate.key_usages)
    return "digital signature" in usages and not usages & {"cert sign", "crl sign"}


def _lifetime(
    identity: Identity, certificate: CertificateInfo, issuer: CertificateInfo | None, now: datetime.datetime
) -> list[Reason]:
    end = instant_text(certificate.not_after)
    if certificate.not_after <= now:
        return [_reason(identity, "Expired", end)]
    if certificate.not_before > now:
        return [_reason(identity, "NotYetValid", instant_text(certificate.not_before))]
    if issuer is not None and certificate.not_after > issuer.not_after:
        return [_reason(identity, "OutlivesIssuer", end, instant_text(issuer.not_after))]
    if certificate.not_after - now > _renew_before(identity, certificate):
        return []
    if issuer is not None and certificate.not_after == issuer.not_after:
        # It ends with its CA: a new one would end then too, and every run would make another.
        return []
    return [_reason(identity, "Expiring", end)]


def _renew_before(identity: Identity, certificate: CertificateInfo) -> datetime.timedelta:
    if identity.renew_before is not None:
        return datetime.timedelta(seconds=identity.renew_before)
    return min(datetime.timedelta(seconds=identity.validity), certificate.not_after - certificate.not_before) / 3
