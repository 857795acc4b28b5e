# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations of the kubelet and kube-proxy: what a user adds to them, and which of it is refused.

Both decode leniently: an unknown field is passed over with a line in the log, so a misspelt one would
silently mean nothing. An unknown feature gate, the other way, makes them panic.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from .component_fields import FEATURE_GATES, FIELDS, MINORS
from .errors import InputError

__all__ = ["checked_config", "is_kubelet_label", "kubelet_labels", "merge"]

# staging/src/k8s.io/component-base/featuregate/feature_gate.go: these two are known everywhere.
_EVERYWHERE = frozenset(("AllAlpha", "AllBeta"))

# Values that undo what a field of the role protects. Others are the user's choice.
_REFUSED = {"KubeletConfiguration": {"tlsMinVersion": ("VersionTLS10", "VersionTLS11")}}

# staging/src/k8s.io/kubelet/pkg/apis/well_known_labels.go
_KUBELET_LABELS = frozenset(
    (
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
        "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
        "beta.kubernetes.io/instance-type",
        "node.kubernetes.io/instance-type",
        "kubernetes.io/os",
        "kubernetes.io/arch",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/arch",
    )
)
_KUBELET_NAMESPACES = ("kubelet.kubernetes.io", "node.kubernetes.io")
_KUBERNETES_NAMESPACES = ("kubernetes.io", "k8s.io")


def checked_config(
    kind: str, base: Mapping[str, Any], overrides: Mapping[str, Any], version: str, owned: Iterable[str] = ()
) -> dict[str, Any]:
    """`base` with the user's `overrides` in it; `owned` are dotted paths that they cannot change."""
    minor = _minor(version)
    _check_fields(kind, overrides, minor, f"{kind} of Kubernetes 1.{minor}")
    for path in owned:
        _check_owned(kind, overrides, path)
    for name, refused in _REFUSED.get(kind, {}).items():
        if overrides.get(name) in refused:
            raise InputError(f"{kind}: {name} must not be {overrides[name]}: the least is what the role sets")
    merged = merge(base, overrides)
    _check_gates(merged.get("featureGates"), minor)
    return merged


def merge(base: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings are merged, everything else is replaced, null takes a field away."""
    merged = dict(base)
    for name, value in overrides.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping):
            present = merged.get(name)
            merged[name] = merge(present if isinstance(present, Mapping) else {}, value)
        else:
            merged[name] = value
    return merged


def _minor(version: str) -> int:
    parts = version.split(".")
    if len(parts) < 2 or parts[0] != "1" or not parts[1].isdecimal() or int(parts[1]) not in MINORS:
        raise InputError(
            f"cluster_kubernetes_version {version}: "
            f"the configurations of Kubernetes 1.{min(MINORS)} to 1.{max(MINORS)} are known"
        )
    return int(parts[1])


def _check_fields(struct: str, tree: Mapping[str, Any], minor: int, where: str) -> None:
    known = {name: kind for name, (kind, first, last) in FIELDS[struct].items() if first <= minor <= last}
    for name, value in tree.items():
        if name not in known:
            raise InputError(_unknown(name, known, f"field {str(name)!r} in the {where}"))
        kind = known[name]
        entries = value if isinstance(value, list) else [value]
        for entry in entries:
            if kind and isinstance(entry, Mapping):
                _check_fields(kind, entry, minor, f"{where}, {name}")


def _check_owned(kind: str, overrides: Mapping[str, Any], path: str) -> None:
    found: Any = overrides
    for name in path.split("."):
        if not isinstance(found, Mapping):
            break  # a parent is replaced whole, and the field with it
        if name not in found:
            return
        found = found[name]
    raise InputError(f"{kind}: the field {path} belongs to the PKI of the cluster and cannot be overridden")


def _check_gates(gates: Any, minor: int) -> None:
    if gates is None:
        return
    if not isinstance(gates, Mapping) or not all(isinstance(value, bool) for value in gates.values()):
        raise InputError("featureGates: a mapping of names to true or false is wanted")
    known: set[str] = set(_EVERYWHERE)
    for (first, last), names in FEATURE_GATES.items():
        if first <= minor <= last:
            known.update(names.split())
    for name in gates:
        if name not in known:
            raise InputError(_unknown(name, known, f"feature gate {str(name)!r} in Kubernetes 1.{minor}"))


def _unknown(name: str, known: Iterable[str], what: str) -> str:
    """Names that differ by case only are near, which difflib alone does not see."""
    by_case = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(str(name).lower(), by_case, n=1)
    return f"there is no {what}" + (f", did you mean {by_case[near[0]]!r}?" if near else "")


def is_kubelet_label(key: str) -> bool:
    """Whether a kubelet may set this label on its own Node (kubelet options.go, NodeRestriction)."""
    namespace = key.rpartition("/")[0]
    if key in _KUBELET_LABELS or _within(namespace, _KUBELET_NAMESPACES):
        return True
    return not _within(namespace, _KUBERNETES_NAMESPACES)


def _within(namespace: str, domains: Iterable[str]) -> bool:
    return any(namespace == domain or namespace.endswith("." + domain) for domain in domains)


def kubelet_labels(labels: Mapping[str, Any]) -> dict[str, str]:
    """Those labels that the kubelet registers its Node with; the others only the API server's admin may set."""
    return {key: str(labels[key]) for key in sorted(labels) if is_kubelet_label(key)}
