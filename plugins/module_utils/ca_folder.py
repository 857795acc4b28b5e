# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of the CAs.

<folder>/                 0700, one lock
  kubernetes-ca.{crt,key} the pairs, keys 0600; without a key where others sign
  kubernetes-ca-chain.crt the CA and those above it, where it is not self-signed
  requests/, signed/      what others have to sign, and what they have signed
  published/<X@host>.pem  public parts that were born on hosts: signing CAs, service-account keys
  .backup/                what certificates that were brought were like
  ledger.jsonl            one line per certificate issued, only ever appended to
"""

from __future__ import annotations

import datetime
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from . import files, x509
from .above import served_chain
from .domain.ca import Authority, check_authority
from .domain.certificate import CertificateInfo
from .domain.errors import InputError
from .domain.ledger import Ledger, read_ledger
from .domain.pem import certificates

__all__ = [
    "BACKUP",
    "LEDGER",
    "PENDING",
    "PUBLISHED",
    "REQUESTS",
    "SIGNED",
    "Folder",
    "Pair",
    "is_published_name",
    "passphrase_of",
]

BACKUP = ".backup"
LEDGER = "ledger.jsonl"
PENDING = ".pending"
PUBLISHED = "published"
REQUESTS = "requests"
SIGNED = "signed"
_PUBLISHED_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*@[A-Za-z0-9_][A-Za-z0-9_.:-]*")


def is_published_name(name: str) -> bool:
    return _PUBLISHED_NAME.fullmatch(name) is not None


@dataclass(frozen=True)
class Pair:
    """A CA as it was read from the folder."""

    authority: Authority
    pem: str
    certificate: Any
    info: CertificateInfo
    # None where somebody else signs.
    key: x509.PrivateKey | None
    # What is served along with what it signs.
    chain: str = ""
    normalised: bool = True
    # There is a passphrase, and the key is not encrypted with it.
    in_clear: bool = False

    def served(self) -> list[Any]:
        """The CA and those above it, as they go with its leaves: without the root."""
        blocks = certificates(self.chain.encode("ascii"), "")[1:] if self.chain else []
        return [self.certificate, *(x509.load_certificate(block, "") for block in blocks)]


def passphrase_of(text: str | None, path: str | None) -> bytes | None:
    """The passphrase of the keys, given or in a file that is its owner's alone."""
    if text and path:
        raise InputError("passphrase and passphrase_file are both given; give one of them")
    if text:
        return text.encode("utf-8")
    if not path:
        return None
    data = files.read(path)
    if data is None:
        raise InputError(f"the passphrase file {path} is not there")
    if files.state_of(path).mode & 0o077:
        raise InputError(f"the passphrase file {path} may be read by others; give it the mode 0600")
    passphrase = data.rstrip(b"\r\n")
    if not passphrase:
        raise InputError(f"the passphrase file {path} is empty")
    return passphrase


class Folder:
    def __init__(
        self,
        directory: str,
        mode: str = "0700",
        accepted: tuple[str, ...] = (),
        passphrase: bytes | None = None,
        cluster: str = "",
    ) -> None:
        self.directory = os.path.abspath(directory)
        self.mode = mode
        self.passphrase = passphrase
        # CAs that are older than the ledger's newest, and are meant to be.
        self.accepted = accepted
        # The cluster that CAs are made for, where that is known.
        self.cluster = cluster

    def path(self, name: str) -> str:
        return os.path.join(self.directory, name)

    def files(self, authority: Authority) -> tuple[str, ...]:
        """Those that are made with the CA."""
        names = [authority.key_file, authority.certificate_file]
        return tuple(map(self.path, [*names, authority.chain_file] if authority.below_a_root else names))

    def pair(self, authority: Authority, now: datetime.datetime) -> Pair | None:
        """The CA when both halves are there and serve; half a CA is refused, never made whole with a new key."""
        certificate_path, key_path = self.path(authority.certificate_file), self.path(authority.key_file)
        certificate, key = files.read(certificate_path), files.read(key_path)
        if certificate is None and key is None:
            return None
        if not authority.signs and key is not None:
            raise InputError(
                f"CA {authority.name}: its source is external, and its key {key_path} is here; move it away, or let "
                "the source be imported"
            )
        if certificate is None or (key is None and authority.signs):
            there, gone = (key_path, certificate_path) if certificate is None else (certificate_path, key_path)
            raise InputError(
                f"CA {authority.name}: {there} is there, {gone} is not; restore it from a backup "
                "(a CA key is never replaced by itself)"
            )
        return self._read_pair(authority, certificate, key, now)

    def _read_pair(self, authority: Authority, certificate: bytes, key: bytes | None, now: datetime.datetime) -> Pair:
        certificate_path, key_path = self.path(authority.certificate_file), self.path(authority.key_file)
        found = certificates(certificate, certificate_path)
        if len(found) != 1:
            # The controller-manager refuses a signing file with more than one, and kubeadm reads the first only.
            raise InputError(f"{certificate_path}: {len(found)} certificates where the CA's own alone belongs")
        loaded = x509.load_certificate(found[0], certificate_path)
        info = x509.certificate_info(loaded)
        private = None if key is None else x509.load_private_key(key, key_path, self.passphrase)
        what = f"CA {authority.name} in {certificate_path}"
        check_authority(what, info, private.info if private else None, now, authority.usages)
        chain = served_chain(self.path(authority.chain_file), authority, found[0], loaded, info, now)
        pem = found[0].text()
        in_clear = self.passphrase is not None and x509.ENCRYPTED_KEY.encode("ascii") not in (key or b"")
        in_clear = in_clear and key is not None
        return Pair(authority, pem, loaded, info, private, chain, certificate == pem.encode("ascii"), in_clear)

    def refuse_foreign(self, authorities: Iterable[Authority]) -> None:
        """Before anything of it is believed: whoever can swap a CA's folder has the cluster."""
        names = [name for authority in authorities for name in (authority.key_file, authority.certificate_file)]
        for directory in {self.directory: None, **{os.path.dirname(self.path(name)): None for name in names}}:
            files.refuse_foreign_folder(directory, mended=(self.directory,))

    def books(self, authorities: Iterable[Authority]) -> list[str]:
        """What is believed besides the pairs, where it is there."""
        published = self.path(PUBLISHED)
        names = sorted(os.listdir(published)) if os.path.isdir(published) else []
        paths = [self.path(name) for name in (LEDGER, *(entry.chain_file for entry in authorities))]
        return [path for path in (*paths, *(os.path.join(published, name) for name in names)) if os.path.isfile(path)]

    def published(self) -> dict[str, str]:
        directory = self.path(PUBLISHED)
        if not os.path.isdir(directory):
            return {}
        found = {}
        for entry in sorted(os.listdir(directory)):
            name, suffix = os.path.splitext(entry)
            if suffix == ".pem" and is_published_name(name):
                data = files.read(os.path.join(directory, entry))
                found[name] = (data or b"").decode("utf-8", "replace")
        return found

    def ledger(self) -> Ledger:
        return read_ledger(files.read_lines(self.path(LEDGER)))

    def sweep(self, authorities: Iterable[Authority]) -> None:
        """What killed writers left; called under the lock."""
        own = [self.directory, *map(self.path, (PENDING, PUBLISHED, BACKUP))]
        pairs = [
            os.path.dirname(self.path(name))
            for entry in authorities
            for name in (entry.key_file, entry.certificate_file)
        ]
        for directory in dict.fromkeys([*own, *pairs]):
            files.sweep(directory)
        for directory, _folders, _names in os.walk(self.path(REQUESTS)):
            files.sweep(directory)

    def record(self, entries: list[dict[str, Any]]) -> None:
        """One append and one sync for a whole batch."""
        lines = [json.dumps(entry, sort_keys=True, ensure_ascii=True) for entry in entries]
        if lines:
            files.append_line(self.path(LEDGER), "\n".join(lines))
