"""The hosts of join_and_rotate, connected once."""

from __future__ import annotations

import pytest
from proofs.hosts import Host, connect

NODES = ("w1", "w2")


@pytest.fixture(scope="session")
def cp1() -> Host:
    """The control plane."""
    return connect("cp1", "10.213.11.11")


@pytest.fixture(scope="session")
def workers() -> dict[str, Host]:
    """The workers by name."""
    return {"w1": connect("w1", "10.213.11.12"), "w2": connect("w2", "10.213.11.13")}


@pytest.fixture(scope="session")
def hosts(cp1: Host, workers: dict[str, Host]) -> dict[str, Host]:
    """All hosts by name."""
    return {"cp1": cp1, **workers}


@pytest.fixture(params=NODES)
def node(request: pytest.FixtureRequest, workers: dict[str, Host]) -> Host:
    """Each worker in turn."""
    return workers[request.param]


@pytest.fixture
def other(node: Host, workers: dict[str, Host]) -> Host:
    """The worker beside the one in turn."""
    return next(host for host in workers.values() if host != node)
