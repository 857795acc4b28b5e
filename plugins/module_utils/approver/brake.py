# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The brake: where more requests are pending than can be right, nothing is approved until a person has looked.

It is an object of the cluster that the approvers may make but not delete, so a restart does not lift it, all of them
keep to it, and a person lifts it by deleting it. One who makes it by hand stops all approvals.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable

from ..cluster import Cluster, ConflictError
from ..domain.lease import BRAKE, LEASES_PATH, LIFTING, lease_manifest

__all__ = ["Brake"]

_PATH = f"{LEASES_PATH}/{BRAKE}"
# How often it is looked for.
_BETWEEN = 5.0
_PENDING = "tlsbootstrap.kubernetes/pending"


class Brake:
    def __init__(
        self,
        cluster: Cluster,
        identity: str,
        now: Callable[[], datetime.datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster = cluster
        self._identity = identity
        self._now = now
        self._monotonic = monotonic
        self._looked = float("-inf")
        # Nothing is approved before it was looked for.
        self.engaged = True
        # A person has looked at what is pending; until it has become less this is no news.
        self._excused = False

    @property
    def seen(self) -> bool:
        """Whether it is known to be engaged, which is told to others."""
        return self.engaged and self._known

    @property
    def _known(self) -> bool:
        return self._looked > float("-inf")

    def look(self, pending: int, limit: int, leads: bool = True) -> str | None:
        """See whether it was engaged or lifted; whoever leads engages it with more than `limit`. What happened."""
        if pending <= limit:
            self._excused = False
        elif leads and not self.engaged and not self._excused:
            return self._engage(pending, limit)
        if self._monotonic() - self._looked < _BETWEEN:
            return None
        known = self._known
        present = self._cluster.find(_PATH)
        self._looked = self._monotonic()
        was, self.engaged = self.engaged, present is not None
        if present is not None:
            holder = (present.get("spec") or {}).get("holderIdentity")
            return None if was and known else f"engaged by {holder}: {_remedy()}"
        if was and known:
            self._excused = pending > limit
            return "lifted by a person"
        return self.look(pending, limit, leads) if pending > limit else None

    def _engage(self, pending: int, limit: int) -> str:
        # Whatever comes of the writing.
        self.engaged = True
        note = {_PENDING: f"{pending}, more than {limit}"}
        try:
            self._cluster.create(LEASES_PATH, lease_manifest(BRAKE, self._identity, self._now(), **note))
        except ConflictError:
            return f"engaged by another approver: {_remedy()}"
        return f"engaged: {pending} requests are pending, more than {limit}: {_remedy()}"


def _remedy() -> str:
    return f"nothing is approved until a person has looked and lifts it: {LIFTING}"
