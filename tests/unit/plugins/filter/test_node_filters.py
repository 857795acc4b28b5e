# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters checked_config, kubelet_labels and report_table."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.tlsbootstrap.kubernetes.plugins.filter.checked_config import checked_config
from ansible_collections.tlsbootstrap.kubernetes.plugins.filter.kubelet_labels import kubelet_labels
from ansible_collections.tlsbootstrap.kubernetes.plugins.filter.report_table import report_table


def test_checked_config_takes_the_kind_of_the_configuration() -> None:
    base = {"kind": "KubeProxyConfiguration", "mode": "nftables"}
    assert checked_config(base, {"oomScoreAdj": 0}, "1.37.2") == {**base, "oomScoreAdj": 0}


def test_a_refusal_is_an_error_of_the_filter() -> None:
    with pytest.raises(AnsibleFilterError, match="did you mean 'maxPods'"):
        checked_config({"kind": "KubeletConfiguration"}, {"maxpods": 1}, "1.37.2")


def test_labels_are_a_flag() -> None:
    assert kubelet_labels({"zone": "a", "disk": "ssd", "node-role.kubernetes.io/worker": ""}) == "disk=ssd,zone=a"
    assert kubelet_labels({}) == ""


def test_a_table_is_aligned_and_has_no_empty_cells() -> None:
    rows = [{"name": "w1", "end": "2026-01-31"}, {"name": "control-plane-1", "end": None, "sans": ["a", "b"]}]
    assert report_table(rows, {"name": "NODE", "end": "END", "sans": "NAMES"}) == [
        "NODE             END         NAMES",
        "w1               2026-01-31  -",
        "control-plane-1  -           a, b",
    ]


def test_a_table_without_rows_is_its_heading() -> None:
    assert report_table([], {"name": "NODE"}) == ["NODE"]
