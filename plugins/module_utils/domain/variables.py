# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variables are ours, and which names are misspelt."""

from __future__ import annotations

import difflib
import fnmatch
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

__all__ = ["Catalogue", "holders", "holds_secret", "without_requirements"]

# Words that others use too: only a name that is close to one of ours is taken for a slip.
_SHARED_PREFIXES = {"ca_", "identities_", "node_", "rbac_", "report_"}
_CLOSE_IN_SHARED = 0.8
_CLOSE_IN_OURS = 0.75
# A slip in the prefix itself, like kubelt_config_overrides.
_CLOSE_ANYWHERE = 0.92
# The results of the role `cluster`, which it makes itself.
_OWN_FACTS = {"cluster_control_plane", "cluster_hosts", "cluster_joins", "cluster_plan", "cluster_policy"}
# What roles leave for those after them.
_ROLE_FACTS = {"identities_pending", "identities_published", "kube_binaries_pending"}
_OTHERS = ("ansible_", "_", "molecule_")
# Roles that hosts of one group alone run: whoever else has their variables, nobody reads them there.
_READERS = {
    "etcd": "etcd",
    "kube_apiserver": "kube_control_plane",
    "kube_controller_manager": "kube_control_plane",
    "kube_scheduler": "kube_control_plane",
    "kubelet": "kube_node",
}


class Catalogue:
    """All variables of all roles, as their argument specs have them."""

    def __init__(self, roles: Mapping[str, Mapping[str, Mapping[str, Any]]], hosts: Mapping[str, Mapping[str, Any]]):
        """``roles``: the options of each role; ``hosts``: those that an inventory gives to a host."""
        self.options: dict[str, Mapping[str, Any]] = {**hosts}
        for options in roles.values():
            self.options.update(options)
        self._readers = {name: _READERS[role] for role in _READERS for name in roles.get(role) or ()}
        self._prefixes = {f"{role}_" for role in roles} | {"node_"}
        self._strict = tuple(sorted(self._prefixes - _SHARED_PREFIXES))
        self._shared = tuple(sorted(_SHARED_PREFIXES))
        self._judged: dict[str, str] = {}

    def problem(self, name: str, ignored: Sequence[str]) -> str:
        """Why the name is refused, or nothing. Each name is judged once, however many hosts have it."""
        if name not in self._judged:
            self._judged[name] = self._judge(name, ignored)
        return self._judged[name]

    def unread(self, name: str, having: Collection[str], members: Mapping[str, Sequence[str]]) -> str:
        """Why a variable that these hosts have is in the wrong place, or nothing. Some of its group may do without."""
        group = self._readers.get(name, "")
        readers = members.get(group) or ()
        if not readers or any(host in having for host in readers):
            return ""
        return (
            f"{name} is read on the hosts of {group} alone, and none of them has it: set it there, or in group_vars/all"
        )

    def _judge(self, name: str, ignored: Sequence[str]) -> str:
        known = name in self.options or name in _OWN_FACTS | _ROLE_FACTS or name.startswith(_OTHERS)
        if known or any(fnmatch.fnmatchcase(name, pattern) for pattern in ignored):
            return ""
        strict = name.startswith(self._strict)
        shared = name.startswith(self._shared) and not strict
        cutoff = 0.0 if strict else _CLOSE_IN_SHARED if shared else _CLOSE_ANYWHERE
        found = difflib.get_close_matches(name, self.options, n=1, cutoff=cutoff)
        if not found:
            return ""
        if not strict:
            return f"{name} looks like {found[0]} misspelt: correct it; {_ESCAPE}"
        close = difflib.SequenceMatcher(None, name, found[0]).ratio() > _CLOSE_IN_OURS
        meant = f"did you mean {found[0]}?" if close else f"the nearest is {found[0]};"
        return f"{name} is no variable of this collection: {meant} {_ESCAPE}"


_ESCAPE = "a variable of something else is let pass by naming it in cluster_ignored_variables"


def without_requirements(option: Mapping[str, Any]) -> dict[str, Any]:
    """The option as it is checked alone: what is not there is not missing, and no default comes in."""
    return {key: value for key, value in option.items() if key not in ("required", "default", "required_if")}


def holds_secret(option: Mapping[str, Any]) -> bool:
    """Whether the value, or a part of it, may not be shown."""
    if option.get("no_log"):
        return True
    nested = option.get("options")
    return isinstance(nested, dict) and any(holds_secret(inner) for inner in nested.values())


def holders(hosts: Sequence[str], origins: Iterable[str] = ()) -> str:
    """Where a variable is set: its files where they are known, else its hosts, else what only the play knows."""
    places = sorted(set(origins)) or [f"host {host}" for host in hosts] or ["the play, a role, or --extra-vars"]
    shown = ", ".join(places[:3])
    return shown if len(places) <= 3 else f"{shown} and {len(places) - 3} more"
