# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a 403: a role is no remedy for what admission refuses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import cluster

POD = "/api/v1/namespaces/shop/pods/a/eviction"
SECRET = "/api/v1/namespaces/kube-system/secrets/a"


@pytest.mark.parametrize(
    ("path", "message", "role"),
    [
        (POD, 'pods "a" is forbidden: User "jane" cannot create resource "pods/eviction" in API group ""', True),
        (POD, 'pods "a" is forbidden: unable to create new content in namespace shop: it is being terminated', False),
        (SECRET, 'secrets "a" is forbidden: User "jane" cannot create resource "secrets" in API group ""', True),
        (SECRET, 'secrets "a" is forbidden: it holds canary', False),
        (POD, None, True),
    ],
)
def test_a_role_is_asked_for_where_one_helps(path: str, message: str | None, role: bool) -> None:
    client: Any = SimpleNamespace(access=SimpleNamespace(path="admin.conf", server="https://192.0.2.10:6443"))
    response = SimpleNamespace(status=403, reason="Forbidden", headers={})
    call = cluster._Call("create", path)
    error = cluster.Cluster._error(client, call, response, {"message": message, "reason": "Forbidden"})
    assert isinstance(error, cluster.ForbiddenError)
    said = str(error)
    assert said.startswith("the credentials of admin.conf may not create ")
    assert said.endswith("; a role that allows it has to be bound to them") is role
    assert "canary" not in said
