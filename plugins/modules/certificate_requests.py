#!/usr/bin/python
# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module certificate_requests."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_requests
short_description: Certificate signing requests of kubelets that wait for a person
version_added: 0.1.0
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - Lists the requests that wait, each with what the rules of the inventory say of it, the same rules as those of the
    service csr-approver and of M(tlsbootstrap.kubernetes.csr_approval).
  - Approves and denies those that are named. None is decided by itself.
  - Before a request of a bootstrap token is approved, the token is marked as used, as the approvers do it. One that
    another request has used is refused, but with O(against_rules).
  - Of several requests of one node only the newest valid one keeps the rules.
extends_documentation_fragment:
  - tlsbootstrap.kubernetes.attributes
  - tlsbootstrap.kubernetes.cluster
options:
  policy:
    description: What the inventory says of the nodes, as C(cluster_policy) has it. Here it is asked about every kind.
    type: dict
    required: true
  nodes:
    description: Names of the nodes whose requests are listed. Empty lists those of every node.
    type: list
    elements: str
    default: []
  approve:
    description: Names of the requests to approve.
    type: list
    elements: str
    default: []
  deny:
    description: Names of the requests to deny.
    type: list
    elements: str
    default: []
  against_rules:
    description: Whether a request that is against the rules is approved all the same.
    type: bool
    default: false
  expect:
    description:
      - Nodes that are about to ask, with the kind of certificate, V(client) or V(serving). Waits until each has.
    type: dict
    default: {}
  tokens:
    description: For nodes of O(expect) the id of the bootstrap token, so that requests of earlier joins do not count.
    type: dict
    default: {}
  user:
    description: User of the API server's token file, who asks for nodes of O(expect) where they join with it.
    type: str
    default: ''
  timeout:
    description: Seconds to wait for O(expect), and for the API server.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: See what waits
  tlsbootstrap.kubernetes.certificate_requests:
    kubeconfig: /etc/kubernetes/admin.conf
    policy: "{{ cluster_policy }}"
  register: found

- name: Approve one of them
  tlsbootstrap.kubernetes.certificate_requests:
    kubeconfig: /etc/kubernetes/admin.conf
    policy: "{{ cluster_policy }}"
    approve: [csr-x7k2p]
"""

RETURN = r"""
requests:
  description:
    - The requests that wait, those that were decided by this call included. Of these C(decided) says
      V(approved) or V(denied), in check mode V(would be approved) or V(would be denied), and V(no) of the others.
  type: list
  elements: dict
  returned: success
  sample:
    - request: csr-x7k2p
      node: worker-1
      kind: client
      requester: system:bootstrap:6pwxu2
      credential_id: null
      age: 12
      verdict: approve
      reason: PolicyKept
      message: requester, subject, usages and names are those of node worker-1
      decided: approved
waiting:
  description: Of each node and kind the newest request that waits after this call.
  type: list
  elements: dict
  returned: success
  sample:
    - request: csr-x7k2p
      node: worker-1
      kind: client
      command: kubectl certificate approve csr-x7k2p (the client certificate of node worker-1)
silent:
  description: Nodes of O(expect) that have not asked in time.
  type: list
  elements: str
  returned: success
reasons:
  description: What was decided, or would be.
  type: list
  elements: dict
  returned: success
  sample:
    - code: RequestApproved
      subject: node worker-1
      path: csr-x7k2p
      old: pending
      new: by the person who ran this
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.client import (
    CLUSTER_SPEC,
    cluster_of,
    cluster_or_none,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.approval import read_policy
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.request_store import (
    RequestStore,
    decision_reason,
    row_of,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import Outcome, run

SPEC: dict[str, Any] = {
    **CLUSTER_SPEC,
    "policy": {"type": "dict", "required": True},
    "nodes": {"type": "list", "elements": "str", "default": []},
    "approve": {"type": "list", "elements": "str", "default": []},
    "deny": {"type": "list", "elements": "str", "default": []},
    "against_rules": {"type": "bool", "default": False},
    "expect": {"type": "dict", "default": {}},
    "user": {"type": "str", "default": ""},
    "tokens": {"type": "dict", "default": {}, "no_log": False},
}
KINDS = ("client", "serving")


def waiting_row(row: dict[str, Any]) -> dict[str, Any]:
    command = f"kubectl certificate approve {row['request']} (the {row['kind']} certificate of node {row['node']})"
    return {**{key: row[key] for key in ("request", "node", "kind")}, "command": command}


def decision_word(approved: bool, check_mode: bool) -> str:
    word = "approved" if approved else "denied"
    return f"would be {word}" if check_mode else word


def work(module: AnsibleModule) -> Outcome:
    given = module.params
    if not all(kind in KINDS for kind in given["expect"].values()):
        raise InputError(f"expect has a kind of certificate for each node, {' or '.join(KINDS)}")
    # Whoever decides, the rules are asked about all kinds.
    policy = read_policy({key: value for key, value in given["policy"].items() if key != "decides"})
    warnings: list[str] = []
    cluster = cluster_or_none(module, warnings) if module.check_mode else cluster_of(module)
    if cluster is None:
        return Outcome(result={"requests": [], "waiting": [], "silent": []}, warnings=warnings)
    store = RequestStore(cluster, policy)
    silent = (
        []
        if module.check_mode
        else store.wait(given["expect"], given["tokens"], given["user"], cluster.remaining() - 5)
    )
    pending = store.pending(given["nodes"])
    chosen = store.choose(pending, given["approve"], given["deny"], given["against_rules"])
    if not module.check_mode:
        store.carry_out(chosen, given["approve"], given["against_rules"])
    decided = {
        one.request.name: decision_word(one.request.name in given["approve"], module.check_mode) for one in chosen
    }
    rows = [row_of(one, decided.get(one.request.name, "no")) for one in pending]
    nodes = given["nodes"] or sorted({str(row["node"]) for row in rows})
    newest = {one.name for one in store.waiting(nodes)} - set(decided)
    waiting = [waiting_row(row) for row in rows if row["request"] in newest]
    reasons = [decision_reason(one, one.request.name in given["approve"]) for one in chosen]
    return Outcome(reasons, {"requests": rows, "waiting": waiting, "silent": silent}, warnings)


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    run(module, lambda: work(module))


if __name__ == "__main__":
    main()
