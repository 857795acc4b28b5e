# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of a cluster that somebody else has made, and when it is not even asked."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import existing_cluster, kubeconfigs, x509
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.cluster import ForbiddenError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import pem
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.existing import pin_of
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.rights import NEEDED

SERVER = "https://192.0.2.10:6443"
CONFIG = "kind: KubeletConfiguration\nclusterDNS: [10.32.0.10]\nclusterDomain: example.org\n"
COREFILE = ".:53 {\n  kubernetes other.example {\n  }\n}\n"
BEARER = "bearer-canary"


def make_ca(name: str) -> str:
    now = datetime.datetime.now(datetime.timezone.utc)
    return str(x509.self_sign(x509.generate_key("ecdsa-p256"), name, now, now + datetime.timedelta(hours=1)))


def pin(ca: str) -> str:
    return pin_of(x509.certificate_info(x509.load_certificate(pem.certificates(ca.encode(), "x")[0], "x")))


OURS, OTHER = make_ca("kubernetes"), make_ca("other")


class Fake:
    """The API server: objects by their names, what may not be done, and what was asked."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {"kube-root-ca.crt": {"data": {"ca.crt": OURS}}}
        self.refused: set[str] = set()
        self.renews = True
        self.version = "v1.37.2"
        self.reached = False
        self.unreadable: set[str] = set()

    def __call__(self, access: Any, timeout: float) -> Fake:
        self.access, self.reached = access, True
        return self

    def get(self, path: str) -> Any:
        assert path == "/version"
        return {"gitVersion": self.version}

    def find(self, path: str) -> Any:
        name = path.rsplit("/", 1)[1]
        if name in self.unreadable:
            raise ForbiddenError("403")
        return self.objects.get(name)

    def create(self, path: str, body: Any) -> Any:
        if path.endswith("/subjectaccessreviews"):
            return {"status": {"allowed": self.renews}}
        assert path.endswith("/selfsubjectaccessreviews")
        asked = body["spec"]["resourceAttributes"]
        if asked["verb"] == "*":
            return {"status": {"allowed": not self.refused}}
        if "everything" in self.refused:
            raise ForbiddenError("403")
        return {"status": {"allowed": f"{asked['verb']} {asked['resource']}" not in self.refused}}


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    fake = Fake()
    monkeypatch.setattr(existing_cluster, "Cluster", fake)
    return fake


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    path = tmp_path / "admin.conf"
    write(path)
    return path


def write(path: Path, ca: str = OURS, server: str = SERVER) -> None:
    path.write_bytes(kubeconfigs.build(kubeconfigs.Kubeconfig(server, ca_data=ca.encode(), token=BEARER)))


def look(kubeconfig: Path, *pins: str, **changes: Any) -> existing_cluster.Found:
    given = {"kubelet": "1.37.2", "server": "", "renewed": True, "timeout": 5.0, **changes}
    return existing_cluster.look(str(kubeconfig), pins or [pin(OURS)], **given)


def test_everything_comes_from_the_cluster(fake: Fake, kubeconfig: Path) -> None:
    fake.objects["kubelet-config"] = {"data": {"kubelet": CONFIG}}
    fake.objects["extension-apiserver-authentication"] = {"data": {"client-ca-file": OTHER}}
    found = look(kubeconfig)
    assert (found.server, found.version, found.cas, found.client_cas) == (SERVER, "v1.37.2", OURS, OTHER)
    assert found.dns == {"dns_ips": ["10.32.0.10"], "domain": "example.org"}
    assert found.warnings == []
    assert BEARER not in repr(found)


def test_without_the_objects_of_kubeadm_dns_is_found_as_it_is_installed(fake: Fake, kubeconfig: Path) -> None:
    fake.objects["kube-dns"] = {"spec": {"clusterIPs": ["10.33.0.10"]}}
    fake.objects["coredns"] = {"data": {"Corefile": COREFILE}}
    assert look(kubeconfig).dns == {"dns_ips": ["10.33.0.10"], "domain": "other.example"}


def test_a_cluster_that_says_nothing_of_its_dns_is_told_of(fake: Fake, kubeconfig: Path) -> None:
    found = look(kubeconfig)
    assert found.dns == {}
    assert ["clusterDNS" in text for text in found.warnings] == [True]


@pytest.mark.parametrize("name", ["kubelet-config", "kube-dns", "coredns"])
def test_who_may_not_read_what_dns_there_is_joins_as_if_it_were_not_said(
    fake: Fake, kubeconfig: Path, name: str
) -> None:
    fake.unreadable = {name}
    found = look(kubeconfig)
    assert found.dns == {}
    assert ["clusterDNS" in text for text in found.warnings] == [True]


@pytest.mark.parametrize("server", ["https://[::1", "https://192.0.2.10:99999", "https://admin:canary@192.0.2.10:6443"])
def test_a_server_that_is_none_is_refused_and_not_shown(fake: Fake, kubeconfig: Path, server: str) -> None:
    write(kubeconfig, server=server)
    with pytest.raises(InputError, match=r"admin\.conf: the address of the") as refused:
        look(kubeconfig)
    assert server not in str(refused.value)
    assert "canary" not in str(refused.value)
    assert not fake.reached


@pytest.mark.parametrize("version", [None, 5, ["v1.37.2"]])
def test_a_server_that_does_not_say_its_version_is_refused(fake: Fake, kubeconfig: Path, version: Any) -> None:
    fake.version = version
    with pytest.raises(InputError, match="does not say which Kubernetes it is"):
        look(kubeconfig)


def test_a_pin_of_another_ca_has_the_server_never_asked(fake: Fake, kubeconfig: Path) -> None:
    with pytest.raises(InputError, match=r"the CA of .*admin\.conf is not the one that cluster_ca_pins names"):
        look(kubeconfig, pin(OTHER))
    assert not fake.reached


def test_a_cluster_with_another_ca_than_its_kubeconfig_is_refused(fake: Fake, kubeconfig: Path) -> None:
    fake.objects["kube-root-ca.crt"] = {"data": {"ca.crt": OTHER}}
    with pytest.raises(InputError, match=r"kube-root-ca\.crt"):
        look(kubeconfig)


def test_a_server_of_a_ca_that_no_pin_names_is_shown_no_credentials(fake: Fake, kubeconfig: Path) -> None:
    write(kubeconfig, OURS + OTHER)
    with pytest.raises(InputError, match=rf"admin\.conf trusts CAs .* {pin(OTHER)} .*Nothing was sent"):
        look(kubeconfig)
    assert not fake.reached
    assert look(kubeconfig, pin(OURS), pin(OTHER)).cas == OURS + OTHER


def test_nodes_trust_no_ca_that_no_pin_names_and_the_user_is_told(fake: Fake, kubeconfig: Path) -> None:
    fake.objects["kubelet-config"] = {"data": {"kubelet": CONFIG}}
    fake.objects["kube-root-ca.crt"] = {"data": {"ca.crt": OTHER + OURS}}
    found = look(kubeconfig)
    assert found.cas == OURS
    assert [pin(OTHER) in text and pin(OURS) not in text for text in found.warnings] == [True]
    found = look(kubeconfig, pin(OURS), pin(OTHER))
    assert (found.cas, found.warnings) == (OTHER + OURS, [])


def test_a_cluster_that_gives_its_pods_no_ca_has_that_of_the_kubeconfig(fake: Fake, kubeconfig: Path) -> None:
    fake.objects.clear()
    assert look(kubeconfig).cas == OURS


def test_each_missing_right_is_named(fake: Fake, kubeconfig: Path) -> None:
    fake.refused = {"create secrets", "approve signers"}
    with pytest.raises(InputError) as caught:
        look(kubeconfig)
    said = str(caught.value)
    for text in ("create secrets in namespace kube-system; ", "approve signers kubernetes.io/kubelet-serving"):
        assert text in said
    assert said.count(";") == 2


def test_who_may_not_ask_is_told_by_the_first_step(fake: Fake, kubeconfig: Path) -> None:
    fake.refused = {"everything"}
    assert look(kubeconfig).server == SERVER
    assert NEEDED


def test_renewals_that_nobody_would_approve_are_told_of(fake: Fake, kubeconfig: Path) -> None:
    fake.objects["kubelet-config"] = {"data": {"kubelet": CONFIG}}
    fake.renews = False
    assert ["selfnodeclient" in text for text in look(kubeconfig).warnings] == [True]
    assert look(kubeconfig, renewed=False).warnings == []


def test_an_older_cluster_is_refused_before_its_rights_are_looked_at(fake: Fake, kubeconfig: Path) -> None:
    fake.version, fake.refused = "v1.36.3", {"create secrets"}
    with pytest.raises(InputError, match="newer than its API server"):
        look(kubeconfig)


def test_an_address_of_the_loopback_needs_another_one(fake: Fake, kubeconfig: Path) -> None:
    write(kubeconfig, server="https://127.0.0.1:6443")
    with pytest.raises(InputError, match="set cluster_api_endpoint"):
        look(kubeconfig)
    assert look(kubeconfig, server=SERVER).server == SERVER


def test_a_kubeconfig_that_is_not_there_is_looked_for_on_the_named_host(fake: Fake, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cluster_admin_kubeconfig is its path on cluster_admin_host"):
        look(tmp_path / "none")
