#!/usr/bin/python
# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module token_file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: token_file
short_description: The API server's static token file
version_added: 0.1.0
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - Writes the file of C(--token-auth-file) on a control plane, mode 0600, with one token for nodes that join, or with
    none. The API server reads it at its start only; M(tlsbootstrap.kubernetes.unit) restarts it.
  - The token is generated on one control plane and goes to the others and to the nodes encrypted to a one-time key of
    each. It is in no option, result, log or fact.
extends_documentation_fragment:
  - tlsbootstrap.kubernetes.attributes
options:
  path:
    description: The file. One-time keys lie in C(.pending) beside it.
    type: path
    required: true
  state:
    description:
      - V(there) makes an empty file where there is none, with which an API server can start.
      - V(key) makes a one-time key for this control plane and returns its public half.
      - V(token) generates a token and returns it for each of O(recipients), and writes nothing.
      - V(present) opens O(sealed_token) and writes the file. V(absent) empties it.
    type: str
    choices: [there, key, token, present, absent]
    required: true
  host:
    description: Name of this control plane, for whom a token is sealed.
    type: str
    default: ''
  owner:
    description: Owner of the file, the user of the API server.
    type: str
    default: kube-apiserver
  recipients:
    description: For O(state=token), C(node_name) and C(recipient), the public half of a one-time key, of each.
    type: list
    elements: dict
    default: []
  sealed_token:
    description: The token as O(state=token) returns it.
    type: dict
  user:
    description: User that the token stands for.
    type: str
    default: kubelet-bootstrap
  uid:
    description: Its uid, any text.
    type: str
    default: '10001'
  groups:
    description: Its groups.
    type: list
    elements: str
    default: []
requirements:
  - cryptography 3.4 or later
"""

EXAMPLES = r"""
- name: Have a file with which the API server starts
  tlsbootstrap.kubernetes.token_file:
    path: /etc/kubernetes/token.csv
    state: there

- name: Take the token away
  tlsbootstrap.kubernetes.token_file:
    path: /etc/kubernetes/token.csv
    state: absent
"""

RETURN = r"""
recipient:
  description: Public half of the one-time key in PEM, and the host.
  type: dict
  returned: with O(state=key)
  sample: {"node_name": "cp1", "recipient": "-----BEGIN PUBLIC KEY-----..."}
sealed:
  description: For each recipient the token, encrypted.
  type: dict
  returned: with O(state=token)
reasons:
  description: Why the file was written, or would be.
  type: list
  elements: dict
  returned: success
  sample:
    - code: ContentChanged
      subject: token file
      path: /etc/kubernetes/token.csv
      old: no token
      new: one token
"""

import secrets
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import files, x509
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.reasons import Reason
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.token_file import (
    content_of,
    is_file_token,
    read_user,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.tokens import seal_context
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.kubelet_files import OneTimeKey
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import Outcome, run

SUBJECT = "token file"


def make_token(params: dict[str, Any]) -> Outcome:
    token = secrets.token_hex(16).encode("ascii")
    rows = {str(one["node_name"]): str(one["recipient"]).encode("ascii") for one in params["recipients"]}
    return Outcome(result={"sealed": {name: x509.seal(key, token, seal_context(name)) for name, key in rows.items()}})


def opened(params: dict[str, Any], key: OneTimeKey) -> str:
    private = key.read()
    if private is None or not params["sealed_token"]:
        raise InputError(f"there is no one-time key {key.path}, or no token for it: run again")
    token = x509.open_sealed(private, params["sealed_token"], seal_context(params["host"])).decode("ascii", "replace")
    if not is_file_token(token):
        raise InputError("what was sealed is no token of a token file: run again")
    return token


def write(params: dict[str, Any], check_mode: bool, token: str | None) -> Outcome:
    path, owner = params["path"], params["owner"]
    wanted = content_of(token, read_user(params["user"], params["uid"], params["groups"]))
    present = files.read(path)
    if present is not None and params["state"] == "there":
        wanted = present
    words = {True: "one token", False: "no token"}
    old = None if present is None else words[bool(present)]
    reasons = files.attribute_reasons(path, SUBJECT, owner, owner, "0600")
    if present != wanted:
        reasons = [Reason("ContentChanged", SUBJECT, path, old, words[bool(wanted)])]
    if reasons and not check_mode:
        files.write_atomic(path, wanted, owner, owner, "0600")
    return Outcome(reasons)


def work(params: dict[str, Any], check_mode: bool) -> Outcome:
    key = OneTimeKey(params["path"], "token-file.key")
    if params["state"] == "token":
        return make_token(params)
    if params["state"] == "key":
        recipient = "" if check_mode else key.make()
        return Outcome(result={"recipient": {"node_name": params["host"], "recipient": recipient}})
    outcome = write(params, check_mode, opened(params, key) if params["state"] == "present" else None)
    if params["state"] != "there" and not check_mode:
        key.remove()
    return outcome


def main() -> None:
    states = ["there", "key", "token", "present", "absent"]
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "state": {"type": "str", "choices": states, "required": True},
            "host": {"type": "str", "default": ""},
            "owner": {"type": "str", "default": "kube-apiserver"},
            "recipients": {"type": "list", "elements": "dict", "default": []},
            # Sealed: only the one-time key of this host opens it.
            "sealed_token": {"type": "dict", "no_log": False},
            "user": {"type": "str", "default": "kubelet-bootstrap"},
            "uid": {"type": "str", "default": "10001"},
            "groups": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    run(module, lambda: work(module.params, module.check_mode))


if __name__ == "__main__":
    main()
