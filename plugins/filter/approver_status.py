# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter approver_status."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.metrics import (
    approver_status as status_of,
)


def approver_status(metrics: str) -> str:
    """Say in a line how an approver is, see the documentation beside this file."""
    return status_of(str(metrics))


class FilterModule:
    """Register the filter."""

    def filters(self) -> dict[str, Callable[[str], str]]:
        return {"approver_status": approver_status}
