# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which choices go together, all of them tried."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.credentials import (
    APPROVALS,
    APPROVERS,
    CREDENTIALS,
    Choices,
)

ALL = [Choices(*one) for one in itertools.product(CREDENTIALS, APPROVERS, APPROVALS, APPROVALS, APPROVALS)]


def test_the_defaults_need_nobody() -> None:
    choices = Choices()
    assert choices.problems() == []
    assert choices.decides == ["client", "serving"]
    assert choices.service


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        (Choices(serving="auto"), "no part of Kubernetes approves serving certificates"),
        (Choices(client="auto"), "good for any node"),
        (Choices("shared_token"), "whose request is whose"),
        (Choices(approver="module", renewal="inventory"), "no playbook runs when nodes renew"),
        (Choices(approver="module", client="manual"), "no playbook runs when the node asks"),
        (Choices(approver="module", kubeadm=True), "no playbook runs when kubeadm joins"),
        (Choices("certificate", client="auto", kubeadm=True), "would approve no token of kubeadm"),
    ],
)
def test_what_could_not_work_is_refused_with_a_remedy(choices: Choices, says: str) -> None:
    (problem,) = choices.problems()
    assert says in problem
    assert "use " in problem or "set " in problem


def test_what_is_not_refused_has_somebody_for_each_kind() -> None:
    fine = [one for one in ALL if not one.problems()]
    assert 0 < len(fine) < len(ALL)
    for one in fine:
        assert one.serving != "auto"
        assert one.service or one.renewal != "inventory"
        anybody = {"token": "auto", "shared_token": "inventory", "token_file": "inventory"}
        assert one.client != anybody.get(one.credential)


def test_the_service_runs_where_it_has_something_to_decide() -> None:
    assert not Choices(client="manual", serving="manual").service
    assert not Choices(approver="module").service
    assert Choices(client="manual", serving="manual", renewal="inventory").service
