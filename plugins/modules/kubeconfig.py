#!/usr/bin/python
# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module kubeconfig."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeconfig
short_description: Write the bootstrap kubeconfig of a node that joins, and take it away
version_added: 0.1.0
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - Writes what a kubelet asks for its first certificate with, mode 0600. Nothing secret is in an option, result, log
    or fact.
  - With O(certificate), that is a join certificate with the one-time key that
    M(tlsbootstrap.kubernetes.kubelet_identity) has made on this host.
  - With O(sealed_token), it is a bootstrap token, which is opened with that key.
  - The CA is referred to by its path, because the kubelet copies it into its own kubeconfig as it is given, and a
    later bundle then needs no other kubeconfig.
extends_documentation_fragment:
  - tlsbootstrap.kubernetes.attributes
options:
  path:
    description: The bootstrap kubeconfig. The one-time key lies in C(.pending) beside it.
    type: path
    required: true
  state:
    description: V(absent) removes the kubeconfig and the one-time key.
    type: str
    choices: [present, absent]
    default: present
  keep_key:
    description:
      - With O(state=absent), whether the one-time key stays. It is of no use without a token that was sealed for it,
        and tells the next run that a token may be left in the cluster.
    type: bool
    default: false
  node_name:
    description: Name of the Node that the token was sealed for.
    type: str
    required: true
  sealed_token:
    description: The token as M(tlsbootstrap.kubernetes.bootstrap_tokens) returns it. O(state=present) wants it, or
      O(certificate).
    type: dict
  certificate:
    description: A join certificate in PEM that was signed for the one-time key of this host.
    type: str
  server:
    description: Address of the API server. Required with O(state=present).
    type: str
  ca_path:
    description: File of the CA certificates that vouch for the API server. Required with O(state=present).
    type: path
  cluster_name:
    description: Name of the cluster in the kubeconfig.
    type: str
    default: kubernetes
requirements:
  - cryptography 3.4 or later
"""

EXAMPLES = r"""
- name: Write the bootstrap kubeconfig
  tlsbootstrap.kubernetes.kubeconfig:
    path: /etc/kubernetes/bootstrap-kubelet.conf
    node_name: worker1
    server: https://192.0.2.10:6443
    ca_path: /etc/kubernetes/pki/kubernetes-ca.crt
    sealed_token: "{{ tokens.sealed['worker1'] }}"

- name: Take the bootstrap kubeconfig away
  tlsbootstrap.kubernetes.kubeconfig:
    path: /etc/kubernetes/bootstrap-kubelet.conf
    node_name: worker1
    state: absent
"""

RETURN = r"""
reasons:
  description: Why the kubeconfig was written or removed, or would be.
  type: list
  elements: dict
  returned: success
  sample:
    - code: KubeconfigMissing
      subject: worker1
      path: /etc/kubernetes/bootstrap-kubelet.conf
      old: null
      new: null
"""

import os
import re
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import files, kubeconfigs, runner, x509
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import pem
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.reasons import Reason
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.token_file import is_file_token
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.kubelet_files import OneTimeKey

# staging/src/k8s.io/cluster-bootstrap/token/api/types.go
TOKEN = re.compile(r"[a-z0-9]{6}\.[a-z0-9]{16}")
USER = "bootstrap-token"

SPEC: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "keep_key": {"type": "bool", "default": False, "no_log": False},
    "node_name": {"type": "str", "required": True},
    # Sealed: only the one-time key of this host opens it.
    "sealed_token": {"type": "dict", "no_log": False},
    "certificate": {"type": "str"},
    "server": {"type": "str"},
    "ca_path": {"type": "path"},
    "cluster_name": {"type": "str", "default": "kubernetes"},
}


def opened(params: dict[str, Any], key: OneTimeKey) -> str:
    """The token, which is returned to the kubeconfig only."""
    private = key.read()
    if private is None:
        raise InputError(f"{key.path} is not there, so the token of {params['node_name']} cannot be opened; run again")
    context = b"bootstrap-token:" + params["node_name"].encode()
    token = x509.open_sealed(private, params["sealed_token"], context).decode("ascii", "replace")
    if not TOKEN.fullmatch(token) and not is_file_token(token):
        raise InputError(f"what was sealed for {params['node_name']} is not a token; run again")
    return token


def credential(params: dict[str, Any], key: OneTimeKey) -> dict[str, Any]:
    """The token, or the certificate with its key: one file has all, and goes as one."""
    if not params["certificate"]:
        return {"token": opened(params, key)}
    what = f"the join certificate of {params['node_name']}"
    data = params["certificate"].encode("ascii", "replace")
    certificate = x509.certificate_info(x509.load_certificate(pem.certificates(data, what)[0], what))
    private = key.read()
    if private is None or x509.load_private_key(private, key.path).info != certificate.key:
        raise InputError(f"{what} is not for the key {key.path}; run again")
    return {"certificate_data": data, "key_data": private}


def write(params: dict[str, Any], check_mode: bool) -> runner.Outcome:
    """Compare and write the kubeconfig; a new token is a change."""
    present = files.read(params["path"])
    if check_mode and not params["sealed_token"] and not params["certificate"]:
        return runner.Outcome([Reason("KubeconfigMissing", params["node_name"], params["path"])])
    config = kubeconfigs.Kubeconfig(
        server=params["server"],
        cluster_name=params["cluster_name"],
        user_name=USER,
        ca_path=params["ca_path"],
        **credential(params, OneTimeKey(params["path"])),
    )
    wanted = kubeconfigs.build(config)
    reasons = files.attribute_reasons(params["path"], params["node_name"], None, None, "0600")
    if present is None:
        reasons = [Reason("KubeconfigMissing", params["node_name"], params["path"])]
    elif present != wanted:
        reasons = [Reason("KubeconfigChanged", params["node_name"], params["path"])]
    if reasons and not check_mode:
        # What a killed run has left there holds a token.
        files.sweep(os.path.dirname(params["path"]))
        files.write_atomic(params["path"], wanted, mode="0600")
    return runner.Outcome(reasons)


def clear(params: dict[str, Any], check_mode: bool) -> runner.Outcome:
    """Take away what is of use for one join only."""
    key = OneTimeKey(params["path"])
    kept = key.path if params["keep_key"] else None
    reasons = [reason for reason in key.leftovers(params["node_name"]) if reason.path != kept]
    if not check_mode:
        files.remove(params["path"])
        key.remove(keep=params["keep_key"])
    return runner.Outcome(reasons)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=SPEC,
        supports_check_mode=True,
        required_if=[("state", "present", ["server", "ca_path"])],
        mutually_exclusive=[("sealed_token", "certificate")],
    )
    action = clear if module.params["state"] == "absent" else write
    given = module.params["sealed_token"] or module.params["certificate"]
    if module.params["state"] == "present" and not given and not module.check_mode:
        module.fail_json(
            msg="sealed_token or certificate is missing: bootstrap_tokens or sign returns it for each node"
        )
    runner.run(module, lambda: action(module.params, module.check_mode))


if __name__ == "__main__":
    main()
