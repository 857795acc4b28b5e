"""etcd talks to nobody but those whom etcd-ca vouches for."""

from __future__ import annotations

import pytest
from proofs.hosts import PKI, Host

# On the peers' port etcd says HTTP/2 and does not speak it.
CA = ("--http1.1", "--cacert", f"{PKI}/etcd/ca.crt")
# The port, a path that answers there, and a certificate that is welcome.
PORTS = {
    "2379": ("health", f"{PKI}/etcd/healthcheck-client"),
    "2380": ("version", f"{PKI}/etcd/peer"),
}


def credentials(path: str) -> tuple[str, ...]:
    """Return curl's options for a certificate and its key."""
    return ("--cert", f"{path}.crt", "--key", f"{path}.key")


@pytest.mark.parametrize("port", PORTS)
class TestPort:
    """Each of etcd's ports, on the host's address."""

    def test_lets_its_own_in(self, cp1: Host, port: str) -> None:
        path, welcome = PORTS[port]
        assert cp1.status(*CA, *credentials(welcome), f"https://{cp1.address}:{port}/{path}") == "200"

    def test_refuses_plain_http(self, cp1: Host, port: str) -> None:
        assert cp1.status(f"http://{cp1.address}:{port}/{PORTS[port][0]}") in ("000", "400")

    def test_refuses_nobody(self, cp1: Host, port: str) -> None:
        assert cp1.status(*CA, f"https://{cp1.address}:{port}/{PORTS[port][0]}") == "000"

    def test_refuses_a_certificate_of_kubernetes_ca(self, cp1: Host, port: str) -> None:
        for name in ("admin", "super-admin", "apiserver"):
            stranger = credentials(f"{PKI}/{name}")
            assert cp1.status(*CA, *stranger, f"https://{cp1.address}:{port}/{PORTS[port][0]}") == "000"


def test_nothing_of_etcd_is_open_besides(cp1: Host) -> None:
    ports = cp1.output("ss --no-header --listening --tcp --numeric --processes | grep etcd | awk '{print $4}'").split()
    assert {port.rsplit(":", 1)[1] for port in ports if not port.startswith("127.0.0.1:")} == {"2379", "2380"}
