# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter pending_files."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.pending import pending_files


class FilterModule:
    """Register the filter."""

    def filters(self) -> dict[str, Callable[..., list[str]]]:
        return {"pending_files": pending_files}
