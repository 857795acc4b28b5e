# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kubeconfig says of an API server; one that would not be verified is refused.

The loader of the package `kubernetes` would go on without a CA, run programs that the file names, and put embedded keys
into files under /tmp.
"""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field

from . import files, kubeconfigs
from .domain.endpoints import host_and_port
from .domain.errors import InputError

__all__ = ["Access", "NotThereError", "load_access"]

LIMIT = 1024 * 1024
_MEMORY = "/proc/self/fd/"


class NotThereError(InputError):
    """There is no kubeconfig (yet)."""


@dataclass(frozen=True)
class Access:
    """Server, the file of its CA, and credentials: files of a certificate and its key, or a bearer token."""

    path: str
    server: str
    ca: str
    certificate: str | None = None
    key: str | None = None
    bearer: str | None = field(default=None, repr=False)

    @property
    def authority(self) -> str:
        """The CA in words."""
        return f"the CA in {self.path}" if self.ca.startswith(_MEMORY) else self.ca


def load_access(path: str) -> Access:
    """The current context of a kubeconfig."""
    data = files.read(path, LIMIT, follow=True)
    if data is None:
        raise NotThereError(f"the kubeconfig {path} does not exist; the playbook `pki` writes it")
    found = kubeconfigs.parse(data, path)
    folder = os.path.dirname(os.path.abspath(path))
    ca = _file(folder, found.ca_path, found.ca_data)
    if not found.server.startswith("https://") or ca is None:
        raise InputError(f"{path}: the server has to be an https:// address with a certificate-authority to check it")
    host_and_port(found.server, path)
    certificate = _file(folder, found.certificate_path, found.certificate_data)
    key = _file(folder, found.key_path, found.key_data)
    if (certificate is None) != (key is None):
        raise InputError(f"{path} has only one of client-certificate and client-key")
    if certificate is None and not found.token:
        raise InputError(f"{path} holds neither a client certificate with its key nor a token")
    access = Access(path, found.server, ca, certificate, key, found.token)
    _try_files(access)
    return access


def _file(folder: str, path: str | None, data: bytes | None) -> str | None:
    """As kubectl has it: data wins over a path, and a path is relative to the kubeconfig."""
    if data is None:
        return os.path.join(folder, path) if path else None
    # Never on a disk, and for as long as the process lives: each new connection reads it.
    descriptor = os.memfd_create("kubeconfig")
    with os.fdopen(descriptor, "wb", closefd=False) as memory:
        memory.write(data)
    return f"{_MEMORY}{descriptor}"


def _try_files(access: Access) -> None:
    """The client would say less of what is wrong with them, and only when it connects."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=access.ca)
        if access.certificate is not None:
            # A key with a passphrase would ask at the terminal.
            context.load_cert_chain(access.certificate, access.key, password=lambda: "")
    except ssl.SSLError as error:
        raise InputError(
            f"{access.path}: CA, client certificate or key cannot be used ({error.reason or 'not readable as PEM'}); "
            "the certificate and the key have to belong together"
        ) from None
    except OSError as error:
        raise InputError(f"{access.path} refers to a file that cannot be read: {error}") from None
