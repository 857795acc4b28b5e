# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why something is changed: a closed list of codes, each with its meaning.

``changed``, the message and the diff of every module are made of one list of reasons, so they cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CODES", "Reason", "describe", "diff_of"]

CODES: dict[str, str] = {
    # certificates and keys
    "Missing": "nothing of it is there yet",
    "KeyMissing": "the certificate is there, its private key is not",
    "CertificateMissing": "the private key is there, its certificate is not",
    "KeyUnreadable": "the private key cannot be read as one",
    "CertificateUnreadable": "the file is not exactly one certificate",
    "KeyMismatch": "private key and certificate do not belong together",
    "KeyTypeChanged": "another type or size of key is wanted",
    "IssuerChanged": "another CA, or another key of that CA, has to have signed it",
    "SubjectChanged": "common name or organizations differ",
    "SANsChanged": "DNS names or IP addresses differ",
    "UsagesChanged": "key usages or extended key usages differ",
    "ConstraintsChanged": "the basic constraints differ",
    "SignatureWeak": "the certificate is signed with a hash weaker than SHA-256",
    "OutlivesIssuer": "the certificate ends after its CA",
    "NotYetValid": "its validity lies in the future",
    "Expiring": "less time is left than renew_before",
    "Expired": "it has ended",
    "Forced": "the user asked for it by name",
    "Interrupted": "an earlier run was stopped between two files; they are paired again",
    "FormatChanged": "the content is right, the bytes are not normalised",
    "PublicKeyChanged": "the public key file is not that of the private key",
    "KubeconfigMissing": "the kubeconfig is not there",
    "KubeconfigChanged": "server, CA, user or references of the kubeconfig differ",
    "KubeconfigUnreadable": "the file is not a kubeconfig",
    # bundles and what hosts publish
    "BundleMissing": "the bundle is not there",
    "BundleChanged": "the bundle has other members, or in another order",
    "PublishedChanged": "a host has a new public part that others must trust",
    # any file
    "DirectoryMissing": "the folder is not there",
    "ContentChanged": "the content differs",
    "OwnerChanged": "owner or group differ",
    "ModeChanged": "the mode differs",
    "Leftover": "a file that is no longer wanted is there",
    # kubelet identities and joining
    "NotJoined": "the kubelet has no identity yet",
    "NodeNameChanged": "the kubelet's certificate is that of another node",
    "Reset": "the user asked for a new identity",
    # objects of the cluster
    "ObjectMissing": "the object is not in the cluster",
    "ObjectChanged": "the object differs from what is wanted",
    "ObjectLeftover": "an object of ours is no longer wanted",
    "TokenWanted": "a node that joins needs a bootstrap token",
    "TokenLeftover": "a bootstrap token of ours is no longer wanted",
    "RequestApproved": "a certificate signing request keeps the rules",
    "RequestDenied": "a certificate signing request breaks a rule",
    # units
    "UnitMissing": "the unit file is not there",
    "UnitChanged": "the unit file differs, or systemd has not read it yet",
    "NotEnabled": "the unit does not start at boot",
    "NotDisabled": "the unit starts at boot",
    "NotRunning": "the unit does not run",
    "NotStopped": "the unit runs",
    "FilesNewer": "a file that the unit reads only at its start is newer than that start",
}


@dataclass(frozen=True)
class Reason:
    """One difference between what is and what is wanted. `old` and `new` hold nothing secret."""

    code: str
    subject: str
    path: str | None = None
    old: str | None = None
    new: str | None = None

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"unknown reason code {self.code!r}")

    def as_dict(self) -> dict[str, Any]:
        return {"code": self.code, "subject": self.subject, "path": self.path, "old": self.old, "new": self.new}

    def text(self) -> str:
        change = ""
        if self.old is not None or self.new is not None:
            change = " ({} -> {})".format(self.old or "nothing", self.new or "nothing")
        return f"{self.subject}: {self.code}{change}"


def describe(reasons: Iterable[Reason], limit: int = 20) -> str:
    """One line for people; long lists are cut, the structure has them all."""
    texts = [reason.text() for reason in reasons]
    if not texts:
        return "nothing to change"
    more = len(texts) - limit
    return "; ".join(texts[:limit]) + (f"; and {more} more" if more > 0 else "")


def diff_of(reasons: Iterable[Reason]) -> dict[str, str]:
    """Ansible's before and after, of the same reasons."""
    before: list[str] = []
    after: list[str] = []
    for reason in reasons:
        where = "{}{} {}: ".format(reason.subject, " " + reason.path if reason.path else "", reason.code)
        before.append(where + (reason.old or "-"))
        after.append(where + (reason.new or CODES[reason.code]))
    return {"before": "".join(line + "\n" for line in before), "after": "".join(line + "\n" for line in after)}
