# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leases of the approvers: who of them decides, which token was used by which request, and the brake.

All three are Leases in one namespace of their own, so that an approver needs rights on nothing else there, and
`kubectl --namespace tlsbootstrap get leases` shows them with their holders.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .tokens import MANAGED_BY, MANAGED_BY_LABEL

__all__ = [
    "BRAKE",
    "LEADER",
    "LEASES_NAMESPACE",
    "LEASES_PATH",
    "LIFTING",
    "MARK_PREFIX",
    "REQUEST_UID",
    "Observation",
    "lease_manifest",
    "may_take",
    "renewed",
]

LEASES_NAMESPACE = "tlsbootstrap"
LEASES_PATH = f"/apis/coordination.k8s.io/v1/namespaces/{LEASES_NAMESPACE}/leases"
LEADER = "csr-approver"
BRAKE = "csr-approver-brake"
# What a person does who has looked.
LIFTING = f"kubectl --namespace {LEASES_NAMESPACE} delete lease {BRAKE}"
MARK_PREFIX = "token-"
REQUEST_UID = "tlsbootstrap.kubernetes/request-uid"


@dataclass(frozen=True)
class Observation:
    """A state of the lease, and since when, on the clock of whoever looks, it has been so."""

    holder: str
    renewal: str
    since: float

    @classmethod
    def of(cls, lease: Mapping[str, Any], earlier: Observation | None, now: float) -> Observation:
        """Clocks of two hosts are never compared: what counts is how long the lease has not changed before our eyes."""
        spec = lease.get("spec") or {}
        holder, renewal = str(spec.get("holderIdentity") or ""), str(spec.get("renewTime") or "")
        if earlier and (earlier.holder, earlier.renewal) == (holder, renewal):
            return earlier
        return cls(holder, renewal, now)


def may_take(seen: Observation, identity: str, duration: float, now: float) -> bool:
    """Ours, nobody's, or of one who has not renewed it for as long as it lasts."""
    return seen.holder in ("", identity) or now - seen.since >= duration


def lease_manifest(name: str, holder: str, now: datetime.datetime, **annotations: str) -> dict[str, Any]:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": name,
            "namespace": LEASES_NAMESPACE,
            "labels": {MANAGED_BY_LABEL: MANAGED_BY},
            "annotations": annotations,
        },
        "spec": {"holderIdentity": holder, "acquireTime": _micro(now)},
    }


def renewed(lease: Mapping[str, Any], holder: str, duration: int, now: datetime.datetime) -> dict[str, Any]:
    """The lease as its holder writes it; an empty holder gives it back. With its resourceVersion: one of two wins."""
    spec = dict(lease.get("spec") or {})
    if spec.get("holderIdentity") != holder:
        spec["acquireTime"] = _micro(now)
        spec["leaseTransitions"] = int(spec.get("leaseTransitions") or 0) + 1
    spec.update(holderIdentity=holder, leaseDurationSeconds=duration, renewTime=_micro(now))
    return {**lease, "spec": spec}


def _micro(now: datetime.datetime) -> str:
    """MicroTime of Kubernetes (staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/micro_time.go)."""
    return now.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
