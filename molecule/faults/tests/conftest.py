"""The hosts of the scenario, and what its tests do over and over."""

from __future__ import annotations

import pytest
from proofs.hosts import Host, connect


@pytest.fixture(scope="session")
def cp1() -> Host:
    """The control plane."""
    return connect("cp1", "10.213.13.11")


@pytest.fixture(scope="session")
def w1() -> Host:
    """The worker that stays."""
    return connect("w1", "10.213.13.12")


@pytest.fixture(scope="session")
def w2() -> Host:
    """The worker that joins again and again."""
    return connect("w2", "10.213.13.13")


@pytest.fixture(scope="session")
def hosts(cp1: Host, w1: Host, w2: Host) -> dict[str, Host]:
    """All hosts by name."""
    return {host.name: host for host in (cp1, w1, w2)}
