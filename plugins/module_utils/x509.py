# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only importer of `cryptography` (3.4 and later), and only when something is to be done with it."""

from __future__ import annotations

import base64
import binascii
import contextlib
import datetime
import functools
import hashlib
import importlib
import ipaddress
import itertools
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .domain.certificate import KEY_TYPES, CertificateInfo, KeyInfo, RequestInfo
from .domain.csr import RequestContent, UnreadableError
from .domain.errors import InputError
from .domain.pem import CERTIFICATE, PUBLIC_KEY, Block, blocks, kind_of

__all__ = [
    "ENCRYPTED_KEY",
    "Asked",
    "Issued",
    "Leaf",
    "PrivateKey",
    "certificate_info",
    "generate_key",
    "is_issued_by",
    "issue",
    "keys_ahead",
    "load_certificate",
    "load_foreign_request",
    "load_private_key",
    "load_request",
    "make_request",
    "new_one_time_key",
    "open_sealed",
    "own_request",
    "parse_request",
    "public_key_info",
    "same_request",
    "seal",
    "self_sign",
    "sign_authority",
]

_KEY_SIZES = {"rsa-2048": 2048, "rsa-3072": 3072, "rsa-4096": 4096}
_CURVES = {"ecdsa-p256": "SECP256R1", "ecdsa-p384": "SECP384R1"}
_CURVE_TYPES = {"secp256r1": "ecdsa-p256", "secp384r1": "ecdsa-p384"}
_USAGES = {
    "server auth": "1.3.6.1.5.5.7.3.1",
    "client auth": "1.3.6.1.5.5.7.3.2",
    "code signing": "1.3.6.1.5.5.7.3.3",
    "email protection": "1.3.6.1.5.5.7.3.4",
    "timestamping": "1.3.6.1.5.5.7.3.8",
    "ocsp signing": "1.3.6.1.5.5.7.3.9",
    "any": "2.5.29.37.0",
}
_USAGE_NAMES = {oid: name for name, oid in _USAGES.items()}
_KEY_USAGES = (
    ("digital_signature", "digital signature"),
    ("content_commitment", "content commitment"),
    ("key_encipherment", "key encipherment"),
    ("data_encipherment", "data encipherment"),
    ("key_agreement", "key agreement"),
    ("key_cert_sign", "cert sign"),
    ("crl_sign", "crl sign"),
)
# Of these readers refuse names, or policies, that they do not allow, critical or not.
_NARROWING = {"2.5.29.30": "nameConstraints", "2.5.29.36": "policyConstraints"}
_BASIC_CONSTRAINTS = "2.5.29.19"
# keyUsage, subjectAltName, basicConstraints, cRLDistributionPoints, certificatePolicies, extendedKeyUsage and
# inhibitAnyPolicy: OpenSSL, GnuTLS and Go know these where they are critical (Go crypto/x509/parser.go).
_CRITICAL = {*_NARROWING, *(f"2.5.29.{number}" for number in (15, 17, 19, 31, 32, 37, 54))}
ENCRYPTED_KEY = "ENCRYPTED PRIVATE KEY"
# SHA-256 of the text of keys that this process has made, or has proved by loading them.
_PROVED: set[bytes] = set()
# RSA keys that threads are making, by type.
_AHEAD: dict[str, list[Any]] = {}
# OpenSSL's own cost: 16 MB and some 50 ms.
_SCRYPT_COST = 1 << 14
_OID_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_OID_SCRYPT = bytes.fromhex("06092b06010401da47040b")
_OID_AES_256_CBC = bytes.fromhex("060960864801650304012a")
_SEAL_INFO = b"tlsbootstrap.kubernetes/seal/v1\0"


@functools.cache
def _load(name: str) -> Any:
    """A module of cryptography, by its name below the package."""
    try:
        return importlib.import_module("cryptography." + name)
    except ImportError:
        raise InputError(
            "the Python library cryptography is missing; install the package python3-cryptography on this host"
        ) from None


def _unreadable() -> tuple[type[Exception], ...]:
    """What cryptography raises where it cannot read something; before 35 the last one, for curves without a name."""
    return (ValueError, TypeError, _load("exceptions").UnsupportedAlgorithm, NotImplementedError)


def _x509() -> Any:
    return _load("x509")


def _serialization() -> Any:
    return _load("hazmat.primitives.serialization")


def _hashes() -> Any:
    return _load("hazmat.primitives.hashes")


def _ec() -> Any:
    return _load("hazmat.primitives.asymmetric.ec")


def _rsa() -> Any:
    return _load("hazmat.primitives.asymmetric.rsa")


# ---- keys


@dataclass(frozen=True)
class PrivateKey:
    """A private key; its text form shows nothing of it."""

    handle: Any
    info: KeyInfo

    def __repr__(self) -> str:
        return f"PrivateKey({self.info.key_type}, {self.info.public_key_sha256})"

    def pem(self, passphrase: bytes | None = None) -> bytes:
        """PKCS#8, which every Kubernetes component and kubeadm read (client-go/util/keyutil)."""
        text = self._encrypted_pem(passphrase) if passphrase is not None else self._clear_pem()
        _PROVED.add(hashlib.sha256(text).digest())
        return text

    def _encrypted_pem(self, passphrase: bytes) -> bytes:
        serialization = _serialization()
        clear = self.handle.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return Block(ENCRYPTED_KEY, _encrypted(bytes(clear), passphrase)).text().encode("ascii")

    def _clear_pem(self) -> bytes:
        serialization = _serialization()
        return bytes(
            self.handle.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    def public_pem(self) -> str:
        return Block(PUBLIC_KEY, _spki(self.handle.public_key())).text()


def _spki(public_key: Any) -> bytes:
    serialization = _serialization()
    return bytes(public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))


def _key_info(public_key: Any, spki: bytes | None = None) -> KeyInfo:
    if isinstance(public_key, _rsa().RSAPublicKey):
        key_type = f"rsa-{public_key.key_size}"
    elif isinstance(public_key, _ec().EllipticCurvePublicKey):
        key_type = _CURVE_TYPES.get(public_key.curve.name, f"ecdsa-{public_key.curve.name}")
    else:
        key_type = type(public_key).__name__.lower().strip("_").replace("publickey", "")
    return KeyInfo(key_type, hashlib.sha256(spki or _spki(public_key)).hexdigest(), getattr(public_key, "key_size", 0))


def _encrypted(clear: bytes, passphrase: bytes) -> bytes:
    """PBES2 with scrypt and AES-256-CBC (RFC 8018, RFC 7914), as `openssl pkcs8 -scrypt` writes it.

    BestAvailableEncryption of cryptography takes PBKDF2 with few rounds.
    """
    salt, vector = secrets.token_bytes(16), secrets.token_bytes(16)
    key = hashlib.scrypt(passphrase, salt=salt, n=_SCRYPT_COST, r=8, p=1, dklen=32)
    ciphers = _load("hazmat.primitives.ciphers")
    encryptor = ciphers.Cipher(ciphers.algorithms.AES(key), ciphers.modes.CBC(vector)).encryptor()
    padding = 16 - len(clear) % 16
    data = encryptor.update(clear + bytes([padding]) * padding) + encryptor.finalize()
    cost = _der(0x02, _SCRYPT_COST.to_bytes(2, "big"))
    scrypt = _der(0x30, _OID_SCRYPT, _der(0x30, _der(0x04, salt), cost, _der(0x02, b"\x08"), _der(0x02, b"\x01")))
    cipher = _der(0x30, _OID_AES_256_CBC, _der(0x04, vector))
    return _der(0x30, _der(0x30, _OID_PBES2, _der(0x30, scrypt, cipher)), _der(0x04, data))


def _der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content).to_bytes(4, "big").lstrip(b"\0")
    length = size if len(content) < 128 else bytes([0x80 | len(size)]) + size
    return bytes([tag]) + length + content


@contextlib.contextmanager
def keys_ahead(key_types: Sequence[str]) -> Iterator[None]:
    """Inside, `generate_key` hands out RSA keys that all processors make side by side; `key_types` has one entry a key.

    An RSA-2048 key takes some 60 ms; others are made sooner than a thread starts.
    """
    wanted = [key_type for key_type in key_types if key_type in _KEY_SIZES]
    if len(wanted) < 2:
        yield
        return
    futures = importlib.import_module("concurrent.futures")
    with futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for key_type in wanted:
            _AHEAD.setdefault(key_type, []).append(pool.submit(_rsa_key, key_type))
        try:
            yield
        finally:
            for key in itertools.chain.from_iterable(_AHEAD.values()):
                key.cancel()
            _AHEAD.clear()


def _rsa_key(key_type: str) -> Any:
    return _rsa().generate_private_key(public_exponent=65537, key_size=_KEY_SIZES[key_type])


def generate_key(key_type: str) -> PrivateKey:
    if _AHEAD.get(key_type):
        handle = _AHEAD[key_type].pop(0).result()
    elif key_type in _KEY_SIZES:
        handle = _rsa_key(key_type)
    elif key_type in _CURVES:
        curve = getattr(_ec(), _CURVES[key_type])
        handle = _ec().generate_private_key(curve())
    else:
        raise InputError(f"key type {key_type} is not allowed; choose one of {', '.join([*_CURVES, *_KEY_SIZES])}")
    return PrivateKey(handle, _key_info(handle.public_key()))


def load_private_key(data: bytes, what: str, passphrase: bytes | None = None, trusted: bool = False) -> PrivateKey:
    """Read one private key. `trusted`: written by us, so that an RSA key need not be proved again (30 ms)."""
    found = blocks(data, what)
    keys = [block for block in found if block.label.endswith("PRIVATE KEY")]
    if len(keys) != 1:
        raise InputError(
            f"{what}: {len(keys)} private keys found where exactly one belongs ({kind_of(data, found)}); restore it"
        )
    if keys[0].label == ENCRYPTED_KEY and passphrase is None:
        raise InputError(
            f"{what}: the private key is encrypted and no passphrase is given; give it "
            "(in the roles by cluster_ca_passphrase, cluster_ca_passphrase_file or cluster_ca_passphrase_prompt)"
        )
    options: dict[str, Any] = {}
    digest = hashlib.sha256(data).digest()
    if (trusted or digest in _PROVED) and _version() >= 39:
        options["unsafe_skip_rsa_key_validation"] = True
    given = passphrase if keys[0].label == ENCRYPTED_KEY else None
    try:
        handle = _serialization().load_pem_private_key(keys[0].text().encode("ascii"), given, **options)
    except _unreadable():
        raise InputError(
            f"{what}: the private key cannot be read (damaged, unknown kind or wrong passphrase)"
        ) from None
    if not trusted:
        _PROVED.add(digest)
    return PrivateKey(handle, _key_info(handle.public_key()))


def _version() -> int:
    return int(str(importlib.import_module("cryptography").__version__).split(".", maxsplit=1)[0])


def public_key_info(data: bytes, what: str) -> KeyInfo:
    try:
        return _key_info(_serialization().load_pem_public_key(data))
    except _unreadable():
        raise InputError(f"{what}: not a public key in PEM") from None


# ---- reading certificates


def load_certificate(block: Block, what: str) -> Any:
    """The certificate of one PEM block, as cryptography's object (opaque for everybody else)."""
    if block.label != CERTIFICATE:
        raise InputError(f"{what}: a {block.label} where a certificate belongs")
    try:
        # Through PEM: load_der_x509_certificate of 3.4 keeps no bytes, and both are equally fast.
        certificate = _x509().load_pem_x509_certificate(block.text().encode("ascii"))
        # They are parsed lazily; damage shows here.
        list(certificate.extensions)
    except (*_unreadable(), _x509().DuplicateExtension):
        raise InputError(f"{what}: the certificate cannot be read; restore it") from None
    try:
        _public_key(certificate)
    except _unreadable():
        # Most often one of a kind that the library does not know, or knows by its name alone.
        raise InputError(f"{what}: the certificate's key cannot be read, allowed are {', '.join(KEY_TYPES)}") from None
    return certificate


def certificate_info(certificate: Any) -> CertificateInfo:
    """Everything that is decided on or shown, without cryptography's types."""
    x509 = _x509()
    common_names, organizations, other = _subject(certificate.subject)
    extensions = {type(entry.value): entry.value for entry in certificate.extensions}
    oids = {entry.oid.dotted_string: bool(entry.critical) for entry in certificate.extensions}
    dns_names, ip_addresses, other_names = _alternative_names(extensions.get(x509.SubjectAlternativeName))
    constraints = extensions.get(x509.BasicConstraints)
    key_usage = extensions.get(x509.KeyUsage)
    extended = extensions.get(x509.ExtendedKeyUsage)
    subject_key = extensions.get(x509.SubjectKeyIdentifier)
    authority_key = extensions.get(x509.AuthorityKeyIdentifier)
    digest = certificate.signature_hash_algorithm
    return CertificateInfo(
        common_name=common_names[0] if common_names else "",
        organizations=tuple(organizations),
        other_subject=other or len(common_names) > 1,
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        dns_names=tuple(dns_names),
        ip_addresses=tuple(ip_addresses),
        other_names=other_names,
        usages=tuple(_USAGE_NAMES.get(oid.dotted_string, oid.dotted_string) for oid in extended or ()),
        key_usages=tuple(name for attribute, name in _KEY_USAGES if key_usage and getattr(key_usage, attribute)),
        is_ca=None if constraints is None else bool(constraints.ca),
        path_length=None if constraints is None else constraints.path_length,
        not_before=_instant(certificate, "not_valid_before"),
        not_after=_instant(certificate, "not_valid_after"),
        serial=int(certificate.serial_number),
        key=_certified_key(certificate),
        subject_key_id=subject_key.digest.hex() if subject_key else "",
        authority_key_id=authority_key.key_identifier.hex() if authority_key and authority_key.key_identifier else "",
        fingerprint=certificate.fingerprint(_hashes().SHA256()).hex(),
        signature_hash=digest.name if digest else "none",
        version=certificate.version.value + 1,
        narrowing=tuple(sorted(_NARROWING[oid] for oid in oids if oid in _NARROWING)),
        unknown_critical=tuple(sorted(oid for oid, critical in oids.items() if critical and oid not in _CRITICAL)),
        constraints_critical=oids.get(_BASIC_CONSTRAINTS),
    )


@functools.lru_cache(maxsize=64)
def _public_key(certificate: Any) -> Any:
    """Read, and proved to be one, each time that it is asked for; of a CA a thousand times."""
    return certificate.public_key()


def _certified_key(certificate: Any) -> KeyInfo:
    """Curves written out by their parameters are read here, but by neither Go nor kubeadm."""
    public_key = _public_key(certificate)
    spki = _spki(public_key)
    info = _key_info(public_key, spki)
    if spki in certificate.tbs_certificate_bytes:
        return info
    return KeyInfo(f"{info.key_type} with explicit parameters", info.public_key_sha256, info.size)


def _instant(certificate: Any, name: str) -> datetime.datetime:
    """Dates have a timezone since cryptography 42; before, they are UTC without saying so."""
    value: datetime.datetime | None = getattr(certificate, name + "_utc", None)
    if value is not None:
        return value
    naive: datetime.datetime = getattr(certificate, name)
    return naive.replace(tzinfo=datetime.timezone.utc)


def _extension(certificate: Any, kind: Any) -> Any:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except _x509().ExtensionNotFound:
        return None


def _subject(name: Any) -> tuple[list[str], list[str], bool]:
    oids = _x509().oid.NameOID
    common = [str(entry.value) for entry in name.get_attributes_for_oid(oids.COMMON_NAME)]
    organizations = [str(entry.value) for entry in name.get_attributes_for_oid(oids.ORGANIZATION_NAME)]
    return common, organizations, len(list(name)) != len(common) + len(organizations)


def _alternative_names(names: Any) -> tuple[list[str], list[str], int]:
    if names is None:
        return [], [], 0
    x509 = _x509()
    dns_names = [str(value) for value in names.get_values_for_type(x509.DNSName)]
    addresses = [str(value) for value in names.get_values_for_type(x509.IPAddress)]
    return dns_names, addresses, len(list(names)) - len(dns_names) - len(addresses)


def is_issued_by(certificate: Any, issuer: Any) -> bool:
    """By key identifier and signature: two CAs may have one name, and after a rotation they do.

    The name has to fit as well, for readers build chains by it.
    """
    named = _extension(certificate, _x509().AuthorityKeyIdentifier)
    if named is None or named.key_identifier != _authority_key_id(issuer).key_identifier:
        return False
    if certificate.issuer != issuer.subject:
        return False
    key, digest = _public_key(issuer), certificate.signature_hash_algorithm
    try:
        if isinstance(key, _rsa().RSAPublicKey):
            padding = _load("hazmat.primitives.asymmetric.padding").PKCS1v15()
            key.verify(certificate.signature, certificate.tbs_certificate_bytes, padding, digest)
        elif isinstance(key, _ec().EllipticCurvePublicKey):
            key.verify(certificate.signature, certificate.tbs_certificate_bytes, _ec().ECDSA(digest))
        else:
            return False
    except (_load("exceptions").InvalidSignature, TypeError, ValueError):
        return False
    return True


# ---- requests


def _name(common_name: str, organizations: tuple[str, ...]) -> Any:
    """O before CN and one O per RDN, as Go's pkix.Name writes it."""
    x509 = _x509()
    oids = x509.oid.NameOID
    try:
        attributes = [x509.NameAttribute(oids.ORGANIZATION_NAME, value) for value in organizations]
        return x509.Name([*attributes, x509.NameAttribute(oids.COMMON_NAME, common_name)])
    except ValueError:
        raise InputError(
            f"the subject CN={common_name}, O={list(organizations)} is not possible: each part has 1 to 64 bytes"
        ) from None


def _san(dns_names: tuple[str, ...], ip_addresses: tuple[str, ...]) -> Any:
    x509 = _x509()
    names = [x509.DNSName(value) for value in dns_names]
    return x509.SubjectAlternativeName([*names, *(x509.IPAddress(ipaddress.ip_address(a)) for a in ip_addresses)])


@dataclass(frozen=True)
class Asked:
    """What a request asks for, for those who sign by what it says: where a CA is not ours."""

    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
    usages: tuple[str, ...] = ()
    # Of a CA: how many CAs it may have below it.
    path_length: int | None = None


def make_request(
    key: PrivateKey, common_name: str, organizations: tuple[str, ...] = (), asked: Asked | None = None
) -> str:
    """A PKCS#10 request. It proves possession of the key; a CA of ours takes the names from the plan."""
    builder = _x509().CertificateSigningRequestBuilder().subject_name(_name(common_name, organizations))
    for extension, critical in [] if asked is None else _asked_extensions(key, asked):
        builder = builder.add_extension(extension, critical=critical)
    digest = _hashes().SHA384() if key.info.key_type == "ecdsa-p384" else _hashes().SHA256()
    return str(builder.sign(key.handle, digest).public_bytes(_serialization().Encoding.PEM).decode("ascii"))


def _asked_extensions(key: PrivateKey, asked: Asked) -> list[tuple[Any, bool]]:
    x509 = _x509()
    if asked.path_length is not None:
        return [
            (x509.BasicConstraints(ca=True, path_length=asked.path_length), True),
            (_key_usage("key_cert_sign", "crl_sign"), True),
        ]
    found = [(x509.BasicConstraints(ca=False, path_length=None), True), (_leaf_usage(key.info), True)]
    found.append((_extended_usage(asked.usages), False))
    if asked.dns_names or asked.ip_addresses:
        found.append((_san(asked.dns_names, asked.ip_addresses), False))
    return found


def same_request(first: bytes, second: bytes) -> bool:
    """Whether two requests ask for the same with the same key; their signatures may differ."""
    try:
        bodies = [_x509().load_pem_x509_csr(data).tbs_certrequest_bytes for data in (first, second)]
    except (ValueError, TypeError, _load("exceptions").UnsupportedAlgorithm):
        return False
    return bool(bodies[0] == bodies[1])


def own_request(key: PrivateKey, common_name: str, organizations: tuple[str, ...]) -> RequestInfo:
    """What a request of this key would say, for a signer in the same process."""
    return RequestInfo(common_name, organizations, key.info, key.handle.public_key())


def load_foreign_request(data: bytes, what: str) -> tuple[Any, KeyInfo, bool]:
    """A request to be shown: as cryptography's object, its key, and whether its signature is that of the key."""
    try:
        request = _x509().load_pem_x509_csr(data)
        key = _key_info(request.public_key())
        list(request.extensions)
        valid = bool(request.is_signature_valid)
    except (ValueError, TypeError, _x509().DuplicateExtension, _load("exceptions").UnsupportedAlgorithm):
        raise InputError(f"{what}: the certificate signing request cannot be read") from None
    return request, key, valid


def load_request(data: bytes, what: str) -> RequestInfo:
    try:
        request = _x509().load_pem_x509_csr(data)
        valid = request.is_signature_valid
        public_key = request.public_key()
    except _unreadable():
        raise InputError(f"{what}: the certificate signing request cannot be read") from None
    if not valid:
        raise InputError(f"{what}: the signature of the certificate signing request is not that of its key")
    common_names, organizations, _other = _subject(request.subject)
    return RequestInfo(
        common_name=common_names[0] if common_names else "",
        organizations=tuple(organizations),
        key=_key_info(public_key),
        public_key=public_key,
    )


def parse_request(data: bytes) -> RequestContent:
    """What a request of the cluster says, for those who approve it. Strangers write these."""
    x509 = _x509()
    odd = (x509.DuplicateExtension, x509.InvalidVersion, x509.UnsupportedGeneralNameType)
    try:
        request = x509.load_pem_x509_csr(data)
        names = list(_extension(request, x509.SubjectAlternativeName) or ())
        key = request.public_key()
        subject = list(request.subject)
        signature_valid = bool(request.is_signature_valid)
    except (*_unreadable(), KeyError, *odd):
        raise UnreadableError("the certificate signing request cannot be read") from None
    found = [
        tuple(str(name.value) for name in names if isinstance(name, kind))
        for kind in (x509.DNSName, x509.IPAddress, x509.RFC822Name, x509.UniformResourceIdentifier)
    ]
    common, organization = x509.oid.NameOID.COMMON_NAME, x509.oid.NameOID.ORGANIZATION_NAME
    algorithms = ((_rsa().RSAPublicKey, "rsa"), (_ec().EllipticCurvePublicKey, "ecdsa"))
    return RequestContent(
        common_names=tuple(str(entry.value) for entry in subject if entry.oid == common),
        organizations=tuple(str(entry.value) for entry in subject if entry.oid == organization),
        other_attributes=tuple(
            f"{entry.oid.dotted_string}={entry.value}" for entry in subject if entry.oid not in (common, organization)
        ),
        dns_names=found[0],
        ip_addresses=found[1],
        email_addresses=found[2],
        uris=found[3],
        other_names=len(names) - sum(len(values) for values in found),
        key_algorithm=next((name for kind, name in algorithms if isinstance(key, kind)), type(key).__name__.lower()),
        key_size=int(getattr(key, "key_size", 0)),
        signature_valid=signature_valid,
    )


# ---- making certificates


def _builder(subject: Any, issuer: Any, public_key: Any, not_before: Any, not_after: Any) -> Any:
    x509 = _x509()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        # 159 bits of the system's generator.
        .serial_number(x509.random_serial_number())
        .not_valid_before(_naive(not_before))
        .not_valid_after(_naive(not_after))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _naive(instant: datetime.datetime) -> datetime.datetime:
    """X.509 knows whole seconds; builders before 42 mishandle nothing but take naive UTC for what it is."""
    return instant.astimezone(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)


def _key_usage(*wanted: str) -> Any:
    names = [attribute for attribute, _label in _KEY_USAGES]
    flags = {name: name in wanted for name in names}
    return _x509().KeyUsage(encipher_only=False, decipher_only=False, **flags)


def _leaf_usage(key: KeyInfo) -> Any:
    # Key encipherment is for RSA key exchange; an EC key has no use for it (RFC 5480 3).
    return _key_usage("digital_signature", *(["key_encipherment"] if key.key_type.startswith("rsa-") else []))


def _extended_usage(usages: tuple[str, ...]) -> Any:
    x509 = _x509()
    return x509.ExtendedKeyUsage([x509.ObjectIdentifier(_USAGES[usage]) for usage in usages])


def self_sign(
    key: PrivateKey, common_name: str, not_before: datetime.datetime, not_after: datetime.datetime, path_length: int = 0
) -> str:
    """A root CA: basicConstraints critical with its path length, keyCertSign and cRLSign, SKI and AKI."""
    subject, public_key = _name(common_name, ()), key.handle.public_key()
    own = _x509().AuthorityKeyIdentifier.from_issuer_public_key(public_key)
    builder = _builder(subject, subject, public_key, not_before, not_after)
    return _pem(_sign(_authority(builder, own, path_length), key))


def sign_authority(
    issuer: Any,
    issuer_key: PrivateKey,
    key: PrivateKey,
    common_name: str,
    not_before: datetime.datetime,
    not_after: datetime.datetime,
) -> str:
    """A CA below another, which may have none below itself."""
    builder = _builder(_name(common_name, ()), issuer.subject, key.handle.public_key(), not_before, not_after)
    return _pem(_sign(_authority(builder, _authority_key_id(issuer), 0), issuer_key))


def _authority(builder: Any, issuer_key_id: Any, path_length: int) -> Any:
    return (
        builder.add_extension(_x509().BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(issuer_key_id, critical=False)
    )


@dataclass(frozen=True)
class Leaf:
    """What a leaf certificate says."""

    common_name: str
    organizations: tuple[str, ...]
    dns_names: tuple[str, ...]
    ip_addresses: tuple[str, ...]
    usages: tuple[str, ...]
    not_before: datetime.datetime
    not_after: datetime.datetime


@dataclass(frozen=True)
class Issued(Leaf):
    """A new certificate, and what is to be noted of it."""

    pem: str
    subject: str
    authority_key_id: str
    serial: int
    fingerprint: str


def issue(issuer: Any, issuer_key: PrivateKey, request: RequestInfo, leaf: Leaf) -> Issued:
    """A certificate of the row `leaf` and the request's public key."""
    x509 = _x509()
    subject, authority_key_id = _name(leaf.common_name, leaf.organizations), _authority_key_id(issuer)
    builder = (
        _builder(subject, issuer.subject, request.public_key, leaf.not_before, leaf.not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_leaf_usage(request.key), critical=True)
        .add_extension(_extended_usage(leaf.usages), critical=False)
        .add_extension(authority_key_id, critical=False)
    )
    if leaf.dns_names or leaf.ip_addresses:
        builder = builder.add_extension(_san(leaf.dns_names, leaf.ip_addresses), critical=False)
    certificate = _sign(builder, issuer_key)
    return Issued(
        **vars(leaf),
        pem=_pem(certificate),
        subject=subject.rfc4514_string(),
        authority_key_id=authority_key_id.key_identifier.hex(),
        serial=int(certificate.serial_number),
        fingerprint=certificate.fingerprint(_hashes().SHA256()).hex(),
    )


def _authority_key_id(issuer: Any) -> Any:
    x509 = _x509()
    found = _extension(issuer, x509.SubjectKeyIdentifier)
    if found is None:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found)


def _sign(builder: Any, key: PrivateKey) -> Any:
    hashes = _hashes()
    return builder.sign(key.handle, hashes.SHA384() if key.info.key_type == "ecdsa-p384" else hashes.SHA256())


def _pem(certificate: Any) -> str:
    return str(certificate.public_bytes(_serialization().Encoding.PEM).decode("ascii"))


# ---- one-time keys: a secret for one host crosses variables, logs and facts sealed


def new_one_time_key() -> tuple[bytes, bytes]:
    """A P-256 key for one sealed message: private and public PEM."""
    key = generate_key("ecdsa-p256")
    return key.pem(), key.public_pem().encode("ascii")


def seal(recipient_public_key_pem: bytes, plaintext: bytes, context: bytes) -> dict[str, str]:
    """Encrypt for the holder of the one-time key: ephemeral ECDH P-256, HKDF-SHA256, AES-256-GCM."""
    try:
        recipient = _serialization().load_pem_public_key(recipient_public_key_pem)
    except (ValueError, TypeError):
        recipient = None
    if recipient is None or _key_info(recipient).key_type != "ecdsa-p256":
        raise InputError("the one-time public key of the recipient is not an ECDSA P-256 key in PEM")
    ephemeral = generate_key("ecdsa-p256")
    shared = ephemeral.handle.exchange(_ec().ECDH(), recipient)
    ephemeral_der, recipient_der = _spki(ephemeral.handle.public_key()), _spki(recipient)
    key = _derive(shared, ephemeral_der, recipient_der, context)
    # The key serves this one message, so a fixed nonce is not used twice.
    ciphertext = _load("hazmat.primitives.ciphers.aead").AESGCM(key).encrypt(bytes(12), plaintext, context)
    return {
        "ephemeral_key": base64.b64encode(ephemeral_der).decode("ascii"),
        "ciphertext": base64.b64encode(ciphertext).decode("ascii"),
    }


def open_sealed(private_key_pem: bytes, sealed: dict[str, str], context: bytes) -> bytes:
    """Decrypt what `seal` made for this key and this context."""
    key = load_private_key(private_key_pem, "the one-time key", trusted=True)
    try:
        ephemeral_der = base64.b64decode(sealed["ephemeral_key"], validate=True)
        ciphertext = base64.b64decode(sealed["ciphertext"], validate=True)
        ephemeral = _serialization().load_der_public_key(ephemeral_der)
        shared = key.handle.exchange(_ec().ECDH(), ephemeral)
        derived = _derive(shared, ephemeral_der, _spki(key.handle.public_key()), context)
        return bytes(_load("hazmat.primitives.ciphers.aead").AESGCM(derived).decrypt(bytes(12), ciphertext, context))
    except (KeyError, ValueError, TypeError, binascii.Error, _load("exceptions").InvalidTag):
        raise InputError("the sealed message is not for this host or is damaged; run the play again") from None


def _derive(shared: bytes, ephemeral: bytes, recipient: bytes, context: bytes) -> bytes:
    hkdf = _load("hazmat.primitives.kdf.hkdf")
    info = _SEAL_INFO + hashlib.sha256(ephemeral).digest() + hashlib.sha256(recipient).digest() + context
    return bytes(hkdf.HKDF(algorithm=_hashes().SHA256(), length=32, salt=None, info=info).derive(shared))
