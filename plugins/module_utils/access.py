# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kubeconfig says of an API server, as a TLS context that always verifies."""

from __future__ import annotations

import base64
import contextlib
import importlib
import json
import os
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import files
from .domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Access", "load_access"]

LIMIT = 1024 * 1024


@dataclass(frozen=True)
class Access:
    """Server, CA and credentials. Of CA, certificate and key there is either a path or the data itself."""

    path: str
    server: str
    server_name: str | None
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

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            self._load_ca(context)
            self._load_pair(context)
        except ssl.SSLError as error:
            raise InputError(
                f"{self.path}: CA, client certificate or key cannot be used ({error.reason or 'not readable as PEM'}); "
                "the certificate and the key have to belong together"
            ) from None
        except OSError as error:
            raise InputError(f"{self.path} refers to a file that cannot be read: {error}") from None
        return context

    def _load_ca(self, context: ssl.SSLContext) -> None:
        if isinstance(self.ca, str):
            context.load_verify_locations(cafile=self.ca)
        else:
            context.load_verify_locations(cadata=self.ca.decode("ascii", "replace"))

    def _load_pair(self, context: ssl.SSLContext) -> None:
        if self.certificate is None or self.key is None:
            return
        with _as_file(self.certificate) as certificate, _as_file(self.key) as key:
            # A key with a passphrase would ask at the terminal.
            context.load_cert_chain(certificate, key, password=lambda: "")


@contextlib.contextmanager
def _as_file(value: str | bytes) -> Iterator[str]:
    """OpenSSL reads pairs from files only: embedded ones are shown to it in memory, never on a disk."""
    if isinstance(value, str):
        yield value
        return
    descriptor = os.memfd_create("kubeconfig")
    try:
        os.write(descriptor, value)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def load_access(path: str) -> Access:
    """The current context of a kubeconfig."""
    data = files.read(path, LIMIT, follow=True)
    if data is None:
        raise InputError(f"the kubeconfig {path} does not exist; the playbook `control_plane` makes it")
    document = _parse(path, data)
    try:
        current = _named(document, "contexts", document["current-context"])["context"]
        cluster = _named(document, "clusters", current["cluster"])["cluster"]
        user = _named(document, "users", current["user"])["user"] or {}
        return _access(path, cluster, user)
    except (KeyError, TypeError, ValueError, StopIteration):
        raise InputError(
            f"{path} is not a complete kubeconfig: its current context names no cluster or no user"
        ) from None


def _access(path: str, cluster: dict[str, Any], user: dict[str, Any]) -> Access:
    folder = os.path.dirname(os.path.abspath(path))
    server = str(cluster["server"])
    ca = _either(folder, cluster, "certificate-authority")
    if cluster.get("insecure-skip-tls-verify") or not server.startswith("https://") or ca is None:
        raise InputError(f"{path}: the server has to be an https:// address with a certificate-authority to check it")
    if "exec" in user or "auth-provider" in user:
        raise InputError(f"{path}: credentials of a plugin are not used here; give a certificate and key or a token")
    certificate, key = _either(folder, user, "client-certificate"), _either(folder, user, "client-key")
    if (certificate is None) != (key is None):
        raise InputError(f"{path} has one of client-certificate and client-key only")
    return Access(path, server, cluster.get("tls-server-name"), ca, certificate, key, user.get("token"))


def _parse(path: str, data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        pass
    try:
        yaml = importlib.import_module("yaml")
    except ImportError:
        raise InputError(f"{path} is YAML, to read it the package python3-yaml is needed on this host") from None
    try:
        return yaml.safe_load(data)
    except (yaml.YAMLError, UnicodeDecodeError):
        # What the parser says quotes the file.
        raise InputError(f"{path} is not a kubeconfig: it is not valid YAML") from None


def _named(document: Any, kind: str, name: str) -> Any:
    return next(entry for entry in document[kind] if entry["name"] == name)


def _either(folder: str, entry: dict[str, Any], name: str) -> str | bytes | None:
    """As kubectl has it: data wins over a path, a path is relative to the kubeconfig."""
    if entry.get(name + "-data"):
        return base64.b64decode(entry[name + "-data"], validate=True)
    return os.path.join(folder, entry[name]) if entry.get(name) else None
