#!/usr/bin/python
# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module join_window."""

from __future__ import annotations

DOCUMENTATION = r"""
module: join_window
short_description: Note on the CA host until when joins by certificate are open
version_added: 0.1.0
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - The API servers trust the CA of join certificates only while joins are open. The end is noted in C(joins.json) in
    the CA folder, before an API server trusts the CA, and whether one may still trust it.
  - Runs on the CA host. It changes nothing on control planes; the role join_window does.
extends_documentation_fragment:
  - tlsbootstrap.kubernetes.attributes
options:
  directory:
    description: The CA folder.
    type: path
    required: true
  state:
    description:
      - V(read) tells what is noted. V(open) notes a new end. V(closed) notes that no API server trusts the CA any more.
    type: str
    choices: [read, open, closed]
    default: read
  duration:
    description: How long joins are open from now, between V(1m) and V(24h).
    type: str
    default: 1h
"""

EXAMPLES = r"""
- name: Open joins for half an hour
  tlsbootstrap.kubernetes.join_window:
    directory: ~/.tlsbootstrap/kubernetes/ca
    state: open
    duration: 30m
"""

RETURN = r"""
open:
  description: Whether joins are open now.
  type: bool
  returned: success
overdue:
  description: Whether their time is over and API servers may still trust the CA.
  type: bool
  returned: success
until:
  description: The end in UTC, empty where joins were never open.
  type: str
  returned: success
  sample: "2026-11-22T16:15:00Z"
reasons:
  description: What was noted, or would be.
  type: list
  elements: dict
  returned: success
  sample:
    - code: JoinsChanged
      subject: joins by certificate
      path: /root/.tlsbootstrap/kubernetes/ca/joins.json
      old: closed
      new: open until 2026-11-22T16:15:00Z
"""

import datetime
import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import files
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.certificate import instant_text
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.durations import parse_duration
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.reasons import Reason
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.window import (
    Window,
    check_duration,
    read_window,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import Outcome, run, utc_now

FILE = "joins.json"


def wanted_of(params: dict[str, Any], present: Window, now: datetime.datetime) -> Window:
    if params["state"] == "open":
        return present.opened(now + datetime.timedelta(seconds=check_duration(parse_duration(params["duration"]))))
    return present.closed() if params["state"] == "closed" else present


def note(params: dict[str, Any], check_mode: bool) -> Outcome:
    now, path = utc_now(), os.path.join(params["directory"], FILE)
    present = read_window(files.read(path))
    wanted = wanted_of(params, present, now)
    reasons = []
    if wanted != present:
        reasons = [Reason("JoinsChanged", "joins by certificate", path, present.text(), wanted.text())]
        if not check_mode:
            if not os.path.isdir(params["directory"]):
                raise InputError(f"the CA folder {params['directory']} is not there; run the role ca first")
            files.sweep(params["directory"])
            files.write_atomic(path, wanted.data(), mode="0600")
    end = instant_text(wanted.until) if wanted.until else ""
    return Outcome(reasons, {"open": wanted.open(now), "overdue": wanted.overdue(now), "until": end})


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["read", "open", "closed"], "default": "read"},
            "duration": {"type": "str", "default": "1h"},
        },
        supports_check_mode=True,
    )
    run(module, lambda: note(module.params, module.check_mode))


if __name__ == "__main__":
    main()
