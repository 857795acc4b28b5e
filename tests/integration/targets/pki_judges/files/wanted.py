# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every certificate of a host that is control plane, etcd member and node in one, by hand: what it has to say."""

from __future__ import annotations

from dataclasses import dataclass

SERVER, CLIENT = "server auth", "client auth"
NODE_IPS = ("192.0.2.11", "fd00::11")
SERVICE_IPS = ("10.96.0.1", "fd00:1::1")
LOOPBACK = ("127.0.0.1", "::1")
API_NAMES = (
    "cp1",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)
# As many as there may be.
MANY = tuple(f"h{number}.example.org" for number in range(300))


@dataclass(frozen=True)
class Wanted:
    """A certificate; of `place` the part behind # is a kubeconfig's."""

    name: str
    place: str
    issuer: str
    common_name: str
    usages: tuple[str, ...] = (CLIENT,)
    organizations: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    is_ca: bool = False
    # Empty: that of the cluster.
    key_type: str = ""


def leaf(name, place, issuer, common_name, *organizations, **more):
    return Wanted(name, place, issuer, common_name, organizations=organizations, **more)


def authority(name, place, common_name):
    return Wanted(name, place, name, common_name, usages=(), is_ca=True)


def member(name):
    names = {"names": ("cp1", "localhost"), "addresses": (*NODE_IPS, *LOOPBACK)}
    return leaf(f"etcd-{name}", f"etcd/{name}.crt", "etcd-ca", "cp1", usages=(SERVER, CLIENT), **names)


def clients():
    return [
        leaf(
            "kube-apiserver-kubelet-client",
            "apiserver-kubelet-client.crt",
            "kubernetes-ca",
            "kube-apiserver-kubelet-client",
        ),
        leaf("front-proxy-client", "front-proxy-client.crt", "front-proxy-ca", "front-proxy-client"),
        leaf("apiserver-etcd-client", "apiserver-etcd-client.crt", "etcd-ca", "kube-apiserver-etcd-client"),
        leaf("etcd-healthcheck-client", "etcd/healthcheck-client.crt", "etcd-ca", "kube-etcd-healthcheck-client"),
        member("server"),
        member("peer"),
        leaf(
            "many", "many.crt", "etcd-ca", "many-cp1", "one", "two", usages=(SERVER, CLIENT), names=MANY, key_type="x"
        ),
    ]


def users(place, admins):
    return [
        leaf(name, place.format(name), "kubernetes-ca", common_name, *organizations)
        for name, common_name, *organizations in (
            ("admin", "kubernetes-admin", admins),
            ("super-admin", "kubernetes-super-admin", "system:masters"),
            ("controller-manager", "system:kube-controller-manager"),
            ("scheduler", "system:kube-scheduler"),
            ("csr-approver", "tlsbootstrap:csr-approver"),
            ("kube-proxy", "system:kube-proxy"),
        )
    ]


def api_server(names, addresses):
    return leaf(
        "kube-apiserver",
        "apiserver.crt",
        "kubernetes-ca",
        "kube-apiserver",
        usages=(SERVER,),
        names=(*API_NAMES, *names),
        addresses=(*NODE_IPS, *SERVICE_IPS, *addresses),
    )


PROFILES = {
    "separated": [
        authority("kubernetes-ca", "kubernetes-ca.crt", "kubernetes-ca"),
        authority("etcd-ca", "etcd/ca.crt", "etcd-ca"),
        authority("front-proxy-ca", "front-proxy-ca.crt", "front-proxy-ca"),
        authority("kubelet-client-ca", "signing/kubelet-client.crt", "kubelet-client-ca-cp1"),
        authority("kubelet-serving-ca", "signing/kubelet-serving.crt", "kubelet-serving-ca-cp1"),
        api_server(("localhost",), LOOPBACK),
        *clients(),
        *users("{}.crt", "tlsbootstrap:cluster-admins"),
    ],
    "kubeadm": [
        authority("kubernetes-ca", "ca.crt", "kubernetes"),
        authority("etcd-ca", "etcd/ca.crt", "etcd-ca"),
        authority("front-proxy-ca", "front-proxy-ca.crt", "front-proxy-ca"),
        api_server((), ()),
        *clients(),
        *users("../{}.conf", "kubeadm:cluster-admins"),
    ],
}
