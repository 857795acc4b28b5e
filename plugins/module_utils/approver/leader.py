# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of several approvers decides: the one that holds the lease.

The election of the package `kubernetes` (22.6) knows ConfigMaps only and takes over the process. That a request is
decided once does not hang on it: each decision names the version that was read, and each token has its mark. It
spares the API server the approvers that come too late, and says which journal has the lines.

A thread renews it, because deciding a thousand requests takes longer than a lease lasts.
"""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable

from ..cluster import Cluster, ClusterError, ConflictError
from ..domain.lease import LEADER, LEASES_PATH, Observation, lease_manifest, may_take, renewed

__all__ = ["DURATION", "Leader"]

# Who is killed is missed for at most so long. A kubelet that waits for 8 s comes back after 20 (it backs off).
DURATION = 8
_RENEWAL = 2.0
# Where it cannot be renewed, deciding ends this long before somebody else may begin.
_MARGIN = 2.0
_PATH = f"{LEASES_PATH}/{LEADER}"


class Leader:
    """`identity` is the same after a restart, so that whoever comes back at once goes on at once."""

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
        self._until = float("-inf")
        self._seen: Observation | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="leader", daemon=True)
        # What hinders it, for the journal.
        self.trouble = ""

    @property
    def held(self) -> bool:
        return self._monotonic() < self._until

    @property
    def holder(self) -> str:
        return self._seen.holder if self._seen else ""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Give it back, so that nobody has to wait for it to run out."""
        self._stopped.set()
        self._thread.join(_RENEWAL)
        if self.held:
            self._until = float("-inf")
            try:
                lease = self._cluster.get(_PATH)
                if (lease.get("spec") or {}).get("holderIdentity") == self._identity:
                    self._cluster.replace(_PATH, renewed(lease, "", 1, self._now()))
            except ClusterError:
                return

    def step(self) -> None:
        """Take or renew it if we may."""
        asked = self._monotonic()
        lease = self._cluster.find(_PATH)
        try:
            if lease is None:
                lease = self._cluster.create(LEASES_PATH, lease_manifest(LEADER, self._identity, self._now()))
            self._seen = Observation.of(lease, self._seen, self._monotonic())
            if may_take(self._seen, self._identity, DURATION, self._monotonic()):
                wanted = renewed(lease, self._identity, DURATION, self._now())
                lease = self._cluster.replace(_PATH, wanted)
                self._seen = Observation.of(lease, self._seen, self._monotonic())
                # From before the request: the API server has counted from later.
                self._until = asked + DURATION - _MARGIN
            else:
                self._until = float("-inf")
        except ConflictError:
            # Somebody else was faster; or it was us, and the answer got lost: the next look tells.
            return

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self.step()
                self.trouble = ""
            except ClusterError as error:
                self.trouble = f"who of the approvers decides cannot be told: {error}"
            self._stopped.wait(_RENEWAL)
