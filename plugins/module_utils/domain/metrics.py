# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers in the text format of Prometheus (version 0.0.4), which is a few lines: no library is needed for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["Metric", "read_values", "render"]

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass
class Metric:
    """One name with its values, by the values of its labels."""

    name: str
    kind: str
    help: str
    labels: tuple[str, ...] = ()
    values: dict[tuple[str, ...], float] = field(default_factory=dict)

    def set(self, value: float, *labels: str) -> None:
        self.values[labels] = value

    def add(self, *labels: str, amount: float = 1) -> None:
        self.values[labels] = self.values.get(labels, 0) + amount

    def lines(self) -> list[str]:
        rows = sorted(self.values.items())
        return [
            f"# HELP {self.name} {self.help}",
            f"# TYPE {self.name} {self.kind}",
            *(f"{self.name}{_labels(dict(zip(self.labels, labels)))} {_number(value)}" for labels, value in rows),
        ]


def render(metrics: Iterable[Metric]) -> str:
    return "".join(line + "\n" for metric in metrics for line in metric.lines())


def read_values(text: str) -> dict[str, float]:
    """The values of such a text, by name and labels as they stand there."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _separator, value = line.rpartition(" ")
            found[name] = float(value)
    return found


def _labels(labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
