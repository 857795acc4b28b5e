# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels and taints: wanted, ours, others'."""

from __future__ import annotations

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.marks import (
    Marks,
    label_patch,
    merged_taints,
    read_marks,
    taints_of,
)

NODE = {
    "metadata": {"name": "w1", "labels": {"a": "1", "b": "2", "theirs": "x"}},
    "spec": {
        "taints": [
            {"key": "theirs", "effect": "NoSchedule"},
            {"key": "k", "effect": "NoExecute", "value": "old"},
        ]
    },
}


def taint(key: str = "k", effect: str = "NoExecute", value: str = "") -> dict[str, str]:
    return {"key": key, "effect": effect, "value": value}


def test_labels_that_differ() -> None:
    assert label_patch(NODE, {"a": "1", "b": "3", "c": ""}, {}) == {"b": "3", "c": ""}


def test_labels_that_are_wanted_no_more_go_while_they_are_as_we_set_them() -> None:
    ours = {"a": "1", "b": "ours", "gone": "1"}
    assert label_patch(NODE, {}, ours) == {"a": None}
    assert label_patch(NODE, {"a": "2"}, ours) == {"a": "2"}
    assert label_patch(NODE, {}, {}) == {}


def test_taints_are_known_by_key_and_effect_and_those_of_others_stay() -> None:
    wanted = taints_of([taint(value="new"), taint(effect="NoSchedule")])
    assert merged_taints(NODE, wanted, {}) == [
        {"key": "theirs", "effect": "NoSchedule"},
        {"key": "k", "effect": "NoExecute", "value": "new"},
        {"key": "k", "effect": "NoSchedule"},
    ]
    assert merged_taints(NODE, taints_of([taint("theirs", "NoSchedule")]), {}) is None
    assert merged_taints(NODE, {}, {}) is None


def test_taints_that_are_wanted_no_more_go_while_they_are_as_we_set_them() -> None:
    assert merged_taints(NODE, {}, taints_of([taint(value="old")])) == [{"key": "theirs", "effect": "NoSchedule"}]
    assert merged_taints(NODE, {}, taints_of([taint(value="ours")])) is None
    assert merged_taints(NODE, {}, taints_of([taint(effect="NoSchedule", value="old")])) is None


def test_what_is_ours_is_read_back_as_it_was_written() -> None:
    marks = Marks({"b": "", "a": "1"}, taints_of([taint("example.com/k", value="v"), taint("k", "NoSchedule")]))
    assert read_marks(marks.text()) == marks
    turned = Marks({"a": "1", "b": ""}, taints_of([taint("k", "NoSchedule"), taint("example.com/k", value="v")]))
    assert marks.text() == turned.text()
    assert marks.names() == "a, b, example.com/k:NoExecute, k:NoSchedule"


@pytest.mark.parametrize("text", [None, "", "{", "[]", "7", '{"labels": 1}', '{"taints": {"k": "v"}}'])
def test_of_what_cannot_be_read_nothing_is_ours(text: str | None) -> None:
    assert not read_marks(text)
