# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels and taints of a Node: which the inventory wants, which are ours to take away, and which are others'."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Marks", "label_patch", "merged_taints", "read_marks", "taints_of"]


@dataclass(frozen=True)
class Marks:
    """Labels by key, and values of taints by key and effect, which together tell one taint from another."""

    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.labels or self.taints)

    def text(self) -> str:
        """Same marks, same text."""
        taints = {f"{key}:{effect}": value for (key, effect), value in self.taints.items()}
        return json.dumps({"labels": dict(self.labels), "taints": taints}, sort_keys=True)

    def names(self) -> str:
        return ", ".join([*sorted(self.labels), *sorted(f"{key}:{effect}" for key, effect in self.taints)])


def taints_of(taints: Iterable[Mapping[str, str]]) -> dict[tuple[str, str], str]:
    return {(taint["key"], taint["effect"]): taint.get("value") or "" for taint in taints}


def read_marks(text: str | None) -> Marks:
    """What an earlier run has written; of what cannot be read nothing is ours."""
    try:
        found = json.loads(text or "{}")
        taints = {tuple(name.rsplit(":", 1)): str(value) for name, value in found.get("taints", {}).items()}
        labels = {key: str(value) for key, value in found.get("labels", {}).items()}
    except (ValueError, AttributeError):
        return Marks()
    return Marks(labels, {(name[0], name[1]): value for name, value in taints.items() if len(name) == 2})


def label_patch(node: Mapping[str, Any], wanted: Mapping[str, str], ours: Mapping[str, str]) -> dict[str, str | None]:
    """The labels that are missing or differ, and None for those that go: ours, as we set them, wanted no more."""
    present = (node.get("metadata") or {}).get("labels") or {}
    gone = {key: None for key, value in ours.items() if key not in wanted and present.get(key) == value}
    return {**gone, **{key: value for key, value in wanted.items() if present.get(key) != value}}


def merged_taints(
    node: Mapping[str, Any], wanted: Mapping[tuple[str, str], str], ours: Mapping[tuple[str, str], str]
) -> list[dict[str, Any]] | None:
    """All taints that the node should have, those of others among them, or None where they are so."""
    present = list((node.get("spec") or {}).get("taints") or [])
    found = taints_of(present)
    gone = {one for one, value in ours.items() if one not in wanted and found.get(one) == value}
    if not gone and all(found.get(one) == value for one, value in wanted.items()):
        return None
    replaced = gone | set(wanted)
    others = [taint for taint in present if (taint["key"], taint["effect"]) not in replaced]
    return others + [
        {"key": key, "effect": effect, **({"value": value} if value else {})} for (key, effect), value in wanted.items()
    ]
