#!/usr/bin/python
# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module cluster_objects."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_objects
short_description: Objects of the cluster, such as roles and bindings
version_added: 0.1.0
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - Compares objects with those in the cluster, and creates or changes what is missing or differs, all in one call.
  - Only what O(objects) name is compared. Fields, labels and subjects that a user has added stay; other lists, such as
    the rules of a role, are made as wanted.
  - A binding that is there with another role is refused, because Kubernetes does not let anybody change it.
  - All is compared, and refused where it has to be, before the first change.
extends_documentation_fragment:
  - tlsbootstrap.kubernetes.attributes
  - tlsbootstrap.kubernetes.cluster
options:
  objects:
    description: Manifests of the objects that are to be there. Secrets are refused.
    type: list
    elements: dict
    default: []
  absent:
    description:
      - Objects that are not to be there; C(apiVersion), C(kind) and C(metadata.name) suffice.
      - Only those that the collection made are deleted, which is told by their label C(app.kubernetes.io/managed-by).
        What somebody else made under the same name gets what O(objects) names, but not the label.
    type: list
    elements: dict
    default: []
  refuse_bindings:
    description: Refuse to go on where a ClusterRoleBinding, whoever made it, gives one of these roles to its group.
    type: list
    elements: dict
    default: []
    suboptions:
      cluster_role:
        description: Name of the ClusterRole.
        type: str
        required: true
      group:
        description: Name of the group.
        type: str
        required: true
"""

EXAMPLES = r"""
- name: Let bootstrap tokens create certificate signing requests
  tlsbootstrap.kubernetes.cluster_objects:
    kubeconfig: /etc/kubernetes/super-admin.conf
    objects:
      - apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata:
          name: tlsbootstrap:node-bootstrapper
        roleRef:
          apiGroup: rbac.authorization.k8s.io
          kind: ClusterRole
          name: system:node-bootstrapper
        subjects:
          - apiGroup: rbac.authorization.k8s.io
            kind: Group
            name: system:bootstrappers:tlsbootstrap
"""

RETURN = r"""
reasons:
  description: What was changed and why, or would be.
  type: list
  elements: dict
  returned: success
  sample:
    - code: ObjectMissing
      subject: ClusterRoleBinding tlsbootstrap:node-bootstrapper
      path: null
      old: null
      new: created
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.client import CLUSTER_SPEC, cluster_or_none
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.objects import ForbiddenBinding
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.object_store import (
    ObjectStore,
    as_new,
    refuse_bindings,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import Outcome, run

BINDING: dict[str, Any] = {
    "cluster_role": {"type": "str", "required": True},
    "group": {"type": "str", "required": True},
}
SPEC: dict[str, Any] = {
    **CLUSTER_SPEC,
    "objects": {"type": "list", "elements": "dict", "default": []},
    "absent": {"type": "list", "elements": "dict", "default": []},
    "refuse_bindings": {"type": "list", "elements": "dict", "default": [], "options": BINDING},
}


def apply(module: AnsibleModule) -> Outcome:
    objects, absent = module.params["objects"], module.params["absent"]
    wanted = as_new(objects)
    warnings: list[str] = []
    cluster = cluster_or_none(module, warnings)
    if cluster is None:
        return Outcome(wanted, warnings=warnings)
    rules = [ForbiddenBinding(**rule) for rule in module.params["refuse_bindings"]]
    refuse_bindings(cluster, rules)
    store = ObjectStore(cluster)
    steps = store.plan(objects, absent)
    if not module.check_mode:
        store.apply(steps)
    return Outcome([reason for step in steps for reason in step.reasons])


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    run(module, lambda: apply(module))


if __name__ == "__main__":
    main()
