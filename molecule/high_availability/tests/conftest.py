"""The hosts of high_availability, and the cluster that the playbook site makes of them."""

from __future__ import annotations

import pytest
from clients import CONTROL_PLANES, Api
from proofs.ansible import LOG, run
from proofs.hosts import Host, connect

ADDRESSES = {
    "lb": "10.213.14.10",
    "cp1": "10.213.14.11",
    "cp2": "10.213.14.12",
    "cp3": "10.213.14.13",
    "w1": "10.213.14.21",
    "w2": "10.213.14.22",
}
# One of the three is reached by IPv6 alone, which its API server has to listen on as well.
BEHIND = "10.213.14.11 fd00:213:14::12 10.213.14.13"


@pytest.fixture(scope="session")
def hosts() -> dict[str, Host]:
    """All hosts by name."""
    return {name: connect(name, address) for name, address in ADDRESSES.items()}


@pytest.fixture(scope="session", autouse=True)
def cluster(hosts: dict[str, Host]) -> None:
    """The cluster, behind a load balancer that knows which API servers are ready."""
    start = "systemctl is-active balance || systemd-run --quiet --unit=balance --property=Restart=always"
    hosts["lb"].output(f"{start} /usr/bin/python3 /run/proof/balance.py 6443 {BEHIND}")
    assert run("site").code == 0, f"see {LOG}"


@pytest.fixture(scope="session")
def control_planes(hosts: dict[str, Host]) -> dict[str, Host]:
    """The control planes by name."""
    return {name: hosts[name] for name in CONTROL_PLANES}


@pytest.fixture(scope="session")
def apis(control_planes: dict[str, Host]) -> dict[str, Api]:
    """The API server of each control plane."""
    return {name: Api(host.address) for name, host in control_planes.items()}


@pytest.fixture(scope="session")
def balanced(hosts: dict[str, Host]) -> Api:
    """Whichever API server the load balancer takes."""
    return Api(hosts["lb"].address)
