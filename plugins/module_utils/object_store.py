# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects in the cluster: read, compared, created or replaced; nothing of a user's is removed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .cluster import Cluster, ConflictError, NotFoundError
from .domain.errors import InputError
from .domain.objects import (
    ForbiddenBinding,
    Key,
    check_role_ref,
    differences,
    forbidden,
    is_ours,
    key_of,
    merged,
    with_label,
)
from .domain.reasons import Reason

__all__ = ["ObjectStore", "Step", "as_new", "refuse_bindings"]

_BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
_ATTEMPTS = 5


@dataclass(frozen=True)
class Step:
    """One object that is not as wanted: what is to be done, and why."""

    key: Key
    wanted: Mapping[str, Any] | None
    reasons: tuple[Reason, ...]


def as_new(manifests: Iterable[Mapping[str, Any]]) -> list[Reason]:
    return [Reason("ObjectMissing", str(key_of(manifest)), None, None, "created") for manifest in manifests]


def refuse_bindings(cluster: Cluster, rules: list[ForbiddenBinding]) -> None:
    if not rules:
        return
    bindings, _version = cluster.list(_BINDINGS)
    found = forbidden(bindings, rules)
    if found:
        raise InputError(
            "; ".join(found) + ": with it every bootstrap token becomes any node, so no token is tied to its node; "
            "delete the binding or take the group from its subjects"
        )


class ObjectStore:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._resources: dict[str, dict[str, tuple[str, bool]]] = {}

    def plan(self, manifests: Iterable[Mapping[str, Any]], absent: Iterable[Mapping[str, Any]]) -> list[Step]:
        """What has to be done. All refusals come from here, before the first change."""
        steps = [self._compare(manifest) for manifest in manifests]
        steps += [self._leftover(key_of(manifest)) for manifest in absent]
        return [step for step in steps if step.reasons]

    def apply(self, steps: Iterable[Step]) -> None:
        for step in steps:
            if step.wanted is None:
                self._cluster.delete(self._path(step.key))
            else:
                self._bring(step.key, step.wanted)

    def _compare(self, manifest: Mapping[str, Any]) -> Step:
        """What somebody else made gets what is wanted, but not our label: it would be deleted for it one day."""
        key = key_of(manifest)
        present = self._cluster.find(self._path(key))
        if present is None:
            return Step(key, with_label(manifest), (Reason("ObjectMissing", str(key), None, None, "created"),))
        wanted = with_label(manifest) if is_ours(present) else manifest
        check_role_ref(wanted, present)
        found = differences(wanted, present)
        return Step(key, wanted, tuple(Reason("ObjectChanged", str(key), path, old, new) for path, old, new in found))

    def _leftover(self, key: Key) -> Step:
        present = self._cluster.find(self._path(key))
        ours = present is not None and is_ours(present)
        return Step(key, None, (Reason("ObjectLeftover", str(key), None, "there", "deleted"),) if ours else ())

    def _bring(self, key: Key, wanted: Mapping[str, Any]) -> None:
        for attempt in range(_ATTEMPTS):
            present = self._cluster.find(self._path(key))
            try:
                if present is None:
                    self._cluster.create(self._path(key, named=False), wanted)
                elif differences(wanted, present):
                    check_role_ref(wanted, present)
                    # With its resourceVersion: what somebody else wrote meanwhile is read again, not overwritten.
                    self._cluster.replace(self._path(key), merged(wanted, present))
                return
            except ConflictError:
                if attempt == _ATTEMPTS - 1:
                    raise

    def _path(self, key: Key, named: bool = True) -> str:
        plural, namespaced = self._resource(key)
        root = f"/api/{key.api_version}" if "/" not in key.api_version else f"/apis/{key.api_version}"
        if namespaced and not key.namespace:
            raise InputError(f"{key} needs metadata.namespace")
        where = f"/namespaces/{key.namespace}" if namespaced else ""
        return f"{root}{where}/{plural}" + (f"/{key.name}" if named else "")

    def _resource(self, key: Key) -> tuple[str, bool]:
        """The API's own word for a kind, asked once for each version."""
        if key.api_version not in self._resources:
            root = f"/api/{key.api_version}" if "/" not in key.api_version else f"/apis/{key.api_version}"
            try:
                found = self._cluster.get(root)["resources"]
            except NotFoundError:
                raise InputError(f"{key}: the API server does not serve {key.api_version}") from None
            self._resources[key.api_version] = {
                entry["kind"]: (entry["name"], bool(entry["namespaced"])) for entry in found if "/" not in entry["name"]
            }
        try:
            return self._resources[key.api_version][key.kind]
        except KeyError:
            raise InputError(f"{key}: the API server has no {key.kind} in {key.api_version}") from None
