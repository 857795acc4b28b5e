# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a policy that changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.approver.install import install

POLICY = {"version": 1, "nodes": {"w1": {"dns_names": ["w1"]}}, "decides": ["serving"]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"decides": ["client", "serving"]}, ("decides", "serving", "client, serving")),
        ({"foreign_requests": "ignore"}, ("foreign_requests", "deny", "ignore")),
        ({"nodes": {"w1": {"dns_names": ["w2"]}}}, ("node w1", "w1", "w2")),
        ({"foreign_requests": "deny"}, ("csr-approver", "the same policy in other words", "as wanted")),
    ],
)
def test_the_very_change_is_named(tmp_path: Path, change: dict[str, object], said: tuple[str, str, str]) -> None:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(POLICY))
    found = install(str(tmp_path / "program"), str(path), {**POLICY, **change}, check_mode=True).reasons
    changed = [one for one in found if one.path == str(path) and one.code == "ContentChanged"]
    assert [(one.subject, one.old, one.new) for one in changed] == [said]
