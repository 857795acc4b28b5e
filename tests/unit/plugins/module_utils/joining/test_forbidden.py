# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a 403: a role is no remedy in a namespace that ends."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import cluster

ENDING = {"causes": [{"reason": "NamespaceTerminating", "message": "namespace shop is being terminated"}]}
POD = "/api/v1/namespaces/shop/pods/a/eviction"
APPROVAL = "/apis/certificates.k8s.io/v1/certificatesigningrequests/a/approval"
SECRET = "/api/v1/namespaces/kube-system/secrets/a"


@pytest.mark.parametrize(
    ("path", "message", "details", "role"),
    [
        (POD, 'pods "a" is forbidden: User "jane" cannot create resource "pods/eviction" in API group ""', {}, True),
        (POD, 'pods "a" is forbidden: unable to create new content in namespace shop', ENDING, False),
        (APPROVAL, "user not permitted to approve requests with signerName", None, True),
        (SECRET, 'secrets "a" is forbidden: User "jane" cannot create resource "secrets" in API group ""', {}, True),
        (SECRET, 'secrets "a" is forbidden: it holds canary', ENDING, False),
        (POD, None, None, True),
    ],
)
def test_a_role_is_asked_for_where_one_helps(path: str, message: str | None, details: Any, role: bool) -> None:
    client: Any = SimpleNamespace(access=SimpleNamespace(path="admin.conf", server="https://192.0.2.10:6443"))
    response = SimpleNamespace(status=403, reason="Forbidden", headers={})
    call = cluster._Call("create", path)
    status = {"message": message, "reason": "Forbidden", "details": details}
    error = cluster.Cluster._error(client, call, response, status)
    assert isinstance(error, cluster.ForbiddenError)
    said = str(error)
    assert said.startswith("the credentials of admin.conf may not create ")
    assert said.endswith("; a role that allows it has to be bound to them") is role
    assert "canary" not in said
