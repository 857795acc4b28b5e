#!/usr/bin/python
# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module pki_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pki_info
short_description: Read certificates, keys, requests and kubeconfigs of a host, and what its servers show
version_added: 0.1.0
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - Tells of any number of files, folders and servers, in one call, what they hold, whose it is, who issued it and how
    long it lasts.
  - Reads certificates, bundles, requests (PKCS#10) and keys in PEM and DER, pairs in one file like the kubelet's,
    kubeconfigs with what they hold or refer to, CertificateSigningRequest objects in YAML or JSON, and the chain that a
    TLS server shows.
  - Of keys it tells type, size and the hash of the public half, of encrypted ones that they are. No key, token or
    passphrase is read out.
  - What is not there or cannot be read says so in its entry and is no failure. Files of more than 1 MB or 1,000 PEM
    blocks are not read.
options:
  paths:
    description: Absolute paths of files.
    type: list
    elements: path
    default: []
  directories:
    description:
      - Absolute paths of folders. All files below are looked at, and those that hold something are told. Hidden folders
        (C(.backup), C(.pending)) are passed over, links to folders too.
    type: list
    elements: path
    default: []
  endpoints:
    description:
      - TLS servers, read from this host. Nothing is sent to them and none of it has to be trusted.
      - What is told is what was sent, in its order. With Python 3.9 that is the first certificate alone, and
        C(whole_chain) is false.
    type: list
    elements: dict
    default: []
    suboptions:
      address:
        description: V(192.0.2.1:6443), V([2001:db8::1]:6443) or V(api.example.org:443).
        type: str
        required: true
      server_name:
        description: The name that is asked for (SNI). By default the host of O(endpoints[].address).
        type: str
      path:
        description: File on this host with the certificate that it should show, for RV(endpoints[].serves_file).
        type: path
  timeout:
    description: Seconds that a server may take to resolve, connect and shake hands.
    type: int
    default: 5
  text:
    description: Whether each entry also has a C(text), which reads like C(openssl x509 -text), with the time left.
    type: bool
    default: false
  ending_within:
    description:
      - A duration like V(30d). Given, RV(files) has those files only that are not there, cannot be read, or have a
        certificate that ends within it, and RV(counts) says of how many.
      - Of thousands of certificates the answer stays small, and so does the time that Ansible needs for it.
    type: str
  ledger:
    description: Path of the ledger of a CA folder (C(ledger.jsonl)). Tells the newest certificate of each identity.
    type: path
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
  - PyYAML (C(python3-yaml)) on the host, to read kubeconfigs and other objects in YAML
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

- name: Tell of a folder with thousands of certificates only those that end within a month
  tlsbootstrap.kubernetes.pki_info:
    directories: [/srv/certificates]
    ending_within: 30d
  register: ending

- name: Read all that a host holds and serves, in one call
  tlsbootstrap.kubernetes.pki_info:
    directories: [/etc/kubernetes, /var/lib/kubelet/pki]
    endpoints:
      - address: 127.0.0.1:10250
      - address: 192.0.2.10:6443
        server_name: kubernetes.default.svc
        path: /etc/kubernetes/pki/apiserver.crt
  register: host

- name: Fail where the API server still shows an older certificate than its file has
  ansible.builtin.assert:
    that: host.endpoints[1].serves_file

- name: Read a certificate, a bundle, a request and a key, in PEM or DER
  tlsbootstrap.kubernetes.pki_info:
    paths: [/srv/server.der, /srv/ca-bundle.pem, /srv/server.csr, /srv/server.key]
    text: true
  register: found

- name: Show the certificate as openssl would
  ansible.builtin.debug:
    msg: "{{ found.files[0].text.splitlines() }}"

- name: Read requests that were saved with kubectl get csr -o yaml
  tlsbootstrap.kubernetes.pki_info:
    paths: [/root/requests.yaml]
  register: requests

- name: Name those that nobody has approved
  ansible.builtin.debug:
    msg: "{{ requests.files[0].signing_requests | selectattr('state', '==', 'Pending') | map(attribute='name') }}"
"""

RETURN = r"""
counts:
  description: How many C(files) and C(certificates) were read, and how many of the latter are C(ending).
  type: dict
  returned: when O(ending_within) is given
  sample:
    files: 10000
    certificates: 10000
    ending: 3
files:
  description: One entry for each of O(paths), in the same order, then one for each file of O(directories).
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
      description:
        - V(certificate), V(bundle), V(key), V(request), V(kubeconfig) or V(signing_request), which is an object of the
          API.
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
          time_left: 365 d 0 h
          key_type: ecdsa-p256
    private_keys:
      description:
        - Each private key with C(key_type), C(size) in bits, C(public_key_sha256), the hash of its public half, and
          whether it is C(encrypted). Of an encrypted one no more is known.
      type: list
      elements: dict
      returned: when the file could be read
      sample:
        - key_type: ecdsa-p256
          size: 256
          public_key_sha256: 2bc4a1...
          encrypted: false
    public_keys:
      description: Each public key with C(key_type), C(size) and C(public_key_sha256).
      type: list
      elements: dict
      returned: when the file could be read
    key_matches:
      description: Whether the first certificate is that of a private key in the same file or kubeconfig.
      type: bool
      returned: when there are both
    requests:
      description:
        - Each certificate signing request with its subject, names and key, and whether its signature is that of the key
          (C(signature_valid)).
      type: list
      elements: dict
      returned: when the file could be read
    kubeconfig:
      description:
        - Of the current context server, names, paths, fingerprints of the CA, whether the key is embedded, and whether
          there is a token.
      type: dict
      returned: when the file is a kubeconfig
    signing_requests:
      description:
        - Each CertificateSigningRequest with C(name), C(created), C(signer), C(requester), C(requester_groups),
          C(credential_id), C(usages), C(conditions), its C(requests) and C(certificates), and C(state), which is
          V(Pending), V(Approved), V(Denied), V(Failed) or V(Issued).
      type: list
      elements: dict
      returned: when the file holds such objects
    text:
      description: The same for people.
      type: str
      returned: with O(text)
    error:
      description: Why the file could not be read.
      type: str
      returned: when it could not
endpoints:
  description: One entry for each of O(endpoints), in the same order.
  type: list
  elements: dict
  returned: always
  contains:
    address:
      description: The address, as given.
      type: str
      returned: always
    server_name:
      description: The name that was asked for.
      type: str
      returned: always
    answers:
      description: Whether it showed a certificate.
      type: bool
      returned: always
    certificates:
      description: The certificates that were sent, the server's own first; each as in RV(files).
      type: list
      elements: dict
      returned: always
    whole_chain:
      description: Whether C(certificates) has all that was sent.
      type: bool
      returned: always
    path:
      description: The file of its certificate, as given.
      type: str
      returned: with O(endpoints[].path)
    serves_file:
      description: Whether it shows the first certificate of that file. If not, it was not restarted since.
      type: bool
      returned: with O(endpoints[].path), when both could be read
    protocol:
      description: Version of TLS. Empty where the server refused because it wants a certificate from its clients.
      type: str
      returned: always
      sample: TLSv1.3
    text:
      description: The certificates for people.
      type: str
      returned: with O(text)
    error:
      description: Why nothing could be read.
      type: str
      returned: when nothing could
ledger:
  description:
    - C(cas) has the SHA-256 of the newest certificate of each CA, C(recorded) when that one was first written down,
      C(certificates) the newest of each identity by host
      and name, with C(sha256), C(subject), C(issuer), C(serial), C(not_before), C(not_after) and C(seconds_left).
    - C(unreadable) are the numbers of lines that cannot be read, as a killed run leaves them.
  type: dict
  returned: with O(ledger)
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.attention import needing_attention
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.durations import parse_duration
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.signing import cut_short
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import Outcome, run, utc_now
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.seeing import Sight, look_at_ledger

ENDPOINT: dict[str, Any] = {
    "address": {"type": "str", "required": True},
    "server_name": {"type": "str"},
    "path": {"type": "path"},
}
SPEC: dict[str, Any] = {
    "paths": {"type": "list", "elements": "path", "default": []},
    "directories": {"type": "list", "elements": "path", "default": []},
    "endpoints": {"type": "list", "elements": "dict", "default": [], "options": ENDPOINT},
    "timeout": {"type": "int", "default": 5},
    "text": {"type": "bool", "default": False},
    "ending_within": {"type": "str"},
    "ledger": {"type": "path"},
    "signing_duration": {"type": "str"},
}


def work(params: dict[str, Any]) -> Outcome:
    """Read, and compare with what shall be signed."""
    if not 0 < params["timeout"] <= 600:
        raise InputError("timeout: between 1 and 600 seconds are possible")
    now = utc_now()
    sight = Sight(now, params["text"])
    result: dict[str, Any] = {"files": sight.files(params["paths"], params["directories"])}
    result["endpoints"] = sight.endpoints(params["endpoints"], params["timeout"])
    if params["ledger"]:
        result["ledger"] = look_at_ledger(params["ledger"], now)
    duration = params["signing_duration"]
    warnings = [] if duration is None else cut_short(result["files"], parse_duration(duration))
    if params["ending_within"]:
        bound = parse_duration(params["ending_within"])
        result["files"], result["counts"] = needing_attention(result["files"], bound)
    return Outcome(result=result, warnings=warnings)


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    run(module, lambda: work(module.params))


if __name__ == "__main__":
    main()
