# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits beside a live pair: the new key, its request and, while both are being installed, its certificate."""

from __future__ import annotations

import contextlib
import os

from .. import files, x509
from ..domain.certificate import RequestInfo
from ..domain.errors import InputError
from ..domain.identity import Identity
from .material import Material, material_of

__all__ = ["PENDING", "Pending"]

PENDING = ".pending"
_SUFFIXES = ("csr", "crt", "key")


class Pending:
    def __init__(self, identity: Identity, keys: dict[str, x509.PrivateKey] | None = None) -> None:
        """`keys` are those that wait in this process, and in no file."""
        self._keys = keys
        self.directory = os.path.join(os.path.dirname(identity.home), PENDING)
        self.name = identity.name

    def path(self, suffix: str) -> str:
        return os.path.join(self.directory, f"{self.name}.{suffix}")

    def paths(self) -> tuple[str, ...]:
        """Of the files that are there."""
        if not files.state_of(self.directory).exists:
            return ()
        return tuple(path for path in map(self.path, _SUFFIXES) if files.state_of(path).exists)

    def request(self, identity: Identity, live_key: bytes | None) -> str:
        """The request of the key that waits, the same text in every run; a key of another kind makes way.

        With a live key, which is to be kept, it is that key that asks.
        """
        asked = self.asked(identity, live_key)
        key = self._asking_key(identity, live_key)
        if key is None:
            key = x509.generate_key(identity.key_type)
            self._write("key", key.pem())
        if live_key is not None:
            files.remove(self.path("key"))
        if asked is None:
            asked = _request(identity, key)
            self._write("csr", asked.encode("ascii"))
        # A certificate that waits beside a request did not serve.
        files.remove(self.path("crt"))
        return asked

    def own_request(self, identity: Identity, live_key: bytes | None, keys: dict[str, x509.PrivateKey]) -> RequestInfo:
        """For a signer in this process no text has to prove the key, and a new one waits in `keys`."""
        key = self._asking_key(identity, live_key)
        if key is None:
            key = x509.generate_key(identity.key_type)
            keys[self.name] = key
        return x509.own_request(key, identity.common_name, identity.organizations)

    def asked(self, identity: Identity, live_key: bytes | None) -> str | None:
        """The request that waits, where it asks for what is wanted now."""
        text = files.read(self.path("csr"))
        key = None if text is None else self._asking_key(identity, live_key)
        if text is None or key is None or not x509.same_request(text, _request(identity, key).encode("ascii")):
            return None
        return text.decode("ascii")

    def new_key_type(self, identity: Identity, live_key: bytes | None) -> str | None:
        """Of the key that has to be made before it can ask."""
        return None if self._asking_key(identity, live_key) else identity.key_type

    def key(self) -> x509.PrivateKey | bytes | None:
        """The key that waits: made in this process, or the text of a file."""
        return (self._keys or {}).get(self.name) or files.read(self.path("key"))

    def _asking_key(self, identity: Identity, live_key: bytes | None) -> x509.PrivateKey | None:
        """The live key where it is to be kept, or the one that waits."""
        if live_key is not None:
            return x509.load_private_key(live_key, "key", trusted=True)
        key = self.key()
        if isinstance(key, bytes):
            with contextlib.suppress(InputError):
                key = x509.load_private_key(key, self.path("key"), trusted=True)
        return key if isinstance(key, x509.PrivateKey) and key.info.key_type == identity.key_type else None

    def interrupted(self, live: Material) -> Material | None:
        """The pair that waits here, when a killed run has not brought both halves live."""
        certificate, key = files.read(self.path("crt")), files.read(self.path("key"))
        if certificate is None or key is None or (live.certificate == certificate and live.key == key):
            return None
        material = material_of(certificate, key, None)
        info = material.found
        return material if info.certificate is not None and info.certificate.key == info.key else None

    def keep(self, material: Material) -> None:
        """Both halves lie here before the live ones are touched; certificate last, it makes the pair complete."""
        if files.read(self.path("key")) != material.key:
            self._write("key", material.key or b"")
        self._write("crt", material.certificate or b"")

    def _write(self, suffix: str, data: bytes) -> None:
        files.ensure_parent(self.directory)
        files.ensure_directory(self.directory, mode="0700")
        files.write_atomic(self.path(suffix), data, mode="0600")

    def remove(self) -> None:
        for suffix in _SUFFIXES:
            files.remove(self.path(suffix))


def _request(identity: Identity, key: x509.PrivateKey) -> str:
    asked = x509.Asked(identity.dns_names, identity.ip_addresses, identity.usages)
    return x509.make_request(key, identity.common_name, identity.organizations, asked)
