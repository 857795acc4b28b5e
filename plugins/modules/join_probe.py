#!/usr/bin/python
# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module join_probe."""

from __future__ import annotations

DOCUMENTATION = r"""
module: join_probe
short_description: See by a call whether an API server trusts the CA of join certificates
version_added: 0.1.0
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - The API server reads its client CAs again by itself, and says nowhere that it has. So a certificate of the CA, which
    is of no group and has no rights, asks it who it is, until the answer is the wanted one.
  - Its key is made on this host with O(state=request), and removed when the answer has come.
extends_documentation_fragment:
  - tlsbootstrap.kubernetes.attributes
options:
  state:
    description:
      - V(request) returns a certificate signing request for M(tlsbootstrap.kubernetes.sign).
      - V(trusted) waits until O(certificate) is taken, V(refused) until it is no more.
    type: str
    choices: [request, trusted, refused]
    required: true
  directory:
    description: The folder of the PKI. The key lies in C(.pending) in it meanwhile, readable by root alone.
    type: path
    required: true
  host:
    description: Name of this host, for those who sign the request.
    type: str
    default: ''
  certificate:
    description: The certificate in PEM that was signed for the request.
    type: str
  server:
    description: The API server of this host, C(https://<host>:<port>).
    type: str
  ca_path:
    description: File of the CA certificates that vouch for it.
    type: path
  timeout:
    description: Seconds to wait for the answer.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Make a request for a certificate that proves it
  tlsbootstrap.kubernetes.join_probe:
    state: request
    host: cp1
    directory: /etc/kubernetes/pki
  register: probe

- name: Wait until the API server trusts it
  tlsbootstrap.kubernetes.join_probe:
    state: trusted
    directory: /etc/kubernetes/pki
    certificate: "{{ signed.certificates['cp1']['join-probe'] }}"
    server: https://127.0.0.1:6443
    ca_path: /etc/kubernetes/pki/kubernetes-ca.crt
"""

RETURN = r"""
certificate_request:
  description: The certificate signing request in PEM.
  type: str
  returned: with O(state=request)
host:
  description: The option.
  type: str
  returned: with O(state=request)
seconds:
  description: How long the answer took.
  type: float
  returned: with O(state=trusted) and O(state=refused)
"""

import os
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import files, x509
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.access import Access
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.cluster import (
    Cluster,
    UnauthorizedError,
    UnreachableError,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import Outcome, run

NAME = "tlsbootstrap:join-probe"
REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
BEAT = 0.2


def request(folder: str, host: str) -> Outcome:
    key = x509.generate_key("ecdsa-p256")
    files.ensure_directory(folder, "root" if os.geteuid() == 0 else None, None, "0700")
    files.sweep(folder)
    files.write_atomic(os.path.join(folder, "join-probe.key"), key.pem(), mode="0600")
    return Outcome(result={"host": host, "certificate_request": x509.make_request(key, NAME, ())})


def taken(access: Access) -> bool:
    """Each time over a new connection: who a client is, is found out at its begin."""
    try:
        review = Cluster(access, 10).create(REVIEWS, REVIEW)
    except UnauthorizedError:
        return False
    return bool(review["status"]["userInfo"]["username"] == NAME)


def wait(params: dict[str, Any], folder: str) -> Outcome:
    paths = [os.path.join(folder, "join-probe." + kind) for kind in ("crt", "key")]
    if files.read(paths[1]) is None:
        raise InputError(f"{paths[1]} is not there; make a request first")
    files.write_atomic(paths[0], params["certificate"].encode("ascii"), mode="0600")
    access = Access("the probe", params["server"], params["ca_path"], *paths)
    began = time.monotonic()
    try:
        while taken(access) != (params["state"] == "trusted"):
            if time.monotonic() - began > params["timeout"]:
                raise UnreachableError(
                    f"{params['server']} has not {params['state']} a certificate of the CA of joins in "
                    f"{params['timeout']} s: does it read the bundle of its client CAs (--client-ca-file)?"
                )
            time.sleep(BEAT)
    finally:
        for path in paths:
            files.remove(path)
    return Outcome(result={"seconds": round(time.monotonic() - began, 2)})


def work(params: dict[str, Any], check_mode: bool) -> Outcome:
    if check_mode:
        return Outcome()
    folder = os.path.join(params["directory"], ".pending")
    return request(folder, params["host"]) if params["state"] == "request" else wait(params, folder)


def main() -> None:
    needed = ["certificate", "server", "ca_path"]
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["request", "trusted", "refused"], "required": True},
            "directory": {"type": "path", "required": True},
            "host": {"type": "str", "default": ""},
            "certificate": {"type": "str"},
            "server": {"type": "str"},
            "ca_path": {"type": "path"},
            "timeout": {"type": "int", "default": 60},
        },
        required_if=[("state", "trusted", needed), ("state", "refused", needed)],
        supports_check_mode=True,
    )
    run(module, lambda: work(module.params, module.check_mode))


if __name__ == "__main__":
    main()
