"""What is served is what lies on the host, also after it has been renewed; read from the wire by openssl."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

import pytest
from proofs import samples
from proofs.ansible import Run, run
from proofs.hosts import PKI, Host

KUBELET = "/var/lib/kubelet/pki/kubelet-server-current.pem"
# Address, port, and the file with the certificate. An empty address is the host's own.
SERVED = {
    "cp1": {
        ("", 2379): f"{PKI}/etcd/server.crt",
        ("127.0.0.1", 2379): f"{PKI}/etcd/server.crt",
        ("", 2380): f"{PKI}/etcd/peer.crt",
        ("", 6443): f"{PKI}/apiserver.crt",
        ("127.0.0.1", 6443): f"{PKI}/apiserver.crt",
        ("127.0.0.1", 10257): "/run/kube-controller-manager/kube-controller-manager.crt",
        ("127.0.0.1", 10259): "/run/kube-scheduler/kube-scheduler.crt",
        ("", 10250): KUBELET,
    },
    "w1": {("", 10250): KUBELET},
    "w2": {("", 10250): KUBELET},
}
# Health and metrics, on localhost.
PLAIN = {"cp1": {2381, 10248, 10249, 10256}, "w1": {10248, 10249, 10256}, "w2": {10248, 10249, 10256}}
LISTENING = "ss --no-header --listening --tcp --numeric --processes | grep -E 'etcd|kube' | awk '{print $4}'"
FINGERPRINT = "openssl x509 -noout -fingerprint -sha256"
# By the path of the certificate: the unit that serves it and must not be restarted.
RENEWED = {f"{PKI}/apiserver.crt": "kube-apiserver", f"{PKI}/etcd/server.crt": "etcd", f"{PKI}/etcd/peer.crt": "etcd"}


def on_disk(host: Host, path: str) -> str:
    """Return the fingerprint of the certificate in a file."""
    return host.output(f"{FINGERPRINT} -in %s", path).strip()


def on_the_wire(host: Host, address: str, port: int) -> str:
    """Return the fingerprint of the certificate that is served, nothing where none is."""
    connect = f"openssl s_client -connect {address or host.address}:{port} </dev/null 2>/dev/null"
    return str(host.run(f"{connect} | {FINGERPRINT}").stdout).strip()


def wait_until_served(host: Host, address: str, port: int, path: str, seconds: int) -> None:
    """Wait until a port serves the certificate in a file."""

    def served() -> bool:
        found = on_the_wire(host, address, port)
        return bool(found) and found == on_disk(host, path)

    samples.wait_for(f"{host.name} serves {path} at {address or host.address}:{port}", served, seconds)


@pytest.mark.parametrize("name", SERVED)
def test_every_port_serves_the_certificate_of_its_file(hosts: dict[str, Host], name: str) -> None:
    for (address, port), path in SERVED[name].items():
        # A kubelet may be about to change both.
        wait_until_served(hosts[name], address, port, path, 20)


@pytest.mark.parametrize("name", SERVED)
def test_no_other_port_is_open(hosts: dict[str, Host], name: str) -> None:
    found = {int(line.rpartition(":")[2]) for line in hosts[name].output(LISTENING).split()}
    assert found == {port for _address, port in SERVED[name]} | PLAIN[name]


@dataclass(frozen=True)
class Renewal:
    """A name that the API server and etcd got, and what was before."""

    made: Run
    added: str
    files: dict[str, str]
    processes: dict[str, str]


def processes(cp1: Host) -> dict[str, str]:
    """Return what each unit runs as."""
    show = "systemctl show --property=MainPID,NRestarts,ExecMainStartTimestampMonotonic --value %s"
    return {unit: cp1.output(show, unit) for unit in set(RENEWED.values())}


@pytest.fixture(scope="module")
def renewal(cp1: Host) -> Renewal:
    """The same names and one more, given to what serves on the control plane."""
    added = f"other-{int(time.time())}.example.org"
    overrides = {name: {"dns_names": [added]} for name in ("kube-apiserver", "etcd-server", "etcd-peer")}
    files = {path: on_disk(cp1, path) for path in RENEWED}
    before = processes(cp1)
    extra = json.dumps({"cluster_identity_overrides": overrides})
    return Renewal(run("pki", "--limit=cp1", "--extra-vars", extra, "-vvvv", "--diff"), added, files, before)


class TestRenewal:
    """Certificates that are renewed while their components run."""

    def test_the_files_are_new(self, cp1: Host, renewal: Renewal) -> None:
        assert (renewal.made.code, renewal.made.failures) == (0, "")
        for path, old in renewal.files.items():
            assert on_disk(cp1, path) != old
            assert f"DNS:{renewal.added}" in cp1.output("openssl x509 -noout -ext subjectAltName -in %s", path)

    def test_they_are_served_without_a_restart(self, cp1: Host, renewal: Renewal) -> None:
        for (address, port), path in SERVED["cp1"].items():
            if path in RENEWED:
                wait_until_served(cp1, address, port, path, 90)
        assert processes(cp1) == renewal.processes
