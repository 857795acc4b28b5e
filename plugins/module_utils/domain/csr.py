# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CertificateSigningRequest of the cluster, as those who approve it see it."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Callable

from .errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "CLIENT",
    "CLIENT_SIGNER",
    "KINDS",
    "MAXIMUM_REQUEST_SIZE",
    "NODES_GROUP",
    "NODE_PREFIX",
    "RENEWAL",
    "SERVING",
    "SERVING_SIGNER",
    "SIGNERS",
    "Parser",
    "Request",
    "RequestContent",
    "UnreadableError",
    "decided",
    "kind_of",
    "parse_time",
    "read_request",
    "slim",
]

CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client-kubelet"
SERVING_SIGNER = "kubernetes.io/kubelet-serving"
SIGNERS = (CLIENT_SIGNER, SERVING_SIGNER)
NODE_PREFIX = "system:node:"
NODES_GROUP = "system:nodes"
# What a request is for: a node's first client certificate, its next ones, and the certificate that it serves with.
CLIENT, RENEWAL, SERVING = KINDS = ("client", "renewal", "serving")
# A kubelet's request has some 600 bytes; the API server stores up to 1.5 MB.
MAXIMUM_REQUEST_SIZE = 64 * 1024
# staging/src/k8s.io/apiserver/pkg/authentication/user/user.go: CredentialIDKey
CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"


@dataclass(frozen=True)
class RequestContent:
    """What a PKCS#10 request says. IP addresses are canonical text; `other_names` counts SANs of any other kind."""

    common_names: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    other_attributes: tuple[str, ...] = ()
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
    email_addresses: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    other_names: int = 0
    key_algorithm: str = ""
    key_size: int = 0
    # Whether it is signed with the key that it asks a certificate for.
    signature_valid: bool = False

    @property
    def san_count(self) -> int:
        known = (self.dns_names, self.ip_addresses, self.email_addresses, self.uris)
        return sum(len(names) for names in known) + self.other_names

    @property
    def node(self) -> str | None:
        """The node that the common name claims to be."""
        if len(self.common_names) != 1 or not self.common_names[0].startswith(NODE_PREFIX):
            return None
        return self.common_names[0][len(NODE_PREFIX) :]


class UnreadableError(InputError):
    """The request is none. That a library is missing is another error, and denies nobody."""


Parser = Callable[[bytes], RequestContent]


@dataclass(frozen=True)
class Request:
    """One CertificateSigningRequest. `content` is None where it cannot be read; `problem` then says why."""

    name: str
    uid: str
    version: str
    created: datetime
    signer: str
    username: str
    groups: tuple[str, ...]
    usages: frozenset[str]
    content: RequestContent | None
    problem: str = ""
    credential_id: str | None = None
    approved: bool = False
    denied: bool = False
    decision: str = ""
    failed: str | None = None
    issued: bool = False
    # Its place among those of the same second: creation has whole seconds only. The resource version at first sight,
    # for a decision changes it; of one that was decided before anybody looked nothing is known.
    place: int = 0

    @property
    def pending(self) -> bool:
        return not (self.approved or self.denied)

    @property
    def order(self) -> tuple[datetime, int]:
        """Later is greater."""
        return self.created, self.place

    @property
    def kind(self) -> str:
        return kind_of(self.signer, self.username, self.groups)

    @property
    def requesting_node(self) -> str | None:
        """The node that made it, where it was made with a node's own certificate."""
        return self.username[len(NODE_PREFIX) :] if self.username.startswith(NODE_PREFIX) else None


def kind_of(signer: str, username: str, groups: Iterable[str]) -> str:
    """Of the two signers' requests only. A join certificate has a node's name, but not yet the group of nodes."""
    if signer == SERVING_SIGNER:
        return SERVING
    return RENEWAL if username.startswith(NODE_PREFIX) and NODES_GROUP in groups else CLIENT


def parse_time(text: str) -> datetime:
    """RFC 3339 as Kubernetes writes it: in UTC, with or without fractions."""
    if not text.endswith("Z"):
        raise ValueError("not a time in UTC")
    return datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)


def read_request(item: Mapping[str, Any], parse: Parser) -> Request:
    """One item of the API. Requests for signers that are none of ours are not parsed at all."""
    metadata, spec, status = item["metadata"], item["spec"], item.get("status") or {}
    conditions = {entry.get("type"): entry for entry in status.get("conditions") or []}
    signer = str(spec.get("signerName", ""))
    content, problem = _content(spec.get("request"), parse) if signer in SIGNERS else (None, "")
    credential = (spec.get("extra") or {}).get(CREDENTIAL_ID) or [None]
    failed = conditions.get("Failed")
    version = str(metadata.get("resourceVersion", ""))
    return Request(
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        version=version,
        created=parse_time(metadata["creationTimestamp"]),
        signer=signer,
        username=str(spec.get("username", "")),
        groups=tuple(spec.get("groups") or ()),
        usages=frozenset(spec.get("usages") or ()),
        content=content,
        problem=problem,
        credential_id=credential[0],
        approved="Approved" in conditions,
        denied="Denied" in conditions,
        decision=str((conditions.get("Denied") or conditions.get("Approved") or {}).get("message") or ""),
        failed=(failed.get("message") or failed.get("reason") or "no reason given") if failed else None,
        issued=bool(status.get("certificate")),
        place=int(version) if version.isdigit() and not conditions.keys() & {"Approved", "Denied"} else 0,
    )


def decided(request: Request, condition: Mapping[str, str]) -> dict[str, Any]:
    """The object for the subresource `approval`, with `condition` as the decision.

    The API server takes its conditions alone (pkg/registry/certificates/certificates/strategy.go).
    """
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": request.name, "uid": request.uid, "resourceVersion": request.version},
        "spec": {"signerName": request.signer, "request": "", "usages": sorted(request.usages)},
        "status": {"conditions": [condition]},
    }


def slim(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item of the API with what `read_request` reads of it; without the request itself where it is too long.

    Anybody who may ask may store 1.5 MB, which would take as much memory.
    """
    metadata, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    names = ("name", "uid", "resourceVersion", "creationTimestamp")
    kept = {name: spec.get(name) for name in ("signerName", "username", "groups", "usages")}
    credential = (spec.get("extra") or {}).get(CREDENTIAL_ID)
    request = str(spec.get("request", ""))
    return {
        "metadata": {name: metadata[name] for name in names if name in metadata},
        "spec": {
            **kept,
            "request": request if len(request) <= MAXIMUM_REQUEST_SIZE else None,
            "extra": {CREDENTIAL_ID: credential},
        },
        "status": {"conditions": status.get("conditions") or [], "certificate": bool(status.get("certificate"))},
    }


def _content(encoded: str | None, parse: Parser) -> tuple[RequestContent | None, str]:
    if encoded is None or len(encoded) > MAXIMUM_REQUEST_SIZE:
        return None, f"it has more than {MAXIMUM_REQUEST_SIZE} bytes"
    try:
        return parse(base64.b64decode(encoded, validate=True)), ""
    except (UnreadableError, ValueError, binascii.Error):
        # What the parser says may quote the request, which anybody with a token may have written.
        return None, "it cannot be read as a PKCS#10 request"
