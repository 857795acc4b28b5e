"""Workers that leave a cluster and join it again."""

from __future__ import annotations

from dataclasses import dataclass

from proofs.hosts import Host

# What the playbooks leave on a host, but for the binaries: they are brought once.
FORGET = """
systemctl disable --quiet --now kubelet kube-proxy 2>/dev/null
rm -rf /etc/kubernetes /var/lib/kubelet /var/lib/kube-proxy /etc/systemd/system/kube*.service
systemctl daemon-reload
"""


def forget(*hosts: Host) -> None:
    """Take hosts back to where nothing of the cluster is on them."""
    for host in hosts:
        host.run(FORGET)


def leave(cluster: Host, *workers: Host) -> None:
    """Make workers hosts that have never joined."""
    forget(*workers)
    cluster.kubectl("delete", "node", "--ignore-not-found", *(worker.name for worker in workers))


def tokens(cluster: Host) -> list[str]:
    """Return the names of the bootstrap tokens that are in the cluster."""
    secrets = cluster.objects("secrets", "--all-namespaces", "--field-selector=type=bootstrap.kubernetes.io/token")
    return [entry["metadata"]["name"] for entry in secrets["items"]]


def left_of_joins(cluster: Host, *workers: Host) -> list[str]:
    """Return the tokens and the files that are of use for a join only."""
    find = "find /etc/kubernetes /var/lib/kubelet -name bootstrap-kubelet.conf -o -path '*/.pending/*'"
    return tokens(cluster) + [
        f"{worker.name}:{path}" for worker in workers for path in worker.run(find).stdout.splitlines()
    ]


def ready_nodes(cluster: Host) -> list[str]:
    """Return the names of the nodes that are Ready."""
    return sorted(
        node["metadata"]["name"]
        for node in cluster.objects("nodes")["items"]
        for condition in node["status"].get("conditions", [])
        if (condition["type"], condition["status"]) == ("Ready", "True")
    )


# What a kubelet says of its machine.
OF_THE_MACHINE = {
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
}


@dataclass(frozen=True)
class Marks:
    """The labels and taints of a Node, but for the labels of its machine."""

    labels: dict[str, str]
    taints: set[tuple[str, str, str]]


def marks(cluster: Host) -> dict[str, Marks]:
    """Return the marks of all Nodes."""
    return {
        node["metadata"]["name"]: Marks(
            {key: value for key, value in node["metadata"]["labels"].items() if key not in OF_THE_MACHINE},
            {(taint["key"], taint.get("value", ""), taint["effect"]) for taint in node["spec"].get("taints", [])},
        )
        for node in cluster.objects("nodes")["items"]
    }
