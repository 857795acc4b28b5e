"""A second run changes nothing on any host."""

from __future__ import annotations

from proofs.ansible import run
from proofs.hosts import Host
from proofs.states import differences, look


def test_a_second_run_touches_nothing(hosts: dict[str, Host]) -> None:
    before = {name: look(host) for name, host in hosts.items()}
    again = run("site")
    assert (again.code, again.changes) == (0, [])
    for name, host in hosts.items():
        after = look(host)
        assert name == "lb" or len(before[name]["units"]) > 2
        for part in ("files", "units", "objects"):
            assert differences(before[name][part], after[part]) == {}, f"{name}: {part}"
