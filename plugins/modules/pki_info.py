#!/usr/bin/python
# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module pki_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pki_info
short_description: Read certificates, keys and kubeconfigs of a host
version_added: 0.1.0
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - Tells of any number of files, in one call, what they hold, whose it is, who issued it and how long it lasts.
  - Reads certificates and bundles in PEM or DER, keys, requests, pairs in one file like the kubelet's, and kubeconfigs
    with what they hold or refer to. Of keys it tells type, size and the hash of the public half.
  - A file that is not there or cannot be read says so in its entry and is no failure.
options:
  paths:
    description: Absolute paths of the files.
    type: list
    elements: path
    required: true
  signing_duration:
    description:
      - Lifetime like V(8760h) of what is signed with the CAs in these files. One that ends earlier is warned about, one
        that has ended, or does so within the hour, is refused.
    type: str
attributes:
  check_mode:
    description: Can run in check_mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Nothing is ever changed.
    support: none
requirements:
  - cryptography 3.4 or later (C(python3-cryptography)) on the host
  - PyYAML (C(python3-yaml)) on the host, to read kubeconfigs
"""

EXAMPLES = r"""
- name: Read what the API server and the administrator have
  tlsbootstrap.kubernetes.pki_info:
    paths:
      - /etc/kubernetes/pki/apiserver.crt
      - /etc/kubernetes/admin.conf
  register: found

- name: Fail when one of them ends within a month
  ansible.builtin.assert:
    that: found.files | map(attribute='certificates') | flatten | map(attribute='seconds_left') | min > 2592000
"""

RETURN = r"""
files:
  description: One entry for each path, in the same order.
  type: list
  elements: dict
  returned: always
  contains:
    path:
      description: The path, as given.
      type: str
      returned: always
    exists:
      description: Whether there is a file.
      type: bool
      returned: always
    kind:
      description: V(certificate), V(bundle), V(key), V(request) or V(kubeconfig).
      type: str
      returned: always
    owner:
      description: Owner of the file.
      type: str
      returned: when it exists
    group:
      description: Group of the file.
      type: str
      returned: when it exists
    mode:
      description: Mode of the file.
      type: str
      returned: when it exists
    certificates:
      description: Each certificate with subject, issuer, names, usages, dates, time left, key and fingerprints.
      type: list
      elements: dict
      returned: always
      sample:
        - subject: CN=kube-apiserver
          common_name: kube-apiserver
          organizations: []
          issuer: CN=kubernetes
          dns_names: [kubernetes, cp1]
          ip_addresses: [10.96.0.1]
          usages: [server auth]
          is_ca: false
          not_before: '2026-11-22T11:55:00Z'
          not_after: '2027-11-22T12:00:00Z'
          seconds_left: 31536000
          key_type: ecdsa-p256
    private_keys:
      description: Each private key with C(key_type) and C(public_key_sha256), the hash of its public half.
      type: list
      elements: dict
      returned: when the file is PEM
    public_keys:
      description: Each public key with C(key_type) and C(public_key_sha256).
      type: list
      elements: dict
      returned: when the file is PEM
    requests:
      description: Each certificate signing request with its subject and key.
      type: list
      elements: dict
      returned: when the file is PEM
    kubeconfig:
      description: Server, names, paths, fingerprints of the CA, whether the key is embedded, whether it has a token.
      type: dict
      returned: when the file is a kubeconfig
    error:
      description: Why the file could not be read.
      type: str
      returned: when it could not
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.durations import parse_duration
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.signing import cut_short
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import Outcome, run, utc_now
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.seeing import look

SPEC: dict[str, Any] = {
    "paths": {"type": "list", "elements": "path", "required": True},
    "signing_duration": {"type": "str"},
}


def work(params: dict[str, Any]) -> Outcome:
    """Read, and compare with what shall be signed."""
    files = look(params["paths"], utc_now())
    duration = params["signing_duration"]
    warnings = [] if duration is None else cut_short(files, parse_duration(duration))
    return Outcome(result={"files": files}, warnings=warnings)


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    run(module, lambda: work(module.params))


if __name__ == "__main__":
    main()
