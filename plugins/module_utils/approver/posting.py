# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The posting of a decision on a certificate signing request, whoever has decided: rules or a person."""

from __future__ import annotations

import datetime
from typing import Any

from .. import x509
from ..cluster import Cluster, ConflictError, NotFoundError
from ..domain.csr import Request, decided, read_request

__all__ = ["PATH", "condition", "post"]

PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
_ATTEMPTS = 5


def condition(kind: str, reason: str, message: str, now: datetime.datetime) -> dict[str, str]:
    """`kind` is Approved or Denied; an API server takes no other status than True of them."""
    return {
        "type": kind,
        "status": "True",
        "reason": reason,
        "message": message,
        "lastUpdateTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def post(cluster: Cluster, request: Request, wanted: dict[str, str]) -> tuple[bool, Request | None]:
    """Whether it was decided here and not by somebody faster, and the request as it is now.

    That is None where it is gone, be there another one of its name, which nobody has looked at.
    """
    path = f"{PATH}/{request.name}"
    for attempt in range(_ATTEMPTS):
        try:
            answer = cluster.replace(path + "/approval", decided(request, wanted))
            return True, read_request(answer, x509.parse_request)
        except NotFoundError:
            return False, None
        except ConflictError:
            if attempt == _ATTEMPTS - 1:
                raise
        present = cluster.find(path)
        if present is None or present["metadata"].get("uid") != request.uid:
            return False, None
        request = read_request(present, x509.parse_request)
        if not request.pending:
            # Ours, where the answer to an earlier attempt got lost on the way.
            return wanted in _conditions(present, wanted), request
    return False, request


def _conditions(item: dict[str, Any], like: dict[str, str]) -> list[dict[str, str]]:
    """The conditions of a request, with what `like` has and no more."""
    present = (item.get("status") or {}).get("conditions") or []
    return [{name: str(one.get(name)) for name in like} for one in present]
