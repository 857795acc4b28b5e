# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the controller-manager can cut the networks of nodes out of those of Pods; it stops where it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import names
from .errors import InputError
from .flags import flag_name

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["node_network_problems"]

# cmd/kube-controller-manager/app/core.go, setNodeCIDRMaskSizes
_DEFAULT_PREFIX = {4: 24, 6: 64}
# pkg/controller/nodeipam/ipam/cidrset, clusterSubnetMaxDiff: of IPv6 alone.
_MOST_BITS = 16


def node_network_problems(pod_cidrs: str, extra_args: Mapping[str, Any]) -> list[str]:
    """``extra_args`` are those of the controller-manager."""
    try:
        networks = names.parse_networks(pod_cidrs, "cluster_pod_cidr")
        flags = {flag_name(name): value for name, value in extra_args.items()}
        return [text for network in networks for text in _problems(network, flags)]
    except (InputError, ValueError):
        return []  # refused as what it is


def _problems(network: names.Network, flags: Mapping[str, Any]) -> list[str]:
    flag = f"node-cidr-mask-size-ipv{network.version}"
    given = flags.get(flag) or flags.get("node-cidr-mask-size")
    prefix = int(given) if given else _DEFAULT_PREFIX[network.version]
    why = ""
    if network.prefixlen > prefix:
        why = f"has no room for the network of one node, a /{prefix}"
    elif network.version == 6 and prefix - network.prefixlen > _MOST_BITS:
        why = f"is cut into networks of nodes of /{prefix}, so it has to be /{prefix - _MOST_BITS} or smaller"
    remedy = f"change it, or give {flag} in kube_controller_manager_extra_args"
    return [f"cluster_pod_cidr: {network} {why}: {remedy}"] if why else []
