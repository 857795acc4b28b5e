#!/usr/bin/python
# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module identities."""

from __future__ import annotations

DOCUMENTATION = r"""
module: identities
short_description: Keep the keys, certificates, kubeconfigs and trust bundles of a host
version_added: 0.1.0
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - Compares everything that a host should hold with what lies there, in one call, and names each difference.
  - Private keys are made on the host and stay there. The module returns requests for those certificates that have to
    be made; M(tlsbootstrap.kubernetes.sign) signs them on the CA host, and this module, called again with
    O(certificates), checks and installs what has come. Where nothing is wanted, one call is all.
  - A new key waits in the folder C(.pending) beside the old one, and asks with the same request in every run until its
    certificate is there. Only then is the live pair replaced. A run that was killed in between is finished by the
    next one. Keys and certificates that were replaced are kept in C(.backup), the last three of each.
  - Signing CAs and service-account keys of the host are made here, self-signed or bare. One that is there is never
    replaced unless O(force) names it.
extends_documentation_fragment:
  - tlsbootstrap.kubernetes.attributes
  - tlsbootstrap.kubernetes.pki
options:
  host:
    description: The name that the inventory gives the host. The names of what it publishes end with it.
    type: str
    required: true
  identities:
    description:
      - The identities of the host, as the filter P(tlsbootstrap.kubernetes.plan#filter) lists them.
      - "Each has C(name), C(kind) (C(certificate), C(ca) or C(service_account)), C(issuer), C(common_name),
        C(organizations), C(dns_names), C(ip_addresses), C(usages), C(key_type), C(validity) in seconds, C(renew_before)
        in seconds or as a share of the lifetime like C(25%) (a third where it is not given), C(keep_key),
        C(certificate_path), C(key_path), C(public_key_path), C(owner), C(group), C(key_mode), C(certificate_mode), and
        C(kubeconfig) with C(path), C(owner), C(group), C(mode), C(server), C(cluster_name), C(user_name), C(ca_path)
        and C(embed)."
      - Renewal makes a new key, unless C(keep_key) is true.
      - Where C(external) is true, somebody else signs, maybe days later. What waits already is asked again and is no
        change.
      - With C(embed) the key pair lives in the kubeconfig and has no files of its own.
    type: list
    elements: dict
    default: []
  issuers:
    description: The certificates of the CAs in PEM, by their names.
    type: dict
    default: {}
  chains:
    description:
      - What is served along with a certificate of each CA, in PEM, by their names, as M(tlsbootstrap.kubernetes.ca)
        returns it in RV(tlsbootstrap.kubernetes.ca#module:chains). It is written behind the certificate.
    type: dict
    default: {}
  bundles:
    description: Files of certificates, or of public keys, that the host trusts.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What it is for. Used in messages.
        type: str
        required: true
      path:
        description: Absolute path.
        type: path
        required: true
      kind:
        description: What it holds.
        type: str
        choices: [certificates, public_keys]
        default: certificates
      content:
        description: The members in PEM, in their order. They are written normalised and each once.
        type: str
        default: ''
      complete:
        description:
          - Whether O(bundles[].content) has every member.
          - One that is not complete is written in the second call only, and then nothing that the file has is dropped.
        type: bool
        default: true
      owner:
        description: Owner of the file.
        type: str
      group:
        description: Group of the file.
        type: str
      mode:
        description: Mode of the file.
        type: str
        default: '0644'
  certificates:
    description:
      - Certificates in PEM by the names of the identities, from M(tlsbootstrap.kubernetes.sign).
      - Given, even empty, it is the second call of a run, which installs and asks for nothing.
    type: dict
  force:
    description: Names of identities that get a new key and certificate although those that are there serve.
    type: list
    elements: str
    default: []
  current:
    description:
      - The newest certificate of each identity of this host in the ledger of the CA host, with C(sha256) and
        C(not_before), as M(tlsbootstrap.kubernetes.ca) returns it in RV(tlsbootstrap.kubernetes.ca#module:current).
      - One that is older came back with an old backup of the host and is made anew. About one that the ledger does not
        know there is a warning.
    type: dict
    default: {}
  recorded:
    description:
      - When the ledger has first recorded each CA, by its name, as M(tlsbootstrap.kubernetes.ca) returns it in
        RV(tlsbootstrap.kubernetes.ca#module:recorded).
      - What a CA has signed since then belongs into the ledger, so there is a warning about an identity that O(current)
        lacks. What it signed before came with it.
    type: dict
    default: {}
  users:
    description:
      - System users that files belong to, each with a group of its name and without a login. Those that are missing are
        made first, by C(systemd-sysusers).
    type: list
    elements: str
    default: []
  controller_time:
    description:
      - The time on the controller, ISO 8601 in UTC.
      - A host whose clock is off by more than a minute is warned about. By more than five minutes it is refused before
        anything changes, because certificates would not be valid there.
    type: str
seealso:
  - module: tlsbootstrap.kubernetes.ca
  - module: tlsbootstrap.kubernetes.sign
  - module: tlsbootstrap.kubernetes.pki_info
"""

EXAMPLES = r"""
- name: Make keys and requests
  tlsbootstrap.kubernetes.identities:
    host: "{{ inventory_hostname }}"
    identities: "{{ cluster_plan.host.identities }}"
    issuers: "{{ authorities.certificates }}"
    controller_time: "{{ now(utc=true).isoformat() }}"
  register: held

- name: Install what has been signed
  tlsbootstrap.kubernetes.identities:
    host: "{{ inventory_hostname }}"
    identities: "{{ cluster_plan.host.identities }}"
    issuers: "{{ authorities.certificates }}"
    certificates: "{{ signed.certificates[inventory_hostname] | default({}) }}"
  when: held.requests | length > 0

- name: Make keys and requests for a CA below a root, or one whose key is elsewhere
  tlsbootstrap.kubernetes.identities:
    host: "{{ inventory_hostname }}"
    identities: "{{ cluster_plan.host.identities }}"
    issuers: "{{ authorities.certificates }}"
    chains: "{{ authorities.chains }}"
  register: held

- name: Give one identity a new key and certificate
  tlsbootstrap.kubernetes.identities:
    host: cp1
    identities: "{{ cluster_plan.host.identities }}"
    issuers: "{{ authorities.certificates }}"
    force:
      - admin
  register: held

# Why something is made or written: one example for each reason that this module gives. The first line is what the
# message says, (old -> new); below it is what lay there and what is done. A certificate that is made gets a new key,
# where keep_key does not say otherwise. What is replaced is kept in .backup.
#
# admin: Missing (subject CN=admin, O=tlsbootstrap:cluster-admins, usages client auth, issuer kubernetes-ca,
# end 2027-11-22, after 365d, key ecdsa-p256)
#   Nothing was there. Key and certificate are made.
# admin: KeyMissing (nothing -> ecdsa-p256)
#   admin.key was deleted. Both are made anew.
# admin: CertificateMissing (nothing -> CN=admin, O=tlsbootstrap:cluster-admins)
#   admin.crt was deleted. Both are made anew; with keep_key the key stays.
# admin: KeyUnreadable (private key: the private key cannot be read (damaged, unknown kind or wrong passphrase) ->
# a new key)
#   admin.key is damaged. Both are made anew.
# admin: CertificateUnreadable (certificate: a PEM block is cut off; restore the file -> a new certificate)
#   Half of admin.crt is there. Both are made anew.
# admin: KeyMismatch (key 9add154978176648, certificate of key 22b6a364db526a14 -> a new pair)
#   Somebody has copied another key to admin.key. Both are made anew.
# admin: KeyTypeChanged (ecdsa-p256 -> ecdsa-p384)
#   The row has another key_type. Both are made anew, whatever keep_key says.
# admin: IssuerChanged (CN=kubernetes-ca 669d01bc15e0c838 -> CN=etcd-ca 80231d9f49b64ff2)
#   The row has another issuer, or the CA has another key under its old name. The one that is wanted signs.
# admin: SubjectChanged (CN=admin, O=tlsbootstrap:cluster-admins -> CN=admin, O=others)
#   The row has other organizations. A certificate with them is made.
# kube-apiserver: SANsChanged (nothing -> api.example.org)
#   The row has a DNS name more. A certificate with it is made; a name that goes is told as the old value.
# admin: UsagesChanged (client auth, digital signature -> client auth, digital signature, server auth)
#   The row has a usage more. A certificate with it is made.
# admin: ConstraintsChanged (CA:TRUE -> CA:FALSE)
#   A CA lies in the place of admin.crt. A certificate that is none is made.
# admin: SignatureWeak (sha1 -> sha256)
#   Somebody else has signed admin.crt with SHA-1. A certificate is made.
# admin: OutlivesIssuer (2036-11-20T12:00:00Z -> 2036-11-19T12:00:00Z)
#   Somebody else has signed admin.crt for longer than the CA has. One that ends before it, or with it, is made.
# admin: NotYetValid (2026-11-23T12:00:00Z -> now)
#   admin.crt was made by a clock that was a day ahead. One that is valid now is made.
# admin: Expiring (2027-11-22T12:00:00Z -> 2028-07-23, after 365d)
#   Less than renew_before is left. It is renewed.
# admin: Expired (2027-11-22T12:00:00Z -> 2028-11-22, after 365d)
#   No run has come in time. It is renewed all the same.
# admin: Forced
#   It is named in force. Key and certificate are made anew, whatever keep_key says. Take the name away afterwards.
# admin: Interrupted
#   A run was killed when the new key was in its place and the certificate was not. This one puts it there.
# admin: FormatChanged
#   admin.crt has text around it and line ends of Windows. The same certificate is written as PEM alone.
# kube-apiserver: ChainChanged
#   The CA is below a root, and it does not lie behind the certificate. The same certificate is written with it.
# service-account: PublicKeyChanged (key 37f522475b7b3f89 -> key 9570d9f043c14fc8)
#   sa.pub is not that of sa.key. It is written anew from sa.key, which stays.
# admin: KubeconfigMissing (server https://10.0.0.1:6443, user admin, cluster kubernetes,
# CA /etc/kubernetes/pki/kubernetes-ca.crt)
#   admin.conf was deleted. It is written, here and in the next three; the pair stays.
# admin: KubeconfigServerChanged (https://10.0.0.1:6443 -> https://api.example.org:6443)
#   The row has another server.
# admin: KubeconfigChanged (admin@kubernetes, CA /etc/kubernetes/pki/kubernetes-ca.crt,
# certificate /etc/kubernetes/pki/admin.crt -> someone@kubernetes, CA /etc/kubernetes/pki/kubernetes-ca.crt,
# certificate /etc/kubernetes/pki/admin.crt)
#   The row has another user_name.
# admin: KubeconfigUnreadable
#   admin.conf is no kubeconfig.
# client: BundleMissing (nothing -> 2: ba1d12c5bf64828c, b7731a1519dc5200)
#   client-ca.crt was deleted. It is written with the two CAs that the host is to trust.
# client: BundleChanged (1: 39432c38248967af -> 2: 39432c38248967af, 088c9d040b5b7ac1)
#   client-ca.crt lacks a CA. It is written with all of them.
# admin: Superseded (e0188d3db498ecee until 2027-11-22T12:00:00Z -> e655844781afd988 of 2026-11-23T11:55:00Z)
#   An old backup of the host was restored; current has a newer certificate. Both are made anew.
# admin: OwnerChanged (12345 -> root)
#   admin.key belongs to another user. It is given back, and the content stays, here and in the next two.
# admin: GroupChanged (12345 -> root)
#   admin.crt has another group.
# admin: ModeChanged (0644 -> 0600)
#   admin.key can be read by others. Who has been able to read it meanwhile? Name it in force if you do not know.
# admin: Leftover
#   A key in .pending belongs to no request any more, because the pair that is there serves. It is removed.
"""

RETURN = r"""
host:
  description: The host, as given.
  type: str
  returned: always
requests:
  description:
    - Requests for certificates that have to be made. In check mode, where RV(reasons) tells, there are only those that
      somebody else signs, without a text where no key waits yet.
  type: list
  elements: dict
  returned: always
  contains:
    identity:
      description: Name of the identity.
      type: str
      returned: always
    request:
      description: Certificate signing request in PEM.
      type: str
      returned: always
    reasons:
      description: Why.
      type: list
      elements: dict
      returned: always
published:
  description: Public parts that were born here and others trust, in PEM, by C(identity@host).
  type: dict
  returned: always
bundles:
  description: The SHA-256 of each bundle that lies here, by path. Empty where there is none.
  type: dict
  returned: always
clock_offset:
  description: By how many seconds the host's clock is ahead of the controller's.
  type: int
  returned: when O(controller_time) is given
reasons:
  description:
    - Why something was changed, or would be. C(code) is of a closed list, C(old) and C(new) are the values.
    - C(files) are those that are touched, where it is not C(path) alone. C(details) say what is made from nothing.
  type: list
  elements: dict
  returned: always
  sample:
    - code: SANsChanged
      subject: kube-apiserver
      path: /etc/kubernetes/pki/apiserver.crt
      old: ''
      new: api.example.org
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.holder import Task, hold
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import (
    Outcome,
    command_of,
    parse_instant,
    run,
    utc_now,
)


def _argument_spec() -> dict[str, dict[str, object]]:
    bundle: dict[str, dict[str, object]] = {
        "name": {"type": "str", "required": True},
        "path": {"type": "path", "required": True},
        "kind": {"type": "str", "choices": ["certificates", "public_keys"], "default": "certificates"},
        "content": {"type": "str", "default": ""},
        "complete": {"type": "bool", "default": True},
        "owner": {"type": "str"},
        "group": {"type": "str"},
        "mode": {"type": "str", "default": "0644"},
    }
    return {
        "host": {"type": "str", "required": True},
        "identities": {"type": "list", "elements": "dict", "default": []},
        "issuers": {"type": "dict", "default": {}},
        "bundles": {"type": "list", "elements": "dict", "default": [], "options": bundle},
        "certificates": {"type": "dict"},
        "force": {"type": "list", "elements": "str", "default": []},
        "current": {"type": "dict", "default": {}},
        "recorded": {"type": "dict", "default": {}},
        "users": {"type": "list", "elements": "str", "default": []},
        "chains": {"type": "dict", "default": {}},
        "controller_time": {"type": "str"},
    }


def _act(module: AnsibleModule) -> Outcome:
    given = module.params
    controller = parse_instant(given["controller_time"], "controller_time") if given["controller_time"] else None
    task = Task(
        host=given["host"],
        identities=given["identities"],
        bundles=given["bundles"],
        issuers=given["issuers"],
        certificates=given["certificates"],
        force=given["force"],
        now=utc_now(),
        check=module.check_mode,
        current=given["current"],
        recorded=given["recorded"],
        users=tuple(given["users"]),
        command=command_of(module),
        controller=controller,
        chains=given["chains"],
    )
    return hold(task)


def main() -> None:
    module = AnsibleModule(argument_spec=_argument_spec(), supports_check_mode=True)
    run(module, lambda: _act(module))


if __name__ == "__main__":
    main()
