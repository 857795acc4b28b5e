# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of times: medians, ratios, and the table. Pure."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

BEGIN, END = "<!-- benchmark -->", "<!-- /benchmark -->"
# The name of the contender that the others are compared with.
OURS = "this collection"
# The unit of the most memory that one process has held, of those that a run has started.
MEMORY = "MB of memory"


@dataclass(frozen=True)
class Run:
    """One process: seconds on the clock, and seconds of processor of it and all its children."""

    wall: float
    cpu: float
    # What else was counted, by its unit.
    counts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Goal:
    """How our time has to compare: with a peer's (at most `bound` times it), or with a number of seconds.

    With `unit` it is not about time, but about what was counted so.
    """

    text: str
    bound: float
    peer: str | None = None
    # What is not the work itself and taken off first: the start of Ansible.
    allowance: str | None = None
    unit: str = ""


@dataclass(frozen=True)
class Result:
    """All runs of a row, by the names of the contenders."""

    title: str
    goals: Sequence[Goal]
    runs: Mapping[str, Sequence[Run]]
    notes: Sequence[str] = field(default=())

    def wall(self, name: str) -> float:
        return statistics.median(run.wall for run in self.runs[name])

    def cpu(self, name: str) -> float:
        return statistics.median(run.cpu for run in self.runs[name])

    def count(self, name: str, unit: str) -> float:
        return statistics.median(run.counts[unit] for run in self.runs[name])


def verdict(result: Result, goal: Goal) -> str:
    """The goal, what was reached, and whether that is enough."""
    if any(name not in result.runs for name in (OURS, goal.peer, goal.allowance) if name):
        return f"{goal.text}: not measured"
    if goal.unit:
        counted = result.count(OURS, goal.unit)
        return f"{goal.text}: {_word(counted, goal)}, {counted:.0f} {goal.unit}"
    ours = result.wall(OURS) - (result.wall(goal.allowance) if goal.allowance else 0.0)
    reached = ours / result.wall(goal.peer) if goal.peer else ours
    return f"{goal.text}: {_word(reached, goal)}, {_amount(reached, goal)}"


def _word(reached: float, goal: Goal) -> str:
    return "reached" if reached <= goal.bound else "missed"


def _amount(reached: float, goal: Goal) -> str:
    if goal.peer is None:
        return f"{reached:.2f} s"
    return f"{1 / reached:.1f} x faster" if goal.bound < 0.2 else f"{reached:.2f} x its time"


def table(results: Iterable[Result]) -> str:
    """As Markdown: one line for each contender, and the goals beside ours."""
    lines = [
        "| work | who | median | processor | runs | ratio | goals |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for result in results:
        for name, runs in result.runs.items():
            first = name == next(iter(result.runs))
            ratio = "" if name == OURS or OURS not in result.runs else f"{result.wall(name) / result.wall(OURS):.1f}"
            goals = "; ".join(verdict(result, goal) for goal in result.goals) if name == OURS else ""
            cells = [
                result.title if first else "",
                name,
                f"{result.wall(name):.2f} s",
                f"{result.cpu(name):.2f} s",
                str(len(runs)),
                ratio,
                goals,
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def replaced(document: str, text: str) -> str:
    """The document with what stands between the marks replaced."""
    pattern = re.compile(re.escape(BEGIN) + r"\n.*?" + re.escape(END), re.DOTALL)
    if not pattern.search(document):
        raise ValueError(f"there is no {BEGIN} ... {END} to write into")
    return pattern.sub(lambda _found: f"{BEGIN}\n{text}{END}", document)
