# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody else has to sign: requests go out into the CA folder, certificates come in from it.

<folder>/requests/kubernetes-ca.csr                 a CA below an offline root
<folder>/requests/<ca>/<identity>@<host>.csr        of a CA whose key is not here
<folder>/signed/...                                 the same names with .crt, put there by the user

A request lies there until it is answered. What was taken in may stay in signed/: it is known by the ledger.
"""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass
from typing import Any

from . import files, x509
from .ca_folder import REQUESTS, SIGNED, Folder
from .domain.answers import Waiting, authority_problems, leaf_problems
from .domain.ca import Authority
from .domain.certificate import CertificateInfo, KeyInfo
from .domain.errors import InputError
from .domain.findings import Findings
from .domain.identity import Identity
from .domain.pem import Block, certificates
from .domain.reasons import Reason

__all__ = ["Answer", "Elsewhere", "answered_authority", "answered_leaf"]


@dataclass(frozen=True)
class Answer:
    """A certificate that lies in signed/, read and not yet judged."""

    path: str
    block: Block
    certificate: Any
    info: CertificateInfo


class Elsewhere:
    """The two folders; nothing is written but requests."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def request_path(self, name: str) -> str:
        return self._folder.path(os.path.join(REQUESTS, f"{name}.csr"))

    def answer_path(self, name: str) -> str:
        return self._folder.path(os.path.join(SIGNED, f"{name}.crt"))

    def waiting(self, name: str, issuer: str) -> Waiting:
        return Waiting(name, issuer, self.request_path(name), self.answer_path(name))

    def answer(self, name: str) -> Answer | None:
        path = self.answer_path(name)
        data = files.read(path)
        if data is None:
            return None
        found = certificates(data, path)
        if len(found) != 1:
            raise InputError(f"{path}: {len(found)} certificates where the one that was asked for belongs, alone")
        loaded = x509.load_certificate(found[0], path)
        return Answer(path, found[0], loaded, x509.certificate_info(loaded))

    def request_reasons(self, name: str, subject: str, text: str | None, what: str) -> list[Reason]:
        """Whether the request has to be written; None: its key is not made yet, in check mode."""
        path = self.request_path(name)
        present = files.read(path)
        if present is not None and text is not None and present == text.encode("ascii"):
            return []
        code = "Requested" if present is None else "RequestChanged"
        made = tuple(folder for folder in self._folders(name) if not files.state_of(folder).exists)
        return [Reason(code, subject, path, None, what, files=(path, *made))]

    def _folders(self, name: str) -> list[str]:
        """With a place for the answers, so that nobody has to make it."""
        paths = (self.request_path(name), self.answer_path(name))
        folders = [self._folder.path(REQUESTS), self._folder.path(SIGNED), *map(os.path.dirname, paths)]
        return list(dict.fromkeys(folders))

    def keep_request(self, name: str, text: str) -> None:
        path, data = self.request_path(name), text.encode("ascii")
        if files.read(path) != data:
            for directory in self._folders(name):
                files.ensure_directory(directory, mode="0700")
            files.write_atomic(path, data, mode="0644")

    def drop_request(self, name: str) -> None:
        files.remove(self.request_path(name))


def answered_leaf(
    elsewhere: Elsewhere,
    name: str,
    identity: Identity,
    key: KeyInfo,
    issuer: Any,
    known: str | None,
    now: datetime.datetime,
    findings: Findings,
) -> Answer | None:
    """The answer to a request when it is right. One that the ledger knows is that of an earlier request."""
    answer = findings.attempt(lambda: elsewhere.answer(name), None)
    if answer is None:
        return None
    issued = x509.is_issued_by(answer.certificate, issuer)
    problems = leaf_problems(identity, answer.info, key, x509.certificate_info(issuer), issued, now)
    if not problems:
        return answer
    if answer.info.fingerprint != known:
        findings.add(_refusal(answer, problems))
    return None


def answered_authority(
    elsewhere: Elsewhere, authority: Authority, key: KeyInfo, root: Any, known: list[str], now: datetime.datetime
) -> Answer | None:
    answer = elsewhere.answer(authority.name)
    if answer is None:
        return None
    issued = x509.is_issued_by(answer.certificate, root)
    problems = authority_problems(authority, answer.info, key, x509.certificate_info(root), issued, now)
    if not problems:
        return answer
    if answer.info.fingerprint in known:
        return None
    raise InputError(_refusal(answer, problems))


def _refusal(answer: Answer, problems: list[str]) -> str:
    return f"{answer.path} is not the certificate that was asked for: {'; '.join(problems)}; have it signed anew"
