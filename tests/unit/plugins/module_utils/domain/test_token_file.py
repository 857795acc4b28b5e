# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The static token file: its one line, and what would make another one of it."""

from __future__ import annotations

import csv
import io

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import token_file, tokens
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError

TOKEN = "0123456789abcdef0123456789abcdef"


def test_the_line_is_read_back_by_a_reader_of_csv() -> None:
    user = token_file.read_user("kubelet-bootstrap", "10001", ["system:bootstrappers", "joining", "joining"])
    (row,) = csv.reader(io.StringIO(token_file.content_of(TOKEN, user).decode()))
    assert row == [TOKEN, "kubelet-bootstrap", "10001", "system:bootstrappers,joining"]


def test_without_groups_there_are_three_columns_and_without_a_token_none() -> None:
    user = token_file.read_user("kubelet-bootstrap", "10001", [])
    assert token_file.content_of(TOKEN, user) == f"{TOKEN},kubelet-bootstrap,10001\n".encode()
    assert token_file.content_of(None, user) == b""


@pytest.mark.parametrize(
    ("user", "uid", "groups"),
    [
        ("", "1", []),
        ("a,b", "1", []),
        ('a"b', "1", []),
        ("a\nb", "1", []),
        ("a\n", "1", []),
        ("system:admin", "1", []),
        ("a", "1\n2", []),
        ("a", "", []),
        ("a", "1", ["system:masters"]),
        ("a", "1", ["system:nodes"]),
        ("a", "1", ['x","system:masters']),
        ("a", "1", ["system:bootstrappers:tlsbootstrap"]),
        ("a", "1", ["system:bootstrappers:tlsbootstrap:node:cp1"]),
    ],
)
def test_what_would_be_somebody_else_is_refused(user: str, uid: str, groups: list[str]) -> None:
    with pytest.raises(InputError, match="token file"):
        token_file.read_user(user, uid, groups)


def test_such_a_token_as_a_bootstrap_token_is_refused_with_the_way_to_go() -> None:
    with pytest.raises(InputError, match="cluster_join_credential: token_file") as refused:
        tokens.parse_token(TOKEN)
    assert TOKEN[:6] not in str(refused.value)
