# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Program and policy of the service as files."""

from __future__ import annotations

import json
import os
from typing import Any

from .. import files
from ..domain.approval import POLICY_VERSION, Policy, read_policy
from ..domain.errors import InputError
from ..domain.reasons import Reason
from ..runner import Outcome
from . import program

__all__ = ["install"]

_LIMIT = 16 * 1024 * 1024


def install(program_path: str, policy_path: str, policy: dict[str, Any], check_mode: bool) -> Outcome:
    wanted_program = program.build(program.own_sources())
    read_policy(policy)
    policy = {"version": POLICY_VERSION, **policy}
    wanted_policy = (json.dumps(policy, indent=1, sort_keys=True) + "\n").encode()
    program_reasons = _program_reasons(program_path, wanted_program)
    policy_reasons = _policy_reasons(policy_path, wanted_policy)
    if not check_mode:
        if program_reasons:
            files.ensure_directory(os.path.dirname(program_path), "root", "root", "0755")
            files.sweep(os.path.dirname(program_path))
            files.write_atomic(program_path, wanted_program, "root", "root", "0644")
        if policy_reasons:
            files.sweep(os.path.dirname(policy_path))
            files.write_atomic(policy_path, wanted_policy, "root", "root", "0644")
    return Outcome(program_reasons + policy_reasons, {"program_changed": bool(program_reasons)})


def _program_reasons(path: str, wanted: bytes) -> list[Reason]:
    present = files.read(path, _LIMIT)
    if present is None:
        return [Reason("Missing", "csr-approver", path, None, "the program")]
    reasons = _attributes(path)
    if present != wanted:
        old, new = program.contents(present), program.contents(wanted)
        names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        reasons.append(Reason("ContentChanged", "csr-approver", path, None, ", ".join(names)))
    return reasons


def _policy_reasons(path: str, wanted: bytes) -> list[Reason]:
    present = files.read(path, _LIMIT)
    if present is None:
        return [Reason("Missing", "csr-approver", path, None, "the policy")]
    reasons = _attributes(path)
    if present == wanted:
        return reasons
    old, new = _readable(present), read_policy(json.loads(wanted))
    for node in sorted({*old.nodes, *new.nodes}):
        if old.nodes.get(node) != new.nodes.get(node):
            reasons.append(Reason("ContentChanged", f"node {node}", path, _names(old, node), _names(new, node)))
    for name, before, after in (
        ("foreign_requests", old.foreign_requests, new.foreign_requests),
        ("decides", ", ".join(sorted(old.decides)), ", ".join(sorted(new.decides))),
    ):
        if before != after:
            reasons.append(Reason("ContentChanged", name, path, before or None, after))
    return reasons or [Reason("ContentChanged", "csr-approver", path, "the same policy in other words", "as wanted")]


def _readable(data: bytes) -> Policy:
    try:
        return read_policy(json.loads(data))
    except (ValueError, InputError):
        return Policy(foreign_requests="")


def _names(policy: Policy, node: str) -> str | None:
    names = policy.nodes.get(node)
    return None if names is None else ", ".join([*sorted(names.dns_names), *sorted(names.ip_addresses)])


def _attributes(path: str) -> list[Reason]:
    return files.attribute_reasons(path, "csr-approver", "root", "root", "0644")
