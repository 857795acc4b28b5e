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

import grp
import pwd
import re
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import files, runner
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.clock import check_clock
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.reasons import Reason

PATH = "/etc/sysusers.d/tlsbootstrap-kubernetes.conf"
HEADER = "# Written by tlsbootstrap.kubernetes. See sysusers.d(5).\n"
SPEC: dict[str, Any] = {
    "names": {"type": "list", "elements": "str", "required": True},
    "host": {"type": "str", "default": "this host"},
    "controller_time": {"type": "str"},
}
NAME = re.compile(r"[a-z_][a-z0-9_-]{0,30}")


def lacks(name: str) -> bool:
    """Whether the user or its group is missing; one that would be root is refused."""
    if not NAME.fullmatch(name):
        raise InputError(f"{name!r} is not the name of a system user")
    try:
        if pwd.getpwnam(name).pw_uid == 0:
            raise InputError(f"the user {name} has the uid 0: components must not run as root, remove that user first")
        grp.getgrnam(name)
    except KeyError:
        return True
    return False


def content_of(names: list[str], present: bytes | None) -> bytes:
    """Add the lines to those that earlier runs for other groups have written."""
    lines = {}
    for line in (present or b"").decode("utf-8", "replace").splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "u":
            lines[words[1]] = line
    lines.update({name: f'u {name} - "Kubernetes {name}" / /usr/sbin/nologin' for name in names})
    return (HEADER + "".join(lines[name] + "\n" for name in sorted(lines))).encode()


def run(module: AnsibleModule) -> runner.Outcome:
    """Read, compare, apply."""
    names, controller_time = module.params["names"], module.params["controller_time"]
    if controller_time:
        # A warning is for the module identities to give.
        check_clock(module.params["host"], runner.utc_now(), runner.parse_instant(controller_time, "controller_time"))
    present = files.read(PATH)
    wanted = content_of(names, present)
    missing = [name for name in names if lacks(name)]
    reasons = [Reason("Missing", f"user {name}", new="made") for name in missing]
    if names and present != wanted:
        reasons.append(Reason("ContentChanged" if present else "Missing", "system users", PATH, None, "written"))
    if reasons and not module.check_mode:
        files.ensure_directory("/etc/sysusers.d")
        files.write_atomic(PATH, wanted, "root", "root", "0644")
        code, output, error = module.run_command(["systemd-sysusers", PATH], environ_update={"LC_ALL": "C"})
        left = [name for name in missing if lacks(name)]
        if code != 0 or left:
            raise InputError(f"systemd-sysusers did not make {', '.join(left) or 'all users'}: {error or output}")
    return runner.Outcome(reasons)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    runner.run(module, lambda: run(module))


if __name__ == "__main__":
    main()
