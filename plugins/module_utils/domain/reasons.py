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

__all__ = ["CODES", "PKI_CODES", "Reason", "describe", "diff_of"]

# What concerns keys, certificates, kubeconfigs, bundles and their files.
PKI_CODES: dict[str, str] = {
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
    "SANsChanged": "DNS names or IP addresses differ; old are those that go, new those that come",
    "UsagesChanged": "key usages or extended key usages differ",
    "ConstraintsChanged": "the basic constraints differ",
    "SignatureWeak": "the certificate is signed with a hash weaker than SHA-256",
    "OutlivesIssuer": "the certificate ends after its CA",
    "NotYetValid": "its validity lies in the future",
    "Expiring": "less time is left than renew_before",
    "Expired": "it has ended",
    "Forced": "the user asked for it by name",
    "Interrupted": "an earlier run was stopped halfway; what it began is brought to an end",
    "FormatChanged": "the content is right, the bytes are not normalised",
    "ChainChanged": "the CAs that are served along with the certificate are other ones",
    "PublicKeyChanged": "the public key file is not that of the private key",
    "KubeconfigMissing": "the kubeconfig is not there",
    "KubeconfigServerChanged": "the kubeconfig names another server",
    "KubeconfigChanged": "CA, user, cluster or references of the kubeconfig differ",
    "KubeconfigUnreadable": "the file is not a kubeconfig",
    # bundles and what hosts publish
    "BundleMissing": "the bundle is not there",
    "BundleChanged": "the bundle has other members, or in another order",
    # the folder of the CA host
    "KeyNotEncrypted": "there is a passphrase, and the key of the CA lies there in clear",
    "NotInLedger": "the CA was imported, or a run was stopped before it was recorded",
    "Superseded": "the ledger knows a newer certificate: an old backup of the host was restored",
    "PublishedChanged": "a host has a new public part that others must trust",
    # where somebody else signs
    "Requested": "a request is written for a CA whose key is not here",
    "RequestChanged": "another request takes the place of one that has not been answered",
    "Answered": "a certificate that somebody else signed is taken in",
    # any file
    "DirectoryMissing": "the folder is not there",
    "OwnerChanged": "the owner differs",
    "GroupChanged": "the group differs",
    "ModeChanged": "the mode differs",
    "Leftover": "a file that is no longer wanted is there",
}
CODES: dict[str, str] = {
    **PKI_CODES,
    "ContentChanged": "the content differs",
    # kubelet identities and joining
    "NotJoined": "the kubelet has no identity yet",
    "NodeNameChanged": "the kubelet's certificate is that of another node",
    # objects of the cluster
    "ObjectMissing": "the object is not in the cluster",
    "ObjectChanged": "the object differs from what is wanted",
    "ObjectLeftover": "an object of ours is no longer wanted",
    "PodEvicted": "the node that it is on is drained",
    "TokenWanted": "a node that joins needs a bootstrap token",
    "TokenLeftover": "a bootstrap token of ours is no longer wanted",
    "JoinsChanged": "joins by certificate are opened, or their time is over",
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
    """One difference between what is and what is wanted. Nothing in it is secret."""

    code: str
    subject: str
    path: str | None = None
    old: str | None = None
    new: str | None = None
    # What is made from nothing: its properties, for people.
    details: tuple[tuple[str, str], ...] = ()
    # All files that change, where it is not `path` alone.
    files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"unknown reason code {self.code!r}")

    def as_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "code": self.code,
            "subject": self.subject,
            "path": self.path,
            "old": self.old,
            "new": self.new,
        }
        if self.details:
            found["details"] = dict(self.details)
        if self.files:
            found["files"] = list(self.files)
        return found

    def change(self) -> str:
        if self.old is None and self.new is None:
            return ""
        return "{} -> {}".format(self.old or "nothing", self.new or "nothing")

    def text(self) -> str:
        change = self.change() or ", ".join(f"{label} {value}" for label, value in self.details if label != "names")
        return f"{self.subject}: {self.code}" + (f" ({change})" if change else "")


def describe(reasons: Iterable[Reason], limit: int = 20) -> str:
    """One line for people; long lists are cut, the structure has them all."""
    texts = [reason.text() for reason in reasons]
    if not texts:
        return "nothing to change"
    more = len(texts) - limit
    return "; ".join(texts[:limit]) + (f"; and {more} more" if more > 0 else "")


def diff_of(reasons: Iterable[Reason]) -> dict[str, str]:
    """Ansible's before and after, of the same reasons: a block for each subject, and each reason on a line of its own.

    The name of the subject is on both sides, so that it is shown once, as context of what is added to it.
    """
    blocks: dict[str, list[str]] = {}
    for reason in reasons:
        blocks.setdefault(reason.subject, []).extend(_lines(reason))
    return {
        "before": "".join(f"{subject}\n" for subject in blocks),
        "after": "".join("\n".join([subject, *lines]) + "\n" for subject, lines in blocks.items()),
    }


def _lines(reason: Reason) -> list[str]:
    what = reason.change() or CODES[reason.code]
    details = [f"    {label}: {value}" for label, value in reason.details]
    if reason.details:
        files = reason.files or ((reason.path,) if reason.path else ())
        return [f"  {reason.code}: {what}", *details, *(f"    file: {path}" for path in files)]
    where = f" {reason.path}" if reason.path else ""
    return [f"  {reason.code}{where}: {what}"]
