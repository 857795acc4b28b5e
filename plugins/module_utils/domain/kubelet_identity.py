# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a kubelet has an identity that the cluster takes, and what is in the way of a new one.

The kubelet itself looks less closely: a kubeconfig whose certificate was signed by a CA that is gone, or for
another node, counts as valid for it and keeps it from bootstrapping (cmd/kubelet/app/server.go,
pkg/kubelet/certificate/bootstrap). So what is unusable has to be removed before a join.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .certificate import instant_text
from .reasons import Reason

if TYPE_CHECKING:
    import datetime

    from .certificate import CertificateInfo

__all__ = ["GROUP", "Found", "Verdict", "assess", "is_known", "node_of", "pointed_at", "user_of"]

GROUP = "system:nodes"
_PREFIX = "system:node:"
# As client-go writes them (tools/clientcmd, WriteToFile); by line, because PyYAML need not be on a node.
_SERVER = re.compile(r"^( +server: *)[\"']?([^\"'\s]+)[\"']?\s*$", re.MULTILINE)
_CA = re.compile(r"^( +)certificate-authority(-data)?: *[\"']?([^\"'\s]+)[\"']?\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Found:
    """What lies on the host; a text that could not be read as what it should be is None."""

    kubeconfig: str
    kubeconfig_there: bool = False
    kubeconfig_readable: bool = False
    certificate_path: str | None = None
    certificate_there: bool = False
    certificate: CertificateInfo | None = None
    key_sha256: str | None = None
    # Whether one of the CAs that the caller trusts has signed it; None where none was named.
    trusted: bool | None = None


@dataclass(frozen=True)
class Verdict:
    """Why the node has to join. Files are named when they would keep the kubelet from it."""

    reasons: list[Reason]
    kubeconfig_unusable: bool = False
    certificate_unusable: bool = False

    @property
    def joined(self) -> bool:
        return not self.reasons


def user_of(node_name: str) -> str:
    return _PREFIX + node_name


def node_of(found: Found) -> str:
    """The node that this host was: it has a certificate of it, whether that is still good or not, and its key."""
    certificate = found.certificate
    if certificate is None or certificate.key.public_key_sha256 != found.key_sha256:
        return ""
    name = certificate.common_name
    return name[len(_PREFIX) :] if name.startswith(_PREFIX) else ""


def is_known(node_name: str, found: Found) -> bool:
    """Whether this host was this node."""
    return node_of(found) == node_name


def assess(node_name: str, found: Found, now: datetime.datetime) -> Verdict:
    if not found.kubeconfig_there and not found.certificate_there:
        return Verdict([Reason("NotJoined", node_name, found.kubeconfig, new=user_of(node_name))])
    certificate_reasons = _certificate_reasons(node_name, found, now)
    kubeconfig_reasons = _kubeconfig_reasons(node_name, found)
    return Verdict(
        kubeconfig_reasons + certificate_reasons,
        kubeconfig_unusable=found.kubeconfig_there and bool(kubeconfig_reasons or certificate_reasons),
        certificate_unusable=bool(certificate_reasons),
    )


def pointed_at(kubeconfig: str, server: str, ca_path: str) -> tuple[str, str, str] | None:
    """A kubelet's kubeconfig with this server and CA file, and what was and will be there, in words.

    None where the text is not as a kubelet writes it.
    """
    servers, cas = _SERVER.findall(kubeconfig), _CA.findall(kubeconfig)
    if len(servers) != 1 or len(cas) != 1:
        return None
    ca = "embedded" if cas[0][1] else cas[0][2]
    old, new = f"{servers[0][1].rstrip('/')} CA {ca}", f"{server.rstrip('/')} CA {ca_path}"
    if old == new:
        return kubeconfig, old, new
    text = _SERVER.sub(lambda found: found[1] + server, kubeconfig)
    return _CA.sub(lambda found: f"{found[1]}certificate-authority: {ca_path}", text), old, new


def _kubeconfig_reasons(node_name: str, found: Found) -> list[Reason]:
    if not found.kubeconfig_there:
        return [Reason("KubeconfigMissing", node_name, found.kubeconfig)]
    if not found.kubeconfig_readable:
        return [Reason("KubeconfigUnreadable", node_name, found.kubeconfig)]
    return []


def _certificate_reasons(node_name: str, found: Found, now: datetime.datetime) -> list[Reason]:
    path, certificate = found.certificate_path, found.certificate
    if certificate is None:
        code = "CertificateUnreadable" if found.certificate_there else "CertificateMissing"
        return [Reason(code, node_name, path)]
    reasons = []
    if certificate.common_name != user_of(node_name) or certificate.organizations != (GROUP,):
        was = "{} of {}".format(certificate.common_name, ", ".join(certificate.organizations) or "no group")
        reasons.append(Reason("NodeNameChanged", node_name, path, was, f"{user_of(node_name)} of {GROUP}"))
    if now >= certificate.not_after:
        reasons.append(Reason("Expired", node_name, path, instant_text(certificate.not_after)))
    if found.key_sha256 is None:
        reasons.append(Reason("KeyMissing", node_name, path))
    elif found.key_sha256 != certificate.key.public_key_sha256:
        reasons.append(Reason("KeyMismatch", node_name, path))
    if found.trusted is False:
        reasons.append(Reason("IssuerChanged", node_name, path, certificate.issuer, "a CA that the cluster trusts"))
    return reasons
