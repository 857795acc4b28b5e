#!/usr/bin/python
# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module join_preflight."""

from __future__ import annotations

DOCUMENTATION = r"""
module: join_preflight
short_description: See what is in the way of hosts that are to join a cluster, in the cluster
version_added: 0.1.0
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - Asks the cluster once for all hosts that are to join it, and returns all that it finds. It refuses nothing itself.
  - Names and addresses that other nodes have, the versions of kubelet and API server, the Node authorizer,
    NodeRestriction,
    whether bootstrap tokens are taken, and whether they are good for any node.
  - Nothing is written. That NodeRestriction is on is seen by a dry run as a node that is not there; credentials that
    may not impersonate one get a warning.
  - What is not refused is told as a warning.
extends_documentation_fragment:
  - tlsbootstrap.kubernetes.attributes
  - tlsbootstrap.kubernetes.cluster
options:
  hosts:
    description: The hosts, as RV(tlsbootstrap.kubernetes.kubelet_preflight#module:candidate) has them.
    type: list
    elements: dict
    required: true
    suboptions:
      host:
        description: Name of the host in the inventory.
        type: str
        required: true
      node_name:
        description: Name of the Node.
        type: str
        required: true
      addresses:
        description: Its addresses.
        type: list
        elements: str
        default: []
      known:
        description: Whether the host was this node, or was about to be it.
        type: bool
        default: false
      was:
        description: Name of the Node that the host has a certificate of.
        type: str
        default: ''
  rejoin:
    description: Whether hosts may become nodes that are there and Ready, although they have nothing of them.
    type: bool
    default: false
  version:
    description: Version of the kubelets that are to run.
    type: str
    required: true
  tokens:
    description:
      - Whether the hosts join with bootstrap tokens, and it is looked at the API server that runs where the module does
        whether it takes them.
    type: bool
    default: true
  needed:
    description:
      - Whether it is found when the cluster cannot be asked. Without it one that is not there, or does not answer
        within
        five seconds, is passed over, because it may be made later. So it is in check mode.
    type: bool
    default: true
  skip:
    description: Checks whose findings refuse nothing.
    type: list
    elements: str
    choices:
      - address
      - any_node
      - authorization
      - cgroup
      - clock
      - disk
      - endpoint
      - leftovers
      - name
      - ports
      - runtime
      - swap
      - tokens
      - version
    default: []
"""

EXAMPLES = r"""
- name: Ask the cluster
  tlsbootstrap.kubernetes.join_preflight:
    kubeconfig: /etc/kubernetes/admin.conf
    hosts: "{{ [seen.candidate] }}"
    version: 1.37.2
  register: asked
"""

RETURN = r"""
asked:
  description: Whether the cluster has answered.
  type: bool
  returned: success
findings:
  description: What was found, by the names of the hosts, each with its remedy.
  type: dict
  returned: success
  sample:
    w1:
      - check: authorization
        text: the admission plugin NodeRestriction is off, so that a node can act for others
        fatal: true
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.client import (
    CLUSTER_SPEC,
    cluster_of,
    cluster_or_none,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.cluster_look import look_at_cluster
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.preflight import CHECKS, Finding, settled
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.preflight_cluster import Candidate
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import Outcome, run

HOST: dict[str, Any] = {
    "host": {"type": "str", "required": True},
    "node_name": {"type": "str", "required": True},
    "addresses": {"type": "list", "elements": "str", "default": []},
    "known": {"type": "bool", "default": False},
    "was": {"type": "str", "default": ""},
}
SPEC: dict[str, Any] = {
    **CLUSTER_SPEC,
    "hosts": {"type": "list", "elements": "dict", "required": True, "options": HOST},
    "rejoin": {"type": "bool", "default": False},
    "version": {"type": "str", "required": True},
    "tokens": {"type": "bool", "default": True},
    "needed": {"type": "bool", "default": True},
    "skip": {"type": "list", "elements": "str", "choices": list(CHECKS), "default": []},
}


def look(module: AnsibleModule, candidates: list[Candidate]) -> tuple[bool, list[Finding], dict[str, list[Finding]]]:
    """Whether it was asked, what concerns all, and what each host."""
    params = module.params
    needed = params["needed"] and not module.check_mode
    try:
        cluster = cluster_of(module) if needed else cluster_or_none(module, [], always=True)
        if cluster is None:
            return False, [], {}
        general, each = look_at_cluster(cluster, candidates, params["version"], params["rejoin"], params["tokens"])
    except InputError as error:
        return False, [Finding("endpoint", str(error))], {}
    return True, general, each


def work(module: AnsibleModule) -> Outcome:
    """Ask, and tell each host what concerns it."""
    candidates = [Candidate(**{**row, "addresses": tuple(row["addresses"])}) for row in module.params["hosts"]]
    asked, general, each = look(module, candidates)
    skip = module.params["skip"]
    found = {one.host: settled([*general, *each.get(one.host, [])], skip) for one in candidates}
    told = dict.fromkeys(one.text for findings in found.values() for one in findings if not one.fatal)
    result = {
        "asked": asked,
        "findings": {host: [one.as_dict() for one in findings] for host, findings in found.items()},
    }
    return Outcome([], result, list(told))


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    run(module, lambda: work(module))


if __name__ == "__main__":
    main()
