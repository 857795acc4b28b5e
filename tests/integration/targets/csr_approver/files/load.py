# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A thousand requests that wait when the service starts, and large ones among them, on a real API server.

Usage: load.py CLUSTER_DIRECTORY OUTPUT_DIRECTORY, where the program is. The goal is 30 s and 128 MB; a test of time is
bounded by ten times the goal.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

from hand import CLIENT, CLIENT_USAGES, REQUESTS, Hand

sys.path.insert(0, str(Path(__file__).parent))

from service import Service, write_policy

CLUSTER, OUTPUT = Path(sys.argv[1]), Path(sys.argv[2])
NODES = [f"load-{number}" for number in range(1000)]
SECONDS = 30 * 10
MEGABYTES = 128


def submit_large(hand, token):
    """What whoever has a token may store: 300 requests of 9,000 names each, 50 MB in all."""
    names = ",".join(f"DNS:h{number}.x" for number in range(9000))
    request, _key = hand.request(f"/O=system:nodes/CN=system:node:{NODES[0]}", names)
    cluster = hand.as_token(token, 120)
    return {hand.submit(cluster, request, CLIENT, CLIENT_USAGES) for _number in range(300)}


def still_pending(cluster, names):
    items, _version = cluster.list(REQUESTS)
    return [
        item["metadata"]["name"]
        for item in items
        if item["metadata"]["name"] in names and not (item.get("status") or {}).get("conditions")
    ]


def watch_work(hand, names, service):
    """Until all are decided: how long each answer to somebody else took."""
    answers, end = [], time.monotonic() + SECONDS
    while len([line for line in service.decisions() if line["request"] in names]) < len(names):
        assert time.monotonic() < end, "too slow"
        asked = time.monotonic()
        hand.admin.get("/api/v1/namespaces/kube-system")
        answers.append(time.monotonic() - asked)
        time.sleep(0.2)
    return answers


def main():
    hand = Hand(CLUSTER)
    write_policy(OUTPUT, dict.fromkeys(NODES, ()))
    tokens = hand.tokens(NODES)
    large = submit_large(hand, tokens[NODES[0]])
    names = hand.ask_all(tokens)
    assert len(still_pending(hand.admin, names | large)) == len(names) + len(large)
    service = Service(OUTPUT, "load", str(CLUSTER / "approver.conf"))
    started = time.monotonic()
    try:
        answers = watch_work(hand, names | large, service)
        took = time.monotonic() - started
        memory, cpu, found = service.memory(), service.cpu(), service.metrics()
    finally:
        service.stop()
    assert still_pending(hand.admin, names | large) == []
    median, worst = statistics.median(answers), max(answers)
    print(f"{len(names)} requests and {len(large)} large ones in {took:.1f} s, {cpu:.1f} s of CPU, {memory} MB")
    print(f"others were answered within {median * 1000:.0f} ms (median), {worst * 1000:.0f} ms (the worst)")
    assert found['decisions_total{verdict="approve",reason="PolicyKept",kind="client"}'] == len(names)
    assert found['decisions_total{verdict="deny",reason="Unreadable",kind="client"}'] == len(large)
    assert found.get('errors_total{kind="api"}', 0) == 0, "the API server was asked for too much"
    assert memory < MEGABYTES, memory


if __name__ == "__main__":
    sys.exit(main())
