"""A node joins whichever controller-manager leads, and is believed everywhere."""

from __future__ import annotations

import json

import pytest
from clients import CONTROL_PLANES
from proofs import samples
from proofs.ansible import LOG, run
from proofs.certificates import parse
from proofs.hosts import CLIENT_CERTIFICATE, Host
from proofs.nodes import leave, left_of_joins, ready_nodes

UNIT = "kube-controller-manager"
# A lease lasts 15 s and is asked for every 2 s (k8s.io/component-base/config/v1alpha1/defaults.go).
LEASE_SECONDS = 60


def leader(host: Host) -> str:
    """Return the host whose controller-manager leads."""
    lease = host.objects("lease", UNIT, "--namespace=kube-system")
    return str(lease["spec"]["holderIdentity"].split("_")[0])


@pytest.mark.parametrize("name", CONTROL_PLANES)
def test_a_node_joins(hosts: dict[str, Host], control_planes: dict[str, Host], name: str) -> None:
    for other in CONTROL_PLANES:
        control_planes[other].output("systemctl %s %s", "start" if other == name else "stop", UNIT)
    samples.wait_for(f"{name} leads", lambda: leader(control_planes[name]) == name, LEASE_SECONDS)
    leave(control_planes[name], hosts["w2"])
    joined = run("join", "--limit", "w2")
    for host in control_planes.values():
        host.output("systemctl start %s", UNIT)
    assert joined.code == 0, f"see {LOG}"
    assert "w2" in ready_nodes(control_planes[name])
    assert left_of_joins(control_planes[name], hosts["w2"]) == []
    certificate = parse(hosts["w2"].output("openssl x509 -in %s", CLIENT_CERTIFICATE))
    assert certificate.issuer == f"kubelet-client-ca-{name}"


@pytest.mark.parametrize("name", CONTROL_PLANES)
def test_each_api_server_knows_the_node(hosts: dict[str, Host], control_planes: dict[str, Host], name: str) -> None:
    own = ("--server", f"https://{control_planes[name].address}:6443")
    answer = hosts["w2"].kubectl("auth", "whoami", "--output=json", *own, kubeconfig="/etc/kubernetes/kubelet.conf")
    assert answer.rc == 0, answer.stderr
    assert json.loads(answer.stdout)["status"]["userInfo"]["username"] == "system:node:w2"
    healthz = control_planes[name].kubectl("get", "--raw", "/api/v1/nodes/w2/proxy/healthz", *own)
    assert healthz.stdout == "ok", healthz.stderr
