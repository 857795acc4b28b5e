# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that do one and the same work, ours and those of others, in a folder of their own."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from measure import MEMORY, Run

PLAYBOOKS = Path(__file__).resolve().parent / "playbooks"


@dataclass(frozen=True)
class Contender:
    """`commands` run one after the other and are timed together; `prepare` is not, and `check` looks at the result."""

    name: str
    commands: Sequence[Sequence[str]]
    folder: Path
    runs: int
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[Path], None] = lambda _folder: None
    check: Callable[[Path], None] = lambda _folder: None
    # What else there is to be told of a run, by its unit.
    count: Callable[[Path], Mapping[str, float]] = lambda _folder: {}
    # When the work was done, by the clock that all processes share, where the last command does more than that.
    done: Callable[[Path], float | None] = lambda _folder: None
    # Whether the folder is emptied before each run.
    fresh: bool = True

    def run(self) -> Run:
        if self.fresh and self.folder.exists():
            # Not deleted: ext4 passes over inodes for minutes after that, which makes each new file dearer.
            self.folder.rename(f"{self.folder}.{time.monotonic_ns()}")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.prepare(self.folder)
        # What an earlier contender has written is not to be waited for by the next.
        os.sync()
        started = time.monotonic()
        runs = [timed(command, self.folder, self.environment) for command in self.commands]
        self.check(self.folder)
        counts = {MEMORY: max(run.counts[MEMORY] for run in runs), **self.count(self.folder)}
        done = self.done(self.folder)
        wall = sum(run.wall for run in runs) if done is None else done - started
        return Run(wall, sum(run.cpu for run in runs), counts)


def timed(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Run:
    log = folder.with_suffix(".log")
    started = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        # Of it and of all children that it has waited for.
        _pid, status, used = os.wait4(process.pid, 0)
    wall, process.returncode = time.perf_counter() - started, os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)[:200]} failed with {process.returncode}:\n{log.read_text()[-4000:]}")
    return Run(wall, used.ru_utime + used.ru_stime, {MEMORY: used.ru_maxrss / 1024})


def measure(contenders: Sequence[Contender], limit: int | None, say: Callable[[str], None]) -> dict[str, list[Run]]:
    """Interleaved, so that a busy minute of the machine hits all of them."""
    found: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    for turn in range(max(contender.runs for contender in contenders)):
        for contender in contenders:
            if turn < min(contender.runs, limit or contender.runs):
                run = contender.run()
                found[contender.name].append(run)
                say(f"    {contender.name}: {run.wall:.2f} s")
    return {name: runs for name, runs in found.items() if runs}


def files_there(count: int, pattern: str) -> Callable[[Path], None]:
    def check(folder: Path) -> None:
        found = len(list(folder.glob(pattern)))
        if found != count:
            raise SystemExit(f"{folder}: {found} files {pattern} where {count} belong")

    return check


def chains(ca: str, pattern: str) -> Callable[[Path], None]:
    """Every certificate is verified by openssl; a contender that does other work would not be one."""

    def check(folder: Path) -> None:
        found = sorted(str(path) for path in folder.glob(pattern) if path.resolve() != (folder / ca).resolve())
        if not found:
            raise SystemExit(f"{folder}: no {pattern}")
        for start in range(0, len(found), 500):
            subprocess.run(
                ["openssl", "verify", "-CAfile", str(folder / ca), *found[start : start + 500]],
                stdout=subprocess.DEVNULL,
                check=True,
            )

    return check


def both(*checks: Callable[[Path], None]) -> Callable[[Path], None]:
    def check(folder: Path) -> None:
        for one in checks:
            one(folder)

    return check
