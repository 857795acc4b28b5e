# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bootstrap token was used by which request: written before the request is approved, and never changed.

A mark is not an annotation of the token's Secret but an object beside it, of the token's id, in a namespace of its own:
- Whoever may write a Secret is shown it (a patch answers with the object), and rights on Secrets cannot be given for
  `bootstrap-token-*` alone. An approver with them could read every token and every other Secret of kube-system, make
  requests with the tokens and approve them itself. Here it may read no Secret at all.
- Creating is atomic: of two approvers with two requests of one token one is first, with nothing to compare or to retry.
- It outlives the token and its requests, which are deleted an hour after they were issued.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterable
from typing import Any

from .cluster import Cluster, ConflictError, ForbiddenError, NotFoundError
from .domain.csr import Request, parse_time
from .domain.lease import LEASES_NAMESPACE, LEASES_PATH, MARK_PREFIX, REQUEST_UID, lease_manifest
from .domain.tokens import MANAGED_BY, MANAGED_BY_LABEL, MAXIMUM_TTL, USER_PREFIX

__all__ = ["TokenMarks", "forget_marks", "sweep_marks"]

_NAMESPACES = "/api/v1/namespaces"


class TokenMarks:
    def __init__(self, cluster: Cluster, clock: Callable[[], datetime.datetime]) -> None:
        self._cluster = cluster
        self._clock = clock

    def look(self, request: Request) -> str | None:
        """The name of another request that has used the token of this one, which may be of no token."""
        if not _is_of_a_token(request):
            return None
        mark = self._cluster.find(f"{LEASES_PATH}/{_name(request)}")
        return None if mark is None else _other(mark, request)

    def claim(self, request: Request) -> str | None:
        """Mark the token as used by this request; the name of the other one where it was used by another.

        Nothing is marked for a request that is not of a bootstrap token.
        """
        if not _is_of_a_token(request):
            return None
        annotations = {REQUEST_UID: request.uid}
        mark = lease_manifest(_name(request), request.name, self._clock(), **annotations)
        try:
            self._create(mark)
        except ConflictError:
            # By another request, or by this one: before a crash, or in an attempt whose answer got lost.
            return _other(self._cluster.get(f"{LEASES_PATH}/{_name(request)}"), request)
        return None

    def _create(self, mark: dict[str, Any]) -> None:
        try:
            self._cluster.create(LEASES_PATH, mark)
        except NotFoundError:
            self._make_namespace()
            self._cluster.create(LEASES_PATH, mark)

    def _make_namespace(self) -> None:
        """For plays in clusters that somebody else made; the service has no right to, and needs none."""
        metadata = {"name": LEASES_NAMESPACE, "labels": {MANAGED_BY_LABEL: MANAGED_BY}}
        try:
            self._cluster.create(_NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        except ConflictError:
            return
        except ForbiddenError:
            raise ForbiddenError(
                f"the namespace {LEASES_NAMESPACE}, where it is noted which tokens were used, does not exist; "
                "the playbook `control_plane` makes it"
            ) from None


def forget_marks(cluster: Cluster, identifiers: Iterable[str]) -> None:
    """For new tokens whose ids were used before, which only users choose."""
    for identifier in identifiers:
        cluster.delete(f"{LEASES_PATH}/{MARK_PREFIX}{identifier}")


def sweep_marks(cluster: Cluster, now: datetime.datetime) -> None:
    """Delete those that are older than any token can be.

    Not sooner, be the token deleted: an API server takes one that was used just now for 10 s more
    (pkg/kubeapiserver/options/authentication.go). Who may delete tokens, but no marks, leaves them to others.
    """
    with contextlib.suppress(ForbiddenError):
        items, _version = cluster.list(LEASES_PATH, {"labelSelector": f"{MANAGED_BY_LABEL}={MANAGED_BY}"})
        for item in _ended(items, now):
            cluster.delete(f"{LEASES_PATH}/{item['metadata']['name']}", item["metadata"]["uid"])


def _ended(items: Iterable[dict[str, Any]], now: datetime.datetime) -> list[dict[str, Any]]:
    oldest = now - datetime.timedelta(seconds=MAXIMUM_TTL + 3600)
    return [
        item
        for item in items
        if item["metadata"]["name"].startswith(MARK_PREFIX)
        and parse_time(item["metadata"]["creationTimestamp"]) < oldest
    ]


def _is_of_a_token(request: Request) -> bool:
    return request.username.startswith(USER_PREFIX)


def _name(request: Request) -> str:
    return MARK_PREFIX + request.username[len(USER_PREFIX) :]


def _other(mark: dict[str, Any], request: Request) -> str | None:
    annotations = mark["metadata"].get("annotations") or {}
    if annotations.get(REQUEST_UID) == request.uid:
        return None
    return str((mark.get("spec") or {}).get("holderIdentity") or "an unknown one")
