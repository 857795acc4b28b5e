"""Each control plane has what is its own, and all of them believe each other."""

from __future__ import annotations

import base64
import itertools
import json
import ssl

import pytest
from clients import CONTROL_PLANES, Api, etcd
from proofs.certificates import Certificate, parse
from proofs.hosts import PKI, Host
from proofs.nodes import ready_nodes

# The hash of each private key below a folder, whatever form the key has.
KEYS = "find %s -name '*.key' | while read -r key; do openssl pkey -in $key -pubout | sha256sum; done"


def served(address: str, port: int) -> Certificate:
    """Return the certificate that is shown at an address."""
    return parse(ssl.get_server_certificate((address, port), timeout=5))


def token_of(host: Host) -> str:
    """Return a token that the API server of this very host has signed."""
    own = ("--server", f"https://{host.address}:6443")
    return host.kubectl("create", "token", "default", *own).stdout.strip()


@pytest.mark.parametrize("name", CONTROL_PLANES)
def test_etcd_has_three_members_and_a_leader(control_planes: dict[str, Host], name: str) -> None:
    members = etcd(control_planes[name], "cluster/member/list")["members"]
    assert sorted(member["name"] for member in members) == sorted(CONTROL_PLANES)
    urls = [url for member in members for key in ("peerURLs", "clientURLs") for url in member[key]]
    assert all(url.startswith("https://10.213.14.") for url in urls)
    leaders = {etcd(host, "maintenance/status")["leader"] for host in control_planes.values()}
    assert len(leaders) == 1
    assert leaders <= {member["ID"] for member in members}


def test_etcd_believes_nobody_without_a_certificate(control_planes: dict[str, Host]) -> None:
    for host, port in itertools.product(control_planes.values(), (2379, 2380)):
        assert host.status("--http1.1", "--insecure", f"https://{host.address}:{port}/health") == "000"


@pytest.mark.parametrize("name", CONTROL_PLANES)
def test_each_api_server_is_ready_in_both_families(control_planes: dict[str, Host], name: str) -> None:
    host = control_planes[name]
    for address in (host.address, f"[fd00:213:14::{host.address[-2:]}]"):
        answer = host.kubectl("get", "--raw", "/readyz", "--server", f"https://{address}:6443")
        assert (answer.rc, answer.stdout) == (0, "ok"), answer.stderr


@pytest.mark.parametrize("name", CONTROL_PLANES)
def test_the_names_of_an_api_server(control_planes: dict[str, Host], name: str) -> None:
    found = served(control_planes[name].address, 6443)
    own = {control_planes[name].address, f"fd00:213:14::{control_planes[name].address[-2:]}"}
    assert found.addresses == {"10.96.0.1", "fd00:10:96::1", "10.213.14.10", "127.0.0.1", "::1", *own}
    assert name in found.dns_names
    assert not {*CONTROL_PLANES} - {name} & found.dns_names


@pytest.mark.parametrize("name", CONTROL_PLANES)
def test_a_token_of_one_api_server_opens_all(control_planes: dict[str, Host], apis: dict[str, Api], name: str) -> None:
    token = token_of(control_planes[name])
    said = {other: api.who(token) for other, api in apis.items()}
    assert said == dict.fromkeys(CONTROL_PLANES, "system:serviceaccount:default:default")


def test_each_api_server_signs_with_a_key_of_its_own(control_planes: dict[str, Host]) -> None:
    heads = [token_of(host).split(".", maxsplit=1)[0] for host in control_planes.values()]
    assert len({json.loads(base64.urlsafe_b64decode(head + "==="))["kid"] for head in heads}) == len(CONTROL_PLANES)


def test_no_private_key_is_on_two_hosts(hosts: dict[str, Host]) -> None:
    keys = {name: set(host.output(KEYS, "/etc").splitlines()) for name, host in hosts.items()}
    assert min(len(keys[name]) for name in CONTROL_PLANES) > 10
    for one, other in itertools.combinations(keys.values(), 2):
        assert not one & other


@pytest.mark.parametrize("name", CONTROL_PLANES)
def test_each_control_plane_has_signing_cas_that_all_trust(control_planes: dict[str, Host], name: str) -> None:
    for kind, bundle in (("kubelet-client", "client-ca.crt"), ("kubelet-serving", "kubelet-serving-ca.crt")):
        certificate = control_planes[name].output("cat %s", f"{PKI}/signing/{kind}.crt").strip()
        assert parse(certificate).common_name == f"{kind}-ca-{name}"
        for host in control_planes.values():
            assert certificate in host.output("cat %s", f"{PKI}/{bundle}")


def test_one_of_each_leads(control_planes: dict[str, Host]) -> None:
    for component in ("kube-controller-manager", "kube-scheduler"):
        lease = control_planes["cp1"].objects("lease", component, "--namespace=kube-system")
        assert lease["spec"]["holderIdentity"].split("_")[0] in CONTROL_PLANES
        for host in control_planes.values():
            assert host.output("systemctl is-active %s", component).strip() == "active"


@pytest.mark.parametrize("name", ["cp3", "w1", "w2"])
def test_nodes_have_both_addresses(hosts: dict[str, Host], name: str) -> None:
    both = {hosts[name].address, f"fd00:213:14::{hosts[name].address[-2:]}"}
    node = hosts["cp1"].objects("node", name)
    internal = [entry["address"] for entry in node["status"]["addresses"] if entry["type"] == "InternalIP"]
    assert internal[0] == hosts[name].address
    assert set(internal) == both
    for address in both:
        certificate = served(address, 10250)
        assert (certificate.dns_names, certificate.addresses) == ({name}, both)
        assert certificate.issuer in {f"kubelet-serving-ca-{other}" for other in CONTROL_PLANES}


def test_each_api_server_reaches_each_kubelet(control_planes: dict[str, Host]) -> None:
    assert ready_nodes(control_planes["cp1"]) == ["cp3", "w1", "w2"]
    for host, node in itertools.product(control_planes.values(), ("cp3", "w1", "w2")):
        own = ("--server", f"https://{host.address}:6443")
        answer = host.kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/healthz", *own)
        assert (answer.rc, answer.stdout) == (0, "ok"), answer.stderr


def test_the_control_plane_with_a_kubelet_takes_no_ordinary_pods(control_planes: dict[str, Host]) -> None:
    node = control_planes["cp1"].objects("node", "cp3")
    assert "node-role.kubernetes.io/control-plane" in node["metadata"]["labels"]
    assert ("node-role.kubernetes.io/control-plane", "NoSchedule") in [
        (taint["key"], taint["effect"]) for taint in node["spec"]["taints"]
    ]
