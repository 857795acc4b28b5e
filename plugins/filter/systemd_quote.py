# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter systemd_quote."""

from __future__ import annotations

from collections.abc import Callable

from ansible.errors import AnsibleFilterError

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import units
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError


def systemd_quote(word: object, command: bool = True) -> str:
    """Quote one word of a unit file, see the documentation beside this file."""
    try:
        return units.quote(str(word), command)
    except InputError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Register the filter."""

    def filters(self) -> dict[str, Callable[..., str]]:
        return {"systemd_quote": systemd_quote}
