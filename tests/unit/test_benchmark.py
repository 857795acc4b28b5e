# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmark makes of times. It measures nothing here."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def measure() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_measure", ROOT / "tests/benchmark/measure.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    # Data classes look their module up.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def result(measure: ModuleType, *goals: object, **walls: list[float]) -> object:
    runs = {name.replace("_", " "): [measure.Run(wall, wall / 2) for wall in found] for name, found in walls.items()}
    return measure.Result("the work", goals, runs)


def test_one_slow_run_is_no_result(measure: ModuleType) -> None:
    found = result(measure, this_collection=[1.0, 9.0, 1.2])
    assert (found.wall("this collection"), found.cpu("this collection")) == (1.2, 0.6)


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [(1.0, "reached, 12.0 x faster"), (1.2, "reached, 10.0 x faster"), (2.0, "missed, 6.0 x faster")],
)
def test_a_goal_against_a_peer(measure: ModuleType, ours: float, verdict: str) -> None:
    goal = measure.Goal("10 x faster", 1 / 10, "peer")
    assert (
        measure.verdict(result(measure, goal, this_collection=[ours], peer=[12.0]), goal) == f"10 x faster: {verdict}"
    )


def test_a_goal_that_may_take_longer_than_the_peer(measure: ModuleType) -> None:
    goal = measure.Goal("at most 3 x", 3, "peer")
    assert measure.verdict(result(measure, goal, this_collection=[4.0], peer=[1.0]), goal).endswith(
        "missed, 4.00 x its time"
    )


def test_a_goal_in_seconds_and_one_with_an_allowance(measure: ModuleType) -> None:
    seconds = measure.Goal("4 s", 4)
    assert measure.verdict(result(measure, seconds, this_collection=[3.5]), seconds) == "4 s: reached, 3.50 s"
    allowed = measure.Goal("at most 2 x", 2, "peer", "start")
    found = result(measure, allowed, this_collection=[2.5], peer=[1.0], start=[1.0])
    assert measure.verdict(found, allowed) == "at most 2 x: reached, 1.50 x its time"


def test_who_was_not_measured_is_no_goal(measure: ModuleType) -> None:
    goal = measure.Goal("10 x", 0.1, "peer")
    assert measure.verdict(result(measure, goal, this_collection=[1.0]), goal) == "10 x: not measured"


def test_a_goal_about_what_was_counted(measure: ModuleType) -> None:
    goal = measure.Goal("at most 15 tasks", 15, unit="tasks")
    runs = [measure.Run(1.0, 0.5, {"tasks": count}) for count in (14, 15, 40)]
    assert measure.verdict(measure.Result("w", [goal], {"this collection": runs}), goal).endswith("reached, 15 tasks")
    assert "missed, 40 tasks" in measure.verdict(measure.Result("w", [goal], {"this collection": runs[2:]}), goal)


def test_the_table_has_a_line_for_each_contender(measure: ModuleType) -> None:
    goal = measure.Goal("faster", 1, "peer")
    lines = measure.table([result(measure, goal, this_collection=[1.0, 2.0, 3.0], peer=[5.0])]).splitlines()
    assert lines[2:] == [
        "| the work | this collection | 2.00 s | 1.00 s | 3 |  | faster: reached, 0.40 x its time |",
        "|  | peer | 5.00 s | 2.50 s | 1 | 2.5 |  |",
    ]


def test_the_table_is_written_between_the_marks(measure: ModuleType) -> None:
    document = f"a\n{measure.BEGIN}\nold\n{measure.END}\nb\n"
    assert measure.replaced(document, "new\\1\n") == f"a\n{measure.BEGIN}\nnew\\1\n{measure.END}\nb\n"
    with pytest.raises(ValueError, match="benchmark"):
        measure.replaced("nothing", "new")


def test_the_page_has_the_marks(measure: ModuleType) -> None:
    page = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
    assert measure.replaced(page, "x\n") != page
