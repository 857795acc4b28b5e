# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that a certificate or a request says, in plain types, for people to read.

It is given what x509.py has loaded, and knows the classes of cryptography by their names, so that it imports none.
"""

from __future__ import annotations

import datetime
import ipaddress
from typing import Any, Callable

from .domain.openssl_text import Extension, PublicPart, Readable, colons

__all__ = ["readable"]

# Attributes of cryptography, and what OpenSSL calls them.
_KEY_USAGES = (
    ("digital_signature", "Digital Signature"),
    ("content_commitment", "Non Repudiation"),
    ("key_encipherment", "Key Encipherment"),
    ("data_encipherment", "Data Encipherment"),
    ("key_agreement", "Key Agreement"),
    ("key_cert_sign", "Certificate Sign"),
    ("crl_sign", "CRL Sign"),
)
_AGREEMENT_USAGES = (("encipher_only", "Encipher Only"), ("decipher_only", "Decipher Only"))
_USAGES = {
    "1.3.6.1.5.5.7.3.1": "TLS Web Server Authentication",
    "1.3.6.1.5.5.7.3.2": "TLS Web Client Authentication",
    "1.3.6.1.5.5.7.3.3": "Code Signing",
    "1.3.6.1.5.5.7.3.4": "E-mail Protection",
    "1.3.6.1.5.5.7.3.8": "Time Stamping",
    "1.3.6.1.5.5.7.3.9": "OCSP Signing",
    "2.5.29.37.0": "Any Extended Key Usage",
}
_NAMES = {"DNSName": "DNS", "RFC822Name": "email", "UniformResourceIdentifier": "URI"}


def readable(
    thing: Any, not_before: datetime.datetime | None = None, not_after: datetime.datetime | None = None
) -> Readable:
    """A certificate, with its dates, or a request."""
    dated = not_before is not None
    return Readable(
        version=thing.version.value + 1 if dated else 1,
        subject=_rdns(thing.subject),
        key=_public_part(thing.public_key()),
        extensions=tuple(_extension(entry) for entry in thing.extensions),
        signature_algorithm=thing.signature_algorithm_oid.dotted_string,
        signature=bytes(thing.signature),
        serial=int(thing.serial_number) if dated else 0,
        issuer=_rdns(thing.issuer) if dated else (),
        not_before=not_before,
        not_after=not_after,
    )


def _rdns(name: Any) -> tuple[tuple[tuple[str, str], ...], ...]:
    return tuple(tuple((entry.oid.dotted_string, str(entry.value)) for entry in rdn) for rdn in name.rdns)


def _public_part(key: Any) -> PublicPart:
    numbers: Any = key.public_numbers() if hasattr(key, "public_numbers") else None
    if hasattr(numbers, "n"):
        return PublicPart("rsa", key.key_size, b"", numbers.n, numbers.e)
    if hasattr(numbers, "x"):
        size = (key.key_size + 7) // 8
        point = b"\x04" + numbers.x.to_bytes(size, "big") + numbers.y.to_bytes(size, "big")
        return PublicPart(key.curve.name, key.key_size, point)
    # Since cryptography 40.
    point = bytes(key.public_bytes_raw()) if hasattr(key, "public_bytes_raw") else b""
    return PublicPart(type(key).__name__.strip("_").replace("PublicKey", "").upper(), point=point)


def _extension(entry: Any) -> Extension:
    value = entry.value
    show = _SHOWN.get(type(value).__name__, _bytes_lines)
    return Extension(entry.oid.dotted_string, bool(entry.critical), tuple(show(value)))


def _constraints_lines(constraints: Any) -> list[str]:
    length = "" if constraints.path_length is None else f", pathlen:{constraints.path_length}"
    return [f"CA:{'TRUE' if constraints.ca else 'FALSE'}{length}"]


def _key_usage_lines(usage: Any) -> list[str]:
    # The last two raise where there is no key agreement.
    known = _KEY_USAGES + (_AGREEMENT_USAGES if usage.key_agreement else ())
    return [", ".join(title for attribute, title in known if getattr(usage, attribute))]


def _usage_lines(usages: Any) -> list[str]:
    return [", ".join(_USAGES.get(oid.dotted_string, oid.dotted_string) for oid in usages)]


def _name_lines(names: Any) -> list[str]:
    return [", ".join(_general_name(name) for name in names)]


def _subject_key_lines(identifier: Any) -> list[str]:
    return [colons(identifier.digest)]


def _authority_key_lines(authority: Any) -> list[str]:
    names, serial = authority.authority_cert_issuer or (), authority.authority_cert_serial_number
    lines = []
    if authority.key_identifier is not None:
        lines.append(("keyid:" if names else "") + colons(authority.key_identifier))
    lines += [_general_name(name) for name in names]
    if serial is not None:
        lines.append("serial:" + colons(serial.to_bytes(max(1, (serial.bit_length() + 7) // 8), "big")))
    return lines


def _bytes_lines(value: Any) -> list[str]:
    """Of kinds that no component of Kubernetes uses."""
    if type(value).__name__ == "UnrecognizedExtension":
        return [colons(bytes(value.value))]
    # Since cryptography 37.
    return [colons(bytes(value.public_bytes())) if hasattr(value, "public_bytes") else "(not shown)"]


_SHOWN: dict[str, Callable[[Any], list[str]]] = {
    "AuthorityKeyIdentifier": _authority_key_lines,
    "BasicConstraints": _constraints_lines,
    "ExtendedKeyUsage": _usage_lines,
    "KeyUsage": _key_usage_lines,
    "SubjectAlternativeName": _name_lines,
    "SubjectKeyIdentifier": _subject_key_lines,
}


def _general_name(name: Any) -> str:
    kind, value = type(name).__name__, name.value
    if kind in _NAMES:
        return f"{_NAMES[kind]}:{_printable(str(value))}"
    if kind == "IPAddress":
        return f"IP Address:{_address(value)}"
    if kind == "DirectoryName":
        return "DirName:" + "".join("/" + _printable(str(part.rfc4514_string())) for part in value.rdns)
    if kind == "RegisteredID":
        return f"Registered ID:{value.dotted_string}"
    return "othername:<unsupported>"


def _address(value: Any) -> str:
    if not isinstance(value, ipaddress.IPv6Address):
        return str(value)
    return ":".join(f"{int(group, 16):X}" for group in value.exploded.split(":"))


def _printable(text: str) -> str:
    """Whoever asks for a certificate chooses its names: none of them reaches a terminal as a control character."""
    return "".join(character if character.isprintable() else "." for character in text)
