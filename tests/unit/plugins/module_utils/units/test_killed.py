# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed anywhere between the first byte of a new configuration and the end of its rollback."""

from __future__ import annotations

import grp
import json
import os
import pwd
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import files, systemd
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import units
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError

OWNER = pwd.getpwuid(os.getuid()).pw_name
GROUP = grp.getgrgid(os.getgid()).gr_name
UNIT = "trial.service"
STEPS = 60


class Machine:
    """A systemd whose state outlives the process that asks it, with one unit that reads its files at its start."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.state_file = directory / "systemd.json"
        self.config = directory / "trial.conf"
        self.unit = directory / UNIT

    def state(self) -> dict[str, str]:
        return json.loads(self.state_file.read_text())

    def restart(self, _unit: str = UNIT) -> None:
        read = {"config": self.config.read_text(), "unit": self.unit.read_text()}
        count = int(self.state()["count"]) + 1 if self.state_file.exists() else 1
        self.state_file.write_text(json.dumps({"count": str(count), **read}))

    def show(self, _unit: str) -> units.UnitState:
        return units.UnitState(
            load="loaded",
            active="active",
            sub="running",
            file_state="enabled",
            path=str(self.unit),
            needs_reload=False,
            invocation=self.state()["count"],
            # The files count by their stamps, which are noted at each start that ended well.
            started_ns=2**62,
            restarts=0,
            result="success",
        )

    def reload(self) -> None:
        pass

    def journal(self, _unit: str) -> list[str]:
        return []

    def verify(self, _unit: str, _content: str) -> list[str]:
        return []

    def probe(self, _health: systemd.Health) -> str | None:
        state = self.state()
        return None if "good" in state["config"] and "good" in state["unit"] else "not well"

    def wanted(self, config: str, unit: str) -> systemd.UnitWanted:
        return systemd.UnitWanted(
            UNIT,
            files=(
                systemd.FileWanted(str(self.config), config, OWNER, GROUP, "0600"),
                systemd.FileWanted(str(self.unit), unit, OWNER, GROUP, "0644"),
            ),
            health=systemd.Health("http://127.0.0.1:1/"),
            timeout=0,
        )

    def bring(self, config: str, unit: str) -> list[str]:
        manager = systemd.Manager(self, self.wanted(config, unit))
        manager.apply()
        return [reason.code for reason in manager.reasons]

    def left(self) -> set[str]:
        return {path.name for path in self.directory.iterdir()} - {"run", "systemd.json"}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    made.config.write_text("good 1")
    made.config.chmod(0o600)
    made.unit.write_text("good 1")
    made.unit.chmod(0o644)
    made.restart()
    monkeypatch.setattr(systemd, "UNIT_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(systemd, "RECORD_DIRECTORY", str(tmp_path / "run"))
    monkeypatch.setattr(systemd, "ROLLBACK_SECONDS", 0)
    monkeypatch.setattr(systemd, "POLL_SECONDS", 0)
    monkeypatch.setattr(systemd, "probe", made.probe)
    monkeypatch.setattr(files.os, "fsync", lambda _descriptor: None)
    return made


def killed(action: Callable[[], object], step: int, monkeypatch: pytest.MonkeyPatch, machine: Machine) -> bool:
    """Run `action` in a process that is killed before its `step`th call that leaves a trace."""
    child = os.fork()
    if child == 0:
        calls = iter(range(1, STEPS))

        def deadly(call: Callable[..., object]) -> Callable[..., object]:
            def called(*arguments: object, **named: object) -> object:
                if next(calls) == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*arguments, **named)

            return called

        for name in ("open", "write", "fsync", "replace", "unlink"):
            monkeypatch.setattr(files.os, name, deadly(getattr(os, name)))
        monkeypatch.setattr(machine, "restart", deadly(machine.restart))
        try:
            action()
        finally:
            os._exit(0)
    _pid, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def each_step(machine: Machine, monkeypatch: pytest.MonkeyPatch, config: str, unit: str) -> Iterator[int]:
    """Bring the machine to `good 1`, kill a run that wants something else at each step, and hand over."""
    for step in range(1, STEPS):
        machine.bring("good 1", "good 1")
        dies = killed(lambda: machine.bring(config, unit), step, monkeypatch, machine)
        yield step
        if not dies:
            assert step > 15, "hardly a step was killed"
            return
    pytest.fail("the run has more steps than were tried")


def test_what_was_well_comes_back_after_any_kill(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in each_step(machine, monkeypatch, "bad 2", "bad 2"):
        with pytest.raises(InputError, match=r"trial.conf, .*trial.service is back and the unit runs with it"):
            machine.bring("bad 2", "bad 2")
        assert (machine.config.read_text(), machine.unit.read_text()) == ("good 1", "good 1"), step
        assert {**machine.state(), "count": ""} == {"count": "", "config": "good 1", "unit": "good 1"}, step
        assert machine.config.stat().st_mode & 0o777 == 0o600
        assert machine.left() == {"trial.conf", UNIT}, step


def test_a_good_configuration_is_finished_after_any_kill(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in each_step(machine, monkeypatch, "good 2", "good 2"):
        machine.bring("good 2", "good 2")
        assert {**machine.state(), "count": ""} == {"count": "", "config": "good 2", "unit": "good 2"}, step
        assert machine.left() == {"trial.conf", UNIT}, step
        assert machine.bring("good 2", "good 2") == [], step


def test_a_run_that_wants_what_was_there_goes_back(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in each_step(machine, monkeypatch, "bad 2", "good 1"):
        machine.bring("good 1", "good 1")
        assert {**machine.state(), "count": ""} == {"count": "", "config": "good 1", "unit": "good 1"}, step
        assert machine.left() == {"trial.conf", UNIT}, step
        assert machine.bring("good 1", "good 1") == [], step


def test_check_mode_tells_of_the_killed_run(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for _step in each_step(machine, monkeypatch, "bad 2", "bad 2"):
        manager = systemd.Manager(machine, machine.wanted("good 2", "good 2"))
        codes = [reason.code for reason in manager.reasons]
        assert manager.restarts
        assert machine.bring("good 2", "good 2") == codes


def test_what_is_kept_is_for_its_owner_alone(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    for _step in each_step(machine, monkeypatch, "bad 2", "good 1"):
        kept = machine.directory / f".{UNIT}.previous"
        if kept.exists():
            seen.add(kept.stat().st_mode & 0o777)
    assert seen == {0o600}


def test_files_that_cannot_all_be_written_are_put_back(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: str, data: bytes, *arguments: object, **named: object) -> None:
        if path == str(machine.unit) and b"2" in data:
            raise OSError(28, "No space left on device", path)
        real(path, data, *arguments, **named)

    real = files.write_atomic
    monkeypatch.setattr(files, "write_atomic", full)
    with pytest.raises(OSError, match="No space"):
        machine.bring("good 2", "good 2")
    assert machine.config.read_text() == "good 1"
    assert machine.left() == {"trial.conf", UNIT}


def test_an_unknown_record_is_not_guessed_at(machine: Machine) -> None:
    (machine.directory / f".{UNIT}.previous").write_text("{")
    with pytest.raises(InputError, match="remove it"):
        machine.bring("good 1", "good 1")


def test_a_restart_is_told_for_pending_files_that_the_unit_reads(machine: Machine) -> None:
    machine.bring("good 1", "good 1")
    wanted = replace(machine.wanted("good 1", "good 1"), restart_files=("/nowhere/key",))

    def told(*paths: str, **changes: str) -> list[str | None]:
        manager = systemd.Manager(machine, replace(wanted, **changes))
        manager.add_pending(paths)
        assert manager.restarts == any(reason.code == "FilesNewer" for reason in manager.reasons)
        return [reason.path for reason in manager.reasons]

    assert told("/nowhere/key", "/nowhere/else") == ["/nowhere/key"]
    assert told() == []
    assert "/nowhere/key" not in told("/nowhere/key", state="stopped")
