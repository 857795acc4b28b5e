#!/usr/bin/python
# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module kubelet_identity."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubelet_identity
short_description: Say whether a kubelet has an identity, make it ready to join where it has none, or remove it
version_added: 0.1.0
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - A node has joined when its kubelet has a kubeconfig and a client certificate for this node that has not ended
    and whose key is there.
  - Otherwise a one-time key is made to which the bootstrap token of the node is sealed. It is kept when a run is
    stopped and taken away by M(tlsbootstrap.kubernetes.kubeconfig) with
    O(tlsbootstrap.kubernetes.kubeconfig#module:state=absent).
extends_documentation_fragment:
  - tlsbootstrap.kubernetes.attributes
options:
  state:
    description:
      - V(present) looks for the identity. V(absent) removes it when the kubelet has been stopped, that is the
        kubeconfigs, certificates and keys, what a join has left, and O(more_files).
    type: str
    choices: [present, absent]
    default: present
  more_files:
    description: Other files of the node's identities that go with O(state=absent), such as those of kube-proxy.
    type: list
    elements: path
    default: []
  node_name:
    description: Name of the Node.
    type: str
    required: true
  kubeconfig:
    description: The kubelet's kubeconfig, which it writes itself.
    type: path
    required: true
  certificate_directory:
    description: Folder of the certificates that the kubelet gets, its C(--cert-dir).
    type: path
    required: true
  bootstrap_kubeconfig:
    description: The bootstrap kubeconfig of a join. The one-time key lies in C(.pending) beside it.
    type: path
    required: true
  certificate:
    description: Whether the node joins with a certificate, so that a request for it is returned.
    type: bool
    default: false
  trusted_cas:
    description:
      - Certificates in PEM of the CAs whose clients the API server takes. When given, a certificate of another CA
        is no identity.
    type: str
  serving_cas:
    description:
      - Certificates in PEM of the CAs by which the API servers trust the kubelets that they call. When given, what the
        kubelet serves with and is of another CA is removed, so that it asks for another, and RV(moved) says that it has
        to be restarted.
    type: str
  reset:
    description:
      - Removes a kubeconfig and client certificates that cannot be used, because they would keep the kubelet from
        bootstrapping. What can be used is never removed.
    type: bool
    default: false
  server:
    description:
      - Where the node has to join, the API server that its kubelet will ask, C(https://<host>:<port>).
      - One that shows a certificate that O(ca_path) does not vouch for is refused, before anything is changed. One that
        does not answer is let pass.
      - Where the node has joined, its kubeconfig is pointed at O(server) and O(ca_path), and nothing else in it is
        touched. The file in RV(moved) is written before, so that the kubelet is restarted once, also after a run that
        was killed.
    type: str
  ca_path:
    description: File with the CA certificates that O(server) is verified with.
    type: path
requirements:
  - cryptography 3.4 or later
"""

EXAMPLES = r"""
- name: Look for the identity of the kubelet
  tlsbootstrap.kubernetes.kubelet_identity:
    node_name: worker1
    kubeconfig: /etc/kubernetes/kubelet.conf
    certificate_directory: /var/lib/kubelet/pki
    bootstrap_kubeconfig: /etc/kubernetes/bootstrap-kubelet.conf
    reset: true
    server: https://192.0.2.10:6443
    ca_path: /etc/kubernetes/pki/kubernetes-ca.crt
  register: identity

- name: Take the node's identity from a host
  tlsbootstrap.kubernetes.kubelet_identity:
    state: absent
    node_name: worker1
    kubeconfig: /etc/kubernetes/kubelet.conf
    certificate_directory: /var/lib/kubelet/pki
    bootstrap_kubeconfig: /etc/kubernetes/bootstrap-kubelet.conf
"""

RETURN = r"""
joined:
  description: Whether the kubelet has an identity of this node; with O(state=absent) it has none.
  type: bool
  returned: success
node_name:
  description: Name of the Node.
  type: str
  returned: success
not_after:
  description: When the kubelet's client certificate ends, also one that was removed; empty where there is none.
  type: str
  returned: success
  sample: "2026-01-31T12:00:00Z"
token_request:
  description:
    - What M(tlsbootstrap.kubernetes.bootstrap_tokens) has to know of the node, with the public half of the one-time key
      in PEM, and the id of the token that a join which is not at its end has left. Empty when the node has joined, and
      in check mode where there is no key yet.
  type: dict
  returned: success
  sample: {"node_name": "worker1", "recipient": "-----BEGIN PUBLIC KEY-----...", "held": ""}
certificate_request:
  description:
    - Certificate signing request in PEM for a join certificate, made with the one-time key. Empty without
      O(certificate), when the node has joined, and in check mode where there is no key yet.
  type: str
  returned: when O(state=present)
known:
  description:
    - Whether this host was this node, or was about to be it. It has a certificate of the node with its key, which need
      not be good any more, or the one-time key of a join that was stopped.
  type: bool
  returned: when O(state=present)
leftover:
  description: Whether a join that was stopped has left a bootstrap kubeconfig or a one-time key.
  type: bool
  returned: success
moved:
  description:
    - The file that is newer than the kubelet's start when its kubeconfig was pointed at another server or CA since, or
      what it served with was removed, if this call does that, or would. For
      O(tlsbootstrap.kubernetes.unit#module:restart_files) and O(tlsbootstrap.kubernetes.unit#module:pending).
  type: list
  elements: path
  returned: when O(state=present)
reasons:
  description: Why the node has to join, or what was removed.
  type: list
  elements: dict
  returned: success
  sample:
    - code: Expired
      subject: worker1
      path: /var/lib/kubelet/pki/kubelet-client-current.pem
      old: "2026-01-31T12:00:00Z"
      new: null
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import files, runner
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.certificate import instant_text
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.kubelet_identity import (
    Found,
    Verdict,
    assess,
    is_known,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.reasons import Reason
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.endpoint import check_endpoint
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.kubelet_files import KubeletFiles, OneTimeKey

# The key is the public half of one, or none: nothing here is secret.
SPEC: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "more_files": {"type": "list", "elements": "path", "default": []},
    "node_name": {"type": "str", "required": True},
    "kubeconfig": {"type": "path", "required": True},
    "certificate_directory": {"type": "path", "required": True},
    "bootstrap_kubeconfig": {"type": "path", "required": True},
    "certificate": {"type": "bool", "default": False},
    "trusted_cas": {"type": "str"},
    "serving_cas": {"type": "str"},
    "reset": {"type": "bool", "default": False},
    "server": {"type": "str"},
    "ca_path": {"type": "path"},
}


def end_of(found: Found) -> str:
    return "" if found.certificate is None else instant_text(found.certificate.not_after)


def waits(verdict: Verdict) -> bool:
    """Whether all that is missing is the certificate: a kubelet writes its kubeconfig before it has one.

    It writes it once at its start, so where it still waits for an approval the file has to stay.
    """
    return [reason.code for reason in verdict.reasons] == ["CertificateMissing"]


def token_request(node_name: str, recipient: str | None, key: OneTimeKey) -> dict[str, str]:
    return {"node_name": node_name, "recipient": recipient, "held": key.token_id()} if recipient else {}


def remove(params: dict[str, Any], check_mode: bool) -> runner.Outcome:
    """Take the files of the identity away."""
    kubelet = KubeletFiles(params["kubeconfig"], params["certificate_directory"])
    key = OneTimeKey(params["bootstrap_kubeconfig"])
    node_name, end = params["node_name"], end_of(kubelet.read(None))
    known = [
        kubelet.kubeconfig,
        kubelet.moved,
        *kubelet.certificates(),
        *params["more_files"],
        key.bootstrap_kubeconfig,
        key.path,
    ]
    there = [path for path in known if files.state_of(path).exists]
    if not check_mode:
        for path in there:
            files.remove(path)
        key.remove()
    result = {"joined": False, "node_name": node_name, "not_after": end, "token_request": {}, "leftover": False}
    return runner.Outcome([Reason("Leftover", node_name, path, "there") for path in there], result)


def work(params: dict[str, Any], check_mode: bool) -> runner.Outcome:
    """Read, compare, make ready."""
    if params["state"] == "absent":
        return remove(params, check_mode)
    kubelet = KubeletFiles(params["kubeconfig"], params["certificate_directory"])
    key = OneTimeKey(params["bootstrap_kubeconfig"])
    found = kubelet.read(params["trusted_cas"])
    verdict = assess(params["node_name"], found, runner.utc_now())
    recipient = None if verdict.joined else key.recipient()
    leftover, begun = bool(key.leftovers(params["node_name"])), key.begun
    served = kubelet.foreign_server(params["node_name"], params["serving_cas"])
    if not verdict.joined and not check_mode:
        if params["server"]:
            check_endpoint(params["server"], params["ca_path"])
        if params["reset"] and verdict.kubeconfig_unusable and not (waits(verdict) and key.token_id()):
            kubelet.remove_kubeconfig()
        if params["reset"] and verdict.certificate_unusable:
            kubelet.remove_certificates()
        recipient = recipient or key.make()
    if served and not check_mode:
        kubelet.drop_server()
    reasons, warnings = [*verdict.reasons, *served], []
    if verdict.joined and params["server"]:
        moved = kubelet.point(params["node_name"], params["server"], params["ca_path"], check_mode)
        reasons += moved or []
        if moved is None:
            warnings.append(
                f"{kubelet.kubeconfig} is not as a kubelet writes it: see whether it names {params['server']} yourself"
            )
    result = {
        "joined": verdict.joined,
        "node_name": params["node_name"],
        "not_after": end_of(found),
        "token_request": token_request(params["node_name"], recipient, key),
        "certificate_request": key.request() if recipient and params["certificate"] else "",
        "known": begun or is_known(params["node_name"], found),
        "leftover": leftover,
        "moved": [kubelet.moved] if verdict.joined and reasons else [],
    }
    return runner.Outcome(reasons, result, warnings)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True, required_together=[("server", "ca_path")])
    runner.run(module, lambda: work(module.params, module.check_mode))


if __name__ == "__main__":
    main()
