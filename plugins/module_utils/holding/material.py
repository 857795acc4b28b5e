# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes that lie on the host, and what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import files, kubeconfigs, x509
from ..domain.certificate import CertificateInfo
from ..domain.errors import InputError, given
from ..domain.identity import Found, Identity
from ..domain.pem import Block, blocks, bundle, certificates
from ..x509 import PrivateKey

__all__ = ["Issuer", "Material", "issuer_of", "material_of", "normalised", "read_live", "with_chain"]


@dataclass(frozen=True)
class Issuer:
    certificate: Any
    info: CertificateInfo
    pem: str
    # What is served along with what it has signed, normalised; nothing where it is a root.
    chain: str = ""


@dataclass(frozen=True)
class Material:
    found: Found
    certificate: bytes | None = None
    key: bytes | None = None


def issuer_of(name: str, pem: str, chain: str = "") -> Issuer:
    found = certificates(pem.encode("utf-8"), f"CA {name}")
    certificate = x509.load_certificate(found[0], f"CA {name}")
    return Issuer(certificate, x509.certificate_info(certificate), found[0].text(), bundle([chain], what=f"CA {name}"))


def read_live(identity: Identity, issuer: Issuer | None) -> Material:
    if not identity.embedded:
        return material_of(files.read(identity.certificate_file), files.read(identity.key_file), issuer)
    kubeconfig = given(identity.kubeconfig)
    data = files.read(kubeconfig.path)
    if data is None:
        return Material(Found())
    try:
        config = kubeconfigs.parse(data, kubeconfig.path)
    except InputError as error:
        return Material(Found(certificate_problem=str(error)))
    return material_of(config.certificate_data, config.key_data, issuer)


def material_of(certificate: bytes | None, key: PrivateKey | bytes | None, issuer: Issuer | None) -> Material:
    """What is unreadable is a reason to make it anew, not to fail."""
    info, issued, certificate_problem, key_info, key_problem = None, False, None, None, None
    chained, normal = True, True
    if certificate is not None:
        try:
            leaf, following = _leaf(certificate, issuer.chain if issuer else "")
            loaded = x509.load_certificate(leaf, "certificate")
            info = x509.certificate_info(loaded)
            issued = issuer is not None and x509.is_issued_by(loaded, issuer.certificate)
            chained = following == (issuer.chain if issuer else "")
            normal = certificate == (leaf.text() + following).encode("ascii")
        except InputError as error:
            certificate_problem = str(error)
    if isinstance(key, PrivateKey):
        key_info, key = key.info, key.pem()
    elif key is not None:
        try:
            key_info = x509.load_private_key(key, "private key", trusted=True).info
        except InputError as error:
            key_problem = str(error)
    found = Found(info, certificate_problem, key_info, key_problem, issued, normal, chained)
    return Material(found, certificate, key)


def _leaf(data: bytes, chain: str) -> tuple[Block, str]:
    """The certificate itself, and those that follow it: readers of TLS want them in that order."""
    found = certificates(data, "certificate")
    if len(found) != 1 and not chain:
        raise InputError(f"certificate: {len(found)} certificates where one belongs")
    return found[0], "".join(block.text() for block in found[1:])


def with_chain(certificate: bytes, issuer: Issuer | None) -> bytes:
    """The certificate alone, and after it what is served along."""
    found = certificates(certificate, "certificate")
    return (found[0].text() + (issuer.chain if issuer else "")).encode("ascii")


def normalised(data: bytes) -> bytes:
    return "".join(block.text() for block in blocks(data, "PEM")).encode("ascii")
