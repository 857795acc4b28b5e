# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Those above a CA: the root that signs it, and the chain that is served along with what it signs itself."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import files, x509
from .domain.ca import Authority, check_above, check_authority
from .domain.certificate import CertificateInfo
from .domain.errors import InputError, given
from .domain.pem import Block, certificates

__all__ = ["Root", "load_root", "refuse_nested", "served_chain"]


@dataclass(frozen=True)
class Root:
    """Whoever signs a CA of ours: mostly a root, maybe below another itself."""

    certificate: Any
    info: CertificateInfo
    # Its certificate, and those above it.
    blocks: tuple[Block, ...]
    loaded: tuple[Any, ...]
    key: x509.PrivateKey | None = None

    @property
    def signing_key(self) -> x509.PrivateKey:
        return given(self.key)


def load_root(authority: Authority, passphrase: bytes | None, now: datetime.datetime) -> Root:
    """Read it and refuse what may not sign a CA; its key only where it is to sign here."""
    what, path = f"the root of CA {authority.name}", authority.root_certificate
    data = files.read(path)
    if data is None:
        raise InputError(f"{what}: {path} is not there; put its certificate there, or correct the path")
    blocks = certificates(data, path)
    loaded = [x509.load_certificate(block, path) for block in blocks]
    infos = [x509.certificate_info(certificate) for certificate in loaded]
    key = _root_key(authority, what, passphrase) if authority.source == "root" else None
    check_authority(f"{what} in {path}", infos[0], key.info if key else None, now, authority.usages, False)
    if infos[0].common_name == authority.common_name and infos[0].subject == f"CN={authority.common_name}":
        raise InputError(
            f"CA {authority.name} has the name of its root, {infos[0].subject}: readers could not tell them"
        )
    _check_links(path, loaded)
    check_above(path, infos, now, authority.usages)
    return Root(loaded[0], infos[0], tuple(blocks), tuple(loaded), key)


def _root_key(authority: Authority, what: str, passphrase: bytes | None) -> x509.PrivateKey:
    data = files.read(authority.root_key)
    if data is None:
        raise InputError(
            f"{what}: its key {authority.root_key} is not there; put it there, or use the source offline_root"
        )
    return x509.load_private_key(data, authority.root_key, passphrase)


def served_chain(
    path: str, authority: Authority, own: Block, certificate: Any, info: CertificateInfo, now: datetime.datetime
) -> str:
    """What goes with a leaf, in the order in which TLS wants it: the CA and those above it, never the root.

    ``path`` holds the CA and those above it; without it the CA goes alone.
    """
    if info.self_signed:
        return ""
    data = files.read(path)
    blocks = [own] if data is None else certificates(data, path)
    if blocks[0].der != own.der:
        raise InputError(f"{path} does not begin with the CA's own certificate; correct it, or move it away")
    loaded = [certificate, *(x509.load_certificate(block, path) for block in blocks[1:])]
    _check_links(path, loaded)
    infos = [x509.certificate_info(entry) for entry in loaded]
    check_above(path, infos[1:], now, authority.usages)
    return "".join(block.text() for block, entry in zip(blocks, infos) if not entry.self_signed)


def refuse_nested(cas: Mapping[str, Any], above: Mapping[str, Sequence[Any]]) -> None:
    """``above`` has, by the name of a CA, the certificates that it is below, and its own where it is there."""
    for name, chain in above.items():
        for other, certificate in cas.items():
            if other != name and any(_is_or_is_below(entry, certificate) for entry in chain):
                raise InputError(
                    f"CA {name} is below CA {other}, so that whoever trusts {other} would trust what {name} signs; "
                    f"have another root sign {name}"
                )


def _is_or_is_below(certificate: Any, other: Any) -> bool:
    same = x509.certificate_info(certificate).key == x509.certificate_info(other).key
    return same or x509.is_issued_by(certificate, other)


def _check_links(path: str, loaded: list[Any]) -> None:
    for below, above in zip(loaded, loaded[1:]):
        if not x509.is_issued_by(below, above):
            names = [x509.certificate_info(entry).subject for entry in (below, above)]
            raise InputError(f"{path}: {names[0]} is not signed by {names[1]}, which follows it; correct the order")
