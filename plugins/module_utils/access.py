# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kubeconfig says of an API server; one that would not be verified is refused."""

from __future__ import annotations

import contextlib
import os
import ssl
from dataclasses import dataclass

from . import files, kubeconfigs
from .domain.errors import InputError

__all__ = ["Access", "NotThereError", "load_access"]

LIMIT = 1024 * 1024


class NotThereError(InputError):
    """There is no kubeconfig (yet)."""


@dataclass(frozen=True)
class Access:
    """Server, CA and credentials. Of CA, certificate and key there is either a path or the data itself."""

    path: str
    server: str
    ca: str | bytes
    certificate: str | bytes | None
    key: str | bytes | None
    bearer: str | None

    def __repr__(self) -> str:
        return f"Access({self.path})"

    @property
    def authority(self) -> str:
        """The CA in words."""
        return self.ca if isinstance(self.ca, str) else f"the CA in {self.path}"

    def fingerprint(self) -> tuple[tuple[str, int, int], ...]:
        """Another value means that a file was replaced."""
        found = []
        for path in (self.ca, self.certificate, self.key):
            if isinstance(path, str):
                with contextlib.suppress(OSError):
                    status = os.stat(path)
                    found.append((path, status.st_ino, status.st_mtime_ns))
        return tuple(found)

    def files(self) -> tuple[str, str | None, str | None]:
        """CA, certificate and key as files; tried, since the client would say less of what is wrong with them."""
        ca, certificate, key = (_as_file(value) for value in (self.ca, self.certificate, self.key))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cafile=ca)
            if certificate is not None:
                # A key with a passphrase would ask at the terminal.
                context.load_cert_chain(certificate, key, password=lambda: "")
        except ssl.SSLError as error:
            raise InputError(
                f"{self.path}: CA, client certificate or key cannot be used ({error.reason or 'not readable as PEM'}); "
                "the certificate and the key have to belong together"
            ) from None
        except OSError as error:
            raise InputError(f"{self.path} refers to a file that cannot be read: {error}") from None
        return str(ca), certificate, key


def _as_file(value: str | bytes | None) -> str | None:
    """Embedded data in memory, never on a disk, for as long as the process lives: each new connection reads it."""
    if not isinstance(value, bytes):
        return value
    descriptor = os.memfd_create("kubeconfig")
    with os.fdopen(descriptor, "wb", closefd=False) as memory:
        memory.write(value)
    return f"/proc/self/fd/{descriptor}"


def load_access(path: str) -> Access:
    """The current context of a kubeconfig."""
    data = files.read(path, LIMIT, follow=True)
    if data is None:
        raise NotThereError(f"the kubeconfig {path} does not exist; the playbook `pki` writes it")
    found = kubeconfigs.parse(data, path)
    folder = os.path.dirname(os.path.abspath(path))
    ca = _either(folder, found.ca_path, found.ca_data)
    if not found.server.startswith("https://") or ca is None:
        raise InputError(f"{path}: the server has to be an https:// address with a certificate-authority to check it")
    certificate = _either(folder, found.certificate_path, found.certificate_data)
    key = _either(folder, found.key_path, found.key_data)
    if (certificate is None) != (key is None):
        raise InputError(f"{path} has only one of client-certificate and client-key")
    if certificate is None and not found.token:
        raise InputError(f"{path} holds neither a client certificate with its key nor a token")
    return Access(path, found.server, ca, certificate, key, found.token)


def _either(folder: str, path: str | None, data: bytes | None) -> str | bytes | None:
    """As kubectl has it: data wins over a path, and a path is relative to the kubeconfig."""
    if data is not None:
        return data
    return os.path.join(folder, path) if path else None
