# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.cluster import _Call
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.node_store import check_wanted

ODD = ["", ".", "..", "../nodes", "w1/", "?", "w1?x=1", "#", "w1#", "%2e", "w 1", "w1\n"]


@pytest.mark.parametrize("name", ODD)
def test_a_name_that_would_change_the_path_is_asked_for_nowhere(name):
    with pytest.raises(InputError) as refused:
        _Call("delete", f"/api/v1/nodes/{name}")
    assert "is not asked of the API server" in str(refused.value)


@pytest.mark.parametrize(
    "path",
    [
        "/readyz",
        "/api/v1/nodes",
        "/api/v1/nodes/192.0.2.31",
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/tlsbootstrap:node-bootstrapper",
        "/api/v1/namespaces/default/pods/w1.x/eviction",
    ],
)
def test_what_is_called_as_it_should_be_is_asked(path):
    assert _Call("get", path).target == path


@pytest.mark.parametrize("name", [*ODD, "W1", "w_1", "-w1"])
def test_what_no_node_can_be_called_is_refused(name):
    with pytest.raises(InputError) as refused:
        check_wanted([{"name": "w1"}, {"name": name}])
    assert "cannot be the name of a Node" in str(refused.value)


def test_a_node_may_be_called_by_its_address():
    assert [one.name for one in check_wanted([{"name": "192.0.2.31"}, {"name": "w1.example"}])] == [
        "192.0.2.31",
        "w1.example",
    ]
