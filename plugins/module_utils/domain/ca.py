# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a CA that Kubernetes, OpenSSL and Go accept, and how long what it signs may live."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from .certificate import KEY_TYPES, CertificateInfo, KeyInfo, instant_text
from .errors import InputError
from .identity import USAGES, WEAK_HASHES

__all__ = [
    "BACKDATE",
    "SOURCES",
    "Authority",
    "authority_of",
    "check_above",
    "check_authority",
    "ending_soon",
    "extension_problems",
    "lifetime",
    "refuse_shared_keys",
    "strict_problems",
    "usage_problems",
]

# As the controller-manager does (pkg/controller/certificates/signer), for clocks that lag.
BACKDATE = datetime.timedelta(minutes=5)
# Where a CA comes from: made here and signed by itself; made here and signed by a root whose key lies on this host, or
# by one that is elsewhere; brought, with its key; brought without its key, so that others sign.
SOURCES = ("self_signed", "root", "offline_root", "imported", "external")
# Those whose certificate an issuer above them signs.
_BELOW_A_ROOT = ("root", "offline_root")


@dataclass(frozen=True)
class Authority:
    """A CA as the plan wants it; its files are relative to the CA folder."""

    name: str
    common_name: str
    key_type: str
    validity: int
    certificate_file: str
    key_file: str
    # Who else than its owner reads the key; None leaves the group as it is.
    key_group: str | None = None
    key_mode: str = "0600"
    source: str = SOURCES[0]
    # On the CA host: who signs this CA; the key with the source root alone.
    root_certificate: str = ""
    root_key: str = ""
    # What its leaves are for.
    usages: tuple[str, ...] = USAGES

    @property
    def signs(self) -> bool:
        """Whether its key is here."""
        return self.source != "external"

    @property
    def below_a_root(self) -> bool:
        return self.source in _BELOW_A_ROOT

    @property
    def chain_file(self) -> str:
        """The CA and those above it, up to the root, where it is not self-signed."""
        stem, dot, suffix = self.certificate_file.rpartition(".")
        return f"{stem}-chain.{suffix}" if dot and "/" not in suffix else f"{self.certificate_file}-chain"


def authority_of(row: dict[str, Any]) -> Authority:
    authority = Authority(
        name=str(row["name"]),
        common_name=str(row["common_name"]),
        key_type=str(row["key_type"]),
        validity=int(row["validity"]),
        certificate_file=str(row["certificate_file"]),
        key_file=str(row["key_file"]),
        key_group=row.get("key_group") or None,
        key_mode=str(row.get("key_mode") or "0600"),
        source=str(row.get("source") or SOURCES[0]),
        root_certificate=str(row.get("root_certificate") or ""),
        root_key=str(row.get("root_key") or ""),
        usages=tuple(map(str, row.get("usages") or USAGES)),
    )
    what = f"CA {authority.name}"
    _check_source(authority, what)
    if authority.key_type not in KEY_TYPES:
        raise InputError(
            f"{what}: key_type {authority.key_type!r} is not allowed; choose one of {', '.join(KEY_TYPES)}"
        )
    if not 0 < len(authority.common_name.encode("utf-8")) <= 64:
        raise InputError(f"{what}: common_name {authority.common_name!r} has to have 1 to 64 bytes")
    if authority.key_mode not in ("0600", "0640"):
        raise InputError(f"{what}: key_mode {authority.key_mode!r} is neither 0600 nor 0640")
    unknown = [usage for usage in authority.usages if usage not in USAGES]
    if unknown:
        raise InputError(f"{what}: usages {', '.join(unknown)} is not allowed; choose of {', '.join(USAGES)}")
    if authority.validity < 60:
        raise InputError(f"{what}: a validity of {authority.validity} s is too short")
    for path in (authority.certificate_file, authority.key_file):
        if path.startswith("/") or ".." in path.split("/") or not path or path.endswith("/"):
            raise InputError(f"{what}: {path!r} is not the name of a file below the CA folder")
    return authority


def _check_source(authority: Authority, what: str) -> None:
    if authority.source not in SOURCES:
        raise InputError(f"{what}: source {authority.source!r} is not allowed; choose one of {', '.join(SOURCES)}")
    wanted = {"root_certificate": authority.below_a_root, "root_key": authority.source == "root"}
    for option, needed in wanted.items():
        path = getattr(authority, option)
        if needed and not path:
            raise InputError(f"{what}: the source {authority.source} needs {option}, the path of a file on the CA host")
        if path and not path.startswith("/"):
            raise InputError(f"{what}: {option} {path!r} is not an absolute path")


def check_authority(
    what: str,
    certificate: CertificateInfo,
    key: KeyInfo | None,
    now: datetime.datetime,
    usages: tuple[str, ...],
    leaves_only: bool = True,
) -> None:
    """Refuse a CA that would sign what others reject; ``usages`` are those of its leaves."""
    problems = _form_problems(certificate)
    if key is not None and key != certificate.key:
        problems.insert(0, "certificate and private key do not belong together; restore the pair from a backup")
    if not leaves_only and certificate.path_length == 0:
        problems.append("its path length 0 allows no CA below it")
    problems += [f"{text}; bring a CA without it" for text in extension_problems(certificate)]
    problems += usage_problems(certificate, usages)
    problems += _dates(certificate, now)
    if problems:
        raise InputError(f"{what}: {'; '.join(problems)}")


def _form_problems(certificate: CertificateInfo) -> list[str]:
    problems = []
    if certificate.version != 3:
        problems.append("it is an X.509 v1 certificate")
    if certificate.is_ca is not True:
        problems.append("it has no basicConstraints CA:TRUE")
    if "cert sign" not in certificate.key_usages:
        problems.append("its keyUsage has no keyCertSign")
    if certificate.key.key_type not in KEY_TYPES:
        problems.append(f"its key is {certificate.key.key_type}, allowed are {', '.join(KEY_TYPES)}")
    if certificate.signature_hash in WEAK_HASHES:
        problems.append(f"it is signed with {certificate.signature_hash}")
    if certificate.serial < 0:
        problems.append("its serial number is negative, which Go does not read")
    if not certificate.subject:
        problems.append("it has no subject, by which its leaves would name it")
    return problems


def extension_problems(certificate: CertificateInfo) -> list[str]:
    """Extensions for which OpenSSL, GnuTLS or Go refuse the certificate, or what is below it."""
    narrow = [
        f"its extension {name} narrows what may be in certificates below it, and those of a cluster do not keep to it"
        for name in certificate.narrowing
    ]
    unknown = [
        f"its critical extension {oid} is unknown to OpenSSL and Go, which refuse it for that"
        for oid in certificate.unknown_critical
    ]
    return narrow + unknown


def strict_problems(what: str, certificate: CertificateInfo) -> list[str]:
    """A warning about what RFC 5280 wants of a CA and Kubernetes, Go and kubeadm do without."""
    lacking = [] if certificate.subject_key_id else ["it has no subject key identifier"]
    lacking += ["its basicConstraints are not critical"] if certificate.constraints_critical is False else []
    if not lacking:
        return []
    who = "readers that are strict (openssl verify -x509_strict, programs in Python 3.13 and later)"
    has = " and ".join(lacking)
    return [f"{what}, {certificate.subject}: {has}; Kubernetes takes it so, but {who} refuse all that it signs"]


def usage_problems(certificate: CertificateInfo, wanted: tuple[str, ...]) -> list[str]:
    """OpenSSL and Go want the usage of a leaf in every extendedKeyUsage above it; OpenSSL takes no `any` for it."""
    lacking = [usage for usage in wanted if usage not in certificate.usages]
    if not certificate.usages or not lacking:
        return []
    has = ", ".join(certificate.usages)
    remedy = "bring a CA that has it, or no extendedKeyUsage at all"
    return [f"its extendedKeyUsage ({has}) lacks {', '.join(lacking)}, for which it is to sign; {remedy}"]


def check_above(what: str, above: list[CertificateInfo], now: datetime.datetime, usages: tuple[str, ...]) -> None:
    """Those above a CA, its issuer first: each has to allow as many CAs below it as there are."""
    for below, certificate in enumerate(above, start=1):
        name = f"{what}: {certificate.subject}"
        check_authority(name, certificate, None, now, usages, leaves_only=False)
        if certificate.path_length is not None and certificate.path_length < below:
            raise InputError(
                f"{name}: its path length {certificate.path_length} allows no chain with {below} CAs below it"
            )


def refuse_shared_keys(found: dict[str, CertificateInfo]) -> None:
    """Whoever trusts one CA would trust the other: etcd's clients at the API server, anybody as the front proxy."""
    seen: dict[str, str] = {}
    for name, certificate in found.items():
        other = seen.setdefault(certificate.key.public_key_sha256, name)
        if other != name:
            raise InputError(f"the CAs {other} and {name} have one and the same key; give each its own")


def _dates(certificate: CertificateInfo, now: datetime.datetime) -> list[str]:
    if certificate.not_after <= now:
        return [f"it expired at {instant_text(certificate.not_after)}; a new CA is a rotation"]
    if certificate.not_before > now:
        return [f"it is valid from {instant_text(certificate.not_before)} only; look at this host's clock"]
    return []


def lifetime(
    now: datetime.datetime, validity: int, issuer: CertificateInfo | None = None
) -> tuple[datetime.datetime, datetime.datetime, bool]:
    """From when and until when, and whether the CA's end cut it."""
    now = now.replace(microsecond=0)
    try:
        start, end = now - BACKDATE, now + datetime.timedelta(seconds=validity)
    except OverflowError:
        raise InputError(f"a validity of {validity} s ends after the year 9999") from None
    if issuer is None:
        return start, end, False
    return max(start, issuer.not_before), min(end, issuer.not_after), end > issuer.not_after


def ending_soon(name: str, certificate: CertificateInfo, now: datetime.datetime) -> str | None:
    """A warning when less than a tenth of a CA's life is left."""
    left = certificate.not_after - now
    if left > (certificate.not_after - certificate.not_before) / 10:
        return None
    return f"CA {name} ends at {instant_text(certificate.not_after)}; what it signs ends with it: plan its rotation"
