# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No token is made that could be used for nothing."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.cluster import ForbiddenError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.rights import NEEDED
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.tokens import TokenOptions
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.reviews import may
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.token_store import WantedToken, check_rights

OPERATORS = "system:bootstrappers:operators"


class Reviewer:
    """An API server that lets tokens create some things."""

    def __init__(self, *allowed: str, error: Exception | None = None) -> None:
        self.allowed = allowed
        self.error = error
        self.asked: list[Any] = []

    def create(self, path: str, body: Any) -> Any:
        self.asked.append((path, body["spec"]))
        if self.error:
            raise self.error
        attributes = body["spec"]["resourceAttributes"]
        return {"status": {"allowed": attributes.get("subresource", attributes["resource"]) in self.allowed}}


def check(reviewer: Reviewer, *groups: tuple[str, ...]) -> None:
    wanted = [
        WantedToken(f"w{index}", 60, b"", options=TokenOptions(extra_groups=one)) for index, one in enumerate(groups)
    ]
    check_rights(reviewer, wanted)


def test_the_questions_are_those_of_a_kubelet_with_a_token() -> None:
    reviewer = Reviewer("certificatesigningrequests")
    check(reviewer, (), (), (OPERATORS,))
    # Once for each set of groups, not for each token.
    assert len(reviewer.asked) == 4
    assert {path for path, _spec in reviewer.asked} == {"/apis/authorization.k8s.io/v1/subjectaccessreviews"}
    assert all("system:bootstrappers:tlsbootstrap" in spec["groups"] for _path, spec in reviewer.asked)
    assert all(spec["user"].startswith("system:bootstrap:") for _path, spec in reviewer.asked)
    assert [OPERATORS in spec["groups"] for _path, spec in reviewer.asked] == [False, False, True, True]


@pytest.mark.parametrize("answer", [{}, {"status": None}, {"status": "Success"}])
def test_an_answer_that_says_nothing_is_no_refusal(answer: dict[str, Any]) -> None:
    class Silent(Reviewer):
        def create(self, path: str, body: Any) -> Any:
            return answer

    check(Silent(), ())
    assert not may(Silent(), NEEDED[0])


def test_missing_rights_name_verb_resource_and_remedy() -> None:
    with pytest.raises(InputError, match=r"may not create certificatesigningrequests.*control_plane"):
        check(Reviewer(), ())


def test_a_group_with_which_a_token_becomes_any_node_is_refused() -> None:
    with pytest.raises(InputError, match=rf"{OPERATORS} would become any node.*nodeclient"):
        check(Reviewer("certificatesigningrequests", "nodeclient"), (OPERATORS,))


def test_who_may_not_ask_goes_on() -> None:
    check(Reviewer(error=ForbiddenError("no")), ())
