# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations of the kubelet and kube-proxy: what a user adds to them, and which of it is refused.

Both decode leniently: an unknown field is passed over with a line in the log, so a misspelt one would
silently mean nothing. An unknown feature gate, or a value of another type, makes them stop.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Callable

from .component_fields import FEATURE_GATES, FIELDS, MINORS
from .errors import InputError

__all__ = ["checked_config", "config_problems", "is_kubelet_label", "kubelet_labels", "merge"]

# staging/src/k8s.io/component-base/featuregate/feature_gate.go: these two are known everywhere.
_EVERYWHERE = frozenset(("AllAlpha", "AllBeta"))

# Values that undo what a field of the role protects. Others are the user's choice.
_REFUSED = {"KubeletConfiguration": {"tlsMinVersion": ("VersionTLS10", "VersionTLS11")}}
# Beta, so that AllBeta decides over it where it is not named. Without it the kubelet stops at serverTLSBootstrap.
_NEEDED_GATES = {"KubeletConfiguration": "RotateKubeletServerCertificate"}

# time.ParseDuration, which knows neither days nor a number without a unit other than 0.
_DURATION = re.compile(r"[-+]?(?:0|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)\Z")
_TYPES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "bool": ("true or false", lambda value: isinstance(value, bool)),
    "int": ("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool)),
    "float": ("a number", lambda value: isinstance(value, (int, float)) and not isinstance(value, bool)),
    "string": ("a text (in quotes)", lambda value: isinstance(value, str)),
    "duration": (
        "a duration like 10s or 1h30m, as a text,",
        lambda value: isinstance(value, str) and _DURATION.match(value) is not None,
    ),
    "map": ("a mapping", lambda value: isinstance(value, Mapping)),
}

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
    found = config_problems(kind, overrides, version, owned)
    if found:
        raise InputError("; ".join(found))
    return merge(base, overrides)


def config_problems(kind: str, overrides: Mapping[str, Any], version: str, owned: Iterable[str] = ()) -> list[str]:
    """All that is wrong with the user's fields in a configuration of this version."""
    try:
        minor = _minor(version)
    except InputError as error:
        return [str(error)]
    return [
        *_fields(kind, overrides, minor, f"{kind} of Kubernetes 1.{minor}"),
        *(text for path in owned for text in _owned(kind, overrides, path)),
        *_weaker(kind, overrides),
        *_gates(overrides.get("featureGates"), minor),
        *_needed_gate(kind, overrides.get("featureGates")),
    ]


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


def _fields(struct: str, tree: Mapping[str, Any], minor: int, where: str) -> Iterator[str]:
    known = {name: kind for name, (kind, first, last) in FIELDS[struct].items() if first <= minor <= last}
    for name, value in tree.items():
        if name not in known:
            yield _unknown(name, known, f"field {str(name)!r} in the {where}")
        elif value is not None:  # null takes a field away
            yield from _values(known[name], value, minor, f"{where}, {name}")


def _values(kind: str, value: Any, minor: int, where: str) -> Iterator[str]:
    """The component stops at a value of another type, and reads no text as a number."""
    if kind.startswith("[]"):
        if isinstance(value, (list, tuple)):
            for entry in value:
                yield from _values(kind[2:], entry, minor, where)
        else:
            yield f"{where}: a list is wanted"
    elif kind in FIELDS:
        if isinstance(value, Mapping):
            yield from _fields(kind, value, minor, where)
        else:
            yield f"{where}: a mapping is wanted"
    elif kind and not _TYPES[kind][1](value):
        yield f"{where}: {_TYPES[kind][0]} is wanted"


def _owned(kind: str, overrides: Mapping[str, Any], path: str) -> Iterator[str]:
    found: Any = overrides
    for name in path.split("."):
        if not isinstance(found, Mapping):
            break  # a parent is replaced whole, and the field with it
        if name not in found:
            return
        found = found[name]
    yield f"{kind}: the field {path} belongs to the PKI of the cluster and cannot be overridden: remove it"


def _weaker(kind: str, overrides: Mapping[str, Any]) -> Iterator[str]:
    for name, refused in _REFUSED.get(kind, {}).items():
        if overrides.get(name) in refused:
            yield f"{kind}: {name} must not be {overrides[name]}: the least is what the role sets"


def _gates(gates: Any, minor: int) -> Iterator[str]:
    if not isinstance(gates, Mapping):
        return  # nothing, or refused as a field that is no mapping
    if not all(isinstance(value, bool) for value in gates.values()):
        yield "featureGates: a mapping of names to true or false is wanted"
    known: set[str] = set(_EVERYWHERE)
    for (first, last), names in FEATURE_GATES.items():
        if first <= minor <= last:
            known.update(names.split())
    for name in gates:
        if name not in known:
            yield _unknown(name, known, f"feature gate {str(name)!r} in Kubernetes 1.{minor}")


def _needed_gate(kind: str, gates: Any) -> Iterator[str]:
    name = _NEEDED_GATES.get(kind)
    if name and isinstance(gates, Mapping) and gates.get(name, gates.get("AllBeta", True)) is False:
        yield (
            f"featureGates: {name} has to be on, the kubelet asks for its serving certificate by it: take it away, and "
            "beside AllBeta: false set it to true"
        )


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
