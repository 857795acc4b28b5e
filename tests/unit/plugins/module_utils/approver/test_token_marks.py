# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.cluster import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.csr import CLIENT_SIGNER, Request
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.token_marks import (
    TokenMarks,
    forget_marks,
    sweep_marks,
)
from ansible_collections.tlsbootstrap.kubernetes.tests.unit.plugins.module_utils.approver.fake_cluster import (
    FakeCluster,
)

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=timezone.utc)


class Store(FakeCluster):
    """With what plays do besides: they list and delete, and make the namespace where it is missing."""

    def __init__(self, namespace=True, may_make=True):
        super().__init__()
        self.namespace = namespace
        self.may_make = may_make

    def create(self, path, body):
        if path == "/api/v1/namespaces":
            if not self.may_make:
                raise ForbiddenError("403")
            if self.namespace:
                raise ConflictError("409")
            self.namespace = body["metadata"]["name"] == "tlsbootstrap"
            return body
        if not self.namespace:
            raise NotFoundError("404")
        return super().create(path, body)

    def list(self, _path, _query):
        return list(self.leases.values()), "1"

    def delete(self, path, _uid=None):
        return self.leases.pop(path.rsplit("/", 1)[1], None) is not None


def request(name="csr-1", uid="1", token="abcdef"):
    return Request(name, uid, "1", NOW, CLIENT_SIGNER, "system:bootstrap:" + token, (), frozenset(), None)


def marks(store):
    return TokenMarks(store, lambda: NOW)


def test_a_mark_is_made_once_and_known_again():
    store = Store()
    assert marks(store).look(request()) is None
    assert marks(store).claim(request()) is None
    before = dict(store.leases)
    assert marks(store).claim(request()) is None
    assert marks(store).look(request()) is None
    assert marks(store).claim(request("csr-2", "2")) == "csr-1"
    assert marks(store).look(request("csr-2", "2")) == "csr-1"
    assert marks(store).claim(request("csr-3", "3", "ghijkl")) is None
    assert store.leases["token-abcdef"] == before["token-abcdef"]


def test_a_play_makes_the_namespace_and_the_service_says_who_does():
    store = Store(namespace=False)
    assert marks(store).claim(request()) is None
    assert "token-abcdef" in store.leases
    with pytest.raises(ForbiddenError, match="the playbook `control_plane` makes it"):
        marks(Store(namespace=False, may_make=False)).claim(request())


def test_marks_go_when_no_token_can_be_as_old_and_nothing_else_goes():
    store = Store()
    ages = {"token-old000": 25.1, "token-young0": 24.5, "csr-approver": 1000, "csr-approver-brake": 1000}
    for name, hours in ages.items():
        created = (NOW - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
        store.leases[name] = {"metadata": {"name": name, "uid": name, "creationTimestamp": created}}
    sweep_marks(store, NOW)
    assert sorted(store.leases) == ["csr-approver", "csr-approver-brake", "token-young0"]


def test_who_may_not_see_marks_leaves_them():
    class Forbidden(Store):
        def list(self, *_unused):
            raise ForbiddenError("403")

    store = Forbidden()
    sweep_marks(store, NOW)


def test_a_token_of_ones_own_can_have_the_id_of_an_earlier_one():
    store = Store()
    marks(store).claim(request())
    forget_marks(store, ["abcdef", "nobody"])
    assert marks(store).claim(request("csr-2", "2")) is None
