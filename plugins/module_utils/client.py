# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules share that talk to a cluster: their options, and what check mode finds before there is a cluster."""

from __future__ import annotations

from typing import Any

from .access import NotThereError, load_access
from .cluster import Cluster, UnreachableError
from .domain.errors import InputError

__all__ = ["CLUSTER_SPEC", "cluster_of", "cluster_or_none"]

CLUSTER_SPEC: dict[str, Any] = {
    "kubeconfig": {"type": "path", "required": True},
    "timeout": {"type": "int", "default": 60},
}
# On a first run in check mode nothing listens, and nobody wants to wait for it.
CHECK_TIMEOUT = 5


def cluster_of(module: Any) -> Cluster:
    if module.params["timeout"] < 1:
        raise InputError("timeout is to be at least 1 second")
    return Cluster(load_access(module.params["kubeconfig"]), timeout=module.params["timeout"])


def cluster_or_none(module: Any, warnings: list[str], always: bool = False) -> Cluster | None:
    """In check mode, or `always`, None where there is no cluster yet: everything would be made then."""
    if not (module.check_mode or always):
        return cluster_of(module)
    try:
        Cluster(load_access(module.params["kubeconfig"]), timeout=CHECK_TIMEOUT).get("/version")
    except (NotThereError, UnreachableError) as error:
        warnings.append(f"there is no cluster to compare with, so everything is told as new: {error}")
        return None
    return cluster_of(module)
