# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups of the inventory whose names are slips of ours: their hosts would be left out in silence."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING

from .inventory import GROUPS, members_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["missing_groups", "misspelt_groups"]

_SHOWN = 5


def misspelt_groups(groups: Mapping[str, Sequence[str]], ignored: Sequence[str]) -> list[str]:
    """A group is refused when its name is a slip of one of ours and a host of it is not in ours.

    A user's own groups may hold any hosts; those whose hosts are all in ours, like parents and parts of it, do no harm.
    """
    found = []
    for name, hosts in groups.items():
        if name in GROUPS or any(fnmatch.fnmatchcase(name, pattern) for pattern in ignored):
            continue
        meant = _meant(name)
        members = set(members_of(groups, meant)) if meant else set()
        outside = [str(host) for host in hosts if host not in members]
        if meant and outside:
            found.append(
                f"the group {name} looks like {meant} misspelt, and {outside[0]} is in it but not in {meant}: correct "
                "the name, or put the host into both; a group of something else is let pass by naming it in "
                "cluster_ignored_variables"
            )
    return found


def missing_groups(groups: Mapping[str, Sequence[str]], needed: Sequence[str]) -> list[str]:
    """Groups without which a playbook would match nobody and end well. One that is there may be empty."""
    others = [name for name in groups if name not in (*GROUPS, "all", "ungrouped")][:_SHOWN]
    there = f"; the inventory has {', '.join(others)}" if others else ""
    return [
        f"the inventory has no group {group}, and this playbook is for its hosts: put them into it{there}"
        for group in needed
        if group not in groups
    ]


def _meant(name: str) -> str:
    """The group of ours that the name is a slip of, or nothing.

    Case, separators and a plural do not count, and then one letter may be wrong, two in a long name. A name that goes
    on after one of ours (kube_node_gpu), or has a number in it, is chosen and not misspelt.
    """
    if re.search(r"[0-9]", name):
        return ""
    for ours in GROUPS:
        letters = len(ours.replace("_", ""))
        if name.startswith(tuple(f"{ours}{separator}" for separator in "_-.")):
            return ""
        if _distance(_bare(name), _bare(ours)) <= (1 if letters <= 8 else 2):
            return ours
    return ""


def _bare(name: str) -> str:
    return re.sub(r"[-_. ]", "", name.lower()).rstrip("s")


def _distance(one: str, other: str) -> int:
    """How many letters are missing, too many, wrong or exchanged with their neighbour."""
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            best = min(rows[-1][j] + 1, row[j - 1] + 1, rows[-1][j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]
