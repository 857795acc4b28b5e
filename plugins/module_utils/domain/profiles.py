# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two layouts of a cluster's PKI, as data.

Placeholders in texts: ``{node_name}``, ``{domain}``. Words that begin with ``@`` in a list of names stand for several:
``@node_ips``, ``@loopback`` (addresses), ``@service_ips``, ``@endpoint``, ``@extra_sans``. Which of the names are
addresses is found out when they are known.

``restarts`` lists the units that read a file at their start only; ``kube-proxy<1.36`` says: only in releases before.
What is read again without a restart is known from the Kubernetes source: the API server's client CA, requestheader
CA, serving and aggregator pairs (staging/src/k8s.io/apiserver/pkg/server/dynamiccertificates), client certificates of
kubeconfigs (client-go/transport/cert_rotation.go), CA files of kubeconfigs since 1.36 (feature
ClientsAllowCARotation), the controller-manager's signing pairs (pkg/controller/certificates/signer/ca_provider.go),
etcd's own pairs (read at each handshake). The etcd CA, the service-account keys and --root-ca-file are not.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

__all__ = [
    "CLIENT",
    "COMPONENTS",
    "EXISTING",
    "JOIN_CA",
    "PROFILES",
    "SERVER",
    "SYSTEM_USERS",
    "UNITS",
    "Ca",
    "Kubeconfig",
    "Profile",
    "Row",
    "Trust",
]

JOIN_CA = "join-ca"
SERVER = "server auth"
CLIENT = "client auth"
# Each has a group of its own of the same name. The kubelet runs as root.
SYSTEM_USERS = ("csr-approver", "etcd", "kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler")
UNITS = {
    "etcd": ("etcd",),
    "control_plane": ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "csr-approver"),
    "node": ("kubelet", "kube-proxy"),
}
# The binaries of each place, by the names that kube_binaries knows.
COMPONENTS = {
    "etcd": ("etcd",),
    "control_plane": ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"),
    "node": ("kubelet", "kube-proxy"),
}


@dataclass(frozen=True)
class Ca:
    """A CA whose key lies on the CA host; files are relative to its folder."""

    name: str
    common_name: str
    stem: str
    key_group: str = ""  # empty: that of whoever makes it
    key_mode: str = "0600"
    credential: str = ""  # made only where nodes join with it


@dataclass(frozen=True)
class Kubeconfig:
    file: str
    server: str = "endpoint"  # or "local": the API server of the same host
    restarts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """An identity that every host of a place has; ``stem`` None: it lives in its kubeconfig alone."""

    name: str
    place: str
    stem: str | None
    common_name: str = ""
    kind: str = "certificate"
    issuer: str | None = "kubernetes-ca"
    organizations: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    usages: tuple[str, ...] = (CLIENT,)
    owner: str = "root"
    group: str = ""  # empty: the owner's
    key_mode: str = "0600"
    kubeconfig: Kubeconfig | None = None
    restarts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trust:
    """A file that says whom to trust. ``@name`` among the members is that identity of every control plane, ``?name`` a
    CA that is trusted at times only.

    Without members it is a second use of a file that something else writes.
    """

    name: str
    places: tuple[str, ...]
    file: str
    members: tuple[str, ...] = ()
    kind: str = "certificates"
    restarts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Profile:
    cas: tuple[Ca, ...]
    rows: tuple[Row, ...]
    trust: tuple[Trust, ...]
    # What the controller-manager signs with: its name for the pair -> stem of the files.
    signing: dict[str, str] = field(default_factory=dict)
    # The host's own API server is reached by its loopback address, or by the node's address as kubeadm does.
    local_by_loopback: bool = True
    # The CAs are made where they are used, so their certificates need no copy there.
    cas_in_place: bool = False


_EVERYWHERE = ("control_plane", "etcd", "node")
_KUBERNETES_RESTARTS = (
    "kube-controller-manager",  # --root-ca-file
    "kubelet",  # with rotation on it builds its own transport (pkg/kubelet/certificate/transport.go)
    "csr-approver",  # Python's TLS context is built once
    "kube-scheduler<1.36",
    "kube-proxy<1.36",
)
_API_NAMES = ("{node_name}", "kubernetes", "kubernetes.default", "kubernetes.default.svc")


def _api_server(names: tuple[str, ...]) -> Row:
    return Row(
        "kube-apiserver",
        "control_plane",
        "apiserver",
        "kube-apiserver",
        names=(*_API_NAMES, "kubernetes.default.svc.{domain}", *names),
        usages=(SERVER,),
        owner="kube-apiserver",
    )


def _api_client(name: str, common_name: str, issuer: str) -> Row:
    return Row(name, "control_plane", name, common_name, issuer=issuer, owner="kube-apiserver")


def _etcd_row(name: str) -> Row:
    """A member is server and client of the others in one."""
    return Row(
        f"etcd-{name}",
        "etcd",
        f"etcd/{name}",
        "{node_name}",
        issuer="etcd-ca",
        names=("{node_name}", "localhost", "@node_ips", "127.0.0.1", "::1"),
        usages=(SERVER, CLIENT),
        owner="etcd",
    )


def _client_rows() -> tuple[Row, ...]:
    """The API server's own clients and etcd's certificates are the same in both profiles."""
    kubelet_client = _api_client("apiserver-kubelet-client", "kube-apiserver-kubelet-client", "kubernetes-ca")
    return (
        replace(kubelet_client, name="kube-apiserver-kubelet-client"),
        _api_client("front-proxy-client", "front-proxy-client", "front-proxy-ca"),
        _api_client("apiserver-etcd-client", "kube-apiserver-etcd-client", "etcd-ca"),
        _etcd_row("server"),
        _etcd_row("peer"),
        Row(
            "etcd-healthcheck-client",
            "etcd",
            "etcd/healthcheck-client",
            "kube-etcd-healthcheck-client",
            issuer="etcd-ca",
        ),
    )


def _kubeconfig_row(
    name: str, common_name: str, owner: str, place: str = "control_plane", files: bool = True, **extra: str
) -> Row:
    """An identity with a kubeconfig; ``files`` False puts certificate and key inside it."""
    unit = extra.get("unit", "")
    # A kubeconfig is read once. Certificates beside it are read again by client-go, not by Python.
    restarts = (unit,) if unit else ()
    return Row(
        name,
        place,
        name if files else None,
        common_name,
        organizations=(extra["organization"],) if "organization" in extra else (),
        owner=owner,
        kubeconfig=Kubeconfig(f"{name}.conf", extra.get("server", "endpoint"), restarts),
        restarts=restarts if unit == "csr-approver" or not files else (),
    )


def _kubeconfig_rows(admins: str, files: bool) -> tuple[Row, ...]:
    return (
        _kubeconfig_row("admin", "kubernetes-admin", "root", files=files, organization=admins),
        # Break-glass: bypasses RBAC, so it works when the bindings are broken.
        _kubeconfig_row("super-admin", "kubernetes-super-admin", "root", files=files, organization="system:masters"),
        _kubeconfig_row(
            "controller-manager",
            "system:kube-controller-manager",
            "kube-controller-manager",
            files=files,
            server="local",
            unit="kube-controller-manager",
        ),
        _kubeconfig_row(
            "scheduler", "system:kube-scheduler", "kube-scheduler", files=files, server="local", unit="kube-scheduler"
        ),
        _kubeconfig_row(
            "csr-approver",
            "tlsbootstrap:csr-approver",
            "csr-approver",
            files=files,
            server="local",
            unit="csr-approver",
        ),
        _kubeconfig_row("kube-proxy", "system:kube-proxy", "kube-proxy", "node", files=files, unit="kube-proxy"),
    )


def _signing_ca(name: str, stem: str) -> Row:
    # The files are reloaded when they change (pkg/controller/certificates/signer/ca_provider.go).
    return Row(
        name,
        "control_plane",
        stem,
        f"{name}-{{node_name}}",
        kind="ca",
        issuer=None,
        usages=(),
        owner="kube-controller-manager",
    )


def _service_account(name: str, stem: str, unit: str, group: str = "", key_mode: str = "0600") -> Row:
    return Row(
        name,
        "control_plane",
        stem,
        kind="service_account",
        issuer=None,
        usages=(),
        owner=unit,
        group=group,
        key_mode=key_mode,
        restarts=(unit, "kube-controller-manager") if group else (unit,),
    )


_SEPARATED = Profile(
    cas=(
        Ca("kubernetes-ca", "kubernetes-ca", "kubernetes-ca"),
        Ca("etcd-ca", "etcd-ca", "etcd-ca"),
        Ca("front-proxy-ca", "front-proxy-ca", "front-proxy-ca"),
        Ca(JOIN_CA, JOIN_CA, JOIN_CA, credential="certificate"),
    ),
    rows=(
        _api_server(("localhost", "@endpoint", "@extra_sans", "@node_ips", "@service_ips", "@loopback")),
        *_client_rows(),
        *_kubeconfig_rows("tlsbootstrap:cluster-admins", files=True),
        _signing_ca("kubelet-client-ca", "signing/kubelet-client"),
        _signing_ca("kubelet-serving-ca", "signing/kubelet-serving"),
        _service_account("service-account", "sa", "kube-apiserver"),
        _service_account("controller-manager-service-account", "sa-controller-manager", "kube-controller-manager"),
    ),
    trust=(
        Trust("kubernetes", _EVERYWHERE, "kubernetes-ca.crt", ("kubernetes-ca",), restarts=_KUBERNETES_RESTARTS),
        Trust("client", ("control_plane",), "client-ca.crt", ("kubernetes-ca", "@kubelet-client-ca", "?" + JOIN_CA)),
        Trust("kubelet_serving", ("control_plane",), "kubelet-serving-ca.crt", ("@kubelet-serving-ca",)),
        Trust("front_proxy", ("control_plane",), "front-proxy-ca.crt", ("front-proxy-ca",)),
        Trust("etcd", ("control_plane", "etcd"), "etcd/ca.crt", ("etcd-ca",), restarts=("etcd", "kube-apiserver")),
        Trust(
            "service_account",
            ("control_plane",),
            "sa-trusted.pub",
            ("@service-account", "@controller-manager-service-account"),
            kind="public_keys",
            restarts=("kube-apiserver",),
        ),
    ),
    signing={"kubelet_client": "signing/kubelet-client", "kubelet_serving": "signing/kubelet-serving"},
)

# Files, subjects and alternative names of cmd/kubeadm/app/phases/certs/certlist.go and
# cmd/kubeadm/app/phases/kubeconfig/kubeconfig.go. kube-proxy and csr-approver are ours: kubeconfigs, no files.
_KUBEADM = Profile(
    cas=(
        # The controller-manager signs with this key and is not root.
        Ca("kubernetes-ca", "kubernetes", "ca", key_group="kube-controller-manager", key_mode="0640"),
        Ca("etcd-ca", "etcd-ca", "etcd/ca"),
        Ca("front-proxy-ca", "front-proxy-ca", "front-proxy-ca"),
    ),
    rows=(
        _api_server(("@service_ips", "@node_ips", "@endpoint", "@extra_sans")),
        *_client_rows(),
        *_kubeconfig_rows("kubeadm:cluster-admins", files=False),
        # One key pair: the controller-manager signs tokens, the API server signs and verifies.
        _service_account("service-account", "sa", "kube-apiserver", group="kube-controller-manager", key_mode="0640"),
    ),
    trust=(
        Trust("kubernetes", _EVERYWHERE, "ca.crt", ("kubernetes-ca",), restarts=_KUBERNETES_RESTARTS),
        Trust("client", ("control_plane",), "ca.crt"),
        Trust("kubelet_serving", ("control_plane",), "ca.crt"),
        Trust("front_proxy", ("control_plane",), "front-proxy-ca.crt", ("front-proxy-ca",)),
        Trust("etcd", ("control_plane", "etcd"), "etcd/ca.crt", ("etcd-ca",), restarts=("etcd", "kube-apiserver")),
        Trust("service_account", ("control_plane",), "sa.pub", restarts=("kube-apiserver",)),
    ),
    signing={"all": "ca"},
    local_by_loopback=False,
    cas_in_place=True,
)

# Of a cluster that somebody else has made: kubelets alone, and nothing is signed here. As kubeadm has it, the CA of the
# API servers is also the one whose clients the kubelet takes.
EXISTING = Profile(
    cas=(), rows=(), trust=(Trust("kubernetes", ("node",), "ca.crt", ("kubernetes-ca",), restarts=("kubelet",)),)
)

PROFILES: dict[str, Profile] = {"separated": _SEPARATED, "kubeadm": _KUBEADM}
