#!/usr/bin/python
# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module nodes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nodes
short_description: Wait for nodes, label and taint them, drain and remove them
version_added: 0.1.0
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - Waits for all named nodes at once, and sets their labels and taints through the API as soon as each is registered.
  - Labels and taints that were named once and are no more are taken away, as long as they have the value that was
    named. All others stay. A taint is known by its key and effect.
  - What was named is noted in the ConfigMap C(tlsbootstrap-nodes) of C(kube-system), because a kubelet may change the
    annotations of its Node.
  - When the time is up, the message says of each missing node where it is, which of its requests wait for approval, and
    whether its bootstrap token is still good.
  - Removing deletes the Node, the requests of it that wait for approval, and the collection's bootstrap tokens for it.
    A client certificate that the node has stays good until its end.
  - Draining takes a node no new Pods and evicts those that it has, as their PodDisruptionBudgets allow. Pods of
    DaemonSets and mirrors of static Pods stay. Where a node is not Ready, nobody ends its Pods, so it is enough that
    they are to end.
extends_documentation_fragment:
  - tlsbootstrap.kubernetes.attributes
  - tlsbootstrap.kubernetes.cluster
options:
  nodes:
    description: The nodes.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the node.
        type: str
        required: true
      labels:
        description: Labels that it is to have, besides those of others. Without it they are left as they are.
        type: dict
      taints:
        description: Taints that it is to have, besides those of others. Without it they are left as they are.
        type: list
        elements: dict
        suboptions:
          key:
            description: Key of the taint.
            type: str
            required: true
          value:
            description: Value of the taint.
            type: str
            default: ''
          effect:
            description: What the taint does to Pods.
            type: str
            choices: [NoSchedule, PreferNoSchedule, NoExecute]
            required: true
  state:
    description:
      - Whether the nodes are to be there.
      - V(drained) cordons and drains them, and fails with the Pods that are left when the time is up. Nodes that are
        not there are passed over.
    type: str
    choices: [present, absent, drained]
    default: present
  delete_unmanaged_pods:
    description: Whether O(state=drained) takes Pods too that nothing would start again elsewhere.
    type: bool
    default: false
  delete_empty_dir_data:
    description: Whether O(state=drained) takes Pods too that have emptyDir volumes, with what is in them.
    type: bool
    default: false
  wait:
    description:
      - What to wait for. V(registered) is for clusters whose nodes get their network later.
      - With V(none), nodes that are not there are passed over.
    type: str
    choices: [ready, registered, none]
    default: ready
  approval:
    description:
      - Who decides which kind of request, as C(cluster_plan.cluster.approval) has it. With it the message says, when
        the time is up, for whom a request waits, and which right is missing where kube-controller-manager leaves it
        alone.
    type: dict
    default: {}
  timeout:
    description: Seconds to wait for all nodes together.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Wait for two nodes
  tlsbootstrap.kubernetes.nodes:
    kubeconfig: /etc/kubernetes/admin.conf
    nodes:
      - name: worker-1
        labels:
          topology.kubernetes.io/zone: a
      - name: worker-2
        taints:
          - key: dedicated
            value: database
            effect: NoSchedule

- name: Remove a node
  tlsbootstrap.kubernetes.nodes:
    kubeconfig: /etc/kubernetes/admin.conf
    nodes:
      - name: worker-2
    state: absent

- name: Drain two nodes
  tlsbootstrap.kubernetes.nodes:
    kubeconfig: /etc/kubernetes/admin.conf
    nodes:
      - name: worker-1
      - name: worker-2
    state: drained
    delete_empty_dir_data: true
"""

RETURN = r"""
missing:
  description: Nodes that are not as waited for. Empty outside of check mode, where this is a failure.
  type: list
  elements: str
  returned: success
reasons:
  description: What was changed and why, or would be.
  type: list
  elements: dict
  returned: success
  sample:
    - code: ObjectChanged
      subject: node worker-1
      path: metadata.labels.topology.kubernetes.io/zone
      old: null
      new: a
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.client import CLUSTER_SPEC, cluster_or_none
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.drain import Drain
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.node_store import NodeStore, check_wanted
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import Outcome, run

TAINT: dict[str, Any] = {
    "key": {"type": "str", "required": True, "no_log": False},
    "value": {"type": "str", "default": ""},
    "effect": {"type": "str", "required": True, "choices": ["NoSchedule", "PreferNoSchedule", "NoExecute"]},
}
NODE: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "labels": {"type": "dict"},
    "taints": {"type": "list", "elements": "dict", "options": TAINT},
}
SPEC: dict[str, Any] = {
    **CLUSTER_SPEC,
    "nodes": {"type": "list", "elements": "dict", "required": True, "options": NODE},
    "state": {"type": "str", "choices": ["present", "absent", "drained"], "default": "present"},
    "delete_unmanaged_pods": {"type": "bool", "default": False},
    "delete_empty_dir_data": {"type": "bool", "default": False},
    "wait": {"type": "str", "choices": ["ready", "registered", "none"], "default": "ready"},
    "approval": {"type": "dict", "default": {}},
    "timeout": {"type": "int", "default": 300},
}


def apply(module: AnsibleModule) -> Outcome:
    wanted = check_wanted(module.params["nodes"])
    if not wanted:
        return Outcome(result={"missing": []})
    warnings: list[str] = []
    cluster = cluster_or_none(module, warnings)
    if cluster is None:
        return Outcome(result={"missing": [one.name for one in wanted]}, warnings=warnings)
    if module.params["state"] == "drained":
        drain = Drain(cluster, module.params["delete_unmanaged_pods"], module.params["delete_empty_dir_data"])
        return Outcome(drain.run([one.name for one in wanted], module.check_mode), {"missing": []})
    store = NodeStore(cluster, module.check_mode, module.params["approval"])
    if module.params["state"] == "absent":
        return Outcome(store.remove([one.name for one in wanted]), {"missing": []})
    reasons, missing = store.bring(wanted, module.params["wait"])
    return Outcome(reasons, {"missing": missing})


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    run(module, lambda: apply(module))


if __name__ == "__main__":
    main()
