"""A second run leaves everything as it is; that it reports no change, Molecule's own idempotence step has seen."""

from __future__ import annotations

import json
from typing import Any

import pytest
from proofs.hosts import PROOF, RUN, Host
from proofs.states import differences

HOSTS = ("cp1", "w1", "w2")


def looks(host: Host) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what was written down before and after the second run."""
    before, after = (json.loads(host.output("cat %s", f"{PROOF}/{name}.json")) for name in ("before", "after"))
    return before, after


@pytest.mark.parametrize("name", HOSTS)
def test_no_file_is_touched(hosts: dict[str, Host], name: str) -> None:
    before, after = looks(hosts[name])
    assert len(before["files"]) > 100
    assert not differences(before["files"], after["files"])


@pytest.mark.parametrize("name", HOSTS)
def test_no_unit_is_restarted(hosts: dict[str, Host], name: str) -> None:
    before, after = looks(hosts[name])
    assert len(before["units"]) > 2
    assert not differences(before["units"], after["units"])


def test_no_object_is_written(cp1: Host) -> None:
    before, after = looks(cp1)
    assert {"node/cp1", "node/w1", "node/w2"} <= set(before["objects"])
    assert not differences(before["objects"], after["objects"])


def test_no_file_of_the_ca_host_is_touched() -> None:
    before, after = (json.loads((RUN / f"{name}.json").read_text()) for name in ("before", "after"))
    assert before["files"]
    assert not differences(before["files"], after["files"])
