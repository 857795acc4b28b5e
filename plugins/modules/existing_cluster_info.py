#!/usr/bin/python
# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module existing_cluster_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: existing_cluster_info
short_description: See whether nodes can join a cluster that somebody else has made, and what they need for it
version_added: 0.1.0
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - Asks a cluster with the kubeconfig of an administrator. Changes nothing, and returns nothing secret.
  - Each CA in the kubeconfig has to be one that O(ca_pins) names, or nothing is sent to the server. Of the CAs that the
    cluster gives to its Pods one has to be; those that no pin names are left out, with a warning.
  - Refuses a kubelet that is newer than the API server, or more than three minor versions older.
  - Refuses credentials that do not suffice to join nodes, and names each verb that is missing.
extends_documentation_fragment:
  - tlsbootstrap.kubernetes.attributes
  - tlsbootstrap.kubernetes.cluster
options:
  ca_pins:
    description:
      - Pins of the cluster's CAs as C(kubeadm) has them, C(sha256:) and the SHA-256 of the CA's public key
        (SubjectPublicKeyInfo) in hexadecimal.
    type: list
    elements: str
    required: true
  kubelet_version:
    description: Version of the kubelets that are to join.
    type: str
    required: true
  server:
    description: What nodes reach the API servers by. Empty means what the kubeconfig names.
    type: str
    default: ''
  renewed:
    description:
      - Whether kube-controller-manager is to approve renewals of client certificates. If so, and it would not, there is
        a warning.
    type: bool
    default: true
requirements:
  - cryptography 3.4 or later
"""

EXAMPLES = r"""
- name: Look at the cluster that nodes are to join
  tlsbootstrap.kubernetes.existing_cluster_info:
    kubeconfig: ~/.kube/config
    ca_pins: [sha256:4b1d35b16ba9ee8f9ee6e3a8a2a1c5b1f4a5fbc4bfa5e60ef97ed9a61a1f2f0c]
    kubelet_version: 1.37.2
  register: found
"""

RETURN = r"""
version:
  description: Version of the API server.
  type: str
  returned: success
  sample: v1.37.2
cluster:
  description: What nodes of the cluster have to know.
  type: dict
  returned: success
  contains:
    api_endpoint:
      description: What nodes reach the API servers by.
      type: str
    cas:
      description: The CAs that vouch for the API servers, in PEM, by the name that bundles have them by.
      type: dict
    client_cas:
      description: The CAs whose clients the API servers take, in PEM. Empty where the cluster does not say.
      type: str
    dns_ips:
      description: The addresses of the cluster's DNS. Missing where the cluster does not say.
      type: list
      elements: str
    domain:
      description: The DNS domain of the cluster. Missing where the cluster does not say.
      type: str
  sample:
    api_endpoint: https://192.0.2.10:6443
    cas:
      kubernetes-ca: "-----BEGIN CERTIFICATE-----..."
    client_cas: "-----BEGIN CERTIFICATE-----..."
    dns_ips: [10.96.0.10]
    domain: cluster.local
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.client import CLUSTER_SPEC
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.existing import read_pins
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.existing_cluster import look
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import Outcome, run

SPEC: dict[str, Any] = {
    **CLUSTER_SPEC,
    "ca_pins": {"type": "list", "elements": "str", "required": True},
    "kubelet_version": {"type": "str", "required": True},
    "server": {"type": "str", "default": ""},
    "renewed": {"type": "bool", "default": True},
}


def ask(params: dict[str, Any]) -> Outcome:
    found = look(
        params["kubeconfig"],
        read_pins(params["ca_pins"], "ca_pins"),
        params["kubelet_version"],
        params["server"],
        params["renewed"],
        params["timeout"],
    )
    cluster = {
        "api_endpoint": found.server,
        "cas": {"kubernetes-ca": found.cas},
        "client_cas": found.client_cas,
        **found.dns,
    }
    return Outcome(result={"version": found.version, "cluster": cluster}, warnings=found.warnings)


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    run(module, lambda: ask(module.params))


if __name__ == "__main__":
    main()
