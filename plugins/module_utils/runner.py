# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The four steps of every module: read what is, compute what is wanted, compare, apply unless in check mode.

The module hands over a function that does them and returns an Outcome. What Ansible is told (changed, message, diff)
is made here, of one list of reasons; refusals are caught here and nowhere else.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .domain.errors import InputError
from .domain.reasons import Reason, describe, diff_of

__all__ = ["Command", "Outcome", "command_of", "parse_instant", "run", "utc_now"]

# Runs a program: exit status, output, error output.
Command = Callable[[list[str]], tuple[int, str, str]]


@dataclass
class Outcome:
    """What a module did, or would do. `diffs` are texts that change besides the reasons; none of them is secret."""

    reasons: list[Reason] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    diffs: list[dict[str, str]] = field(default_factory=list)


def run(module: Any, action: Callable[[], Outcome]) -> None:
    """Run `action` for an AnsibleModule and end the process with its result."""
    # Files get their modes by name; what is made on the way must not depend on the caller's umask.
    os.umask(0o077)
    # A key where a certificate belongs: Ansible shows all options at -vvv.
    module.no_log_values.update(_keys_in(module.params))
    try:
        outcome = action()
    except InputError as error:
        module.fail_json(msg=str(error))
        return
    except OSError as error:
        module.fail_json(msg=f"{error.filename or 'a file'}: {error.strerror}")
        return
    for warning in outcome.warnings:
        module.warn(warning)
    result = dict(outcome.result)
    if getattr(module, "_diff", False):
        told = diff_of(outcome.reasons)
        result["diff"] = [*outcome.diffs, told] if outcome.diffs else told
    module.exit_json(
        changed=bool(outcome.reasons),
        reasons=[reason.as_dict() for reason in outcome.reasons],
        msg=describe(outcome.reasons),
        **result,
    )


def command_of(module: Any) -> Command:
    """How an AnsibleModule runs a program, which then answers in English."""

    def call(argv: list[str]) -> tuple[int, str, str]:
        code, output, error = module.run_command(argv, environ_update={"LC_ALL": "C"})
        return code, output, error

    return call


def _keys_in(value: Any) -> Iterator[str]:
    """Every text with a private key in it, and its lines."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _keys_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys_in(inner)
    elif isinstance(value, str) and "PRIVATE KEY-----" in value:
        yield value
        yield from (line for line in value.splitlines() if len(line) > 20 and not line.startswith("-----"))


def utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def parse_instant(text: str, what: str) -> datetime.datetime:
    """An ISO 8601 time; without a zone it is UTC."""
    try:
        instant = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise InputError(f"{what}: {text!r} is not a time like 2026-01-31T12:00:00Z") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=datetime.timezone.utc)
