# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter checked_config."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import component_config
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError


def checked_config(
    base: Mapping[str, Any], overrides: Mapping[str, Any], version: str, owned: Sequence[str] = ()
) -> dict[str, Any]:
    """Merge a user's fields into a configuration, see the documentation beside this file."""
    try:
        return component_config.checked_config(base["kind"], base, overrides, version, owned)
    except InputError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Register the filter."""

    def filters(self) -> dict[str, Callable[..., dict[str, Any]]]:
        return {"checked_config": checked_config}
