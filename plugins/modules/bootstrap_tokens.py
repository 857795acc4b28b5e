#!/usr/bin/python
# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module bootstrap_tokens."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bootstrap_tokens
short_description: Bootstrap tokens, each good for one node
version_added: 0.1.0
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - Makes one bootstrap token for each node that joins, all in one call. Each is a Secret in C(kube-system).
  - A token belongs to the groups C(system:bootstrappers:tlsbootstrap) and
    C(system:bootstrappers:tlsbootstrap:node:NAME), dots of the name written as colons. So the API server itself says in
    each certificate signing request which node it may be for.
  - A token is returned only encrypted to the one-time key of the host that is to use it.
  - A token of the collection that is there for one of the nodes, from an interrupted run, is replaced.
  - Which request used a token is noted by whoever approves it, as a Lease C(token-ID) in the namespace
    C(tlsbootstrap), so that it is used once, be its requests gone. These marks are deleted a day later.
  - Tokens that the collection has not made are never touched.
  - None is made where the group may not create certificate signing requests.
extends_documentation_fragment:
  - tlsbootstrap.kubernetes.attributes
  - tlsbootstrap.kubernetes.cluster
options:
  state:
    description:
      - V(present) makes a token for each of O(tokens). It makes new ones at every call, so call it for nodes that join.
      - V(absent) deletes the tokens of O(nodes), and those of any node that have expired.
    type: str
    choices: [present, absent]
    default: present
  tokens:
    description: The tokens to make.
    type: list
    elements: dict
    default: []
    suboptions:
      node_name:
        description: Name of the node.
        type: str
        required: true
      recipient:
        description: Public half of the one-time key of the host, ECDSA P-256 in PEM, to which the token is encrypted.
        type: str
        required: true
      ttl:
        description: How long the token is good, between V(1m) and V(24h).
        type: str
        default: 15m
      token:
        description:
          - A token of your own, C([a-z0-9]{6}.[a-z0-9]{16}). By default a random one is made.
          - One whose id is in the cluster already is refused unless it is the collection's own for the same node.
        type: str
      held:
        description:
          - Id of the token that the host has already, from M(tlsbootstrap.kubernetes.kubelet_identity). While it is the
            node's and good for another minute, no other one is made.
        type: str
      description:
        description:
          - What C(kubeadm token list) shows of the token, one line of at most 200 characters. C({node_name}) stands for
            the node. By default it says for which node the token is, and who has made it.
        type: str
      usages:
        description: What the token is good for. Without V(authentication) no node can join.
        type: list
        elements: str
        choices: [authentication, signing]
        default: [authentication]
      extra_groups:
        description:
          - Groups that the token has besides its own, each C(system:bootstrappers:) and up to 256 characters of
            C(a-z0-9:-). Those that begin with C(system:bootstrappers:tlsbootstrap) are the collection's.
          - A group that may have any node's request approved is refused, because the token would be good for all nodes.
        type: list
        elements: str
        default: []
  shared:
    description:
      - Makes one token that is good for any node, of the group C(system:bootstrappers:tlsbootstrap:shared), and returns
        it for each of O(tokens). One that is there is used until it ends. Where nodeclient is bound to its group,
        whoever holds it becomes any node, a control plane included.
      - O(tokens[].token) and O(tokens[].held) are of no effect, O(tokens[].ttl) and the like are those of the first.
      - With O(state=absent), such tokens are deleted too.
    type: bool
    default: false
  nodes:
    description: Names of the nodes whose tokens are deleted with O(state=absent).
    type: list
    elements: str
    default: []
  requests:
    description:
      - With O(state=absent), whether the certificate signing requests go too that were made with the deleted tokens and
        that nothing was issued for. For joins that have failed, so that nobody is let in when they are over.
    type: bool
    default: false
  allow_weak_secret:
    description: Whether a token of your own may have a secret that can be guessed, such as C(0123456789abcdef).
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Make a token for each node that joins
  tlsbootstrap.kubernetes.bootstrap_tokens:
    kubeconfig: /etc/kubernetes/admin.conf
    tokens:
      - node_name: worker-1
        recipient: "{{ one_time_key.recipient }}"
        ttl: 15m
        description: "Join of {node_name}, asked for by the operators"
        extra_groups: [system:bootstrappers:operators]
  register: made

- name: Delete it when the node has joined
  tlsbootstrap.kubernetes.bootstrap_tokens:
    kubeconfig: /etc/kubernetes/admin.conf
    state: absent
    nodes: [worker-1]
"""

RETURN = r"""
sealed:
  description:
    - For each node its token, encrypted to the recipient. Empty in check mode, and without the nodes that keep the
      token that they have.
  type: dict
  returned: with O(state=present)
  sample:
    worker-1:
      ephemeral_key: MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE...
      ciphertext: oN0pVQ...
ids:
  description: For each node the id of its token, which is no secret. Empty in check mode.
  type: dict
  returned: with O(state=present)
  sample:
    worker-1: 6pwxu2
expirations:
  description: For each node when its token ends, in UTC. Empty in check mode.
  type: dict
  returned: with O(state=present)
  sample:
    worker-1: "2026-11-22T15:15:00Z"
reasons:
  description: What was made and deleted, or would be.
  type: list
  elements: dict
  returned: success
  sample:
    - code: TokenWanted
      subject: node worker-1
      path: null
      old: null
      new: a token for 900 seconds
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import token_store
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.client import (
    CLUSTER_SPEC,
    cluster_of,
    cluster_or_none,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.cluster import ForbiddenError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.durations import parse_duration
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.tokens import OwnToken
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import Outcome, run, utc_now
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.token_marks import forget_marks, sweep_marks

TOKEN: dict[str, Any] = {
    "node_name": {"type": "str", "required": True},
    "recipient": {"type": "str", "required": True},
    "ttl": {"type": "str", "default": "15m"},
    "token": {"type": "str", "no_log": True},
    "held": {"type": "str"},
    "description": {"type": "str"},
    "usages": {
        "type": "list",
        "elements": "str",
        "choices": ["authentication", "signing"],
        "default": ["authentication"],
    },
    "extra_groups": {"type": "list", "elements": "str", "default": []},
}
SPEC: dict[str, Any] = {
    **CLUSTER_SPEC,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "tokens": {"type": "list", "elements": "dict", "default": [], "options": TOKEN, "no_log": False},
    "nodes": {"type": "list", "elements": "str", "default": []},
    "shared": {"type": "bool", "default": False},
    "requests": {"type": "bool", "default": False},
    "allow_weak_secret": {"type": "bool", "default": False, "no_log": False},
}


def present(module: AnsibleModule) -> Outcome:
    wanted = token_store.check_wanted(module.params["tokens"], parse_duration, module.params["allow_weak_secret"])
    if not wanted:
        return Outcome(result=results([], {}))
    if module.check_mode:
        return Outcome([token_store.wanted_reason(one) for one in wanted], results([], {}))
    cluster, shared = cluster_of(module), module.params["shared"]
    token_store.check_rights(cluster, wanted, shared)
    if shared:
        made, reasons = token_store.make_shared(cluster, wanted, utc_now())
        return Outcome(reasons, results(made, {}))
    token_store.check_given(cluster, wanted)
    own = token_store.own_tokens(cluster)
    kept = token_store.kept_tokens(own, wanted, utc_now())
    wanted = [one for one in wanted if one.node not in kept]
    stale = token_store.leftovers(own, [one.node for one in wanted], utc_now())
    reasons = token_store.delete_tokens(cluster, stale) + [token_store.wanted_reason(one) for one in wanted]
    forget_marks(cluster, [one.given.id for one in wanted if one.given])
    return Outcome(reasons, results(token_store.make_tokens(cluster, wanted, utc_now()), kept))


def results(made: list[token_store.Made], kept: dict[str, OwnToken]) -> dict[str, Any]:
    ends = {**{token.node: token.expiration for token in made}, **{node: one.expiration for node, one in kept.items()}}
    return {
        "sealed": {token.node: token.sealed for token in made},
        "ids": {**{token.node: token.id for token in made}, **{node: one.id for node, one in kept.items()}},
        "expirations": {node: end.strftime("%Y-%m-%dT%H:%M:%SZ") for node, end in ends.items() if end},
    }


def absent(module: AnsibleModule) -> Outcome:
    warnings: list[str] = []
    cluster = cluster_or_none(module, warnings)
    if cluster is None:
        return Outcome(warnings=warnings)
    own = token_store.own_tokens(cluster)
    stale = token_store.leftovers(own, module.params["nodes"], utc_now(), module.params["shared"])
    if module.check_mode:
        return Outcome([token_store.leftover_reason(token) for token in stale])
    reasons = token_store.delete_tokens(cluster, stale)
    if module.params["requests"]:
        try:
            reasons += token_store.delete_requests(cluster, stale)
        except ForbiddenError as error:
            # The tokens are gone; whoever may do no more has to be told.
            warnings.append(str(error))
    sweep_marks(cluster, utc_now())
    return Outcome(reasons, warnings=warnings)


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    action = present if module.params["state"] == "present" else absent
    run(module, lambda: action(module))


if __name__ == "__main__":
    main()
