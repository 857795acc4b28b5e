# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PEM (RFC 7468) without cryptography: blocks in, normalised text out."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .errors import InputError

__all__ = ["CERTIFICATE", "PUBLIC_KEY", "Block", "blocks", "bundle", "certificates", "kind_of"]

CERTIFICATE = "CERTIFICATE"
PUBLIC_KEY = "PUBLIC KEY"
LIMIT_BYTES = 1024 * 1024
LIMIT_BLOCKS = 1000

_BLOCK = re.compile(r"-----BEGIN (?P<label>[A-Z0-9 ]{1,64})-----[ \t]*\r?\n(?P<body>[^-]*)-----END (?P=label)-----")
_BEGIN = "-----BEGIN "


@dataclass(frozen=True)
class Block:
    label: str
    der: bytes

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.der).hexdigest()

    def text(self) -> str:
        body = base64.b64encode(self.der).decode("ascii")
        lines = [body[start : start + 64] for start in range(0, len(body), 64)]
        return "-----BEGIN {}-----\n{}\n-----END {}-----\n".format(self.label, "\n".join(lines), self.label)


def blocks(data: bytes, what: str) -> list[Block]:
    """All PEM blocks of `data`; text around them is passed over, broken blocks are refused."""
    if len(data) > LIMIT_BYTES:
        raise InputError(f"{what}: larger than {LIMIT_BYTES} bytes; give only the certificates that are needed")
    text = data.decode("latin-1")
    begun = text.count(_BEGIN)
    if begun > LIMIT_BLOCKS:
        raise InputError(f"{what}: more than {LIMIT_BLOCKS} PEM blocks; give only the ones that are needed")
    found = []
    for match in _BLOCK.finditer(text):
        body = "".join(match.group("body").split())
        # RFC 1421 headers (Proc-Type) mark the old encrypted keys: they are no base64 and are refused here.
        try:
            der = base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            der = b""
        if not der:
            label = match.group("label")
            raise InputError(f"{what}: a PEM block {label} is damaged, empty or encrypted in the old style; restore it")
        found.append(Block(match.group("label"), der))
    if len(found) != begun:
        raise InputError(f"{what}: a PEM block is cut off; restore the file")
    return found


def certificates(data: bytes, what: str) -> list[Block]:
    """The certificates of `data`, and nothing else may be in it."""
    found = blocks(data, what)
    others = sorted({block.label for block in found if block.label != CERTIFICATE})
    if others:
        raise InputError("{}: holds {} where only certificates belong".format(what, ", ".join(others)))
    if not found:
        raise InputError(f"{what}: no certificate in PEM found ({kind_of(data)})")
    return found


def bundle(parts: list[str], kind: str = CERTIFICATE, what: str = "bundle") -> str:
    """Parts joined in their order, normalised, each once.

    A duplicate CA makes the controller-manager's ClusterTrustBundle publisher fail
    (cmd/kube-controller-manager/app/certificates.go), so none is ever written.
    """
    seen: dict[bytes, Block] = {}
    for part in parts:
        for block in blocks(part.encode("utf-8"), what):
            if block.label != kind:
                raise InputError(f"{what}: holds a {block.label} where a {kind} belongs")
            seen.setdefault(block.der, block)
    return "".join(block.text() for block in seen.values())


def kind_of(data: bytes, found: Sequence[Block] = ()) -> str:
    """What is in a file that has not what belongs there; nothing of it is shown."""
    if found:
        return "it holds {}".format(", ".join(sorted({block.label for block in found})))
    if not data.strip():
        return "the file is empty"
    if data[:1] == b"\x30":
        return "it looks like DER; convert it to PEM"
    return f"no PEM block in {len(data)} bytes"
