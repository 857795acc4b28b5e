# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users may not change in the components, as the variables of the components' roles have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .component_config import config_problems
from .flags import flag_problems

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["value_problems"]

_KINDS = {"kubelet": "KubeletConfiguration", "kube_proxy": "KubeProxyConfiguration"}


def value_problems(name: str, value: Any, roles: Mapping[str, Mapping[str, Any]], version: str) -> list[str]:
    """All that is wrong with the value of a variable; ``roles`` are the internal variables of each role."""
    role, rules = next(((role, of) for role, of in roles.items() if name.startswith(f"{role}_")), ("", {}))
    found: list[str] = []
    if role and name == f"{role}_extra_args":
        lists = [rules.get(f"__{role}_{what}") for what in ("owned_flags", "required", "forbidden")]
        found = flag_problems(value, lists[0] or (), lists[1], lists[2])
    elif role in _KINDS and name == f"{role}_config_overrides":
        found = config_problems(_KINDS[role], value, version, rules.get(f"__{role}_owned_fields") or ())
    return [f"{name}: {text}" for text in found]
