#!/usr/bin/python
# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module service_users."""

from __future__ import annotations

DOCUMENTATION = r"""
module: service_users
short_description: Make system users with systemd-sysusers
version_added: 0.1.0
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - Writes C(/etc/sysusers.d/tlsbootstrap-kubernetes.conf) and makes the missing users, each with a group of its
    name, without a login.
  - Users that are there already are left as they are. Users are never removed.
  - It is the first to look at a host, so it refuses one whose clock is too far off for certificates.
extends_documentation_fragment:
  - tlsbootstrap.kubernetes.attributes
options:
  names:
    description: Names of the users.
    type: list
    elements: str
    required: true
  host:
    description: Name of this host in messages.
    type: str
    default: this host
  controller_time:
    description:
      - The time on the controller, ISO 8601 in UTC.
      - A host whose clock is off by more than five minutes is refused before anything changes.
    type: str
"""

EXAMPLES = r"""
- name: Make the user of etcd
  tlsbootstrap.kubernetes.service_users:
    names: [etcd]
"""

RETURN = r"""
reasons:
  description: Why something was changed, or would be.
  type: list
  elements: dict
  returned: success
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import runner
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.clock import check_clock
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.holding.users import examine_users

SPEC: dict[str, Any] = {
    "names": {"type": "list", "elements": "str", "required": True},
    "host": {"type": "str", "default": "this host"},
    "controller_time": {"type": "str"},
}


def run(module: AnsibleModule) -> runner.Outcome:
    """Read, compare, apply."""
    controller_time = module.params["controller_time"]
    if controller_time:
        # A warning is for the module identities to give.
        check_clock(module.params["host"], runner.utc_now(), runner.parse_instant(controller_time, "controller_time"))
    work = examine_users(module.params["names"], runner.command_of(module))
    if not module.check_mode:
        work.apply()
    return runner.Outcome(work.reasons)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    runner.run(module, lambda: run(module))


if __name__ == "__main__":
    main()
