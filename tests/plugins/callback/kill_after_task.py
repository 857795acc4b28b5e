# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write down what each task of a run did and said, and kill the run where it hurts: after its task number N."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: kill_after_task
type: notification
short_description: Write down the tasks of a run, and kill it after task number N
description:
  - Writes down each task of the run with its seconds, the hosts that it changed, its reasons, warnings and failures.
  - Kills the process group of C(ansible-playbook) with SIGKILL when task number N has ended on all hosts.
  - For tests; not part of the collection.
options:
  kill_after:
    description: The number of the task, beginning with 1; 0 kills nothing.
    type: int
    default: 0
    env: [{name: KILL_AFTER_TASK}]
  kill_after_name:
    description: Words in the name of the task after which the run is killed.
    type: str
    default: ""
    env: [{name: KILL_AFTER_TASK_NAME}]
  tasks_file:
    description: Where the tasks are written, one JSON object a line.
    type: path
    env: [{name: KILL_AFTER_TASK_FILE}]
requirements:
  - enabled by C(ANSIBLE_CALLBACKS_ENABLED)
"""


class CallbackModule(CallbackBase):
    """Counts tasks as they start: a task has ended on all hosts when the next begins."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "kill_after_task"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.number = 0
        self.began = 0.0
        self.entry: dict[str, Any] = {}

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self.end_task()
        self.number += 1
        self.began = time.monotonic()
        self.entry = {
            "number": self.number,
            "task": task.get_name(),
            "action": task.resolved_action or task.action,
            "ran": [],
            "changed": [],
            "reasons": {},
            "warnings": {},
            "failed": {},
        }

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self.end_task()

    def v2_runner_on_ok(self, result: Any) -> None:
        host, said = result._host.get_name(), result._result
        self.entry["ran"].append(host)
        if result.is_changed():
            self.entry["changed"].append(host)
        for key in ("reasons", "warnings"):
            if said.get(key):
                self.entry[key][host] = said[key]

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self.entry["failed"][result._host.get_name()] = str(result._result.get("msg", ""))

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self.v2_runner_on_failed(result)

    def end_task(self) -> None:
        """Write the task down that has just ended, and die if it was the one."""
        if not self.number:
            return
        if path := self.get_option("tasks_file"):
            self.entry["changed"].sort()
            self.entry["ended"] = time.monotonic()
            self.entry["seconds"] = round(self.entry["ended"] - self.began, 1)
            with Path(path).open("a", encoding="utf-8") as output:
                output.write(json.dumps(self.entry, default=str) + "\n")
        name = self.get_option("kill_after_name")
        if self.number == self.get_option("kill_after") or (name and name in self.entry["task"]):
            os.killpg(os.getpgrp(), signal.SIGKILL)
