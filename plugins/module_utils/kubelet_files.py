# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a kubelet's identity on its host: read, removed, and the one-time key of a join."""

from __future__ import annotations

import importlib.util
import os
import re
from dataclasses import dataclass
from typing import Any

from . import files, kubeconfigs, x509
from .domain import pem
from .domain.errors import InputError
from .domain.kubelet_identity import Found, pointed_at
from .domain.reasons import Reason
from .endpoint import check_endpoint

__all__ = ["KubeletFiles", "OneTimeKey"]

_CLIENT, _SERVER = "kubelet-client-", "kubelet-server-"
_TOKEN_ID = re.compile(r"^\s*token: *[\"']?([a-z0-9]{6})\.", re.MULTILINE)
_REFERENCE = re.compile(r"^\s*(client-certificate|client-key): *[\"']?([^\"'\s]+)[\"']?\s*$", re.MULTILINE)


@dataclass(frozen=True)
class KubeletFiles:
    """Where the kubelet keeps its kubeconfig and its certificates."""

    kubeconfig: str
    certificate_directory: str

    def read(self, trusted_cas: str | None) -> Found:
        data = files.read(self.kubeconfig)
        config = None if data is None else _kubeconfig(data, self.kubeconfig)
        there, readable = data is not None, config is not None
        current = os.path.join(self.certificate_directory, _CLIENT + "current.pem")
        # In the kubelet's store this one wins over what the kubeconfig refers to
        # (staging/src/k8s.io/client-go/util/certificate/certificate_store.go).
        pair = files.read(current, follow=True)
        if pair is not None:
            return self._found(there, readable, current, pair, pair, trusted_cas)
        if config is None:
            return Found(self.kubeconfig, there, readable)
        path = config.certificate_path or self.kubeconfig
        certificate = _either(config.certificate_data, config.certificate_path)
        key = _either(config.key_data, config.key_path)
        return self._found(there, readable, path, certificate, key, trusted_cas)

    def _found(
        self,
        there: bool,
        readable: bool,
        path: str,
        certificate_data: bytes | None,
        key_data: bytes | None,
        trusted_cas: str | None,
    ) -> Found:
        certificate = None if certificate_data is None else _certificate(certificate_data, path)
        return Found(
            kubeconfig=self.kubeconfig,
            kubeconfig_there=there,
            kubeconfig_readable=readable,
            certificate_path=path,
            certificate_there=certificate_data is not None,
            certificate=None if certificate is None else x509.certificate_info(certificate),
            key_sha256=None if key_data is None else _key_sha256(key_data, path),
            trusted=None if certificate is None or not trusted_cas else _is_trusted(certificate, trusted_cas),
        )

    @property
    def moved(self) -> str:
        """Written before the kubeconfig is pointed elsewhere, or what is served is dropped.

        It is newer than the kubelet's start then, and so tells of a restart.

        The kubeconfig itself does not, for the kubelet writes it after its start when it joins.
        """
        return self.kubeconfig + ".moved"

    def point(self, node_name: str, server: str, ca_path: str, check_mode: bool) -> list[Reason] | None:
        """Have the kubelet ask another API server, or trust another file. None where its kubeconfig is not its own."""
        text = (files.read(self.kubeconfig) or b"").decode("utf-8", "replace")
        found = pointed_at(text, server, ca_path)
        if found is None:
            return None
        wanted, old, new = found
        if wanted == text:
            return []
        if not check_mode:
            check_endpoint(server, ca_path)
            state = files.state_of(self.kubeconfig)
            files.sweep(os.path.dirname(self.kubeconfig))
            files.write_atomic(self.moved, f"{old} -> {new}\n".encode(), mode="0600")
            files.write_atomic(self.kubeconfig, wanted.encode(), state.owner, state.group, f"{state.mode:04o}")
        return [Reason("KubeconfigChanged", node_name, self.kubeconfig, old, new)]

    def foreign_server(self, node_name: str, serving_cas: str | None) -> list[Reason]:
        """Where none of the CAs by which the API servers trust kubelets has signed what this one serves with."""
        path = os.path.join(self.certificate_directory, _SERVER + "current.pem")
        data = files.read(path, follow=True) if serving_cas else None
        certificate = None if data is None else _certificate(data, path)
        if not serving_cas or certificate is None or _is_trusted(certificate, serving_cas):
            return []
        issuer = x509.certificate_info(certificate).issuer
        return [Reason("IssuerChanged", node_name, path, issuer, "a CA by which the API servers trust kubelets")]

    def drop_server(self) -> None:
        """It asks for another when it starts, and is restarted for it, also where this is stopped in the middle."""
        files.write_atomic(
            self.moved, b"the certificate that was served is of a CA that is trusted no more\n", mode="0600"
        )
        for path in self.certificates(_SERVER):
            files.remove(path)

    def remove_kubeconfig(self) -> None:
        files.remove(self.kubeconfig)

    def certificates(self, prefix: str = "kubelet-") -> list[str]:
        """The kubelet's pairs, as client and as server."""
        try:
            names = sorted(os.listdir(self.certificate_directory))
        except (FileNotFoundError, NotADirectoryError):
            return []
        return [os.path.join(self.certificate_directory, name) for name in names if name.startswith(prefix)]

    def remove_certificates(self) -> None:
        """All kubelet-client-* files: the kubelet takes the newest that it finds."""
        for path in self.certificates(_CLIENT):
            files.remove(path)


@dataclass(frozen=True)
class OneTimeKey:
    """The key to which a host's token is sealed, beside the file that the token is for.

    It outlives a run that is stopped, not the join.
    """

    bootstrap_kubeconfig: str
    name: str = "bootstrap-token.key"

    @property
    def directory(self) -> str:
        return os.path.join(os.path.dirname(self.bootstrap_kubeconfig), ".pending")

    @property
    def path(self) -> str:
        return os.path.join(self.directory, self.name)

    def read(self) -> bytes | None:
        return files.read(self.path)

    def recipient(self) -> str | None:
        """The public half, where there is a key that can be read."""
        data = self.read()
        if data is None:
            return None
        try:
            return x509.load_private_key(data, self.path, trusted=True).public_pem()
        except InputError:
            return None

    def request(self) -> str:
        """A request for a join certificate. The names in it count for nothing, those of the plan do."""
        data = self.read()
        return (
            "" if data is None else x509.make_request(x509.load_private_key(data, self.path, trusted=True), "join", ())
        )

    def make(self) -> str:
        private, public = x509.new_one_time_key()
        files.ensure_directory(self.directory, "root" if os.geteuid() == 0 else None, None, "0700")
        files.sweep(self.directory)
        files.write_atomic(self.path, private)
        return public.decode("ascii")

    def token_id(self) -> str:
        """The id of the token in the bootstrap kubeconfig, which is no secret; empty where there is none."""
        found = _TOKEN_ID.search((files.read(self.bootstrap_kubeconfig) or b"").decode("utf-8", "replace"))
        return found[1] if found else ""

    def remove(self, keep: bool = False) -> None:
        """Sweep what killed runs have left, which may hold a token and nobody else knows of, and unless `keep` go."""
        files.sweep(self.directory)
        files.sweep(os.path.dirname(self.bootstrap_kubeconfig))
        # The key goes last: as long as it is there, the next run knows that there is something to be swept.
        if not keep:
            files.remove(self.path)

    @property
    def begun(self) -> bool:
        """Whether a join of ours is under way, or was stopped. A bootstrap kubeconfig alone may be another tool's."""
        return files.state_of(self.path).exists

    def leftovers(self, node_name: str) -> list[Reason]:
        """What a join that was stopped has left."""
        paths = (self.bootstrap_kubeconfig, self.path)
        return [Reason("Leftover", node_name, path, "there") for path in paths if files.removable(path)]


def _kubeconfig(data: bytes, path: str) -> kubeconfigs.Kubeconfig | None:
    """The kubelet's own kubeconfig has one user; without PyYAML on the host its references are found by line."""
    try:
        if data.lstrip().startswith(b"{") or importlib.util.find_spec("yaml") is not None:
            return kubeconfigs.parse(data, path)
    except InputError:
        return None
    found = dict(_REFERENCE.findall(data.decode("utf-8", "replace")))
    if "client-certificate" not in found:
        return None
    return kubeconfigs.Kubeconfig(
        server="", certificate_path=found["client-certificate"], key_path=found.get("client-key")
    )


def _either(data: bytes | None, path: str | None) -> bytes | None:
    if data is not None or path is None:
        return data
    return files.read(path, follow=True)


def _certificate(data: bytes, path: str) -> Any:
    """The first certificate of a file that holds the key too, or None where there is none."""
    try:
        found = [block for block in pem.blocks(data, path) if block.label == pem.CERTIFICATE]
        return x509.load_certificate(found[0], path) if found else None
    except InputError:
        return None


def _key_sha256(data: bytes, path: str) -> str | None:
    try:
        return x509.load_private_key(data, path, trusted=True).info.public_key_sha256
    except InputError:
        return None


def _is_trusted(certificate: Any, trusted_cas: str) -> bool:
    what = "trusted_cas"
    cas = [x509.load_certificate(block, what) for block in pem.certificates(trusted_cas.encode("ascii"), what)]
    return any(x509.is_issued_by(certificate, ca) for ca in cas)
