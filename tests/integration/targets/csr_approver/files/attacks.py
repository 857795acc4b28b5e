# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of attacks and of honest requests against the running service, on a real API server.

Usage: attacks.py CLUSTER_DIRECTORY OUTPUT_DIRECTORY, where the program and its policy are.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from hand import CLIENT, CLIENT_USAGES, REQUESTS, SERVING, SERVING_USAGES, Hand

sys.path.insert(0, str(Path(__file__).parent))

from service import Service

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.access import load_access
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.cluster import Cluster, ForbiddenError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.lease import LEASES_PATH

CLUSTER, OUTPUT = Path(sys.argv[1]), Path(sys.argv[2])
SECRETS = "/api/v1/namespaces/kube-system/secrets"
NODE = "/O=system:nodes/CN=system:node:"
FAILED = []


def expect(what, found, *wanted):
    good = found[: len(wanted)] == wanted
    print(f"{'ok  ' if good else 'FAIL'} {what}: {found[0]} {found[1]}")
    if not good:
        FAILED.append(what)
    return found[2]


def client_attacks(hand, token):
    def ask(subject, names="", usages=tuple(CLIENT_USAGES), signer=CLIENT, **options):
        return hand.outcome(hand.submit(token, hand.request(subject, names, **options)[0], signer, usages))

    expect("another node", ask(NODE + "a-w3"), "Denied", "WrongNode")
    expect("an admin", ask("/CN=kubernetes-admin"), "Denied", "WrongNode")
    expect("masters", ask("/O=system:masters/CN=system:node:a-w1"), "Denied", "WrongSubject")
    expect("one more O", ask("/O=system:masters" + NODE + "a-w1"), "Denied", "WrongSubject")
    expect("an OU", ask("/OU=x" + NODE + "a-w1"), "Denied", "WrongSubject")
    expect("a SAN", ask(NODE + "a-w1", "DNS:a-w1"), "Denied", "SANsInClientRequest")
    expect("server auth", ask(NODE + "a-w1", usages=[*CLIENT_USAGES, "server auth"]), "Denied", "WrongUsages")
    expect("a weak key", ask(NODE + "a-w1", key=("rsa:1024",)), "Denied", "WeakKey")
    served = ask(NODE + "a-w1", "DNS:a-w1", SERVING_USAGES, SERVING)
    expect("a serving certificate by token", served, "Denied", "ForeignRequester")


def serving_attacks(hand, node):
    def ask(names, usages=tuple(SERVING_USAGES), **options):
        return hand.outcome(hand.submit(node, hand.request(NODE + "a-w1", names, **options)[0], SERVING, usages))

    expect("own name and address", ask("DNS:a-w1,IP:10.0.0.1"), "Approved", "PolicyKept")
    expect("own IPv6 address", ask("IP:fd00:0:0::1"), "Approved", "PolicyKept")
    rsa = ask("DNS:a-w1", [*SERVING_USAGES, "key encipherment"], key=("rsa:2048",))
    expect("RSA with key encipherment", rsa, "Approved", "PolicyKept")
    expect("a foreign address", ask("DNS:a-w1,IP:10.0.0.3"), "Denied", "ForeignSANs")
    expect("the API server's name", ask("DNS:kubernetes.default.svc"), "Denied", "ForeignSANs")
    expect("the API server's address", ask("IP:10.96.0.1"), "Denied", "ForeignSANs")
    expect("a wildcard", ask("DNS:*.example.com"), "Denied", "ForeignSANs")
    expect("an email", ask("DNS:a-w1,email:a@b.c"), "Denied", "WrongSANs")
    expect("a URI", ask("DNS:a-w1,URI:spiffe://x"), "Denied", "WrongSANs")
    expect("a directory name", ask("DNS:a-w1,RID:1.2.3"), "Denied", "WrongSANs")
    expect("no names", ask(""), "Denied", "NoSANs")
    expect("client auth", ask("DNS:a-w1", [*SERVING_USAGES, "client auth"]), "Denied", "WrongUsages")
    expect("1,000 names", ask(",".join(f"DNS:h{i}.x" for i in range(1000))), "Denied", "TooManySANs")


def first_join(hand):
    token = hand.as_token(hand.token("a-w1"))
    client_attacks(hand, token)
    request, key = hand.request(NODE + "a-w1")
    started = time.monotonic()
    found = hand.outcome(hand.submit(token, request, CLIENT, CLIENT_USAGES))
    certificate = expect("a kubelet", found, "Approved", "PolicyKept")
    assert time.monotonic() - started < 10, "late approval is dear"
    again = hand.submit(token, hand.request(NODE + "a-w1")[0], CLIENT, CLIENT_USAGES)
    expect("a second use of the token", hand.outcome(again), "Denied", "TokenUsed")
    return hand.as_node(key, certificate)


def node_requests(hand, node):
    serving_attacks(hand, node)
    renewal = hand.submit(node, hand.request(NODE + "a-w1")[0], CLIENT, CLIENT_USAGES)
    # The controller-manager renews too (selfnodeclient): whoever comes first.
    expect("a renewal", hand.outcome(renewal), "Approved")
    try:
        hand.submit(node, hand.request(NODE + "a-w3")[0], CLIENT, CLIENT_USAGES)
        FAILED.append("another node's certificate by a node")
    except ForbiddenError:
        print("ok   another node's certificate by a node: NodeRestriction")


def others(hand):
    """Somebody who may ask, and is none of ours."""
    binding = {
        "metadata": {"name": "somebody-may-ask"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:node-bootstrapper"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "nobody"}],
    }
    hand.admin.create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
    somebody = Cluster(load_access(str(CLUSTER / "nobody.conf")), 60)
    time.sleep(1)

    def ask(subject, signer=CLIENT, usages=tuple(CLIENT_USAGES), names="", seconds=10.0):
        return hand.outcome(hand.submit(somebody, hand.request(subject, names)[0], signer, usages), seconds)

    left = ask("/CN=bob", "kubernetes.io/kube-apiserver-client", seconds=2)
    expect("another signer is left alone", left, "Pending", "")
    expect("our node, by somebody else", ask(NODE + "a-w3"), "Denied", "ForeignRequester")
    served = ask(NODE + "a-w3", SERVING, SERVING_USAGES, "DNS:a-w3")
    expect("our node's serving certificate, by somebody else", served, "Denied", "ForeignRequester")
    expect("a node of somebody else", ask(NODE + "elsewhere", seconds=1), "Pending", "")


def refused(what, action):
    """That Kubernetes itself says no."""
    try:
        action()
    except ForbiddenError:
        print(f"ok   {what}: forbidden")
    else:
        print(f"FAIL {what}: allowed")
        FAILED.append(what)


def rights_of_a_token(hand):
    token = hand.as_token(hand.token("a-w3"))
    refused("Secrets by token", lambda: token.list(SECRETS))
    refused("nodes by token", lambda: token.list("/api/v1/nodes"))
    refused("an approval by token", lambda: token.replace(f"{REQUESTS}/x/approval", {"metadata": {"name": "x"}}))
    refused("the marks by token", lambda: token.list(LEASES_PATH))


def rights_of_the_approver(hand):
    """It decides what others ask for: it may neither ask, nor read tokens, nor undo marks, nor sign anything else."""
    approver = Cluster(load_access(str(CLUSTER / "approver.conf")), 20)
    mark = f"{LEASES_PATH}/{hand.admin.list(LEASES_PATH)[0][0]['metadata']['name']}"
    identifier = hand.token("a-w3")[:6]
    refused("Secrets by the approver", lambda: approver.list(SECRETS))
    refused("a token by the approver", lambda: approver.get(f"{SECRETS}/bootstrap-token-{identifier}"))
    refused("its own request", lambda: hand.submit(approver, hand.request(NODE + "a-w3")[0], CLIENT, CLIENT_USAGES))
    refused("a mark taken away", lambda: approver.delete(f"{LEASES_PATH}/token-{identifier}"))
    refused("a mark changed", lambda: approver.merge(mark, {"spec": {"holderIdentity": "x"}}))
    refused("the brake lifted", lambda: approver.delete(f"{LEASES_PATH}/csr-approver-brake"))
    admin = hand.submit(hand.admin, hand.request("/CN=bob")[0], "kubernetes.io/kube-apiserver-client", CLIENT_USAGES)
    body = hand.admin.get(f"{REQUESTS}/{admin}")
    body["status"] = {"conditions": [{"type": "Approved", "status": "True", "reason": "x", "message": "x"}]}
    refused("another signer's certificate", lambda: approver.replace(f"{REQUESTS}/{admin}/approval", body))


def main():
    hand = Hand(CLUSTER)
    service = Service(OUTPUT, "attacked", str(CLUSTER / "approver.conf"))
    try:
        node_requests(hand, first_join(hand))
        others(hand)
        rights_of_a_token(hand)
        rights_of_the_approver(hand)
        counted = service.metrics()
    finally:
        code = service.stop()
    assert code == 0, code
    told = service.decisions()
    decided = [line["request"] for line in told if line["verdict"] != "ignore"]
    assert len(decided) == len(set(decided)), "a request was decided twice"
    assert sum(value for name, value in counted.items() if name.startswith("decisions_total")) == len(told)
    assert counted['decisions_total{verdict="deny",reason="TokenUsed",kind="client"}'] == 1, counted
    assert any(line["credential_id"] for line in told)
    assert all(line["approver"] == "attacked" for line in told)
    if FAILED:
        print("failed:", FAILED)
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
