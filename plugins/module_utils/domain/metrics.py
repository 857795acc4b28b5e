# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers in the text format of Prometheus (version 0.0.4), which is a few lines: no library is needed for it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .csr import KINDS
from .lease import LIFTING

__all__ = ["APPROVER_PREFIX", "Metric", "approver_status", "read_values", "render"]

APPROVER_PREFIX = "tlsbootstrap_csr_approver_"

_VALUE = re.compile(r"^([a-z_:]+(?:\{.*\})?) ([0-9.e+-]+)$", re.MULTILINE)
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
    return {name: float(value) for name, value in _VALUE.findall(text)}


def approver_status(text: str) -> str:
    """How an approver is, in a line, told from its metrics."""
    values = read_values(text)
    found = {name[len(APPROVER_PREFIX) :]: value for name, value in values.items() if name.startswith(APPROVER_PREFIX)}
    if "leader" not in found:
        return "does not answer"
    pending = sum(found.get(f'pending_requests{{kind="{kind}"}}', 0) for kind in KINDS)
    parts = ["decides" if found["leader"] else "stands by"] if not found.get("dry_run") else ["dry run: posts nothing"]
    parts.append(f"{pending:.0f} requests wait, {found.get('ignored_requests', 0):.0f} are left to others")
    if found.get("brake_engaged"):
        parts.append(f"BRAKE: nothing is approved until a person has looked at them and lifts it: {LIFTING}")
    if found.get("policy_unreadable"):
        parts.append("its policy file cannot be read, the former policy is in force")
    last = found.get("last_decision_timestamp_seconds")
    when = datetime.datetime.fromtimestamp(last, datetime.timezone.utc) if last else None
    return "; ".join([*parts, f"last decision {when.strftime('%Y-%m-%dT%H:%M:%SZ') if when else 'none'}"])


def _labels(labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
