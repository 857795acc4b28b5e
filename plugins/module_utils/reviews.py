# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API server would let somebody do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .cluster import Cluster, ForbiddenError
from .domain.rights import Right, rights_review

__all__ = ["REVIEWS", "access_review", "may"]

REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_OWN_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def may(cluster: Cluster, right: Right) -> bool:
    """Whether these credentials have the right; ForbiddenError to those who may not ask."""
    status = cluster.create(_OWN_REVIEWS, rights_review(right)).get("status")
    return isinstance(status, dict) and bool(status.get("allowed"))


def access_review(cluster: Cluster, user: str, groups: Iterable[str], what: Mapping[str, str]) -> dict[str, Any] | None:
    """Its answer, `allowed` with the `reason`; None to those who may not ask, or are not told."""
    question = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "groups": list(groups), "resourceAttributes": dict(what)},
    }
    try:
        status = cluster.create(REVIEWS, question).get("status")
    except ForbiddenError:
        # Who may make tokens need not be allowed to ask.
        return None
    # What is between here and the API server may answer anything.
    return status if isinstance(status, dict) else None
