#!/usr/bin/python
# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ca."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ca
short_description: Make the CAs of a cluster, and read them
version_added: 0.1.0
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - Makes those CAs that are not there, self-signed or below a root, all in one call, on the host that keeps them.
  - Below a root whose key is elsewhere the key of the CA is made here and waits; its request is written to
    C(requests/<name>.csr) in the folder, the same in every run. What the root has signed is looked for in
    C(signed/<name>.crt), and is taken in when its public key, subject, basic constraints, path length, key usages,
    dates, signature and key identifiers are right. RV(waiting) says what is missing.
  - A CA that this folder never had is made, refused or only named, as O(new) says. Where a host has a certificate that
    it would have issued it is refused, because the cluster's own CA is somewhere else then.
  - A CA that is there is never replaced. Half of one, one that has ended, one whose certificate and key do not belong
    together or that is no CA at all is refused.
  - Returns the certificates of the CAs, and the public parts that hosts have published here with
    M(tlsbootstrap.kubernetes.sign).
extends_documentation_fragment:
  - tlsbootstrap.kubernetes.attributes
  - tlsbootstrap.kubernetes.pki
  - tlsbootstrap.kubernetes.pki.ca_folder
options:
  directory_mode:
    description: Mode of the folder. Only where it is the cluster's own PKI folder others have to enter it.
    type: str
    default: '0700'
  cluster:
    description:
      - The name of the cluster that the CAs are for. It is noted with each CA that is made or taken in, and a CA of
        another cluster is refused.
    type: str
  accept_restored:
    description:
      - CAs, by name, that are older than the newest that the ledger knows, and are meant to be.
      - Without that an older one is refused, because an old backup of the folder seems to have been restored.
    type: list
    elements: str
    default: []
  new:
    description:
      - What is done about CAs that this folder never had. V(name) does nothing at all where there are any, and returns
        RV(new). V(refuse) makes none anew either that this folder had and that was moved aside.
      - V(make) refuses where O(holder), or a host of O(held), has a certificate that such a CA would have issued;
        V(start_over) does not look.
    type: str
    choices: [make, name, refuse, start_over]
    default: make
  held:
    description:
      - Certificates that hosts have already, with C(host), C(issuer), the name of the CA, and C(certificate_path).
    type: list
    elements: dict
    default: []
  holder:
    description:
      - What the CA host holds itself, where it is a host of the cluster. It is made, signed and installed in this call,
        as M(tlsbootstrap.kubernetes.identities) and M(tlsbootstrap.kubernetes.sign) would do it in three.
      - Not with the sources C(external) and C(offline_root).
      - The module then has to run as the user who may write those files.
    type: dict
    suboptions:
      host:
        description: The name that the inventory gives the host.
        type: str
        required: true
      identities:
        description: The identities of the host, as for M(tlsbootstrap.kubernetes.identities).
        type: list
        elements: dict
        default: []
      bundles:
        description:
          - What the host trusts, as the filter P(tlsbootstrap.kubernetes.plan#filter) lists it in C(bundles), with
            C(members) instead of contents.
        type: list
        elements: dict
        default: []
      users:
        description: System users that files belong to, made where they are missing.
        type: list
        elements: str
        default: []
      controller_time:
        description: The time on the controller, as for M(tlsbootstrap.kubernetes.identities).
        type: str
seealso:
  - module: tlsbootstrap.kubernetes.identities
  - module: tlsbootstrap.kubernetes.sign
"""

EXAMPLES = r"""
- name: Make the CAs
  tlsbootstrap.kubernetes.ca:
    directory: ~/.tlsbootstrap/kubernetes/ca
    cas: "{{ cluster_plan.cas }}"
  register: authorities

- name: Make one CA of one's own, self-signed
  tlsbootstrap.kubernetes.ca:
    directory: /srv/ca
    cas:
      - name: kubernetes-ca
        common_name: kubernetes
        key_type: ecdsa-p384
        validity: 315360000
        certificate_file: kubernetes-ca.crt
        key_file: kubernetes-ca.key

- name: Make it below a root whose key is here, encrypted; the root is not needed any more then
  tlsbootstrap.kubernetes.ca:
    directory: /srv/ca
    cas:
      - name: kubernetes-ca
        common_name: kubernetes
        key_type: ecdsa-p384
        validity: 315360000
        certificate_file: kubernetes-ca.crt
        key_file: kubernetes-ca.key
        source: root
        root_certificate: /media/root/root.crt
        root_key: /media/root/root.key
    passphrase: "{{ vault_ca_passphrase }}"

- name: Ask a root that is elsewhere
  tlsbootstrap.kubernetes.ca:
    directory: /srv/ca
    cas:
      - name: kubernetes-ca
        common_name: kubernetes
        key_type: ecdsa-p384
        validity: 315360000
        certificate_file: kubernetes-ca.crt
        key_file: kubernetes-ca.key
        source: offline_root
        root_certificate: /srv/root.crt
  register: authorities

- name: Stop until it has signed
  ansible.builtin.fail:
    msg: "{{ authorities.waiting_message }}"
  when: authorities.waiting | length > 0

- name: Take a CA that was brought, certificate and key, and none else
  tlsbootstrap.kubernetes.ca:
    directory: /srv/ca
    cas:
      - name: kubernetes-ca
        common_name: kubernetes
        key_type: ecdsa-p384
        validity: 315360000
        certificate_file: kubernetes-ca.crt
        key_file: kubernetes-ca.key
        source: imported

- name: Take a CA that was brought without its key
  tlsbootstrap.kubernetes.ca:
    directory: /srv/ca
    cas:
      - name: kubernetes-ca
        common_name: kubernetes
        key_type: ecdsa-p384
        validity: 315360000
        certificate_file: kubernetes-ca.crt
        key_file: kubernetes-ca.key
        source: external

# Why something is made or written: one example for each reason that this module alone gives. The first line is what
# the message says, (old -> new). For the others see the examples of tlsbootstrap.kubernetes.identities.
#
# directory: DirectoryMissing (nothing -> 0700)
#   This is the first run. The folder is made.
# kubernetes-ca: KeyNotEncrypted (in clear -> encrypted)
#   A passphrase is given, and the key lies there in clear. It is encrypted, and no copy in clear is kept.
# kubernetes-ca: NotInLedger (nothing -> 3e538fe161637cfb until 2036-11-19T12:00:00Z)
#   The CA was brought, or a run was killed before it was recorded. It gets its line in ledger.jsonl.
"""

RETURN = r"""
certificates:
  description: The certificate of each CA in PEM. In check mode those that are there.
  type: dict
  returned: always
  sample:
    kubernetes-ca: |
      -----BEGIN CERTIFICATE-----
      MIIBfDCCASKgAwIBAgIUJ...
      -----END CERTIFICATE-----
chains:
  description:
    - What is served along with a certificate of each CA, in PEM and in that order. Empty for one that is self-signed.
  type: dict
  returned: always
waiting:
  description:
    - CAs that a root elsewhere has to sign, with C(name), C(issuer), and the paths C(request) and C(certificate).
  type: list
  elements: dict
  returned: always
waiting_message:
  description: What to do about them, in one text. Empty where nothing waits.
  type: str
  returned: always
published:
  description: Public parts that were born on hosts (signing CAs, service-account keys), by C(identity@host).
  type: dict
  returned: always
current:
  description:
    - The newest certificate of each identity in the ledger, by host and name, with C(sha256) and C(not_before).
  type: dict
  returned: always
recorded:
  description: When the ledger has first recorded each CA, by its name; in UTC. Without those that it does not know yet.
  type: dict
  returned: always
  sample:
    kubernetes-ca: '2026-11-22T12:00:00Z'
held:
  description:
    - What became of O(holder), as M(tlsbootstrap.kubernetes.identities) returns it. Its reasons are in RV(reasons).
  type: dict
  returned: when O(holder) is given
new:
  description: The CAs that this folder never had.
  type: list
  elements: str
  returned: when O(new=name)
directory:
  description: The folder, expanded.
  type: str
  returned: always
reasons:
  description:
    - Why something was changed, or would be. C(code) is of a closed list, C(old) and C(new) are the values.
    - C(files) are those that are touched, where it is not C(path) alone. C(details) say what is made from nothing.
  type: list
  elements: dict
  returned: always
  sample:
    - code: Missing
      subject: kubernetes-ca
      path: /srv/ca/kubernetes-ca.crt
      old: null
      new: null
      details:
        subject: CN=kubernetes
        issuer: itself
        end: 2036-11-19, after 3650d
        key: ecdsa-p384
      files: [/srv/ca/kubernetes-ca.key, /srv/ca/kubernetes-ca.crt]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.authority import ensure_authorities
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.ca_folder import Folder, passphrase_of
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.ca_holder import keep
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.first_time import (
    certificates_of,
    new_authorities,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.holder import Task
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import (
    Outcome,
    command_of,
    parse_instant,
    run,
    utc_now,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.signing import sign_requests

HOLDER: dict[str, Any] = {
    "host": {"type": "str", "required": True},
    "identities": {"type": "list", "elements": "dict", "default": []},
    "bundles": {"type": "list", "elements": "dict", "default": []},
    "users": {"type": "list", "elements": "str", "default": []},
    "controller_time": {"type": "str"},
}


def _act(module: AnsibleModule) -> Outcome:
    given, now = module.params, utc_now()
    directory, cas, wait, check = given["directory"], given["cas"], given["lock_timeout"], module.check_mode
    passphrase = passphrase_of(given["passphrase"], given["passphrase_file"])

    def authorities() -> Outcome:
        accepted, cluster = tuple(given["accept_restored"]), given["cluster"] or ""
        folder = Folder(directory, given["directory_mode"], accepted, passphrase, cluster)
        return ensure_authorities(folder, cas, now, check, wait)

    def sign(requests: list[dict[str, Any]], publish: dict[str, str]) -> Outcome:
        return sign_requests(directory, cas, requests, publish, now, check, wait, passphrase)

    holder = given["holder"]
    held = [] if given["new"] == "start_over" else given["held"] + (certificates_of(holder) if holder else [])
    new = new_authorities(directory, cas, given["new"] != "refuse", held)
    if new and given["new"] == "name":
        return Outcome(result={"new": new})
    if not holder:
        return authorities()
    if any(row.get("source") in ("external", "offline_root") for row in cas):
        raise InputError("holder: what others sign may be days in coming; call the modules identities and sign")
    controller = parse_instant(holder["controller_time"], "controller_time") if holder["controller_time"] else None
    task = Task(
        host=holder["host"],
        identities=holder["identities"],
        bundles=[],
        issuers={},
        certificates=None,
        force=[],
        now=now,
        check=check,
        users=tuple(holder["users"]),
        command=command_of(module),
        controller=controller,
    )
    return keep(task, holder["bundles"], authorities, sign)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "cas": {"type": "list", "elements": "dict", "required": True},
            "directory_mode": {"type": "str", "default": "0700"},
            "cluster": {"type": "str"},
            "accept_restored": {"type": "list", "elements": "str", "default": []},
            "lock_timeout": {"type": "int", "default": 60},
            "passphrase": {"type": "str", "no_log": True},
            "passphrase_file": {"type": "path", "no_log": False},  # a path is no secret
            "new": {"type": "str", "choices": ["make", "name", "refuse", "start_over"], "default": "make"},
            "held": {"type": "list", "elements": "dict", "default": []},
            "holder": {"type": "dict", "options": HOLDER},
        },
        supports_check_mode=True,
    )
    run(module, lambda: _act(module))


if __name__ == "__main__":
    main()
