# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import objects
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError


def binding(role="view", *users, **metadata):
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "b", **metadata},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user} for user in users],
    }


def role(*verbs):
    return {"kind": "ClusterRole", "rules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": list(verbs)}]}


def test_what_is_there_besides_is_no_difference():
    present = binding("view", "ann", "bob", uid="1", labels={"team": "x"})
    assert objects.differences(binding("view", "bob"), present) == []


def test_missing_subjects_are_added_and_those_of_others_stay():
    wanted, present = binding("view", "ann", "cid"), binding("view", "bob", "ann")
    assert [path for path, _old, _new in objects.differences(wanted, present)] == ["subjects"]
    assert [one["name"] for one in objects.merged(wanted, present)["subjects"]] == ["bob", "ann", "cid"]
    assert objects.differences(wanted, objects.merged(wanted, present)) == []


def test_subjects_are_added_where_there_are_none():
    present = binding("view")
    del present["subjects"]
    assert objects.merged(binding("view", "ann"), present)["subjects"][0]["name"] == "ann"


def test_rules_are_exactly_as_wanted():
    """A right that a newer version of a role gives up must go."""
    wanted, present = role("get"), role("get", "delete")
    assert objects.differences(wanted, present)
    assert objects.merged(wanted, present) == wanted
    assert objects.differences(role("get"), role("get")) == []
    assert objects.differences({"rules": []}, role("get"))


def test_labels_of_others_stay():
    wanted = objects.with_label(binding("view", "ann"))
    merged = objects.merged(wanted, binding("view", "ann", labels={"team": "x"}, resourceVersion="7"))
    assert merged["metadata"] == {
        "name": "b",
        "labels": {"team": "x", "app.kubernetes.io/managed-by": "tlsbootstrap.kubernetes"},
        "resourceVersion": "7",
    }


def test_another_role_is_refused_with_the_remedy():
    with pytest.raises(InputError, match="kubectl delete clusterrolebinding b"):
        objects.check_role_ref(binding("view"), binding("edit"))
    objects.check_role_ref(binding("view"), binding("view", "ann"))


def test_open_bindings_are_found():
    rules = [objects.ForbiddenBinding("view", "everybody")]
    open_one = binding("view", "ann")
    open_one["subjects"].append({"kind": "Group", "name": "everybody"})
    assert objects.forbidden([open_one], rules) == ["ClusterRoleBinding b gives view to the group everybody"]
    # A user of the group's name, another role, and a binding without subjects are none.
    assert objects.forbidden([binding("view", "everybody"), binding("edit"), {"metadata": {"name": "c"}}], rules) == []


@pytest.mark.parametrize(
    "manifest",
    [
        {},
        {"apiVersion": "v1", "kind": "ConfigMap"},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}},
    ],
)
def test_what_is_no_object_and_what_is_a_secret_is_refused(manifest):
    with pytest.raises(InputError):
        objects.key_of(manifest)


def test_long_values_are_cut():
    ((_path, _old, new),) = objects.differences({"data": {"x": "y" * 5000}}, {"data": {}})
    assert len(new) < 400
