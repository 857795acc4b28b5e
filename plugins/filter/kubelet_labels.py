# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter kubelet_labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import component_config


def kubelet_labels(labels: Mapping[str, Any]) -> str:
    """Choose the labels that a kubelet sets itself, see the documentation beside this file."""
    return ",".join(f"{key}={value}" for key, value in component_config.kubelet_labels(labels).items())


class FilterModule:
    """Register the filter."""

    def filters(self) -> dict[str, Callable[..., str]]:
        return {"kubelet_labels": kubelet_labels}
