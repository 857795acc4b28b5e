# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of clusters of several shapes, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import identity, plan
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.profiles import PROFILES

DEFAULTS = yaml.safe_load((Path(__file__).parents[5] / "roles/cluster/defaults/main.yml").read_text(encoding="utf-8"))
PKI = "/etc/kubernetes/pki"
HA = {"kube_control_plane": ["cp1", "cp2", "cp3"], "kube_node": ["w1", "w2"]}
SINGLE = {"kube_control_plane": ["cp1"], "kube_node": ["w1"]}
HOSTS: dict[str, dict[str, Any]] = {
    "cp1": {"node_ip": "192.0.2.11"},
    "cp2": {"node_ip": "192.0.2.12"},
    "cp3": {"node_ip": "192.0.2.13"},
    "e1": {"node_ip": "192.0.2.21"},
    "w1": {"ansible_host": "192.0.2.31"},
    "w2": {"ansible_host": "w2.mgmt.example.org", "node_ip": "192.0.2.32"},
}
KUBEADM = {"cluster_profile": "kubeadm", "cluster_ca_host": "cp1", "cluster_ca_directory": PKI}


def settings(**changes: Any) -> dict[str, Any]:
    return {**DEFAULTS, "cluster_ca_directory": "~/.tlsbootstrap/kubernetes/ca", **changes}


def build(
    groups: dict[str, list[str]] | None = None, hosts: dict[str, dict[str, Any]] | None = None, **changes: Any
) -> dict[str, Any]:
    return plan.build(settings(**changes), groups or HA, {**HOSTS, **(hosts or {})})


def refusal(*args: Any, **changes: Any) -> str:
    with pytest.raises(InputError) as caught:
        build(*args, **changes)
    return str(caught.value)


def row(made: dict[str, Any], host: str, name: str) -> dict[str, Any]:
    return next(found for found in made["hosts"][host]["identities"] if found["name"] == name)


def files(made: dict[str, Any], host: str) -> set[str]:
    keys = ("certificate_path", "key_path", "public_key_path")
    return {found[key] for found in made["hosts"][host]["identities"] for key in keys if found[key]}


def bundle(made: dict[str, Any], host: str, name: str) -> dict[str, Any]:
    return next(found for found in made["hosts"][host]["bundles"] if found["name"] == name)


def plain(value: Any) -> bool:
    if isinstance(value, dict):
        return value.__class__ is dict and all(key.__class__ is str and plain(inner) for key, inner in value.items())
    if isinstance(value, list):
        return value.__class__ is list and all(plain(inner) for inner in value)
    return type(value) in (str, int, bool, type(None))


# -- shapes


def test_separated_control_plane() -> None:
    made = build()
    names = [found["name"] for found in made["hosts"]["cp1"]["identities"]]
    assert names == [
        "kube-apiserver",
        "kube-apiserver-kubelet-client",
        "front-proxy-client",
        "apiserver-etcd-client",
        "etcd-server",
        "etcd-peer",
        "etcd-healthcheck-client",
        "admin",
        "super-admin",
        "controller-manager",
        "scheduler",
        "csr-approver",
        "kubelet-client-ca",
        "kubelet-serving-ca",
        "service-account",
        "controller-manager-service-account",
    ]
    assert [found["name"] for found in made["hosts"]["w1"]["identities"]] == ["kube-proxy"]
    assert made["cluster"]["etcd_hosts"] == ["cp1", "cp2", "cp3"]
    assert made["cluster"]["first_control_plane"] == "cp1"
    assert made["cluster"]["api_endpoint"] == "https://192.0.2.11:6443"
    assert made["cluster"]["dns_ips"] == ["10.96.0.10"]
    assert made["cluster"]["etcd_initial_cluster"].startswith("cp1=https://192.0.2.11:2380,cp2=")


def test_api_server_has_all_names() -> None:
    made = build(
        cluster_api_endpoint="https://api.example.org:6443", cluster_api_extra_sans=["192.0.2.10", "*.k8s.org"]
    )
    api = row(made, "cp2", "kube-apiserver")
    assert api["dns_names"] == [
        "cp2",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        "localhost",
        "api.example.org",
        "*.k8s.org",
    ]
    assert api["ip_addresses"] == ["192.0.2.10", "192.0.2.12", "10.96.0.1", "127.0.0.1"]
    assert api["usages"] == ["server auth"]


def test_subjects_owners_and_kubeconfigs() -> None:
    made = build(cluster_api_endpoint="https://api.example.org:6443")
    admin = row(made, "cp1", "admin")
    assert admin["organizations"] == ["tlsbootstrap:cluster-admins"]
    assert admin["kubeconfig"] == {
        "path": "/etc/kubernetes/admin.conf",
        "owner": "root",
        "group": "root",
        "mode": "0600",
        "server": "https://api.example.org:6443",
        "cluster_name": "kubernetes",
        "user_name": "kubernetes-admin",
        "ca_path": f"{PKI}/kubernetes-ca.crt",
        "embed": False,
    }
    manager = row(made, "cp1", "controller-manager")
    assert manager["kubeconfig"]["server"] == "https://127.0.0.1:6443"
    assert manager["owner"] == manager["kubeconfig"]["owner"] == "kube-controller-manager"
    assert row(made, "cp1", "kube-apiserver-kubelet-client")["organizations"] == []
    assert row(made, "cp1", "super-admin")["organizations"] == ["system:masters"]
    assert row(made, "cp1", "kubelet-client-ca")["issuer"] is None
    assert row(made, "w1", "kube-proxy")["kubeconfig"]["server"] == "https://api.example.org:6443"


def test_own_members_come_first() -> None:
    made = build()
    assert bundle(made, "cp2", "client")["members"] == [
        "kubernetes-ca",
        "kubelet-client-ca@cp2",
        "kubelet-client-ca@cp1",
        "kubelet-client-ca@cp3",
    ]
    trusted = bundle(made, "cp3", "service_account")
    assert trusted["kind"] == "public_keys"
    assert trusted["members"][0] == "service-account@cp3"
    assert trusted["members"][3] == "controller-manager-service-account@cp3"
    assert [found["name"] for found in made["hosts"]["w1"]["bundles"]] == ["kubernetes"]


def test_what_is_read_at_the_start_only() -> None:
    files_of = build()["hosts"]["cp1"]["restart_files"]
    assert files_of["etcd"] == [f"{PKI}/etcd/ca.crt"]
    assert files_of["kube-apiserver"] == [
        f"{PKI}/sa.key",
        f"{PKI}/sa.pub",
        f"{PKI}/etcd/ca.crt",
        f"{PKI}/sa-trusted.pub",
    ]
    assert f"{PKI}/kubernetes-ca.crt" in files_of["kube-controller-manager"]
    assert files_of["kube-scheduler"] == ["/etc/kubernetes/scheduler.conf"]
    old = build(cluster_kubernetes_version="1.35.4")["hosts"]["cp1"]["restart_files"]
    assert f"{PKI}/kubernetes-ca.crt" in old["kube-scheduler"]


def test_etcd_on_its_own_hosts() -> None:
    made = build({**HA, "etcd": ["e1"]})
    assert [found["name"] for found in made["hosts"]["e1"]["identities"]] == [
        "etcd-server",
        "etcd-peer",
        "etcd-healthcheck-client",
    ]
    assert made["cluster"]["etcd_endpoints"] == ["https://192.0.2.21:2379"]
    assert not [path for path in files(made, "cp1") if path.startswith(f"{PKI}/etcd/")]
    assert made["hosts"]["cp1"]["trust"]["etcd"] == f"{PKI}/etcd/ca.crt"
    assert {host: of["users"] for host, of in made["hosts"].items()} == {
        "cp1": ["csr-approver", "kube-apiserver", "kube-controller-manager", "kube-scheduler"],
        "cp2": ["csr-approver", "kube-apiserver", "kube-controller-manager", "kube-scheduler"],
        "cp3": ["csr-approver", "kube-apiserver", "kube-controller-manager", "kube-scheduler"],
        "e1": ["etcd"],
        "w1": ["kube-proxy"],
        "w2": ["kube-proxy"],
    }


def test_a_host_in_both_groups_is_marked() -> None:
    made = build({"kube_control_plane": ["cp1"], "kube_node": ["cp1", "w1"]}, {"w1": {"ansible_host": "192.0.2.31"}})
    assert made["hosts"]["cp1"]["labels"] == {"node-role.kubernetes.io/control-plane": ""}
    assert made["hosts"]["cp1"]["taints"] == [
        {"key": "node-role.kubernetes.io/control-plane", "value": "", "effect": "NoSchedule"}
    ]
    assert "kube-proxy" in made["hosts"]["cp1"]["certs"]
    assert set(made["policy"]["nodes"]) == {"cp1", "w1"}
    assert not made["hosts"]["w1"]["taints"]


def test_policy() -> None:
    made = build(SINGLE, {"w1": {"node_name": "10.9.8.7", "node_ip": ["192.0.2.31", "2001:DB8::31"]}})
    assert made["policy"]["nodes"] == {
        "10.9.8.7": {"dns_names": [], "ip_addresses": ["10.9.8.7", "192.0.2.31", "2001:db8::31"]}
    }


def test_kubeadm_has_its_22_files() -> None:
    made = build(SINGLE, **KUBEADM)
    found = files(made, "cp1") | {f"{PKI}/{ca[key]}" for ca in made["cas"] for key in ("certificate_file", "key_file")}
    pairs = [
        "ca", "apiserver", "apiserver-kubelet-client", "front-proxy-ca", "front-proxy-client", "etcd/ca",
        "etcd/server", "etcd/peer", "etcd/healthcheck-client", "apiserver-etcd-client",
    ]  # fmt: skip
    assert found == {f"{PKI}/{pair}.{end}" for pair in pairs for end in ("crt", "key")} | {
        f"{PKI}/sa.key",
        f"{PKI}/sa.pub",
    }
    assert len(found) == 22
    conf = {one["kubeconfig"]["path"] for one in made["hosts"]["cp1"]["identities"] if one["kubeconfig"]}
    wanted = ("admin", "super-admin", "controller-manager", "scheduler", "csr-approver")
    assert conf == {f"/etc/kubernetes/{name}.conf" for name in wanted}
    assert all(one["kubeconfig"]["embed"] for one in made["hosts"]["cp1"]["identities"] if one["kubeconfig"])
    assert row(made, "cp1", "admin")["organizations"] == ["kubeadm:cluster-admins"]
    assert row(made, "cp1", "controller-manager")["kubeconfig"]["server"] == "https://192.0.2.11:6443"


def test_kubeadm_shares_and_signs() -> None:
    made = build(SINGLE, **KUBEADM)
    account = row(made, "cp1", "service-account")
    assert (account["owner"], account["group"], account["key_mode"]) == (
        "kube-apiserver",
        "kube-controller-manager",
        "0640",
    )
    assert account["restarts"] == ["kube-apiserver", "kube-controller-manager"]
    cp1 = made["hosts"]["cp1"]
    assert cp1["signing"] == {"all": {"certificate": f"{PKI}/ca.crt", "key": f"{PKI}/ca.key"}}
    assert cp1["bundles"] == []
    assert cp1["trust"]["client"] == f"{PKI}/ca.crt"
    assert cp1["trust"]["service_account"] == f"{PKI}/sa.pub"
    # A certificate and its key in a kubeconfig are new when the kubeconfig is.
    assert "/etc/kubernetes/scheduler.conf" in cp1["restart_files"]["kube-scheduler"]
    assert bundle(made, "w1", "kubernetes")["path"] == f"{PKI}/ca.crt"
    assert made["cas"][0]["common_name"] == "kubernetes"
    assert made["cas"][0]["key_group"] == "kube-controller-manager"


def test_separated_signs_with_two_pairs() -> None:
    signing = build()["hosts"]["cp1"]["signing"]
    assert signing["kubelet_client"]["key"] == f"{PKI}/signing/kubelet-client.key"
    assert set(signing) == {"kubelet_client", "kubelet_serving"}


IPV6 = {"cp1": {"node_ip": "2001:DB8::0011"}, "w1": {"node_ip": "2001:db8::31"}}


def test_ipv6_only() -> None:
    made = build(SINGLE, IPV6, cluster_service_cidr="fd00:96::/112", cluster_pod_cidr="fd00:244::/56")
    assert made["cluster"]["api_endpoint"] == "https://[2001:db8::11]:6443"
    assert made["cluster"]["etcd_initial_cluster"] == "cp1=https://[2001:db8::11]:2380"
    assert row(made, "cp1", "kube-apiserver")["ip_addresses"] == ["2001:db8::11", "fd00:96::1", "127.0.0.1", "::1"]
    assert row(made, "cp1", "scheduler")["kubeconfig"]["server"] == "https://[::1]:6443"
    assert made["cluster"]["dns_ips"] == ["fd00:96::a"]


def test_dual_stack() -> None:
    made = build(
        SINGLE,
        {"cp1": {"node_ip": ["192.0.2.11", "2001:db8::11"]}, "w1": {"node_ip": "192.0.2.31,2001:db8::31"}},
        cluster_service_cidr="10.96.0.0/12,fd00:96::/112",
        cluster_pod_cidr="10.244.0.0/16,fd00:244::/56",
    )
    assert made["cluster"]["service_ips"] == ["10.96.0.1", "fd00:96::1"]
    assert {"192.0.2.11", "2001:db8::11", "10.96.0.1", "fd00:96::1"} <= set(
        row(made, "cp1", "kube-apiserver")["ip_addresses"]
    )
    assert made["policy"]["nodes"]["w1"]["ip_addresses"] == ["192.0.2.31", "2001:db8::31"]


@pytest.mark.parametrize("changes", [{}, KUBEADM], ids=["separated", "kubeadm"])
@pytest.mark.parametrize("key_type", ["ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "rsa-4096"])
def test_every_identity_can_be_made(changes: dict[str, str], key_type: str) -> None:
    """With a long node name, on a host that is everything."""
    groups = {"kube_control_plane": ["cp1"], "kube_node": ["cp1"]}
    made = build(
        groups,
        {"cp1": {"node_name": "n" * 63 + ".example.org", "node_ip": "192.0.2.11"}},
        cluster_key_type=key_type,
        **changes,
    )
    found = made["hosts"]["cp1"]["identities"]
    for one in found:
        assert identity.identity_of(one).name == one["name"]
        assert one["key_type"] == key_type
    assert len(found) == (17 if not changes else 14)


# -- properties


def test_plain_deterministic_and_as_data() -> None:
    made = build()
    assert plain(made)
    assert json.dumps(made) == json.dumps(build())


def test_order_of_groups_is_the_inventorys() -> None:
    made = build({"kube_control_plane": ["cp2", "cp1"], "kube_node": ["w2", "w1"]})
    assert list(made["hosts"]) == ["cp2", "cp1", "w2", "w1"]
    assert made["cluster"]["first_control_plane"] == "cp2"


def test_linear_in_hosts() -> None:
    """Each host's variables are read once, and what a node gets does not grow with the cluster."""

    class Counted(dict):
        reads = 0

        def get(self, key: str, default: Any = None) -> Any:
            Counted.reads += 1
            return super().get(key, default)

    sizes = {}
    for count in (100, 200):
        nodes = {f"n{number}": Counted(node_ip=f"172.16.{number // 250}.{number % 250 + 1}") for number in range(count)}
        Counted.reads = 0
        made = plan.build(settings(), {"kube_control_plane": ["cp1"], "kube_node": list(nodes)}, {**HOSTS, **nodes})
        sizes[count] = (Counted.reads / count, len(json.dumps(made["hosts"]["n7"])))
    assert sizes[100] == sizes[200]


def test_no_certificate_authority_shares_a_file_or_signs_for_two_trusts() -> None:
    for profile in PROFILES.values():
        assert len({ca.stem for ca in profile.cas}) == len(profile.cas)
        signers = {"client": "kubernetes-ca", "front_proxy": "front-proxy-ca", "etcd": "etcd-ca"}
        for trust in profile.trust:
            if trust.name in signers and trust.members:
                assert trust.members[0] == signers[trust.name]
        assert {found.issuer for found in profile.rows if found.name == "front-proxy-client"} == {"front-proxy-ca"}
        assert {found.issuer for found in profile.rows if found.name.startswith("etcd-")} == {"etcd-ca"}


def test_select_reads_no_other_variable() -> None:
    assert plan.select({"node_ip": "192.0.2.1", "secret": "x"}) == {"node_ip": "192.0.2.1"}


# -- identities of the user


def test_extra_identity() -> None:
    extra = {
        "name": "backup",
        "groups": ["etcd"],
        "issuer": "etcd-ca",
        "common_name": "backup-{node_name}",
        "organizations": ["ops"],
        "dns_names": ["{node_name}.example.org"],
        "ip_addresses": ["{node_ip}"],
        "usages": ["client auth", "server auth"],
        "validity": "30d",
        "renew_before": "10d",
        "key_type": "rsa-2048",
        "owner": "backup",
        "key_mode": "0640",
        "kubeconfig": {"path": "/etc/backup/kube.conf"},
    }
    made = build(cluster_extra_identities=[extra])
    found = row(made, "cp2", "backup")
    assert found["common_name"] == "backup-cp2"
    assert found["dns_names"] == ["cp2.example.org"]
    assert found["ip_addresses"] == ["192.0.2.12"]
    assert (found["validity"], found["renew_before"], found["key_type"]) == (2_592_000, 864_000, "rsa-2048")
    assert (found["key_path"], found["owner"], found["key_mode"]) == (f"{PKI}/backup.key", "backup", "0640")
    assert found["kubeconfig"]["path"] == "/etc/backup/kube.conf"
    assert identity.identity_of(found).issuer == "etcd-ca"
    assert made["hosts"]["cp2"]["users"].count("backup") == 0
    assert "backup" not in made["hosts"]["w1"]["certs"]


def test_overrides() -> None:
    changes = {
        "admin": {"validity": "90d", "key_type": "ecdsa-p384", "renew_before": "25%", "keep_key": True},
        "kube-apiserver": {"dns_names": ["more.example.org"], "ip_addresses": ["192.0.2.99"]},
        "kubelet-client-ca": {"key_path": "/srv/kubelet.key"},
        "scheduler": {"common_name": "scheduler-{node_name}", "organizations": ["ops", "system:masters"]},
        "super-admin": {"organizations": []},
        "controller-manager": {"kubeconfig_path": "/srv/controller-manager.conf"},
    }
    made = build(cluster_identity_overrides=changes)
    assert row(made, "cp1", "admin")["validity"] == 7_776_000
    assert row(made, "cp1", "admin")["key_type"] == "ecdsa-p384"
    assert (row(made, "cp1", "admin")["renew_before"], row(made, "cp1", "admin")["keep_key"]) == ("25%", True)
    assert (row(made, "cp2", "scheduler")["renew_before"], row(made, "cp2", "scheduler")["keep_key"]) == (None, False)
    assert row(made, "cp1", "kube-apiserver")["dns_names"][-1] == "more.example.org"
    scheduler = row(made, "cp2", "scheduler")
    assert (scheduler["common_name"], scheduler["organizations"]) == ("scheduler-cp2", ["ops", "system:masters"])
    assert scheduler["kubeconfig"]["user_name"] == "scheduler-cp2"
    assert row(made, "cp1", "super-admin")["organizations"] == []
    assert [warning for warning in made["warnings"] if "scheduler is in system:masters" in warning]
    assert "192.0.2.99" in row(made, "cp1", "kube-apiserver")["ip_addresses"]
    assert made["hosts"]["cp1"]["signing"]["kubelet_client"]["key"] == "/srv/kubelet.key"
    assert made["hosts"]["cp1"]["certs"]["kubelet-client-ca"]["key"] == "/srv/kubelet.key"
    assert row(made, "cp1", "controller-manager")["kubeconfig"]["path"] == "/srv/controller-manager.conf"
    assert made["hosts"]["cp1"]["certs"]["controller-manager"]["kubeconfig"] == "/srv/controller-manager.conf"
    assert "/srv/controller-manager.conf" in made["hosts"]["cp1"]["restart_files"]["kube-controller-manager"]
    assert made["cluster"]["admin_kubeconfig"] == "/etc/kubernetes/admin.conf"
    moved = build(cluster_identity_overrides={"admin": {"kubeconfig_path": "/root/admin.conf"}})
    assert moved["cluster"]["admin_kubeconfig"] == "/root/admin.conf"


@pytest.mark.parametrize(
    ("extra", "why"),
    [
        ({}, "cannot be a name"),
        ({"name": "Backup"}, "cannot be a name"),
        ({"name": "admin"}, "there is an identity 'admin' already"),
        ({"name": "x", "isuer": "etcd-ca"}, "'isuer' is not an option"),
        ({"name": "x", "issuer": "kubelet-client-ca"}, "issuer 'kubelet-client-ca' is not one of"),
        ({"name": "x", "issuer": "front-proxy-ca"}, "front-proxy-ca signs the front proxy's client alone"),
        ({"name": "x", "usages": ["email"]}, "usages are"),
        ({"name": "x", "usages": ["server auth"]}, "needs dns_names or ip_addresses"),
        ({"name": "x", "key_mode": "0644"}, "key_mode '0644'"),
        ({"name": "x", "key_type": "rsa-1024"}, "'rsa-1024' is not one of"),
        ({"name": "x", "key_type": "ed25519"}, "'ed25519' is not one of"),
        ({"name": "x", "dns_names": ["10.0.0.1"]}, "is an IP address"),
        ({"name": "x", "dns_names": [""]}, "it is empty"),
        ({"name": "x", "ip_addresses": ["w1.example.org"]}, "is not an IP address"),
        ({"name": "x", "dns_names": [f"n{number}" for number in range(5000)]}, "more than 300"),
        ({"name": "x", "validity": "20y"}, "validity: '20y' is not a duration"),
        ({"name": "x", "validity": "7300d"}, "longer than cluster_ca_validity"),
        ({"name": "x", "validity": "10d", "renew_before": "10d"}, "every run would renew"),
        ({"name": "x", "common_name": "*.example.org"}, "1 to 64 bytes and no wildcard"),
        ({"name": "x", "organizations": ["y" * 65]}, "1 to 64 bytes and no wildcard"),
        ({"name": "x", "organizations": [""]}, "1 to 64 bytes and no wildcard"),
        ({"name": "x", "renew_before": "100%"}, "renew_before: '100%' is not a duration"),
        ({"name": "x", "keep_key": "sometimes"}, "neither true nor false"),
        ({"name": "x", "key_path": "keys/x.key"}, "not an absolute path"),
        ({"name": "x", "certificate_path": f"{PKI}/apiserver.crt"}, "have one file"),
        ({"name": "x", "owner": "a b"}, "name of a user"),
        ({"name": "x", "kubeconfig": {"path": "x"}}, "not an absolute path"),
    ],
)
def test_extra_identity_refused(extra: dict[str, Any], why: str) -> None:
    assert why in refusal(cluster_extra_identities=[extra])


@pytest.mark.parametrize(
    ("overrides", "why"),
    [
        ({"admim": {}}, "there is no identity 'admim'"),
        ({"admin": {"owner": "x"}}, "'owner' is not an option"),
        ({"admin": {"organizations": "ops"}}, "a list is wanted"),
        ({"admin": {"validity": "30"}}, "not a duration"),
        ({"admin": {"validity": "4000d"}}, "longer than cluster_ca_validity"),
        ({"admin": {"key_path": "/etc/../x"}}, "without '..'"),
        ({"admin": {"kubeconfig_path": "admin.conf"}}, "not an absolute path"),
        # What it has not would be passed over in silence.
        ({"admin": {"public_key_path": "/x"}}, "'public_key_path' is not an option"),
        ({"kube-apiserver": {"kubeconfig_path": "/x"}}, "'kubeconfig_path' is not an option"),
        (
            {"service-account": {"validity": "30d"}},
            "'validity' is not an option; there are key_type, key_path, public_",
        ),
        ({"kubelet-client-ca": {"renew_before": "30d"}}, "'renew_before' is not an option"),
    ],
)
def test_override_refused(overrides: dict[str, Any], why: str) -> None:
    assert why in refusal(cluster_identity_overrides=overrides)


def test_masters_are_warned_about() -> None:
    made = build(cluster_extra_identities=[{"name": "x", "organizations": ["system:masters"]}])
    assert any("system:masters" in warning for warning in made["warnings"])


# -- refused


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"cluster_name": "A/b"}, "cluster_name"),
        ({"cluster_profile": "kubespray"}, "cluster_profile: 'kubespray' is not one of separated, kubeadm"),
        ({"cluster_kubernetes_version": "1.33.1"}, "is not supported: use 1.34 to 1.37"),
        ({"cluster_kubernetes_version": "1.38.0"}, "is not supported: use 1.34 to 1.37"),
        ({"cluster_kubernetes_version": "v1.37"}, "is not a version"),
        ({"cluster_domain": "Cluster.Local"}, "cluster_domain"),
        ({"cluster_service_cidr": "10.96.0.0/8"}, "cluster_service_cidr"),
        ({"cluster_service_cidr": "10.244.0.0/16"}, "overlap"),
        ({"cluster_service_cidr": "192.0.2.0/24"}, "lies in cluster_service_cidr"),
        ({"cluster_pod_cidr": "192.0.2.0/24"}, "lies in cluster_pod_cidr"),
        ({"cluster_pod_cidr": "fd00:244::/56"}, "different IP families"),
        ({"cluster_service_cidr": "fd00:96::/112", "cluster_pod_cidr": "fd00:244::/56"}, "change the order"),
        ({"cluster_api_endpoint": "http://api:6443"}, "https://"),
        ({"cluster_api_extra_sans": ["a_b"]}, "underscore"),
        ({"cluster_api_extra_sans": [""]}, "it is empty"),
        ({"cluster_api_extra_sans": ["192.0.2.010"]}, "leading zeros"),
        ({"cluster_api_extra_sans": [f"n{number}" for number in range(5000)]}, "more than 300"),
        ({"cluster_api_port": 0}, "is not a port"),
        ({"cluster_ca_host": "cp9"}, "neither localhost nor a host of the inventory"),
        ({"cluster_ca_directory": "ca"}, "not an absolute path"),
        ({"cluster_ca_directory": "~/c\na"}, "not an absolute path"),
        ({"cluster_pki_directory": "/srv/my pki"}, "more than letters"),
        ({"cluster_pod_cidr": "224.0.0.0/8"}, "do not reach one another"),
        ({"cluster_service_cidr": "127.0.0.0/24"}, "do not reach one another"),
        ({"cluster_service_cidr": "fe80::/112", "cluster_pod_cidr": "fd00::/56"}, "do not reach one another"),
        ({"cluster_config_directory": "/srv/%i"}, "more than letters"),
        ({"cluster_ca_directory": f"{PKI}/ca"}, "lies in cluster_pki_directory"),
        ({"cluster_key_type": "ed25519"}, "one of ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072, rsa-4096"),
        ({"cluster_key_type": "rsa-1024"}, "one of ecdsa-p256"),
        ({"cluster_certificate_validity": "4000d"}, "longer than cluster_ca_validity"),
        ({"cluster_signing_duration": "4000d"}, "longer than cluster_ca_validity"),
        ({"cluster_renew_before": "365d"}, "every run would renew"),
        ({"cluster_join_token_ttl": "0s"}, "at least 1m and at most 1d"),
        ({"cluster_join_token_ttl": "-5m"}, "not a duration"),
        ({"cluster_join_token_ttl": "25h"}, "at least 1m and at most 1d"),
        ({"cluster_join_token_groups": ["system:masters"]}, "'system:masters' cannot be a group"),
        ({"cluster_join_token_usages": ["signing"]}, "no node can join"),
        ({"cluster_join_token_description": "a\nb"}, "one line"),
        ({"cluster_approver": "nobody"}, "cluster_approver"),
        ({"cluster_approver": "manual"}, "one of service, module"),
        ({"cluster_join_credential": "password"}, "one of token, "),
        ({"cluster_client_approval": "nobody"}, "one of inventory, auto, manual"),
        ({"cluster_client_approval": "auto"}, "good for any node"),
        ({**KUBEADM, "cluster_join_credential": "certificate"}, "would vouch for servers too"),
        ({"cluster_join_token_file_user": "system:admin"}, "a name of Kubernetes itself"),
        ({"cluster_join_token_file_groups": ["system:masters"]}, "cannot be a group of the token file"),
        ({"cluster_join_credential": "token_file"}, "tied to no node"),
        ({"cluster_serving_approval": "auto"}, "no part of Kubernetes approves"),
        ({"cluster_join_credential": "shared_token"}, "tied to no node"),
    ],
)
def test_setting_refused(changes: dict[str, Any], why: str) -> None:
    assert why in refusal(**changes)


def test_join_certificates_are_signed_by_a_ca_of_their_own() -> None:
    made = build(cluster_join_credential="certificate")
    assert [ca["name"] for ca in made["cas"]][-1] == "join-ca"
    assert bundle(made, "cp2", "client")["members"][-1] == "?join-ca"
    # Nobody but the API server ever trusts it.
    members = [
        (host, found["name"])
        for host in made["hosts"]
        for found in made["hosts"][host]["bundles"]
        if "join-ca" in str(found["members"])
    ]
    assert members == [(host, "client") for host in HA["kube_control_plane"]]
    row_ = made["hosts"]["w1"]["joining"]["node"]
    assert (row_["common_name"], row_["organizations"]) == ("system:node:w1", ["system:bootstrappers:tlsbootstrap"])
    assert (row_["usages"], row_["validity"], row_["issuer"]) == (["client auth"], 3600, "join-ca")
    assert made["hosts"]["cp1"]["joining"]["probe"]["organizations"] == []
    identity.identity_of(row_)
    identity.identity_of(made["hosts"]["cp1"]["joining"]["probe"])


def test_without_join_certificates_there_is_no_ca_of_them() -> None:
    made = build()
    assert "join-ca" not in [ca["name"] for ca in made["cas"]]
    assert "join-ca" not in str(bundle(made, "cp1", "client")["members"])
    assert made["hosts"]["w1"]["joining"] == {}


def test_a_name_too_long_for_a_join_certificate_is_refused() -> None:
    hosts = {"w1": {"node_ip": "192.0.2.31", "node_name": "a" * 53}}
    assert build(None, hosts)
    assert "too long for a join certificate" in refusal(None, hosts, cluster_join_credential="certificate")


def test_the_plan_says_who_decides() -> None:
    made = build(cluster_client_approval="manual", cluster_renewal_approval="inventory")
    assert made["policy"]["decides"] == ["renewal", "serving"]
    assert made["cluster"]["approval"] == {
        "client": "manual",
        "renewal": "inventory",
        "serving": "inventory",
        "service": True,
        "module": False,
    }
    people = build(cluster_client_approval="manual", cluster_serving_approval="manual")
    assert people["policy"]["decides"] == []
    assert "csr-approver" not in people["hosts"]["cp1"]["units"]
    assert "csr-approver" not in [found["name"] for found in people["hosts"]["cp1"]["identities"]]


@pytest.mark.parametrize("ttl", ["1m", "24h"])
def test_bounds_of_the_token(ttl: str) -> None:
    assert build(cluster_join_token_ttl=ttl)


@pytest.mark.parametrize(
    ("hosts", "why"),
    [
        ({"w1": {"ansible_host": "w1.example.org"}}, "host w1: its address is not known"),
        ({"w1": {}}, "host w1: its address is not known"),
        ({"w1": {"node_ip": "192.0.2.32"}}, "hosts w1 and w2 have one address, 192.0.2.32"),
        ({"w1": {"node_ip": "192.0.2.031"}}, "host w1: node_ip '192.0.2.031' has leading zeros"),
        ({"w1": {"node_ip": ["192.0.2.1", "192.0.2.2"]}}, "one of IPv4 and one of IPv6"),
        ({"w1": {"node_ip": "127.0.0.1"}}, "other hosts can reach"),
        ({"w1": {"node_ip": "fe80::1"}}, "other hosts can reach"),
        ({"w1": {"node_ip": "192.0.2.31", "node_name": "w2"}}, "hosts w1 and w2 have one node name"),
        ({"w1": {"node_ip": "192.0.2.31", "node_name": "W2"}}, "hosts w1 and w2 have one node name"),
        ({"w1": {"node_ip": "192.0.2.31", "node_name": "kubernetes.default.svc"}}, "is a name of the API server"),
        ({"w1": {"node_ip": "192.0.2.31", "node_name": "localhost"}}, "is a name of the API server"),
        ({"w1": {"node_ip": "192.0.2.31", "node_name": "w_1"}}, "give the host a valid node_name"),
        ({"w1": {"node_ip": "192.0.2.31", "node_name": "bücher"}}, "xn--"),
        ({"w1": {"node_ip": "192.0.2.31", "node_name": "192.0.2.32"}}, "its node name 192.0.2.32 is the address of w2"),
        ({"w1": {"node_ip": "192.0.2.31", "node_name": "10.96.0.1"}}, "10.96.0.1 is a name of the API server"),
        ({"w1": {"node_ip": "192.0.2.31", "node_name": "10.96.0.7"}}, "10.96.0.7 lies in cluster_service_cidr"),
        ({"w1": {"node_ip": "192.0.2.31", "node_labels": {"a b": "c"}}}, "cannot be a key"),
        ({"w1": {"node_ip": "192.0.2.31", "node_labels": {"a": "c d"}}}, "value of a label"),
        ({"w1": {"node_ip": "192.0.2.31", "node_labels": ["a"]}}, "a dictionary is wanted"),
        ({"w1": {"node_ip": "192.0.2.31", "node_taints": [{"key": "a", "effect": "Never"}]}}, "'Never' is not one of"),
        ({"w1": {"node_ip": "192.0.2.31", "node_taints": [{"kei": "a"}]}}, "key, value and effect"),
        (
            {
                "w1": {
                    "node_ip": "192.0.2.31",
                    "node_taints": [{"key": "a", "value": v, "effect": "NoExecute"} for v in "bc"],
                }
            },
            "a:NoExecute is there twice",
        ),
    ],
)
def test_host_refused(hosts: dict[str, dict[str, Any]], why: str) -> None:
    assert why in refusal(None, hosts)


def test_taints_of_a_control_plane_are_those_given() -> None:
    groups = {"kube_control_plane": ["cp1"], "kube_node": ["cp1"]}
    taint = {"key": "a", "value": "true", "effect": "NoExecute"}
    for given, wanted in (([], []), ([{**taint, "value": True}], [taint])):
        made = build(groups, {"cp1": {"node_ip": "192.0.2.11", "node_taints": given}})
        assert made["hosts"]["cp1"]["taints"] == wanted


def test_a_node_that_is_called_by_its_address_has_no_dns_name() -> None:
    made = build(None, {"w1": {"ansible_host": "192.0.2.31", "node_name": "192.0.2.31"}})
    assert made["policy"]["nodes"]["192.0.2.31"] == {"dns_names": [], "ip_addresses": ["192.0.2.31"]}
    assert made["policy"]["nodes"]["w2"] == {"dns_names": ["w2"], "ip_addresses": ["192.0.2.32"]}
    # Where it is not one of its addresses it comes besides.
    made = build(None, {"w1": {"ansible_host": "192.0.2.31", "node_name": "198.51.100.7"}})
    assert made["policy"]["nodes"]["198.51.100.7"]["ip_addresses"] == ["198.51.100.7", "192.0.2.31"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"cluster_approver": "module"}, "(cluster_approver: module): they end at their first renewal"),
        ({"cluster_serving_approval": "manual"}, "(cluster_serving_approval: manual): they end at their first renewal"),
    ],
)
def test_serving_certificates_that_nobody_renews_are_told(changes: dict[str, str], words: str) -> None:
    found = [text for text in build(None, None, **changes)["warnings"] if "serving certificates" in text]
    assert bool(found) is bool(words)
    assert all(words in text for text in found)


def test_two_spellings_of_one_address() -> None:
    hosts = {"w1": {"node_ip": "2001:db8::1"}, "w2": {"node_ip": "2001:DB8:0::0001"}}
    assert "hosts w1 and w2 have one address, 2001:db8::1" in refusal(None, hosts)


def test_default_names_are_the_inventorys() -> None:
    text = refusal({"kube_control_plane": ["cp1"], "kube_node": ["W_1"]}, {"W_1": {"node_ip": "192.0.2.31"}})
    assert "host W_1" in text
    assert "node_name" in text
    named = {"W_1": {"node_ip": "192.0.2.31", "node_name": "w1"}}
    made = build({"kube_control_plane": ["cp1"], "kube_node": ["W_1"]}, named)
    assert made["hosts"]["W_1"]["node_name"] == "w1"


@pytest.mark.parametrize("groups", [{"kube_node": ["w1"]}, {"kube_control_plane": [], "kube_node": ["w1"]}])
def test_no_control_plane(groups: dict[str, list[str]]) -> None:
    assert "the group kube_control_plane has no host" in refusal(groups)


def test_empty_groups_that_may_be() -> None:
    groups: dict[str, list[str]] = {"kube_control_plane": ["cp1"], "etcd": []}
    made = build(groups)
    assert made["cluster"]["etcd_hosts"] == ["cp1"]
    # A PKI alone needs none.
    assert not any("kube_node has no host" in warning for warning in made["warnings"])
    assert any("kube_node has no host" in one for one in build(groups, cluster_check_binaries=True)["warnings"])


def test_warnings_of_a_cluster_that_depends_on_one() -> None:
    made = build({"kube_control_plane": ["cp1", "cp2"], "kube_node": ["w1"]})
    assert any("depend on cp1 alone" in warning for warning in made["warnings"])
    assert any("etcd has 2 members" in warning for warning in made["warnings"])
    assert build(cluster_api_endpoint="https://api.example.org:6443")["warnings"] == []


def test_kubeadm_with_several_control_planes() -> None:
    assert "sharing CA keys between control planes is not offered yet" in refusal(HA, **KUBEADM)


@pytest.mark.parametrize("changes", [{"cluster_ca_host": "localhost"}, {"cluster_ca_directory": "/srv/ca"}])
def test_kubeadm_keeps_its_cas_in_place(changes: dict[str, str]) -> None:
    text = refusal(SINGLE, **{**KUBEADM, **changes})
    assert f"cluster_ca_host: cp1, cluster_ca_directory: {PKI}" in text


@pytest.mark.parametrize(
    "changes",
    [
        {"cluster_api_endpoint": "https://192.0.2.31:6443"},
        {"cluster_api_extra_sans": ["192.0.2.31"]},
        {"cluster_api_extra_sans": ["w1"]},
    ],
)
def test_a_worker_is_not_called_like_the_api_server(changes: dict[str, Any]) -> None:
    """The certificate of its kubelet has its names; those of a control plane may be the API server's too."""
    assert "host w1: " in refusal(**changes)
    renamed = json.loads(json.dumps(changes).replace("192.0.2.31", "192.0.2.11").replace("w1", "cp1"))
    assert build({"kube_control_plane": ["cp1"], "kube_node": ["cp1", "w1"]}, **renamed)


def test_all_of_a_list_is_looked_at() -> None:
    text = refusal(
        None,
        {
            "w1": {"node_ip": ["192.0.2.031", "x"], "node_labels": {"a b": "c", "d": "e f"}},
            "w2": {"node_ip": "192.0.2.32", "node_taints": [{"key": "a", "effect": "Never"}, {"kei": "a"}]},
        },
        cluster_api_extra_sans=["a_b", "ok.example.org", "192.0.2.010"],
        cluster_extra_identities=[
            {"name": "x", "dns_names": ["a_b", "c_d"], "ip_addresses": ["x"], "owner": "a b", "key_mode": "0666"},
            {"name": "y", "groups": ["bakcup"]},
        ],
        cluster_identity_overrides={"admin": {"validity": "x", "key_type": "dsa", "dns_names": "a.example.org"}},
    )
    assert text.startswith("17 findings:"), text


def test_the_binaries_that_hosts_need() -> None:
    groups = {"kube_control_plane": ["cp1"], "etcd": ["e1"], "kube_node": ["cp1", "w1"]}
    control_plane = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"]
    node = ["kubelet", "kube-proxy"]
    assert plan.components_by_host(groups) == {"cp1": [*control_plane, *node], "e1": ["etcd"], "w1": node}
    assert plan.components_by_host(HA)["cp3"] == [*control_plane, "etcd"]
    hosts = build(groups)["hosts"]
    assert hosts["cp1"]["components"] == {"control_plane": control_plane, "node": node}
    assert hosts["e1"]["components"] == {"control_plane": ["etcd"], "node": []}


def test_all_findings_at_once() -> None:
    text = refusal(None, {"w1": {"node_ip": "x"}, "w2": {"node_name": "W"}}, cluster_join_token_ttl="0s")
    assert text.startswith("4 findings:")
    assert text.count("\n- ") == 4


def test_a_missing_setting_is_named() -> None:
    incomplete = settings()
    del incomplete["cluster_domain"]
    with pytest.raises(InputError, match="cluster_domain is not set"):
        plan.build(incomplete, HA, HOSTS)


# -- where CAs come from


ROOT = {"cluster_ca_root_certificate": "/srv/root.crt", "cluster_ca_root_key": "/srv/root.key"}


def test_cas_are_made_here_unless_they_are_named() -> None:
    made = build(cluster_ca_sources={"kubernetes-ca": "external", "etcd-ca": "root"}, **ROOT)
    cas = {ca["name"]: (ca["source"], ca["root_certificate"]) for ca in made["cas"]}
    assert cas == {
        "kubernetes-ca": ("external", "/srv/root.crt"),
        "etcd-ca": ("root", "/srv/root.crt"),
        "front-proxy-ca": ("self_signed", "/srv/root.crt"),
    }
    asked = {(host, found["name"]) for host in HOSTS if host in made["hosts"]
             for found in made["hosts"][host]["identities"] if found["external"]}  # fmt: skip
    assert ("cp1", "kube-apiserver") in asked
    assert ("w1", "kube-proxy") in asked
    assert ("cp1", "etcd-server") not in asked
    assert ("cp1", "kubelet-client-ca") not in asked
    assert made["hosts"]["cp1"]["signing"].keys() == {"kubelet_client", "kubelet_serving"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cluster_ca_sources": ["external"]}, "cluster_ca_sources: a dictionary from names of CAs is wanted"),
        ({"cluster_ca_sources": {"ca": "external"}}, "there is no CA 'ca'; there are kubernetes-ca, etcd-ca"),
        (
            {"cluster_ca_sources": {"etcd-ca": "made"}},
            "cluster_ca_sources: etcd-ca: 'made' is not one of self_signed, root",
        ),
        ({"cluster_ca_sources": {"etcd-ca": "root"}}, "cluster_ca_root_certificate is not set: the source root"),
        (
            {"cluster_ca_sources": {"etcd-ca": "root"}, "cluster_ca_root_certificate": "/srv/root.crt"},
            "cluster_ca_root_key is not set",
        ),
        ({"cluster_ca_sources": {"etcd-ca": "offline_root"}}, "cluster_ca_root_certificate is not set"),
        (
            {"cluster_ca_root_certificate": "root.crt"},
            "cluster_ca_root_certificate: 'root.crt' is not an absolute path",
        ),
        (ROOT, "cluster_ca_root_key is set, and no CA of cluster_ca_sources comes from a root"),
        (
            {"cluster_ca_passphrase": "s3cret", "cluster_ca_passphrase_prompt": True},
            "cluster_ca_passphrase and cluster_ca_passphrase_prompt are both set",
        ),
        ({**KUBEADM, "cluster_ca_passphrase_prompt": True}, "cluster_ca_passphrase_prompt: in the profile kubeadm"),
        (
            {"cluster_ca_passphrase_prompt": True, "cluster_join_credential": "certificate"},
            "cluster_ca_passphrase_prompt: with join certificates whatever run comes next closes the joins",
        ),
    ],
)
def test_sources_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    said = refusal(SINGLE, **changes)
    assert message in said
    assert "s3cret" not in said


def test_an_offline_root_has_no_key_here() -> None:
    made = build(cluster_ca_sources={"etcd-ca": "offline_root"}, cluster_ca_root_certificate="/srv/root.crt")
    assert [ca["source"] for ca in made["cas"]] == ["self_signed", "offline_root", "self_signed"]


def test_kubeadm_without_the_key_of_its_ca_signs_for_nobody() -> None:
    """As kubeadm's external CA mode has it."""
    made = build(SINGLE, cluster_ca_sources={"kubernetes-ca": "external"}, **KUBEADM)
    assert made["hosts"]["cp1"]["signing"] == {}
    assert [text for text in made["warnings"] if "the controller-manager then signs nothing" in text]


def test_what_lives_in_a_kubeconfig_has_no_files_to_move() -> None:
    made = build(SINGLE, cluster_identity_overrides={"admin": {"kubeconfig_path": "/root/admin.conf"}}, **KUBEADM)
    assert row(made, "cp1", "admin")["kubeconfig"]["path"] == "/root/admin.conf"
    said = refusal(SINGLE, cluster_identity_overrides={"admin": {"key_path": "/root/admin.key"}}, **KUBEADM)
    assert "cluster_identity_overrides: admin: 'key_path' is not an option" in said


# -- a cluster that somebody else has made

PIN = "sha256:" + "ab" * 32
NODES = {"kube_node": ["w1", "w2"], "all": ["w1", "w2", "cp1"]}
EXISTING = {
    "cluster_admin_kubeconfig": "~/.kube/config",
    "cluster_ca_pins": [PIN],
    "cluster_allow_existing": True,
}


def join_existing(groups: dict[str, list[str]] | None = None, **changes: Any) -> dict[str, Any]:
    return build(groups or NODES, **{**EXISTING, **changes})


def test_nodes_alone_join_an_existing_cluster() -> None:
    made = join_existing()
    assert set(made["hosts"]) == {"w1", "w2"}
    assert made["cas"] == []
    cluster = made["cluster"]
    assert cluster["existing"]
    assert (cluster["admin_kubeconfig"], cluster["admin_host"], cluster["admin_become"]) == (
        "~/.kube/config",
        "localhost",
        False,
    )
    assert (cluster["control_planes"], cluster["api_endpoint"]) == ([], "")
    host = made["hosts"]["w1"]
    assert (host["identities"], host["users"]) == ([], [])
    assert (host["units"], host["components"]["node"]) == (["kubelet"], ["kubelet"])
    assert bundle(made, "w1", "kubernetes")["members"] == ["kubernetes-ca"]
    assert host["trust"] == {"kubernetes": f"{PKI}/ca.crt"}
    assert host["restart_files"] == {"kubelet": [f"{PKI}/ca.crt"]}
    assert made["policy"]["nodes"]["w1"] == {"dns_names": ["w1"], "ip_addresses": ["192.0.2.31"]}
    assert plan.components_by_host(NODES, existing=True) == {"w1": ["kubelet"], "w2": ["kubelet"]}


def test_the_playbook_approves_there_and_says_that_nobody_does_later() -> None:
    made = join_existing()
    assert made["cluster"]["approval"] == {
        "client": "inventory",
        "renewal": "auto",
        "serving": "inventory",
        "service": False,
        "module": True,
    }
    assert ["nobody approves the next ones" in text for text in made["warnings"]] == [True]
    assert join_existing(cluster_client_approval="manual", cluster_serving_approval="manual")["warnings"] == []


def test_a_given_endpoint_and_another_host_of_the_kubeconfig_are_kept() -> None:
    made = join_existing(
        cluster_api_endpoint="https://api.example.org:8443", cluster_admin_host="cp1", cluster_admin_become=True
    )
    cluster = made["cluster"]
    assert cluster["api_endpoint"] == "https://api.example.org:8443"
    assert (cluster["admin_host"], cluster["admin_become"]) == ("cp1", True)


def test_networks_of_a_cluster_that_is_not_known_are_not_compared() -> None:
    hosts = {"w1": {"node_ip": "10.96.0.7"}}
    assert build(NODES, hosts, **EXISTING)["hosts"]["w1"]["addresses"] == ["10.96.0.7"]


def test_in_a_cluster_of_ours_root_asks_on_the_first_control_plane() -> None:
    cluster = build()["cluster"]
    assert (cluster["existing"], cluster["admin_host"], cluster["admin_become"]) == (False, "cp1", True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cluster_ca_pins": []}, "cluster_ca_pins names no CA"),
        ({"cluster_ca_pins": ["abc"]}, "not a pin like sha256:"),
        ({"cluster_admin_kubeconfig": "config"}, "not an absolute path"),
        ({"cluster_admin_host": "cp9"}, "neither localhost nor a host of the inventory"),
        ({"cluster_allow_existing": False}, "this playbook is for clusters that this collection makes"),
        ({"cluster_join_credential": "certificate"}, "join with token alone"),
        ({"cluster_renewal_approval": "inventory"}, "no playbook runs when nodes renew"),
        ({"cluster_kubeadm_join": True}, "cluster_kubeadm_join with cluster_admin_kubeconfig"),
        (
            {
                "cluster_extra_identities": [
                    {"name": "x", "common_name": "x", "groups": ["kube_node"], "issuer": "etcd-ca"}
                ]
            },
            "cluster_extra_identities",
        ),
    ],
)
def test_what_does_not_go_with_an_existing_cluster(changes: dict[str, Any], said: str) -> None:
    assert said in refusal(NODES, **{**EXISTING, **changes})


def test_an_existing_cluster_beside_one_of_ours_is_refused() -> None:
    assert "the group kube_control_plane has hosts" in refusal(SINGLE, **EXISTING)
    assert "the group etcd has hosts" in refusal({**NODES, "etcd": ["e1"]}, **EXISTING)


def test_pins_without_a_kubeconfig_are_refused() -> None:
    assert "cluster_admin_kubeconfig is not" in refusal(cluster_ca_pins=[PIN])


def test_an_inventory_of_nodes_alone_is_told_of_the_other_way() -> None:
    assert "or set cluster_admin_kubeconfig" in refusal(NODES)
