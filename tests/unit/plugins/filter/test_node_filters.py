# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters checked_config, kubelet_labels and report_table."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.tlsbootstrap.kubernetes.plugins.filter.checked_config import checked_config
from ansible_collections.tlsbootstrap.kubernetes.plugins.filter.kubelet_labels import kubelet_labels
from ansible_collections.tlsbootstrap.kubernetes.plugins.filter.report_rows import report_rows, time_left
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


def test_each_certificate_is_a_row_and_a_file_without_one_says_so() -> None:
    certificate = {
        "common_name": "kube-apiserver",
        "organizations": [],
        "issuer": "CN=kubernetes-ca",
        "not_after": "2027-11-22T12:00:00Z",
        "seconds_left": 90000,
    }
    files = [
        {"path": "/a.crt", "exists": True, "certificates": [certificate, certificate]},
        {"path": "/b.crt", "exists": False, "certificates": []},
        {"path": "/c.crt", "exists": True, "certificates": [], "error": "the file is empty"},
        {"path": "/d.pub", "exists": True, "certificates": []},
    ]
    rows = report_rows(files, "cp1")
    assert [row["path"] for row in rows] == ["/a.crt", "/a.crt", "/b.crt", "/c.crt", "/d.pub"]
    assert (rows[0]["holder"], rows[0]["issuer"], rows[0]["left"]) == ("kube-apiserver", "kubernetes-ca", "1 d 1 h")
    assert [row["left"] for row in rows[2:]] == ["not there", "the file is empty", "no certificate in it"]
    assert {row["host"] for row in rows} == {"cp1"}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "expired"), (0, "expired"), (59, "0 min 59 s"), (3661, "1 h 1 min"), (31536000, "365 d 0 h")],
)
def test_time_left_is_said_in_two_units(seconds: int, text: str) -> None:
    assert time_left(seconds) == text
