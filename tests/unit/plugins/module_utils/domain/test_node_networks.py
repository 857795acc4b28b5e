# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of Pods with which a controller-manager of 1.37 was seen to start, and to stop."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.node_networks import node_network_problems


@pytest.mark.parametrize(
    ("cidrs", "extra"),
    [
        ("10.244.0.0/16", {}),
        ("10.244.0.0/24", {}),
        ("10.0.0.0/8", {}),
        ("fd00:244::/48", {}),
        ("10.244.0.0/28", {"node_cidr_mask_size": 28}),
        ("10.244.0.0/16,fd00:244::/32", {"node-cidr-mask-size-ipv6": "48"}),
        ("nonsense", {}),
        ("10.244.0.0/28", {"node-cidr-mask-size": "nonsense"}),
    ],
)
def test_that_can_be_cut_or_are_refused_elsewhere(cidrs: str, extra: dict[str, Any]) -> None:
    assert node_network_problems(cidrs, extra) == []


@pytest.mark.parametrize(
    ("cidrs", "extra", "why"),
    [
        ("10.244.0.0/28", {}, "no room for the network of one node, a /24"),
        ("10.244.0.0/16", {"node-cidr-mask-size-ipv4": 15}, "no room for the network of one node, a /15"),
        ("fd00:244::/65", {}, "no room for the network of one node, a /64"),
        ("10.244.0.0/16,fd00:244::/32", {}, "it has to be /48 or smaller"),
    ],
)
def test_that_cannot(cidrs: str, extra: dict[str, Any], why: str) -> None:
    (text,) = node_network_problems(cidrs, extra)
    assert why in text
    assert "kube_controller_manager_extra_args" in text
