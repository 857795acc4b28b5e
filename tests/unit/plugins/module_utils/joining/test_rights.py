# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No token is made that could be used for nothing."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.cluster import ForbiddenError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.token_store import check_rights


class Reviewer:
    """An API server that knows one answer."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self.answer = answer
        self.asked: list[Any] = []

    def create(self, path: str, body: Any) -> Any:
        self.asked.append((path, body["spec"]))
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"status": self.answer}


def test_the_question_is_that_of_a_kubelet_with_a_token() -> None:
    reviewer = Reviewer({"allowed": True})
    check_rights(reviewer)  # type: ignore[arg-type]
    ((path, spec),) = reviewer.asked
    assert path.endswith("/subjectaccessreviews")
    assert "system:bootstrappers:tlsbootstrap" in spec["groups"]
    assert spec["user"].startswith("system:bootstrap:")
    assert spec["resourceAttributes"]["resource"] == "certificatesigningrequests"


@pytest.mark.parametrize("answer", [{"allowed": False}, {}])
def test_missing_rights_name_verb_resource_and_remedy(answer: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"may not create certificatesigningrequests.*control_plane"):
        check_rights(Reviewer(answer))  # type: ignore[arg-type]


def test_who_may_not_ask_goes_on() -> None:
    check_rights(Reviewer(ForbiddenError("no")))  # type: ignore[arg-type]
