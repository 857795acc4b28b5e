# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merging the flags of a component."""

from __future__ import annotations

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.flags import (
    component_flags,
    flag_name,
    flag_problems,
)


def test_the_users_flags_come_over_the_roles_own() -> None:
    base = {"profiling": False, "v": 2, "controllers": ["*", "tokencleaner"]}
    extra = {"v": 4, "feature-gates": {"A": True, "B": False}}
    assert component_flags(base, extra, []) == [
        "--profiling=false",
        "--v=4",
        "--controllers=*,tokencleaner",
        "--feature-gates=A=true,B=false",
    ]


def test_none_takes_a_flag_away() -> None:
    assert component_flags({"v": 2, "w": 1}, {"v": None}, []) == ["--w=1"]


@pytest.mark.parametrize("name", ["client-ca-file", "client_ca_file", "--client-ca-file", " client-ca_file "])
def test_owned_flags_are_refused_in_every_writing(name: str) -> None:
    with pytest.raises(InputError, match="--client-ca-file belongs to the collection"):
        component_flags({"client-ca-file": "/a"}, {name: "/b"}, ["client-ca-file"])


@pytest.mark.parametrize("name", ["", "a b", "a=b", "-v", "---v", "Upper", "a\n"])
def test_what_is_no_name_is_refused(name: str) -> None:
    if name == "a\n":
        assert flag_name(name) == "a"
        return
    with pytest.raises(InputError, match="is not the name of a flag"):
        flag_name(name)


@pytest.mark.parametrize("value", ["RBAC", ["RBAC"], "Nodes,RBAC", "", None])
def test_required_members_stay(value: object) -> None:
    with pytest.raises(InputError, match=r"must keep .*Node"):
        component_flags({}, {"authorization_mode": value}, [], {"authorization-mode": ["Node", "RBAC"]})


def test_required_members_may_get_company() -> None:
    required = {"authorization-mode": ["Node", "RBAC"]}
    assert component_flags({}, {"authorization-mode": "Webhook, Node, RBAC"}, [], required) == [
        "--authorization-mode=Webhook, Node, RBAC"
    ]


@pytest.mark.parametrize("value", ["", None, []])
def test_a_flag_without_required_members_may_change_but_not_go(value: object) -> None:
    required: dict[str, list[str]] = {"audit-log-path": []}
    with pytest.raises(InputError, match="--audit-log-path cannot be taken away"):
        component_flags({"audit-log-path": "/a"}, {"audit_log_path": value}, [], required)
    assert component_flags({"audit-log-path": "/a"}, {"audit-log-path": "-"}, [], required) == ["--audit-log-path=-"]


def test_forbidden_members_are_refused() -> None:
    with pytest.raises(InputError, match="must not name NodeRestriction"):
        component_flags(
            {},
            {"disable-admission-plugins": "A,NodeRestriction"},
            [],
            {},
            {
                "disable-admission-plugins": ["NodeRestriction"],
            },
        )


@pytest.mark.parametrize("value", ["a\nb", "a\x00", object(), ["a", "b\r"]])
def test_values_are_one_line(value: object) -> None:
    with pytest.raises(InputError, match="value of --v"):
        component_flags({}, {"v": value}, [])


def test_all_that_is_wrong_is_said() -> None:
    extra = {"a b": 1, "owned": 2, "v": "1\n", "--w": 3, "w": 4, "x": 5}
    found = flag_problems(extra, ["owned"])
    assert [text.split(":")[0] for text in found] == [
        "'a b' is not the name of a flag",
        "the flag --owned belongs to the collection and cannot be overridden",
        "the value of --v has a line break or another control character",
        "--w is given twice, in two spellings",
    ]
