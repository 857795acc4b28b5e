#!/usr/bin/python
# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module csr_approval."""

from __future__ import annotations

DOCUMENTATION = r"""
module: csr_approval
short_description: Decide the certificate signing requests of kubelets
version_added: 0.1.0
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - Approves the client and serving requests of kubelets that keep the rules, and denies those that break them, with a
    reason.
  - The rules are those of the service csr-approver. Requester, common name, organization, usages and key are compared,
    a client request has no alternative names, and a serving request only those that the policy has for the node. A
    bootstrap token is good for one request, for the node that it was made for.
  - Which request used a token is noted in the cluster before it is approved, as a Lease C(token-ID) in the namespace
    C(tlsbootstrap), which is made where it is missing.
  - Of several requests of one node the newest valid one is approved, and the older ones are denied.
  - Waits until the named nodes have their certificates. It is for clusters without the service.
  - Requests for other signers and of nodes that the policy does not have are left alone.
extends_documentation_fragment:
  - tlsbootstrap.kubernetes.attributes
  - tlsbootstrap.kubernetes.cluster
options:
  policy:
    description:
      - What nodes there are, and what their serving certificates may say, as C(cluster_policy) has it.
      - C(nodes) maps names to C(dns_names) and C(ip_addresses). With C(foreign_requests) as V(ignore), requests for
        our nodes that others made are left alone instead of denied. C(decides) lists the kinds of requests that are
        decided, of V(client) (the first one), V(renewal) and V(serving); by default all of them.
    type: dict
    required: true
  nodes:
    description:
      - Names of the nodes whose requests are decided and waited for.
      - Empty decides what is pending of any node in the policy, and waits for nothing.
    type: list
    elements: str
    default: []
  tokens:
    description:
      - For nodes that join, the ids of their tokens, as M(tlsbootstrap.kubernetes.bootstrap_tokens) returns them.
      - With them, requests of an earlier join are not taken for those of this one.
    type: dict
    default: {}
  wait:
    description: The last certificate to wait for.
    type: str
    choices: [client, serving]
    default: serving
  timeout:
    description:
      - Seconds until every node has to have its certificates.
      - When they have passed, the message says what each of them waits for.
    type: int
    default: 300
    aliases: [deadline]
"""

EXAMPLES = r"""
- name: Approve the requests of the nodes that join
  tlsbootstrap.kubernetes.csr_approval:
    kubeconfig: /etc/kubernetes/admin.conf
    policy: "{{ cluster_policy }}"
    nodes: [worker-1, worker-2]
    timeout: 300
"""

RETURN = r"""
decisions:
  description: The decisions that were made, or would be, as in the lines of the service.
  type: list
  elements: dict
  returned: success
  sample:
    - credential_id: null
      message: requester, subject, usages and names are those of node worker-1
      kind: client
      node: worker-1
      reason: PolicyKept
      request: node-csr-2bWj
      requester: system:bootstrap:6pwxu2
      signer: kubernetes.io/kube-apiserver-client-kubelet
      time: "2026-11-22T15:00:00.123Z"
      verdict: approve
reasons:
  description: The decisions in the form that all modules return.
  type: list
  elements: dict
  returned: success
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.approver.waiting import (
    approve_waiting,
    judge_once,
    reasons_of,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.client import (
    CLUSTER_SPEC,
    cluster_of,
    cluster_or_none,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.approval import read_policy
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import Outcome, run

SPEC: dict[str, Any] = {
    **CLUSTER_SPEC,
    "policy": {"type": "dict", "required": True},
    "nodes": {"type": "list", "elements": "str", "default": []},
    "tokens": {"type": "dict", "default": {}, "no_log": False},
    "wait": {"type": "str", "choices": ["client", "serving"], "default": "serving"},
    "timeout": {"type": "int", "default": 300, "aliases": ["deadline"]},
}


def approve(module: AnsibleModule) -> Outcome:
    policy, nodes = read_policy(module.params["policy"]), module.params["nodes"]
    if module.check_mode:
        warnings: list[str] = []
        cluster = cluster_or_none(module, warnings)
        decisions = judge_once(cluster, policy, nodes, dry_run=True) if cluster else []
        return Outcome(reasons_of(decisions), {"decisions": [one.line() for one in decisions]}, warnings)
    cluster = cluster_of(module)
    if nodes:
        serving = module.params["wait"] == "serving"
        decisions = approve_waiting(cluster, policy, nodes, serving, module.params["tokens"])
    else:
        decisions = judge_once(cluster, policy, nodes, dry_run=False)
    return Outcome(reasons_of(decisions), {"decisions": [one.line() for one in decisions]})


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    run(module, lambda: approve(module))


if __name__ == "__main__":
    main()
