# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates and requests as text, line for line as OpenSSL 3 writes it (`openssl x509 -text`, `openssl req -text`).

Only the time that is left is added, behind the date of the end.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from .durations import time_left

__all__ = ["Extension", "PublicPart", "Readable", "colons", "text_of"]

Name = tuple[tuple[tuple[str, str], ...], ...]

_ATTRIBUTES = {
    "2.5.4.3": "CN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "emailAddress",
}
_SIGNATURES = {
    "1.2.840.113549.1.1.5": "sha1WithRSAEncryption",
    "1.2.840.113549.1.1.10": "rsassaPss",
    "1.2.840.113549.1.1.11": "sha256WithRSAEncryption",
    "1.2.840.113549.1.1.12": "sha384WithRSAEncryption",
    "1.2.840.113549.1.1.13": "sha512WithRSAEncryption",
    "1.2.840.10045.4.1": "ecdsa-with-SHA1",
    "1.2.840.10045.4.3.2": "ecdsa-with-SHA256",
    "1.2.840.10045.4.3.3": "ecdsa-with-SHA384",
    "1.2.840.10045.4.3.4": "ecdsa-with-SHA512",
    "1.3.101.112": "ED25519",
}
_EXTENSIONS = {
    "1.3.6.1.5.5.7.1.1": "Authority Information Access",
    "2.5.29.14": "X509v3 Subject Key Identifier",
    "2.5.29.15": "X509v3 Key Usage",
    "2.5.29.17": "X509v3 Subject Alternative Name",
    "2.5.29.19": "X509v3 Basic Constraints",
    "2.5.29.30": "X509v3 Name Constraints",
    "2.5.29.31": "X509v3 CRL Distribution Points",
    "2.5.29.32": "X509v3 Certificate Policies",
    "2.5.29.35": "X509v3 Authority Key Identifier",
    "2.5.29.37": "X509v3 Extended Key Usage",
}
# Name of the curve in cryptography: OpenSSL's name and NIST's.
_CURVES = {
    "secp256r1": ("prime256v1", "P-256"),
    "secp384r1": ("secp384r1", "P-384"),
    "secp521r1": ("secp521r1", "P-521"),
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ESCAPED = {0x22: '\\"', 0x5C: "\\\\"}
_QUOTED = set(",+<>;")


@dataclass(frozen=True)
class PublicPart:
    """A public key: an RSA modulus and exponent, or the bytes of a point of a curve."""

    kind: str
    bits: int = 0
    point: bytes = b""
    modulus: int = 0
    exponent: int = 0


@dataclass(frozen=True)
class Extension:
    oid: str
    critical: bool
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Readable:
    """A certificate, or a request where it has no dates."""

    version: int
    subject: Name
    key: PublicPart
    extensions: tuple[Extension, ...]
    signature_algorithm: str
    signature: bytes
    serial: int = 0
    issuer: Name = ()
    not_before: datetime.datetime | None = None
    not_after: datetime.datetime | None = None


def text_of(thing: Readable, now: datetime.datetime) -> str:
    if thing.not_before is None or thing.not_after is None:
        lines = [
            "Certificate Request:",
            "    Data:",
            _version(thing),
            *_named("Subject", thing.subject),
            *_key(thing.key),
        ]
        lines += _attributes(thing.extensions)
    else:
        left = time_left(int((thing.not_after - now).total_seconds()))
        lines = ["Certificate:", "    Data:", _version(thing), *_serial(thing.serial)]
        lines += [
            f"        Signature Algorithm: {_signature(thing)}",
            *_named("Issuer", thing.issuer),
            "        Validity",
        ]
        lines += [f"            Not Before: {_date(thing.not_before)}"]
        lines += [f"            Not After : {_date(thing.not_after)} ({left}{'' if left == 'expired' else ' left'})"]
        lines += [*_named("Subject", thing.subject), *_key(thing.key)]
        lines += _extensions("        X509v3 extensions:", thing.extensions, 12)
    lines += [f"    Signature Algorithm: {_signature(thing)}", "    Signature Value:"]
    return "\n".join([*lines, *_hex_lines(thing.signature, 8, 18)]) + "\n"


def colons(data: bytes, upper: bool = True) -> str:
    text = data.hex(":")
    return text.upper() if upper else text


def _version(thing: Readable) -> str:
    return f"        Version: {thing.version} ({hex(thing.version - 1)})"


def _signature(thing: Readable) -> str:
    return _SIGNATURES.get(thing.signature_algorithm, thing.signature_algorithm)


def _serial(serial: int) -> list[str]:
    if 0 <= serial < 1 << 63:
        return [f"        Serial Number: {serial} ({serial:#x})"]
    data = abs(serial).to_bytes((abs(serial).bit_length() + 7) // 8, "big")
    return ["        Serial Number:", f"            {' (Negative)' if serial < 0 else ''}{colons(data, upper=False)}"]


def _date(instant: datetime.datetime) -> str:
    """In English and UTC, whatever the locale and the zone of the host."""
    utc = instant.astimezone(datetime.timezone.utc)
    return f"{_MONTHS[utc.month - 1]} {utc.day:2d} {utc:%H:%M:%S} {utc.year} GMT"


def _named(title: str, name: Name) -> list[str]:
    parts = [" + ".join(f"{_ATTRIBUTES.get(oid, oid)}={_escaped(value)}" for oid, value in rdn) for rdn in name]
    return [f"        {title}: {', '.join(parts)}"]


def _escaped(value: str) -> str:
    """Whoever asks for a certificate chooses its names: nothing of them reaches a terminal as control characters."""
    bare = "".join(
        _ESCAPED.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:02X}")
        for byte in value.encode("utf-8", "surrogateescape")
    )
    quoted = value[:1] in (" ", "#") or value[-1:] == " " or _QUOTED & set(value)
    return f'"{bare}"' if quoted else bare


def _key(key: PublicPart) -> list[str]:
    indent = " " * 16
    title = "        Subject Public Key Info:\n            Public Key Algorithm:"
    if key.modulus:
        return [
            f"{title} rsaEncryption",
            f"{indent}Public-Key: ({key.bits} bit)",
            f"{indent}Modulus:",
            *_hex_lines(key.modulus.to_bytes(key.modulus.bit_length() // 8 + 1, "big"), 20, 15),
            f"{indent}Exponent: {key.exponent} ({key.exponent:#x})",
        ]
    if key.kind in _CURVES:
        name, nist = _CURVES[key.kind]
        shown = [
            f"{indent}pub:",
            *_hex_lines(key.point, 20, 15),
            f"{indent}ASN1 OID: {name}",
            f"{indent}NIST CURVE: {nist}",
        ]
        return [f"{title} id-ecPublicKey", f"{indent}Public-Key: ({key.bits} bit)", *shown]
    shown = [f"{indent}pub:", *_hex_lines(key.point, 20, 15)] if key.point else []
    return [f"{title} {key.kind}", f"{indent}{key.kind} Public-Key:", *shown]


def _hex_lines(data: bytes, indent: int, width: int) -> list[str]:
    parts = [colons(data[start : start + width], upper=False) for start in range(0, len(data), width)]
    return [f"{' ' * indent}{part}{':' if number < len(parts) - 1 else ''}" for number, part in enumerate(parts)]


def _attributes(extensions: tuple[Extension, ...]) -> list[str]:
    if not extensions:
        return ["        Attributes:", "            (none)"]
    return ["        Attributes:", *_extensions("            Requested Extensions:", extensions, 16)]


def _extensions(title: str, extensions: tuple[Extension, ...], indent: int) -> list[str]:
    lines = [title] if extensions else []
    for extension in extensions:
        name = _EXTENSIONS.get(extension.oid, extension.oid)
        lines.append(f"{' ' * indent}{name}:{' critical' if extension.critical else ''}")
        lines += [f"{' ' * (indent + 4)}{line}" for line in extension.lines]
    return lines
