"""Certificates as the verifiers see them, read by nothing of the collection's own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# The controller-manager dates certificates back by this much (pkg/controller/certificates/authority/policies.go).
BACKDATED = 300.0
CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string
SERVER_AUTH = ExtendedKeyUsageOID.SERVER_AUTH.dotted_string


@dataclass(frozen=True)
class Certificate:
    """The parts of a certificate that something is said about."""

    fingerprint: str
    common_name: str
    organizations: tuple[str, ...]
    issuer: str
    dns_names: frozenset[str]
    addresses: frozenset[str]
    other_names: int
    usages: frozenset[str]
    not_before: float
    not_after: float
    public_key: str

    @property
    def issued(self) -> float:
        """When the controller-manager signed it."""
        return self.not_before + BACKDATED

    def used_up(self, at: float) -> float:
        """Return the part of the lifetime that is over at a time."""
        return (at - self.not_before) / (self.not_after - self.not_before)


def parse(pem: str) -> Certificate:
    """Read one certificate."""
    found = x509.load_pem_x509_certificate(pem.encode())
    names = subject_alternative_names(found)
    dns_names = names.get_values_for_type(x509.DNSName)
    addresses = names.get_values_for_type(x509.IPAddress)
    return Certificate(
        fingerprint=hashlib.sha256(found.public_bytes(Encoding.DER)).hexdigest(),
        common_name=text(found.subject, NameOID.COMMON_NAME)[0],
        organizations=tuple(text(found.subject, NameOID.ORGANIZATION_NAME)),
        issuer=text(found.issuer, NameOID.COMMON_NAME)[0],
        dns_names=frozenset(dns_names),
        addresses=frozenset(map(str, addresses)),
        other_names=len(list(names)) - len(dns_names) - len(addresses),
        usages=usages(found),
        not_before=found.not_valid_before_utc.timestamp(),
        not_after=found.not_valid_after_utc.timestamp(),
        public_key=key_hash(found),
    )


def requested_key(pem: bytes) -> str:
    """Return the hash of the public key that a request is for."""
    return key_hash(x509.load_pem_x509_csr(pem))


def requested_name(pem: bytes) -> str:
    """Return the common name that a request is for."""
    return text(x509.load_pem_x509_csr(pem).subject, NameOID.COMMON_NAME)[0]


def key_hash(found: x509.Certificate | x509.CertificateSigningRequest) -> str:
    """Return a hash that a key pair is known by."""
    key = found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(key).hexdigest()


def text(name: x509.Name, kind: x509.ObjectIdentifier) -> list[str]:
    """Return the values of one kind in a name."""
    return [str(entry.value) for entry in name.get_attributes_for_oid(kind)]


def subject_alternative_names(found: x509.Certificate) -> x509.SubjectAlternativeName:
    """Return the names of a certificate, none where it says nothing."""
    try:
        return found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return x509.SubjectAlternativeName([])


def usages(found: x509.Certificate) -> frozenset[str]:
    """Return the extended key usages, dotted."""
    try:
        extension = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(usage.dotted_string for usage in extension)
