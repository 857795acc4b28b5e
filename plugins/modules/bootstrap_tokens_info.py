#!/usr/bin/python
# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module bootstrap_tokens_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bootstrap_tokens_info
short_description: The bootstrap tokens that the collection has made
version_added: 0.1.0
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - Lists the tokens of the collection that have not ended, by their ids, and says what each is good for. Secrets are
    not returned.
  - A cluster that cannot be asked is a warning, and no failure.
extends_documentation_fragment:
  - tlsbootstrap.kubernetes.cluster
attributes:
  check_mode:
    description: Can run in check_mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Nothing is ever changed.
    support: none
"""

EXAMPLES = r"""
- name: See which tokens there are
  tlsbootstrap.kubernetes.bootstrap_tokens_info:
    kubeconfig: /etc/kubernetes/admin.conf
  register: found
"""

RETURN = r"""
tokens:
  description: The tokens.
  type: list
  elements: dict
  returned: success
  sample:
    - id: 6pwxu2
      node: worker-1
      shared: false
      good_for: node worker-1
      expiration: "2026-11-22T15:15:00Z"
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import token_store
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.access import NotThereError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.client import CLUSTER_SPEC, cluster_of
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.cluster import ClusterError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.certificate import instant_text
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.tokens import OwnToken
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import Outcome, run, utc_now


def row_of(token: OwnToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "node": token.node,
        "shared": token.shared,
        "good_for": "any node" if token.shared else f"node {token.node}",
        "expiration": instant_text(token.expiration) if token.expiration else "",
    }


def look(module: AnsibleModule) -> Outcome:
    try:
        found = token_store.own_tokens(cluster_of(module))
    except (ClusterError, NotThereError) as error:
        return Outcome(result={"tokens": []}, warnings=[f"the bootstrap tokens could not be looked at: {error}"])
    now = utc_now()
    living = sorted((token for token in found if not token.expired(now)), key=lambda token: token.id)
    return Outcome(result={"tokens": [row_of(token) for token in living]})


def main() -> None:
    module = AnsibleModule(argument_spec={**CLUSTER_SPEC}, supports_check_mode=True)
    run(module, lambda: look(module))


if __name__ == "__main__":
    main()
