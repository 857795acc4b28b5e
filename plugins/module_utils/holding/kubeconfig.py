# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubeconfigs of identities: by the paths of the pair, or with the pair inside."""

from __future__ import annotations

from dataclasses import replace

from .. import files, kubeconfigs
from ..domain.errors import InputError, given
from ..domain.identity import Identity, KubeconfigWanted
from ..domain.pem import CERTIFICATE, blocks, bundle
from ..domain.reasons import Reason
from .material import Issuer, Material, normalised
from .places import write_kept, write_other
from .work import Task, Work

__all__ = ["Kubeconfigs"]


class Kubeconfigs:
    """What all kubeconfigs of a host share."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._bundles = {row["path"]: row["content"] for row in task.bundles if row.get("content")}

    def write(self, identity: Identity, material: Material, issuer: Issuer | None) -> None:
        """With the pair inside, so the old one is kept like any key."""
        new = self.new_file(identity, material, issuer)
        write_kept(new.path, new.data, new.owner, new.group, given(new.mode))

    def new_file(self, identity: Identity, material: Material, issuer: Issuer | None) -> files.NewFile:
        """The kubeconfig with the pair inside."""
        wanted = given(identity.kubeconfig)
        data = kubeconfigs.build(self._expected(identity, wanted, material, issuer))
        return files.NewFile(wanted.path, data, wanted.owner, wanted.group, wanted.mode)

    def examine(
        self, identity: Identity, live: Material, issuer: Issuer | None, work: Work, asking: bool = False
    ) -> None:
        wanted = identity.kubeconfig
        if wanted is None:
            return
        reissued = any(wanted.path in reason.files for reason in work.reasons)
        # Its pair comes with the second call, and so does it; where others sign, that is in another run.
        waits = live.certificate is None and (asking or not self._task.check)
        if not reissued and not waits:
            self._compare(identity, wanted, live, issuer, work)
        work.add(
            files.attribute_reasons(wanted.path, identity.name, wanted.owner, wanted.group, wanted.mode),
            lambda: files.ensure_attributes(wanted.path, wanted.owner, wanted.group, wanted.mode),
        )

    def _compare(
        self, identity: Identity, wanted: KubeconfigWanted, live: Material, issuer: Issuer | None, work: Work
    ) -> None:
        expected = self._expected(identity, wanted, live, issuer)
        data = files.read(wanted.path)
        reasons = _missing(identity, wanted) if data is None else _differences(identity, wanted, data, expected)
        built = kubeconfigs.build(expected)
        if not reasons and data != built and not wanted.embed:
            reasons = [Reason("FormatChanged", identity.name, wanted.path)]
        attributes = (wanted.owner, wanted.group, wanted.mode)
        work.add(reasons, lambda: (write_kept if wanted.embed else write_other)(wanted.path, built, *attributes))

    def _expected(
        self, identity: Identity, wanted: KubeconfigWanted, material: Material, issuer: Issuer | None
    ) -> kubeconfigs.Kubeconfig:
        config = kubeconfigs.Kubeconfig(
            wanted.server,
            wanted.cluster_name,
            wanted.user_name,
            context_name=f"{wanted.user_name}@{wanted.cluster_name}",
        )
        if not wanted.embed:
            pair = replace(config, certificate_path=identity.certificate_path, key_path=identity.key_path)
            return replace(pair, ca_path=wanted.ca_path)
        return replace(
            config,
            ca_data=self._ca_data(wanted, issuer),
            certificate_data=normalised(material.certificate or b""),
            key_data=normalised(material.key or b""),
        )

    def _ca_data(self, wanted: KubeconfigWanted, issuer: Issuer | None) -> bytes:
        text = self._bundles.get(wanted.ca_path)
        if text is None and issuer is not None:
            text = issuer.pem
        return bundle([text or ""], CERTIFICATE, wanted.ca_path).encode("ascii")


def _missing(identity: Identity, wanted: KubeconfigWanted) -> list[Reason]:
    details = (
        ("server", wanted.server),
        ("user", wanted.user_name),
        ("cluster", wanted.cluster_name),
        ("CA", wanted.ca_path),
    )
    return [Reason("KubeconfigMissing", identity.name, wanted.path, details=details)]


def _differences(
    identity: Identity, wanted: KubeconfigWanted, data: bytes, expected: kubeconfigs.Kubeconfig
) -> list[Reason]:
    """By what it says: kubeadm's own files have other whitespace and a `preferences` key, and serve as they are."""
    try:
        present = kubeconfigs.parse(data, wanted.path)
    except InputError:
        return [Reason("KubeconfigUnreadable", identity.name, wanted.path)]
    reasons = []
    if present.server != expected.server:
        old, new = present.server, expected.server
        reasons.append(Reason("KubeconfigServerChanged", identity.name, wanted.path, old, new))
    if replace(present, server="") != replace(expected, server=""):
        old, new = _words(present), _words(expected)
        reasons.append(Reason("KubeconfigChanged", identity.name, wanted.path, old, new))
    return reasons


def _words(config: kubeconfigs.Kubeconfig) -> str:
    """Whom it makes of its reader, and by what it trusts; nothing of a key or token."""
    trust = config.ca_path
    if config.ca_data is not None:
        trust = _fingerprints(config.ca_data)
    pair = config.certificate_path or ("embedded" if config.certificate_data else "none")
    return f"{config.user_name}@{config.cluster_name}, CA {trust}, certificate {pair}"


def _fingerprints(data: bytes) -> str:
    try:
        return "embedded " + ", ".join(block.fingerprint[:16] for block in blocks(data, "CA"))
    except InputError:
        return "unreadable"
