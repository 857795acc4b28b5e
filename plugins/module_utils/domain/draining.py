# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Pods of a node have to go before it does, and which of them only a person can give up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Pod", "drain_problems", "leaving", "left_text", "read_pod"]

_MIRROR = "kubernetes.io/config.mirror"
_ENDED = ("Succeeded", "Failed")
_SHOWN = 20


@dataclass(frozen=True)
class Pod:
    """`controller`: the kind of what would make it anew, empty where nothing would. `ending`: it is being deleted."""

    name: str
    namespace: str
    uid: str
    node: str
    controller: str = ""
    mirror: bool = False
    empty_dirs: bool = False
    ended: bool = False
    ending: bool = False

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def read_pod(item: Mapping[str, Any]) -> Pod:
    metadata, spec = item["metadata"], item.get("spec") or {}
    owner: Mapping[str, Any] = next((one for one in metadata.get("ownerReferences") or [] if one.get("controller")), {})
    return Pod(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        node=spec.get("nodeName", ""),
        controller=owner.get("kind", ""),
        mirror=_MIRROR in (metadata.get("annotations") or {}),
        empty_dirs=any("emptyDir" in volume for volume in spec.get("volumes") or []),
        ended=(item.get("status") or {}).get("phase") in _ENDED,
        ending=bool(metadata.get("deletionTimestamp")),
    )


def leaving(pods: Iterable[Pod]) -> list[Pod]:
    """Those that go. A mirror of a static Pod is the kubelet's, and a DaemonSet would make its Pods anew at once."""
    return [pod for pod in pods if not pod.mirror and pod.controller != "DaemonSet"]


def drain_problems(pods: Iterable[Pod], unmanaged: bool, empty_dirs: bool) -> list[str]:
    """What would be lost with these Pods, unless the user has said that it may be. Ended ones have nothing to lose."""
    running = [pod for pod in pods if not pod.ended and not pod.ending]
    lonely = [] if unmanaged else [pod for pod in running if not pod.controller]
    filled = [] if empty_dirs else [pod for pod in running if pod.empty_dirs]
    texts = {
        "nothing would start them again elsewhere (remove_node_delete_unmanaged_pods)": lonely,
        "what is in their emptyDir volumes would be lost (remove_node_delete_empty_dir_data)": filled,
    }
    return [f"{_few(found)}: {text}" for text, found in texts.items() if found]


def left_text(pods: Iterable[Pod], held: Mapping[str, str]) -> str:
    """Which Pods have not gone in time, and why. `held`: what the API server has said last, by uid."""
    texts = [
        f"{pod} on {pod.node} ({'it is ending' if pod.ending else held.get(pod.uid) or 'it is still there'})"
        for pod in pods
    ]
    more = len(texts) - _SHOWN
    return "; ".join(texts[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _few(pods: list[Pod]) -> str:
    more = len(pods) - _SHOWN
    return ", ".join(map(str, pods[:_SHOWN])) + (f" and {more} more" if more > 0 else "")
