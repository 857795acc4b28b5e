# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of attacks and of honest requests against the running service, on a real API server.

Usage: attacks.py CLUSTER_DIRECTORY OUTPUT_DIRECTORY, where the program and its policy are.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from hand import CLIENT, CLIENT_USAGES, SERVING, SERVING_USAGES, Hand

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.cluster import ForbiddenError

CLUSTER, OUTPUT = Path(sys.argv[1]), Path(sys.argv[2])
POLICY = OUTPUT / "policy.json"
ROOT = Path(__file__).parents[3]
NODE = "/O=system:nodes/CN=system:node:"
FAILED = []


def start(name):
    """The service as systemd runs it: isolated, and telling when it is ready."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    address = OUTPUT / f"{name}.socket"
    address.unlink(missing_ok=True)
    listener.bind(str(address))
    listener.settimeout(30)
    command = [sys.executable, "-I", str(OUTPUT / "lib/csr-approver.pyz")]
    command += ["--kubeconfig", str(CLUSTER / "approver.conf"), "--policy", str(POLICY)]
    with open(OUTPUT / f"{name}.log", "w") as log:
        service = subprocess.Popen(command, stdout=log, stderr=log, env={"NOTIFY_SOCKET": str(address)}, cwd="/")
    assert listener.recv(100) == b"READY=1"
    return service


def lines(name):
    return [json.loads(line) for line in (OUTPUT / f"{name}.log").read_text().splitlines()]


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
    def ask(subject, signer=CLIENT, seconds=10.0):
        return hand.outcome(hand.submit(hand.admin, hand.request(subject)[0], signer, CLIENT_USAGES), seconds)

    left = ask("/CN=bob", "kubernetes.io/kube-apiserver-client", 2)
    expect("another signer is left alone", left, "Pending", "")


def late_policy(hand):
    """A node that the policy does not have yet waits, and is approved when it has it."""
    name, _key = hand.join("a-late")
    expect("a node that is not in the policy", hand.outcome(name, 2), "Pending", "")
    policy = json.loads(POLICY.read_text())
    policy["nodes"]["a-late"] = {"dns_names": [], "ip_addresses": []}
    fresh = POLICY.with_suffix(".new")
    fresh.write_text(json.dumps(policy))
    os.replace(fresh, POLICY)
    expect("the same, when the policy has it", hand.outcome(name), "Approved", "PolicyKept")
    POLICY.write_text("{")
    name, _key = hand.join("a-w3")
    expect("half a policy changes nothing", hand.outcome(name), "Approved", "PolicyKept")


def api_restart(hand):
    subprocess.run([str(ROOT / "cluster.sh"), "restart-api", str(CLUSTER)], check=True)
    name, _key = hand.join("a-w2.example.com")
    expect("after a restart of the API server", hand.outcome(name, 20), "Approved", "PolicyKept")


def memory(process):
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def main():
    hand = Hand(CLUSTER)
    # Two of them, as on two control planes: each request is decided once.
    services = [start("one"), start("two")]
    try:
        node_requests(hand, first_join(hand))
        others(hand)
        late_policy(hand)
        api_restart(hand)
        services[0].kill()
        name, _key = hand.join("a-w3")
        expect("with one of two killed", hand.outcome(name), "Approved", "PolicyKept")
        print("memory:", [memory(service) for service in services[1:]], "MB")
        assert all(memory(service) < 128 for service in services[1:])
    finally:
        for service in services:
            service.terminate()
    assert services[1].wait(10) == 0
    told = [*lines("one"), *lines("two")]
    decided = [line["request"] for line in told if line.get("verdict") in ("approve", "deny")]
    assert len(decided) == len(set(decided)), "a request was decided twice"
    assert any(line["credential_id"] for line in told if line["event"] == "decision")
    if FAILED:
        print("failed:", FAILED)
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
