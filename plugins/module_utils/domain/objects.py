# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of the cluster: what differs between a wanted and a present one, and what one that is kept looks like."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import InputError
from .tokens import MANAGED_BY, MANAGED_BY_LABEL

__all__ = [
    "ForbiddenBinding",
    "Key",
    "check_role_ref",
    "differences",
    "forbidden",
    "is_ours",
    "key_of",
    "merged",
    "with_label",
]

# Lists to which a user may have added; all others are as wanted, so that a role of ours never keeps an old right.
_SHARED_LISTS = frozenset({"subjects"})
_SHOWN = 300


@dataclass(frozen=True)
class Key:
    api_version: str
    kind: str
    name: str
    namespace: str | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace + '/' if self.namespace else ''}{self.name}"


@dataclass(frozen=True)
class ForbiddenBinding:
    """A ClusterRole that must not be bound to a group, and why."""

    cluster_role: str
    group: str


def key_of(manifest: Mapping[str, Any]) -> Key:
    metadata = manifest.get("metadata") or {}
    parts = [manifest.get("apiVersion"), manifest.get("kind"), metadata.get("name")]
    if not all(isinstance(part, str) and part for part in parts):
        raise InputError("each object needs apiVersion, kind and metadata.name")
    if manifest["kind"] == "Secret" or "stringData" in manifest:
        raise InputError(f"Secret {parts[2]}: secrets are not applied as objects, their values would show")
    return Key(str(parts[0]), str(parts[1]), str(parts[2]), metadata.get("namespace"))


def with_label(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The object, marked as ours, so that it can be told from a user's."""
    wanted = copy.deepcopy(dict(manifest))
    wanted["metadata"].setdefault("labels", {}).setdefault(MANAGED_BY_LABEL, MANAGED_BY)
    return wanted


def differences(wanted: Any, present: Any, path: str = "") -> list[tuple[str, str | None, str | None]]:
    """(path, present, wanted) where the present object does not have what is wanted. What it has besides is left."""
    if isinstance(wanted, Mapping) and isinstance(present, Mapping):
        return [
            difference
            for key, value in wanted.items()
            for difference in differences(value, present.get(key), f"{path}.{key}" if path else key)
        ]
    if isinstance(wanted, list):
        missing = _missing(wanted, present, path)
        if isinstance(present, list) and path in _SHARED_LISTS:
            return [(path, None, _text(item)) for item in missing]
        same = isinstance(present, list) and len(present) == len(wanted) and not missing
        return [] if same else [(path, _text(present), _text(wanted))]
    return [] if wanted == present else [(path, _text(present), _text(wanted))]


def _missing(wanted: list[Any], present: Any, path: str) -> list[Any]:
    """The wanted members that are not there: at their place, or anywhere in a list that is shared."""
    found = present if isinstance(present, list) else []
    if path in _SHARED_LISTS:
        return [item for item in wanted if all(differences(item, other) for other in found)]
    pairs = zip(wanted, [*found, *([None] * len(wanted))])
    return [item for item, other in pairs if differences(item, other)]


def merged(wanted: Any, present: Any, path: str = "") -> Any:
    """The present object with all that is wanted."""
    if isinstance(wanted, Mapping) and isinstance(present, Mapping):
        result = dict(present)
        for key, value in wanted.items():
            result[key] = merged(value, present.get(key), f"{path}.{key}" if path else key)
        return result
    if isinstance(wanted, list) and isinstance(present, list) and path in _SHARED_LISTS:
        return [*present, *_missing(wanted, present, path)]
    return copy.deepcopy(wanted)


def check_role_ref(wanted: Mapping[str, Any], present: Mapping[str, Any]) -> None:
    """roleRef cannot be changed (pkg/apis/rbac/validation/validation.go), so such a binding is not ours to mend."""
    if "roleRef" in wanted and differences(wanted["roleRef"], present.get("roleRef"), "roleRef"):
        found = present.get("roleRef") or {}
        key = key_of(wanted)
        raise InputError(
            f"{key} is there with another role ({found.get('kind')} {found.get('name')}, wanted: "
            f"{wanted['roleRef'].get('name')}), and Kubernetes lets nobody change it: delete it with "
            f"`kubectl delete {key.kind.lower()} {key.name}` if nobody needs it, or give it another name, and run again"
        )


def is_ours(present: Mapping[str, Any]) -> bool:
    return ((present.get("metadata") or {}).get("labels") or {}).get(MANAGED_BY_LABEL) == MANAGED_BY


def forbidden(bindings: Iterable[Mapping[str, Any]], rules: Iterable[ForbiddenBinding]) -> list[str]:
    """Bindings that would undo what ours are careful about, in words."""
    wanted = {(rule.cluster_role, rule.group) for rule in rules}
    return [
        f"ClusterRoleBinding {binding['metadata']['name']} gives {role} to the group {subject.get('name')}"
        for binding in bindings
        for role in [(binding.get("roleRef") or {}).get("name")]
        for subject in binding.get("subjects") or []
        if subject.get("kind") == "Group" and (role, subject.get("name")) in wanted
    ]


def _text(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
