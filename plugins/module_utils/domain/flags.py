# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command-line flags of Kubernetes components: what the role sets, what a user adds, and what nobody may undo."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence

from .errors import InputError
from .findings import Findings

__all__ = ["component_flags", "flag_name", "flag_problems"]

_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")


def component_flags(
    base: Mapping[str, object],
    extra: Mapping[str, object],
    owned: Sequence[str],
    required: Mapping[str, Sequence[str]] | None = None,
    forbidden: Mapping[str, Sequence[str]] | None = None,
) -> list[str]:
    """Merge the user's flags over the role's own and return them as arguments.

    An ``extra`` of None takes a flag of the role away, so that the component's own default holds. What is refused is
    said by ``flag_problems``.
    """
    found = flag_problems(extra, owned, required, forbidden)
    if found:
        raise InputError("; ".join(found))
    flags = {flag_name(name): value for name, value in [*base.items(), *extra.items()]}
    return [f"--{flag}={_text(flag, value)}" for flag, value in flags.items() if value is not None]


def flag_problems(
    extra: Mapping[str, object],
    owned: Sequence[str],
    required: Mapping[str, Sequence[str]] | None = None,
    forbidden: Mapping[str, Sequence[str]] | None = None,
) -> list[str]:
    """All that is wrong with the flags of a user.

    ``owned`` flags cannot be given by the user. ``required`` lists members that a comma separated flag must
    keep when the user sets it (no members: it may not be taken away), ``forbidden`` members that no flag of that
    name may have.
    """
    findings = Findings()
    kept = {flag_name(name) for name in owned}
    seen: set[str] = set()
    for name, value in extra.items():
        flag = findings.attempt(functools.partial(flag_name, name), "")
        if flag in seen:
            findings.add(f"--{flag} is given twice, in two spellings: remove one")
        seen |= {flag} - {""}
        if flag in kept:
            findings.add(
                f"the flag --{flag} belongs to the collection and cannot be overridden: "
                "remove it from the extra arguments and use the variable of the role instead"
            )
        elif flag:
            members = (required or {}).get(flag), (forbidden or {}).get(flag, ())
            findings.attempt(functools.partial(_check_members, flag, value, *members), None)
    return findings.texts()


def flag_name(name: str) -> str:
    """Return the name as pflag knows it: Kubernetes takes _ for - (component-base/cli/flag, WordSepNormalizeFunc)."""
    flag = str(name).strip().removeprefix("--").replace("_", "-")
    if not _NAME.match(flag):
        raise InputError(f"{str(name)!r} is not the name of a flag: give it without dashes and without a value")
    return flag


def _check_members(flag: str, value: object, required: Sequence[str] | None, forbidden: Sequence[str]) -> None:
    members = [] if value is None else [_member(part) for part in _text(flag, value).split(",")]
    if required is not None and not required and not any(members):
        raise InputError(f"--{flag} cannot be taken away: give it another value, or leave it as it is")
    missing = [member for member in required or () if member not in members]
    if missing:
        raise InputError(f"--{flag} must keep {', '.join(missing)}: without it a node could act for another node")
    found = [member for member in forbidden if member in members]
    if found:
        raise InputError(f"--{flag} must not name {', '.join(found)}: it undoes what protects the cluster from nodes")


def _member(part: str) -> str:
    """As the component reads it: pflag takes lists as CSV, and what strconv.ParseBool takes for true."""
    name, equals, value = part.strip().strip('"').partition("=")
    return name + equals + ("true" if value in _TRUE else value)


def _text(flag: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        text = str(value)
    elif isinstance(value, Mapping):
        text = ",".join(f"{name}={_text(flag, part)}" for name, part in value.items())
    elif isinstance(value, Sequence):
        text = ",".join(_text(flag, part) for part in value)
    else:
        raise InputError(f"the value of --{flag} must be a string, a number, a boolean, a list or a dictionary")
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise InputError(f"the value of --{flag} has a line break or another control character")
    return text
