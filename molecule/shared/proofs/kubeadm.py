"""Nodes that kubeadm makes, as it is."""

from __future__ import annotations

import shlex

from proofs.hosts import Host

# What kubeadm says of a container, and not of a host.
CONTAINER = "SystemVerification,Swap,FileContent--proc-sys-net-bridge-bridge-nf-call-iptables,Port-10250"
# As the packages of the kubelet bring it.
UNIT = """
cat >/etc/systemd/system/kubelet.service <<'END'
[Service]
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
ExecStart=/usr/local/bin/kubelet --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \\
  --kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml $KUBELET_KUBEADM_ARGS
Restart=always
[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
systemctl enable --quiet kubelet
"""


def kubeadm(host: Host, *arguments: str, program: str = "/opt/proof/kubeadm") -> None:
    """Run kubeadm init or join on a host that has a kubelet."""
    host.output(UNIT)
    host.output(shlex.join([program, *arguments, f"--ignore-preflight-errors={CONTAINER}"]))


def join_command(cluster: Host, node: str, kubeconfig: str) -> list[str]:
    """Make a token that is good for one node, and return what kubeadm prints for it, without its own name."""
    group = "system:bootstrappers:tlsbootstrap"
    made = cluster.output(
        "/opt/proof/kubeadm token create --kubeconfig %s --ttl=10m --print-join-command --groups=%s",
        kubeconfig,
        f"{group},{group}:node:{node.replace('.', ':')}",
    )
    program, *arguments = shlex.split(made)
    assert (program, arguments[0]) == ("kubeadm", "join")
    return arguments
