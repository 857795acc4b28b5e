#!/usr/bin/python
# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module sign."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sign
short_description: Sign the requests of all hosts with the CAs of a folder
version_added: 0.1.0
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - Signs all requests of all hosts in one call, on the host that keeps the CAs.
  - A certificate says what the row of the plan says. Of a request only the public key is taken, after its signature
    has proved that the host has the private one. The names in a request are not believed.
  - Certificates are back-dated by five minutes and never outlive their CA. Where the CA's end cuts them there is a
    warning.
  - "Where the CA is C(external), its key is not here: the request is written to
    C(requests/<ca>/<identity>@<host>.csr) in the folder. What somebody else has signed is looked for in
    C(signed/<ca>/<identity>@<host>.crt), and is taken in when its public key, subject, names, usages, basic
    constraints, issuer, signature and dates are right. All that are wrong are refused at once, before anything is
    done."
  - Every certificate is written to the ledger (C(ledger.jsonl), one JSON line each) before it is returned.
  - Keeps the public parts that hosts publish, one file for each, so that no host replaces another's.
extends_documentation_fragment:
  - tlsbootstrap.kubernetes.attributes
  - tlsbootstrap.kubernetes.pki
  - tlsbootstrap.kubernetes.pki.ca_folder
options:
  requests:
    description: The requests. The filter P(tlsbootstrap.kubernetes.signing_requests#filter) makes the list.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: Who holds the key.
        type: str
        required: true
      identity:
        description: The identity's row of the plan. C(issuer) names one of O(cas).
        type: dict
        required: true
      request:
        description:
          - Certificate signing request in PEM (PKCS#10). In check mode it may be empty where somebody else signs.
        type: str
        required: true
      reasons:
        description: Codes of the reasons, for the ledger.
        type: list
        elements: str
        default: []
  publish:
    description: Public parts by C(identity@host), certificates or public keys in PEM.
    type: dict
    default: {}
seealso:
  - module: tlsbootstrap.kubernetes.ca
  - module: tlsbootstrap.kubernetes.identities
"""

EXAMPLES = r"""
- name: Sign what the hosts ask for
  tlsbootstrap.kubernetes.sign:
    directory: ~/.tlsbootstrap/kubernetes/ca
    cas: "{{ cluster_plan.cas }}"
    requests: "{{ [held] | tlsbootstrap.kubernetes.signing_requests(cluster_hosts) }}"
    publish: "{{ held.published }}"
  register: signed

- name: Ask a CA whose key is not here, and take in what it has signed
  tlsbootstrap.kubernetes.sign:
    directory: /srv/ca
    cas:
      - name: kubernetes-ca
        common_name: kubernetes
        key_type: ecdsa-p256
        validity: 315360000
        certificate_file: kubernetes-ca.crt
        key_file: kubernetes-ca.key
        source: external
    requests: "{{ [held] | tlsbootstrap.kubernetes.signing_requests(cluster_hosts) }}"
  register: signed

- name: Stop until everything is signed
  ansible.builtin.fail:
    msg: "{{ signed.waiting_message }}"
  when: signed.waiting | length > 0

# Why something is signed or kept: one example for each reason that this module alone gives. The first line is what
# the message says, (old -> new). For the others see the examples of tlsbootstrap.kubernetes.identities.
#
# admin@cp1: Requested (nothing -> CN=admin, O=tlsbootstrap:cluster-admins by kubernetes-ca)
#   The key of the CA is not here. The request is written; have it signed, and put the certificate into signed/.
# kube-apiserver@cp1: RequestChanged (nothing -> CN=kube-apiserver by kubernetes-ca)
#   The row got a DNS name more while its request waited. Another request takes its place: have that one signed.
# admin@cp1: Answered (nothing -> 3e538fe161637cfb until 2027-02-20T12:00:00Z)
#   The certificate lies in signed/ and is what was asked for. It goes to the host and into the ledger.
# service-account@cp1: PublishedChanged
#   The host has a public key that is not in published/. It is written there, for all that have to trust it.
"""

RETURN = r"""
certificates:
  description:
    - The certificates in PEM, by host and name of the identity. In check mode those that somebody else has signed.
  type: dict
  returned: always
  sample:
    cp1:
      kube-apiserver: |
        -----BEGIN CERTIFICATE-----
        MIIBfDCCASKgAwIBAgIUJ...
        -----END CERTIFICATE-----
waiting:
  description:
    - Requests that somebody else has to sign, with C(name), C(issuer), and the paths C(request) and C(certificate).
  type: list
  elements: dict
  returned: always
  sample:
    - name: kubernetes-ca/admin@cp1
      issuer: kubernetes-ca
      request: /srv/ca/requests/kubernetes-ca/admin@cp1.csr
      certificate: /srv/ca/signed/kubernetes-ca/admin@cp1.crt
waiting_message:
  description: What to do about them, in one text with folders and count. Empty where nothing waits.
  type: str
  returned: always
published:
  description: All public parts that hosts have published, by C(identity@host).
  type: dict
  returned: always
reasons:
  description: Why something was signed or kept, or would be. C(code) is of a closed list.
  type: list
  elements: dict
  returned: always
  sample:
    - code: Missing
      subject: kube-apiserver@cp1
      path: null
      old: null
      new: CN=kube-apiserver by kubernetes-ca
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.ca_folder import passphrase_of
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import run, utc_now
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.signing import sign_requests


def main() -> None:
    request = {
        "host": {"type": "str", "required": True},
        "identity": {"type": "dict", "required": True},
        "request": {"type": "str", "required": True},
        "reasons": {"type": "list", "elements": "str", "default": []},
    }
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "cas": {"type": "list", "elements": "dict", "required": True},
            "requests": {"type": "list", "elements": "dict", "default": [], "options": request},
            "publish": {"type": "dict", "default": {}},
            "lock_timeout": {"type": "int", "default": 60},
            "passphrase": {"type": "str", "no_log": True},
            "passphrase_file": {"type": "path", "no_log": False},  # a path is no secret
        },
        supports_check_mode=True,
    )
    given = module.params
    run(
        module,
        lambda: sign_requests(
            given["directory"],
            given["cas"],
            given["requests"],
            given["publish"],
            utc_now(),
            module.check_mode,
            given["lock_timeout"],
            passphrase_of(given["passphrase"], given["passphrase_file"]),
        ),
    )


if __name__ == "__main__":
    main()
