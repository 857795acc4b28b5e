#!/usr/bin/python
# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module csr_approver."""

from __future__ import annotations

DOCUMENTATION = r"""
module: csr_approver
short_description: Install the program and the policy of the CSR approver
version_added: 0.1.0
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - Writes the service csr-approver as one file that Python runs, made of the code that this collection's own modules
    use, and the policy by which it decides.
  - Runs nothing. The running service reads a changed policy by itself; a changed program wants a restart.
extends_documentation_fragment:
  - tlsbootstrap.kubernetes.attributes
options:
  program:
    description: Path of the program. Its folder is made.
    type: path
    default: /usr/local/lib/tlsbootstrap/csr-approver.pyz
  policy_file:
    description: Path of the policy.
    type: path
    required: true
  policy:
    description:
      - What nodes there are, and what their serving certificates may say, as C(cluster_policy) has it.
      - C(nodes) maps names to C(dns_names) and C(ip_addresses).
    type: dict
    required: true
  foreign_requests:
    description:
      - What becomes of requests for nodes of the policy that were made by others than the node or its bootstrap token.
      - V(ignore) leaves them to whoever else approves in the cluster.
    type: str
    choices: [deny, ignore]
    default: deny
"""

EXAMPLES = r"""
- name: Install the CSR approver
  tlsbootstrap.kubernetes.csr_approver:
    policy_file: /etc/kubernetes/csr-approver.json
    policy: "{{ cluster_policy }}"
"""

RETURN = r"""
reasons:
  description: What was changed and why, or would be.
  type: list
  elements: dict
  returned: success
  sample:
    - code: ContentChanged
      subject: node worker-1
      path: /etc/kubernetes/csr-approver.json
      old: worker-1 10.0.0.1
      new: worker-1 10.0.0.2
program_changed:
  description: Whether the program was written, or would be, so that the service has to be restarted.
  type: bool
  returned: success
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.approver import entry as approver
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.approver.install import install
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import run

SPEC: dict[str, Any] = {
    "program": {"type": "path", "default": "/usr/local/lib/tlsbootstrap/csr-approver.pyz"},
    "policy_file": {"type": "path", "required": True},
    "policy": {"type": "dict", "required": True},
    "foreign_requests": {"type": "str", "choices": ["deny", "ignore"], "default": "deny"},
}
# Named, so that Ansible packs all that the service imports.
ENTRY_POINT = approver.main


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    policy = {**module.params["policy"], "foreign_requests": module.params["foreign_requests"]}
    run(module, lambda: install(module.params["program"], module.params["policy_file"], policy, module.check_mode))


if __name__ == "__main__":
    main()
