# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster is taken to be by credentials that may ask it little."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import cluster_look
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.cluster import (
    ClusterError,
    ForbiddenError,
    UnreachableError,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.preflight import Finding

NAMED = "NodeRestriction"


class Fake:
    """The API server, its rights to impersonate, and what it answers to a node that makes another one's Node."""

    def __init__(self, answer: Exception | None, *resources: str) -> None:
        self.answer = answer
        self.resources = resources
        self.asks = True

    def get(self, path: str) -> Any:
        return {"gitVersion": "v1.37.2"}

    def list(self, path: str) -> Any:
        return [], "1"

    def create(self, path: str, body: Any) -> Any:
        asked = body["spec"]["resourceAttributes"]
        if path.endswith("/subjectaccessreviews"):
            return {"status": {"allowed": asked == {"verb": "create", "resource": "nodes"}}}
        if not self.asks:
            raise ForbiddenError("403")
        name = {"users": "system:node:tlsbootstrap-preflight", "groups": "system:nodes"}[asked["resource"]]
        assert asked == {"verb": "impersonate", "resource": asked["resource"], "name": name}
        return {"status": {"allowed": asked["resource"] in self.resources}}

    def try_as(self, *_arguments: Any) -> None:
        if not {"users", "groups"} <= set(self.resources):
            raise ForbiddenError('User "jane" cannot impersonate resource "users"')
        if self.answer:
            raise self.answer


def findings(fake: Any) -> list[Finding]:
    return cluster_look.look_at_cluster(fake, [], "1.37.2", False, False)[0]


BOTH = ("users", "groups")
REFUSED = ForbiddenError('node "a" is not allowed to modify node "b"')


@pytest.mark.parametrize(
    ("fake", "fatal"),
    [
        (Fake(REFUSED, *BOTH), []),
        (Fake(None, *BOTH), [True]),
        # The plugin may be off: the same 403 comes to who may not impersonate.
        (Fake(None), [False]),
        (Fake(None, "users"), [False]),
        (Fake(ClusterError("a webhook takes no dry run"), *BOTH), [False]),
    ],
)
def test_node_restriction_is_believed_where_it_was_seen(fake: Fake, fatal: list[bool]) -> None:
    found = findings(fake)
    assert [one.fatal for one in found] == fatal
    assert all(NAMED in one.text for one in found)


def test_who_may_not_ask_for_rights_has_not_seen_it() -> None:
    fake = Fake(None)
    fake.asks = False
    assert [one.fatal for one in findings(fake)] == [False]


def test_a_server_that_went_away_has_said_nothing() -> None:
    with pytest.raises(UnreachableError):
        findings(Fake(UnreachableError("away"), *BOTH))
