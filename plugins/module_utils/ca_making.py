# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CA that is not there yet: made here, by itself or by a root, or asked for of a root that is elsewhere.

Key and certificate wait in `.pending` before either goes live, so that a kill in between can be told and finished.
"""

from __future__ import annotations

import datetime
import os

from . import files, x509
from .above import Root
from .ca_folder import PENDING, Folder
from .domain.ca import Authority, lifetime
from .domain.pem import Block, certificates
from .elsewhere import Elsewhere

__all__ = ["NewAuthority"]


class NewAuthority:
    def __init__(self, folder: Folder, authority: Authority) -> None:
        self._folder = folder
        self.authority = authority
        self._key_path = self._pending("key")
        # The certificate, and after it those above it.
        self._chain_path = self._pending("crt")

    def _pending(self, suffix: str) -> str:
        return os.path.join(self._folder.path(PENDING), f"{self.authority.name}.{suffix}")

    def pending_files(self) -> tuple[str, ...]:
        return tuple(path for path in (self._key_path, self._chain_path) if os.path.exists(path))

    def leftovers(self) -> tuple[str, ...]:
        """What is of no use where the CA is there."""
        request = Elsewhere(self._folder).request_path(self.authority.name)
        return tuple(path for path in (*self.pending_files(), request) if os.path.exists(path))

    def interrupted(self) -> bool:
        """Both halves wait, and nothing else has taken their place."""
        if len(self.pending_files()) < 2:
            return False
        live_key = files.read(self._folder.path(self.authority.key_file))
        return (
            live_key in (None, files.read(self._key_path))
            and files.read(self._folder.path(self.authority.certificate_file)) is None
        )

    def pending_key(self) -> x509.PrivateKey | None:
        data = files.read(self._key_path)
        return None if data is None else x509.load_private_key(data, self._key_path, self._folder.passphrase)

    def kept_request(self, key: x509.PrivateKey) -> str:
        """The request that lies there where it asks for what is wanted, or another one."""
        text = x509.make_request(key, self.authority.common_name, asked=x509.Asked(path_length=0))
        present = files.read(Elsewhere(self._folder).request_path(self.authority.name))
        if present is not None and x509.same_request(present, text.encode("ascii")):
            return present.decode("ascii")
        return text

    def make(self, root: Root | None, now: datetime.datetime) -> None:
        authority = self.authority
        key = x509.generate_key(authority.key_type)
        start, end, _cut = lifetime(now, authority.validity, root.info if root else None)
        if root is None:
            chain = x509.self_sign(key, authority.common_name, start, end)
        else:
            own = x509.sign_authority(root.certificate, root.signing_key, key, authority.common_name, start, end)
            chain = own + _text(root.blocks)
        self._keep("key", key.pem(self._folder.passphrase), "0600")
        self._keep("crt", chain.encode("ascii"), "0644")
        self.finish()

    def ask(self) -> None:
        key = self.pending_key()
        if key is None or key.info.key_type != self.authority.key_type:
            key = x509.generate_key(self.authority.key_type)
            self._keep("key", key.pem(self._folder.passphrase), "0600")
        Elsewhere(self._folder).keep_request(self.authority.name, self.kept_request(key))

    def take(self, own: Block, root: Root) -> None:
        """What the root has signed."""
        self._keep("crt", _text((own, *root.blocks)).encode("ascii"), "0644")
        self.finish()

    def _keep(self, suffix: str, data: bytes, mode: str) -> None:
        files.ensure_directory(self._folder.path(PENDING), mode="0700")
        files.write_atomic(self._pending(suffix), data, mode=mode)

    def finish(self) -> None:
        """Bring live what waits."""
        folder, authority = self._folder, self.authority
        key, data = files.read(self._key_path) or b"", files.read(self._chain_path) or b""
        for name in (authority.key_file, authority.certificate_file):
            parent = os.path.dirname(folder.path(name))
            if parent != folder.directory:
                files.ensure_directory(parent, mode=None if os.path.isdir(parent) else folder.mode)
        chain = certificates(data, self._chain_path)
        if len(chain) > 1:
            files.write_atomic(folder.path(authority.chain_file), data, mode="0644")
        files.write_atomic(folder.path(authority.key_file), key, group=authority.key_group, mode=authority.key_mode)
        files.write_atomic(folder.path(authority.certificate_file), chain[0].text().encode("ascii"), mode="0644")
        self.remove_leftovers()

    def remove_leftovers(self) -> None:
        Elsewhere(self._folder).drop_request(self.authority.name)
        for path in (self._chain_path, self._key_path):
            files.remove(path)


def _text(blocks: tuple[Block, ...]) -> str:
    return "".join(block.text() for block in blocks)
