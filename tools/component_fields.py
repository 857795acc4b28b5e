"""Write plugins/module_utils/domain/component_fields.py from the Go sources of Kubernetes.

Usage: python3 tools/component_fields.py 1.34.4 1.35.4 1.36.3 1.37.2
The sources come through `go mod download`. The kubelet and kube-proxy decode
their configuration leniently and pass over a field that they do not know, so
its names have to be checked by us; the Go types are the only complete list. A
value of another type they refuse at their start, which is late.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "plugins/module_utils/domain/component_fields.py"
ROOTS = ("KubeletConfiguration", "KubeProxyConfiguration")
TYPES = {
    "kubelet": ["config/v1beta1/types.go"],
    "kube-proxy": ["config/v1alpha1/types.go"],
    "component-base": ["logs/api/v1/types.go", "tracing/api/v1/types.go", "config/v1alpha1/types.go"],
}
# The packages whose gates the kubelet and kube-proxy are linked with.
GATES = {
    "kubernetes": "pkg/features/kube_features.go",
    "apiserver": "pkg/features/kube_features.go",
    "apiextensions-apiserver": "pkg/features/kube_features.go",
    "client-go": "features/known_features.go",
    "controller-manager": "pkg/features/kube_features.go",
    "component-base": "*/**/kube_features.go",
}
# What JSON has for it. A type that is none of these, nor a struct here, is not checked.
SCALARS = {
    "bool": "bool",
    "float32": "float",
    "float64": "float",
    "int32": "int",
    "int64": "int",
    "metav1.Duration": "duration",
    "string": "string",
    "uint32": "int",
}
ALIAS = re.compile(r"^type (\w+) (\w+)$", re.MULTILINE)
STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r'^\t(?:\w+ +)?([\w.\[\]*]+) +`json:"([^"]*)"', re.MULTILINE)
GATE = re.compile(r'^\t\w+ +(?:featuregate\.)?Feature += "(\w+)"', re.MULTILINE)

Fields = dict[str, dict[str, str]]


def module(name: str, version: str) -> Path:
    release = version if name == "kubernetes" else "0." + version.removeprefix("1.")
    command = ["go", "mod", "download", "-json", f"k8s.io/{name}@v{release}"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return Path(json.loads(answer.stdout)["Dir"])


def structs(version: str) -> Fields:
    found: Fields = {}
    scalars = dict(SCALARS)
    for name, paths in TYPES.items():
        for path in paths:
            text = (module(name, version) / path).read_text()
            scalars.update((alias, SCALARS[kind]) for alias, kind in ALIAS.findall(text) if kind in SCALARS)
            found.update((struct, fields(body)) for struct, body in STRUCT.findall(text))
    return reachable(found, scalars)


def fields(body: str) -> dict[str, str]:
    names: dict[str, str] = {}
    for kind, tag in FIELD.findall(body):
        name = tag.split(",")[0]
        if kind == "metav1.TypeMeta":
            names.update(kind="string", apiVersion="string")
        elif kind == "OutputRoutingOptions":  # embedded
            names[""] = kind
        elif name not in ("", "-"):
            names[name] = kind
    return names


def kind_of(written: str, scalars: dict[str, str], found: Fields) -> str:
    """The Go type as JSON has it. The value of a map is not a field: what is in one is not followed."""
    bare = written.lstrip("*")
    if bare.startswith("[]"):
        return "[]" + kind_of(bare[2:], scalars, found)
    if bare.startswith("map[") or bare == "v1.ResourceList":
        return "map"
    name = bare.rpartition(".")[2]
    return scalars.get(bare) or scalars.get(name) or (name if found.get(name) else "")


def reachable(found: Fields, scalars: dict[str, str]) -> Fields:
    """Only the structs that the configurations use, embedded ones merged in."""
    wanted, queue = {}, list(ROOTS)
    while queue:
        struct = queue.pop()
        if struct not in wanted:
            entries = dict(found[struct])
            entries.update(found.get(entries.pop("", ""), {}))
            wanted[struct] = {name: kind_of(kind, scalars, found) for name, kind in entries.items()}
            queue += [kind.lstrip("[]") for kind in wanted[struct].values() if kind.lstrip("[]") in found]
    return wanted


def gates(version: str) -> set[str]:
    names: set[str] = set()
    for name, pattern in GATES.items():
        for path in module(name, version).glob(pattern):
            names.update(GATE.findall(path.read_text()))
    return names


def spans(names: dict[str, list[int]]) -> dict[str, tuple[int, int]]:
    for name, minors in names.items():
        if len(minors) != max(minors) - min(minors) + 1:
            raise SystemExit(f"{name} went and came back: a span cannot say so")
    return {name: (min(minors), max(minors)) for name, minors in names.items()}


def fields_text(versions: dict[int, Fields]) -> str:
    kinds: dict[str, dict[str, str]] = {}
    minors: dict[str, dict[str, list[int]]] = {}
    for minor, found in versions.items():
        for struct, entries in found.items():
            for name, kind in entries.items():
                kinds.setdefault(struct, {})[name] = kind
                minors.setdefault(struct, {}).setdefault(name, []).append(minor)
    lines = ["FIELDS: dict[str, dict[str, tuple[str, int, int]]] = {"]
    for struct in sorted(kinds):
        lines.append(f'    "{struct}": {{')
        for name, (first, last) in sorted(spans(minors[struct]).items()):
            lines.append(f'        "{name}": ("{kinds[struct][name]}", {first}, {last}),')
        lines.append("    },")
    return "\n".join([*lines, "}"])


def gates_text(versions: dict[int, set[str]]) -> str:
    minors: dict[str, list[int]] = {}
    for minor, names in versions.items():
        for name in names:
            minors.setdefault(name, []).append(minor)
    by_span: dict[tuple[int, int], list[str]] = {}
    for name, span in sorted(spans(minors).items()):
        by_span.setdefault(span, []).append(name)
    lines = ["FEATURE_GATES: dict[tuple[int, int], str] = {"]
    for (first, last), names in sorted(by_span.items()):
        text = textwrap.fill(" ".join(names), 108, initial_indent=" " * 8, subsequent_indent=" " * 8)
        lines += [f'    ({first}, {last}): """', text, '    """,']
    return "\n".join([*lines, "}"])


HEAD = '''# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of KubeletConfiguration and KubeProxyConfiguration and the feature gates, by version.

Made by python3 tools/component_fields.py from Kubernetes {versions}; not edited by hand.
"""

from __future__ import annotations

MINORS = {minors}

# struct -> field -> (what it holds, first minor version, last one): bool, int, float, string, duration, map, a struct,
# a list of such after [], or "" for what is not checked
{fields}

# (first minor version, last one) -> the gates that the kubelet or kube-proxy knows in them
{gates}
'''


def main(versions: list[str]) -> None:
    if not versions:
        raise SystemExit(__doc__)
    minors = {int(version.split(".")[1]): version for version in versions}
    TARGET.write_text(
        HEAD.format(
            versions=", ".join(versions),
            minors=tuple(sorted(minors)),
            fields=fields_text({minor: structs(version) for minor, version in sorted(minors.items())}),
            gates=gates_text({minor: gates(version) for minor, version in sorted(minors.items())}),
        )
    )


if __name__ == "__main__":
    main(sys.argv[1:])
