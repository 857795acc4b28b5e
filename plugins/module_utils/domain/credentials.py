# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node joins with, who approves its requests, and which of these choices go together."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "APPROVALS",
    "APPROVERS",
    "AUTO",
    "CERTIFICATE",
    "CREDENTIALS",
    "DEFAULT_CHOICES",
    "INVENTORY",
    "MANUAL",
    "MODULE",
    "SERVICE",
    "SHARED_TOKEN",
    "TOKEN",
    "TOKEN_FILE",
    "Choices",
]

TOKEN, CERTIFICATE, SHARED_TOKEN, TOKEN_FILE = CREDENTIALS = ("token", "certificate", "shared_token", "token_file")
INVENTORY, AUTO, MANUAL = APPROVALS = ("inventory", "auto", "manual")
SERVICE, MODULE = APPROVERS = ("service", "module")
# Credentials that are tied to no node: who holds one may ask for any node's certificate.
_FOR_ANY_NODE = (SHARED_TOKEN, TOKEN_FILE)


@dataclass(frozen=True)
class Choices:
    """`approver` applies the rules of the inventory; each kind of request says whether they are asked at all."""

    credential: str = TOKEN
    approver: str = SERVICE
    client: str = INVENTORY
    renewal: str = AUTO
    serving: str = INVENTORY
    # Whether kubeadm may join nodes, while no playbook runs.
    kubeadm: bool = False

    @property
    def decides(self) -> list[str]:
        """The kinds of requests that the rules of the inventory decide."""
        kinds = {"client": self.client, "renewal": self.renewal, "serving": self.serving}
        return [kind for kind, who in kinds.items() if who == INVENTORY]

    @property
    def service(self) -> bool:
        """Whether csr-approver runs on the control planes."""
        return self.approver == SERVICE and bool(self.decides)

    @property
    def module(self) -> bool:
        """Whether the playbook approves what nodes ask for while they join."""
        return self.approver == MODULE and INVENTORY in (self.client, self.serving)

    @property
    def renews_serving(self) -> bool:
        """Whether a kubelet's next serving certificates are approved while nobody looks."""
        return self.serving == INVENTORY and self.approver == SERVICE

    @property
    def serving_approver(self) -> str:
        """The setting because of which they are not."""
        return f"cluster_serving_approval: {MANUAL}" if self.serving == MANUAL else f"cluster_approver: {self.approver}"

    def problems(self) -> list[str]:
        """Combinations that could not work, or that would look safer than they are."""
        anybody = self.credential in _FOR_ANY_NODE
        found = {
            "cluster_serving_approval: auto: no part of Kubernetes approves serving certificates; use inventory, which "
            "does so by itself, or manual": self.serving == AUTO,
            f"cluster_client_approval: auto with cluster_join_credential: {TOKEN}: kube-controller-manager looks at no "
            "names, so that each token would be good for any node; use inventory or manual, or say so with "
            f"cluster_join_credential: {SHARED_TOKEN}": self.client == AUTO and self.credential == TOKEN,
            f"cluster_client_approval: inventory with cluster_join_credential: {self.credential}: it is tied to no "
            "node, so that the inventory cannot tell whose request is whose; set cluster_client_approval to manual, or "
            "to auto, with which its holder becomes any node": self.client == INVENTORY and anybody,
            "cluster_renewal_approval: inventory with cluster_approver: module: no playbook runs when nodes renew "
            "their certificates; use auto, or cluster_approver: service": self.renewal == INVENTORY
            and self.approver == MODULE,
            "cluster_approver: module with cluster_client_approval: manual and cluster_serving_approval: inventory: no "
            "playbook runs when the node asks for its serving certificate; use cluster_approver: service, or manual "
            "for both": self.approver == MODULE and self.client == MANUAL and self.serving == INVENTORY,
            "cluster_kubeadm_join with cluster_approver: module: no playbook runs when kubeadm joins a node; use "
            "cluster_approver: service, or manual": self.kubeadm and self.approver == MODULE and bool(self.decides),
            f"cluster_kubeadm_join with cluster_client_approval: auto and cluster_join_credential: {self.credential}: "
            "kube-controller-manager would approve no token of kubeadm; use inventory or manual, or say with "
            f"cluster_join_credential: {SHARED_TOKEN} that such a token is good for any node": self.kubeadm
            and self.client == AUTO
            and self.credential != SHARED_TOKEN,
        }
        return [text for text, applies in found.items() if applies]


DEFAULT_CHOICES = Choices()
