"""The hosts of join_and_rotate, connected once."""

from __future__ import annotations

import pytest
from expected import MARKS
from proofs.hosts import Host, connect
from proofs.secrets import keys_of


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


@pytest.fixture(params=MARKS)
def node(request: pytest.FixtureRequest, hosts: dict[str, Host]) -> Host:
    """Each node in turn."""
    return hosts[request.param]


@pytest.fixture
def other(node: Host, hosts: dict[str, Host]) -> Host:
    """A node beside the one in turn."""
    return next(host for host in hosts.values() if host != node)


@pytest.fixture(scope="session")
def keys_before_the_removal(hosts: dict[str, Host]) -> dict[str, str]:
    """All keys of each host, as one text, read before a node is removed: they are searched for at the end."""
    return {name: keys_of(host) for name, host in hosts.items()}
