# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter go_duration."""

from __future__ import annotations

from collections.abc import Callable

from ansible.errors import AnsibleFilterError

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import durations
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError


def go_duration(text: str) -> str:
    """Write a duration as Go's time.ParseDuration reads it, which knows no days."""
    return f"{duration_seconds(text)}s"


def duration_seconds(text: str) -> int:
    """Return the seconds of a duration."""
    try:
        return durations.parse_duration(str(text))
    except InputError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Register the filters."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"go_duration": go_duration, "duration_seconds": duration_seconds}
