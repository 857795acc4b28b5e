#!/usr/bin/python
# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module unit."""

from __future__ import annotations

DOCUMENTATION = r"""
module: unit
short_description: Bring a systemd unit and what it reads to its wanted state, and wait until it is well
version_added: 0.1.0
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - Writes a service unit and its configuration files, enables it, starts it, and waits until its health check answers.
  - Restarts it where the running process has not read the present files. This is seen from the files and the process,
    not from what an earlier task has changed, so that a run that was killed between writing and restarting is healed
    by the next one.
  - A unit or configuration with which the service does not come up is taken back, where another one ran before. Until
    it is known, the former files are kept in C(/etc/systemd/system/.NAME.service.previous), mode 0600, so that a run
    that was killed is brought to its end by the next one; the service is proved with the new files, or the former ones
    are put back.
  - A service is not started with a certificate and a key that do not belong together, as a run leaves them that was
    killed between the two. They are found by their names, C(X.crt) and C(X.key), among O(restart_files) and in
    O(content) and O(files).
  - On failure the message ends with the last lines of the unit's journal.
extends_documentation_fragment:
  - tlsbootstrap.kubernetes.attributes
options:
  name:
    description: Name of the service unit, with or without C(.service).
    type: str
    required: true
  content:
    description:
      - Text of the unit file in C(/etc/systemd/system), checked by C(systemd-analyze verify) before it is written.
      - Without it the unit is one that is there already.
    type: str
  files:
    description: Configuration files, written together with the unit. They hold no secret; their texts are in the diff.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path.
        type: path
        required: true
      content:
        description: Text of the file.
        type: str
        required: true
      owner:
        description: Name of the owner.
        type: str
        default: root
      group:
        description: Name of the group.
        type: str
        default: root
      mode:
        description: Mode, in octal.
        type: str
        default: '0644'
  restart_files:
    description:
      - Files that the service reads only at its start. When one is newer than the start, the service is restarted.
      - The unit file and those of O(files) count without being named. Files that are not there are passed over.
    type: list
    elements: path
    default: []
  enabled:
    description: Whether the unit starts at boot.
    type: bool
    default: true
  state:
    description: Whether the unit runs.
    type: str
    choices: [started, stopped]
    default: started
  health:
    description: What is asked until it answers well. Without it the unit has to stay active for two seconds.
    type: dict
    suboptions:
      url:
        description: An https address, or http on a loopback address.
        type: str
        required: true
      ca:
        description: File of the certificates to verify the answer with. Required with https, or O(health.pin).
        type: path
      pin:
        description:
          - File whose first certificate the service itself shows, for one that has made it for itself. Its names and
            dates do not count.
        type: path
      certificate:
        description: Client certificate.
        type: path
      key:
        description: Key of the client certificate.
        type: path
      status:
        description: Status of a good answer.
        type: int
        default: 200
      expect:
        description: Text that a good answer holds.
        type: str
  needs:
    description: Unix sockets that the service cannot do without. Where it does not come up, dead ones are named.
    type: list
    elements: dict
    default: []
    suboptions:
      socket:
        description: Path of the socket.
        type: path
        required: true
      remedy:
        description: What is to be done where nobody listens there.
        type: str
        required: true
  timeout:
    description: Seconds to wait for the health.
    type: int
    default: 240
  max_restarts:
    description: Stop waiting when the process has ended this often. 0 waits for the whole O(timeout).
    type: int
    default: 10
  rollback:
    description: Whether files with which a unit that ran does not come up are put back.
    type: bool
    default: true
  hold:
    description:
      - Leaves a unit as it is that runs, is well and would be restarted, and says so in RV(held).
      - For a service that runs on several hosts, of which one at a time is to be restarted by a second call.
      - Without effect in check mode.
    type: bool
    default: false
  pending:
    description:
      - Files that earlier tasks of a run in check mode would change. For those of them that are in O(restart_files) the
        restart is told that the run itself would make.
      - Without effect outside of check mode, where the files themselves tell.
    type: list
    elements: path
    default: []
attributes:
  diff_mode:
    description: Returns the reasons, and the texts of the files.
    support: full
requirements:
  - systemd 247 or later
"""

EXAMPLES = r"""
- name: Run the scheduler
  tlsbootstrap.kubernetes.unit:
    name: kube-scheduler
    content: "{{ lookup('ansible.builtin.template', 'kube-scheduler.service.j2') }}"
    restart_files:
      - /usr/local/bin/kube-scheduler
    health:
      url: https://127.0.0.1:10259/healthz
      pin: /run/kube-scheduler/kube-scheduler.crt
      expect: ok
"""

RETURN = r"""
reasons:
  description: Why something was changed, or would be.
  type: list
  elements: dict
  returned: success
  sample:
    - code: FilesNewer
      subject: kube-scheduler.service
      path: /usr/local/bin/kube-scheduler
      old: read at the start
      new: newer on disk
restarted:
  description: Whether the service was started or restarted, or would be.
  type: bool
  returned: success
held:
  description: Whether nothing was done because the service would have been restarted, as O(hold) demands.
  type: bool
  returned: success
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import runner
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import units
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.systemd import (
    UNIT_DIRECTORY,
    FileWanted,
    Health,
    Manager,
    Need,
    Systemd,
    UnitWanted,
)

FILE: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str", "required": True},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "mode": {"type": "str", "default": "0644"},
}
# The key is the path of one.
HEALTH: dict[str, Any] = {
    "url": {"type": "str", "required": True},
    "ca": {"type": "path"},
    "pin": {"type": "path"},
    "certificate": {"type": "path"},
    "key": {"type": "path", "no_log": False},
    "status": {"type": "int", "default": 200},
    "expect": {"type": "str"},
}
SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "content": {"type": "str"},
    "files": {"type": "list", "elements": "dict", "default": [], "options": FILE},
    "restart_files": {"type": "list", "elements": "path", "default": []},
    "enabled": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["started", "stopped"], "default": "started"},
    "health": {
        "type": "dict",
        "options": HEALTH,
        "required_together": [("certificate", "key")],
        "mutually_exclusive": [("ca", "pin")],
    },
    "needs": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"socket": {"type": "path", "required": True}, "remedy": {"type": "str", "required": True}},
    },
    "timeout": {"type": "int", "default": 240},
    "max_restarts": {"type": "int", "default": 10},
    "rollback": {"type": "bool", "default": True},
    "hold": {"type": "bool", "default": False},
    "pending": {"type": "list", "elements": "path", "default": []},
}


def wanted_of(params: dict[str, Any]) -> UnitWanted:
    """Turn the options into the unit as it should be."""
    name = units.check_name(params["name"])
    health = Health(**params["health"]) if params["health"] else None
    if health is not None:
        units.check_health_url(health.url, health.ca or health.pin)
    written = [FileWanted(**file) for file in params["files"]]
    if params["content"] is not None:
        written.append(FileWanted(f"{UNIT_DIRECTORY}/{name}", params["content"]))
    options = ("enabled", "state", "timeout", "max_restarts", "rollback")
    return UnitWanted(
        name=name,
        files=tuple(written),
        restart_files=tuple(params["restart_files"]),
        health=health,
        needs=tuple(Need(**need) for need in params["needs"]),
        **{option: params[option] for option in options},
    )


def apply(module: AnsibleModule) -> runner.Outcome:
    """Read, compare, apply."""
    manager = Manager(
        Systemd(lambda command: module.run_command(list(command), environ_update={"LC_ALL": "C"}), module.tmpdir),
        wanted_of(module.params),
    )
    pending = module.params["pending"] if module.check_mode else []
    manager.add_pending(pending)
    manager.refuse_mismatch(pending)
    manager.verify()
    diffs = manager.diffs()
    held = module.params["hold"] and not module.check_mode and manager.restarts and manager.serves()
    if held:
        return runner.Outcome(result={"restarted": False, "held": True})
    if not module.check_mode:
        manager.apply()
    return runner.Outcome(manager.reasons, {"restarted": manager.restarts, "held": False}, diffs=diffs)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    runner.run(module, lambda: apply(module))


if __name__ == "__main__":
    main()
