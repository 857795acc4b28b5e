"""kubeadm's layout on hosts that have no IPv4: kubeadm itself agrees and joins a node, and kubelets join and rotate."""

from __future__ import annotations

import json
import ssl
import time

import pytest
from proofs import samples
from proofs.ansible import LOG, run
from proofs.certificates import parse
from proofs.hosts import ADMIN, PKI, Host, connect
from proofs.kubeadm import join_command, kubeadm
from proofs.nodes import left_of_joins, ready_nodes
from proofs.pods import logs_come
from proofs.states import differences, look

KUBEADM = "/opt/proof/kubeadm"
KEYS = {"ca", "apiserver", "apiserver-kubelet-client", "apiserver-etcd-client", "front-proxy-ca", "front-proxy-client"}
ETCD_KEYS = {"etcd/ca", "etcd/server", "etcd/peer", "etcd/healthcheck-client"}
KUBECONFIGS = {"admin.conf", "super-admin.conf", "controller-manager.conf", "scheduler.conf"}
OURS = ("--limit", "cp1,w1")
# How long a kubelet takes at the most until it replaces its first certificate, on a machine with much else to do.
ROTATION_SECONDS = 240


@pytest.fixture(scope="module")
def hosts() -> dict[str, Host]:
    return {"cp1": connect("cp1", "fd00:213:15::11"), "w1": connect("w1", "fd00:213:15::12")}


@pytest.fixture(scope="module", autouse=True)
def cluster() -> None:
    """What the playbook site makes of the inventory."""
    assert run("site", *OURS).code == 0, f"see {LOG}"


@pytest.fixture(scope="module")
def cp1(hosts: dict[str, Host]) -> Host:
    return hosts["cp1"]


@pytest.fixture(scope="module")
def w1(hosts: dict[str, Host]) -> Host:
    return hosts["w1"]


@pytest.fixture(scope="module")
def w2() -> Host:
    """The worker that no playbook joins."""
    return connect("w2", "fd00:213:15::13")


def test_a_second_run_touches_nothing(hosts: dict[str, Host]) -> None:
    before = {name: look(host) for name, host in hosts.items()}
    again = run("site", *OURS)
    assert (again.code, again.changes) == (0, [])
    for name, host in hosts.items():
        after = look(host)
        assert len(before[name]["units"]) > 2
        assert differences(before[name]["files"], after["files"]) == {}
        assert differences(before[name]["units"], after["units"]) == {}


def test_the_files_are_those_of_kubeadm(cp1: Host) -> None:
    wanted = {f"{PKI}/{stem}.{kind}" for stem in KEYS | ETCD_KEYS for kind in ("crt", "key")}
    wanted |= {f"{PKI}/sa.key", f"{PKI}/sa.pub"}
    assert len(wanted) == 22
    # What the CA host keeps for itself lies beside them.
    own = {f"{PKI}/ledger.jsonl", f"{PKI}/published/service-account@cp1.pem"}
    assert wanted == set(cp1.output(f"find {PKI} -type f -name '*.*' -not -path '*/.*'").split()) - own


def test_kubeadm_says_the_same_of_them(cp1: Host) -> None:
    found = json.loads(cp1.output(f"{KUBEADM} certs check-expiration --output=json 2>/dev/null"))
    certificates = {entry["name"]: entry for entry in found["certificates"]}
    own = {name.replace("/", "-") for name in KEYS | ETCD_KEYS if not name.endswith("ca")}
    assert set(certificates) == own | KUBECONFIGS
    assert not [entry for entry in certificates.values() if entry.get("missing") or entry["externallyManaged"]]
    for name in own:
        ends = samples.moment(certificates[name]["expirationDate"])
        path = f"{PKI}/{name.replace('etcd-', 'etcd/', 1) if name.startswith('etcd-') else name}.crt"
        assert ends == parse(cp1.output("cat %s", path)).not_after
    cas = {entry["name"]: entry for entry in found["certificateAuthorities"]}
    assert set(cas) == {"ca", "etcd-ca", "front-proxy-ca"}
    assert all(samples.moment(entry["expirationDate"]) > time.time() + 3600 * 24 * 3000 for entry in cas.values())


@pytest.mark.parametrize("kubeconfig", sorted(KUBECONFIGS))
def test_kubeconfigs_have_addresses_in_brackets(cp1: Host, kubeconfig: str) -> None:
    # There is a key in it, so only the line is looked at.
    assert "https://[fd00:213:15::11]:6443" in cp1.output("grep server: %s", f"/etc/kubernetes/{kubeconfig}")
    answer = cp1.kubectl("get", "--raw", "/version", kubeconfig=f"/etc/kubernetes/{kubeconfig}")
    assert answer.rc == 0, answer.stderr


def test_the_api_server_names_its_addresses(cp1: Host) -> None:
    found = parse(ssl.get_server_certificate((cp1.address, 6443), timeout=5))
    assert found.addresses == {"fd00:213:15::11", "fd00:10:96::1"}
    assert cp1.objects("service", "kubernetes")["spec"]["clusterIPs"] == ["fd00:10:96::1"]
    endpoints = cp1.objects("endpointslices", "--selector=kubernetes.io/service-name=kubernetes")["items"]
    assert [entry["addresses"] for slice_ in endpoints for entry in slice_["endpoints"]] == [["fd00:213:15::11"]]


def test_the_node_has_joined(cp1: Host, w1: Host) -> None:
    assert ready_nodes(cp1) == ["w1"]
    assert left_of_joins(cp1, w1) == []
    addresses = {entry["type"]: entry["address"] for entry in cp1.objects("node", "w1")["status"]["addresses"]}
    assert addresses == {"InternalIP": "fd00:213:15::12", "Hostname": "w1"}
    answer = cp1.kubectl("get", "--raw", "/api/v1/nodes/w1/proxy/healthz")
    assert (answer.rc, answer.stdout) == (0, "ok"), answer.stderr


def test_the_kubelet_has_both_certificates_of_the_one_ca(w1: Host) -> None:
    client = samples.certificates(w1, "client")[0].certificate
    assert (client.issuer, client.common_name) == ("kubernetes", "system:node:w1")
    served = parse(ssl.get_server_certificate((w1.address, 10250), timeout=5))
    assert (served.issuer, served.dns_names, served.addresses) == ("kubernetes", {"w1"}, {"fd00:213:15::12"})


def test_kubeadm_joins_a_node_as_it_is(cp1: Host, w2: Host) -> None:
    w2.output("ln -sf /opt/proof/kubelet /usr/local/bin/kubelet")
    kubeadm(w2, *join_command(cp1, "w2", ADMIN))
    samples.wait_for("the node is there", lambda: ready_nodes(cp1) == ["w1", "w2"], 120)
    # kubeadm has made this the kubelet's client CA.
    assert w2.output("cat /etc/kubernetes/pki/ca.crt") == cp1.output("cat %s", f"{PKI}/ca.crt")
    logs_come(cp1, "w2")
    served = parse(ssl.get_server_certificate((w2.address, 10250), timeout=5))
    assert (served.issuer, served.dns_names, served.addresses) == ("kubernetes", {"w2"}, {"fd00:213:15::13"})


@pytest.mark.parametrize("kind", ["client", "server"])
def test_the_kubelet_replaces_its_certificates(w1: Host, kind: str) -> None:
    what = f"a second certificate of w1, {kind}"
    samples.wait_for(what, lambda: len(samples.certificates(w1, kind)) > 1, ROTATION_SECONDS)
    first, second = samples.certificates(w1, kind)[:2]
    assert first.certificate.public_key != second.certificate.public_key
    assert second.certificate.issuer == "kubernetes"
