# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service goes through in years, on a real API server: kills, restarts, faults, floods, changed policies.

Usage: lasting.py CLUSTER_DIRECTORY OUTPUT_DIRECTORY, where the program is. Each function whose name begins with `test_`
is a case.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import traceback
from pathlib import Path

from hand import CLIENT, CLIENT_USAGES, REQUESTS, SERVING, SERVING_USAGES, Hand

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "cluster_faults/files"))

from proxy import Fault, Proxy
from service import Service, write_policy

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.lease import LEASES_PATH, lease_manifest
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import utc_now

CLUSTER, OUTPUT = Path(sys.argv[1]), Path(sys.argv[2])
TARGETS = Path(__file__).parents[2]
KUBECONFIG = str(CLUSTER / "approver.conf")
NODE = "/O=system:nodes/CN=system:node:"
HAND = Hand(CLUSTER)
NODES = {f"y-w{number}": [f"10.0.2.{number}"] for number in range(1, 61)}
APPROVED = ("Approved", "PolicyKept")


def outcome(name, seconds=20.0):
    return HAND.outcome(name, seconds)[:2]


def is_soon(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def leads(service):
    return service.metrics()["leader"] == 1


def forget(name):
    HAND.admin.delete(f"{LEASES_PATH}/{name}")


def joined(node):
    """A node's identity."""
    name, key = HAND.join(node)
    condition, _reason, certificate = HAND.outcome(name)
    assert condition == "Approved"
    return HAND.as_node(key, certificate)


def serving(cluster, node, address):
    request, _key = HAND.request(NODE + node, f"DNS:{node},IP:{address}")
    return HAND.submit(cluster, request, SERVING, SERVING_USAGES)


class Run:
    """Services of a case, ended with it."""

    def __init__(self):
        self.services = []

    def start(self, name, *arguments, kubeconfig=KUBECONFIG):
        service = Service(OUTPUT, name, kubeconfig, *arguments)
        self.services.append(service)
        return service

    def end(self):
        for service in self.services:
            if service.process.poll() is None:
                service.stop()


def test_a_used_token_stays_used_when_its_requests_are_gone(run):
    run.start("marks")
    token = HAND.token("y-w1")
    name, _key = HAND.join("y-w1", token)
    assert outcome(name) == APPROVED
    mark = HAND.admin.get(f"{LEASES_PATH}/token-{token[:6]}")
    assert mark["spec"]["holderIdentity"] == name
    # As the cleaner of the controller-manager does, an hour after it was issued.
    HAND.admin.delete(f"{REQUESTS}/{name}")
    again, _key = HAND.join("y-w1", token)
    assert outcome(again) == ("Denied", "TokenUsed")


def test_one_that_was_killed_after_the_mark_goes_on_with_its_request(run):
    token, other = HAND.token("y-w1"), HAND.token("y-w2")
    name, _key = HAND.join("y-w1", token)
    stolen, _key = HAND.join("y-w2", other)
    uid = HAND.admin.get(f"{REQUESTS}/{name}")["metadata"]["uid"]
    note = "tlsbootstrap.kubernetes/request-uid"
    HAND.admin.create(LEASES_PATH, lease_manifest(f"token-{token[:6]}", name, utc_now(), **{note: uid}))
    HAND.admin.create(LEASES_PATH, lease_manifest(f"token-{other[:6]}", "earlier", utc_now(), **{note: "another"}))
    run.start("resumed")
    assert outcome(name) == APPROVED
    assert outcome(stolen) == ("Denied", "TokenUsed")


def test_of_several_requests_the_newest_is_approved(run):
    first = run.start("newest")
    node = joined("y-w3")
    first.stop()
    names = [serving(node, "y-w3", "10.0.2.3") for _number in range(3)]
    token = HAND.token("y-w4")
    clients = [HAND.join("y-w4", token)[0] for _number in range(3)]
    run.start("newest")
    assert [outcome(name) for name in names] == [*[("Denied", "Superseded")] * 2, APPROVED]
    assert [outcome(name)[0] for name in clients] == ["Denied", "Denied", "Approved"]


def test_a_changed_address_reaches_it_without_a_restart(run):
    service = run.start("moved")
    node = joined("y-w5")
    assert outcome(serving(node, "y-w5", "10.0.2.5")) == APPROVED
    started = service.metrics()
    write_policy(OUTPUT, {**NODES, "y-w5": ["10.0.9.5"]})
    is_soon(lambda: service.metrics()["policy_loaded_timestamp_seconds"] > started["policy_loaded_timestamp_seconds"])
    assert outcome(serving(node, "y-w5", "10.0.2.5")) == ("Denied", "ForeignSANs")
    assert outcome(serving(node, "y-w5", "10.0.9.5")) == APPROVED
    assert service.metrics()["start_timestamp_seconds"] == started["start_timestamp_seconds"]


def test_a_node_that_is_not_in_the_policy_yet_waits(run):
    service = run.start("late")
    name, _key = HAND.join("y-late")
    is_soon(lambda: service.metrics()["ignored_requests"] > 0)
    assert outcome(name, 1) == ("Pending", "")
    write_policy(OUTPUT, {**NODES, "y-late": []})
    assert outcome(name) == APPROVED


def test_half_a_policy_changes_nothing(run):
    service = run.start("half")
    (OUTPUT / "policy.json").write_text("{")
    is_soon(lambda: service.metrics()["policy_unreadable"] == 1)
    assert outcome(HAND.join("y-w6")[0]) == APPROVED
    assert any(line["event"] == "trouble" and "is kept" in line["message"] for line in service.lines())


def test_it_survives_a_restart_of_the_api_server(run):
    service = run.start("restart")
    assert outcome(HAND.join("y-w7")[0]) == APPROVED
    subprocess.run([str(TARGETS.parent / "cluster.sh"), "restart-api", str(CLUSTER)], check=True)
    assert outcome(HAND.join("y-w8")[0], 60) == APPROVED
    assert service.process.poll() is None


def proxied(name, *faults):
    """The approver's kubeconfig, pointed at a proxy that has these faults."""
    config = json.loads(Path(KUBECONFIG).read_text())
    port = int(config["clusters"][0]["cluster"]["server"].rsplit(":", 1)[1])
    proxy = Proxy(CLUSTER / "pki", port, user="approver")
    proxy.faults.extend(faults)
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{proxy.port}"
    path = OUTPUT / f"{name}.conf"
    path.write_text(json.dumps(config))
    return proxy, str(path)


def test_faults_of_the_api_server_are_waited_out(run):
    cases = {
        "busy": Fault("429", "PUT", "approval", headers={"Retry-After": "1"}),
        "down": Fault("503", "PUT", "approval", times=3),
        "broken": Fault("500", "PUT", "approval"),
        "changed": Fault("409", "PUT", "approval"),
        "lost": Fault("lost", "PUT", "approval"),
        "lost-mark": Fault("lost", "POST", "leases"),
        "hanging": Fault("hang", "PUT", "approval"),
        "list-503": Fault("503", "GET", "certificatesigningrequests[?]limit", times=2),
        "watch-410": Fault("410", "GET", "watch=1", times=2),
        "watch-429": Fault("429", "GET", "watch=1", headers={"Retry-After": "1"}),
        "watch-torn": Fault("torn", "GET", "watch=1"),
        "leader-503": Fault("503", "(GET|PUT)", "leases/csr-approver$", times=3),
    }
    for number, (name, fault) in enumerate(cases.items(), 10):
        proxy, kubeconfig = proxied(name, fault)
        service = run.start(name, kubeconfig=kubeconfig)
        request, _key = HAND.join(f"y-w{number}")
        assert outcome(request, 60) == APPROVED, name
        is_soon(lambda service=service, request=request: request in [line["request"] for line in service.decisions()])
        assert fault.times == 0, (name, fault, proxy.seen)
        assert [line["request"] for line in service.decisions()].count(request) == 1, name
        service.stop()


def test_of_two_one_decides_and_the_other_takes_over(run):
    services = [run.start("left"), run.start("right")]
    is_soon(lambda: sum(leads(one) for one in services) == 1)
    leader, other = services if leads(services[0]) else reversed(services)
    tokens = HAND.tokens([f"y-w{number}" for number in range(30, 60)])
    names = []
    for position, (node, token) in enumerate(sorted(tokens.items())):
        names.append(HAND.join(node, token)[0])
        if position == 10:
            leader.kill()
    killed = time.monotonic()
    is_soon(lambda: leads(other))
    print(f"taken over after {time.monotonic() - killed:.1f} s at the most")
    back = run.start(leader.name)
    assert {outcome(name, 60) for name in names} == {APPROVED}
    told = [line["request"] for service in (back, other) for line in service.decisions() if line["request"] in names]
    assert len(told) == len(set(told)), "a request was decided twice"
    # What was decided and not told yet by the one that was killed.
    assert len(told) >= len(names) - 1
    for name in names:
        conditions = HAND.admin.get(f"{REQUESTS}/{name}")["status"]["conditions"]
        assert [one["type"] for one in conditions] == ["Approved"]
    other.stop()
    # It gave the lease back, so nobody has to wait until it runs out.
    is_soon(lambda: leads(back), 30)


def test_one_who_comes_back_at_once_goes_on_at_once(run):
    service = run.start("again")
    is_soon(lambda: leads(service))
    service.kill()
    back = run.start("again")
    started = time.monotonic()
    is_soon(lambda: leads(back))
    print(f"leads again after {time.monotonic() - started:.1f} s")


def test_the_brake_holds_until_a_person_has_looked(run):
    tokens = HAND.tokens([f"y-w{number}" for number in range(1, 9)])
    names = [HAND.join(node, token)[0] for node, token in tokens.items()]
    service = run.start("brake", "--pending-limit", "5")
    is_soon(lambda: service.metrics()["brake_engaged"] == 1)
    lease = HAND.admin.get(f"{LEASES_PATH}/csr-approver-brake")
    assert lease["spec"]["holderIdentity"] == "brake"
    assert {outcome(name, 0.5) for name in names} == {("Pending", "")}
    # What is wrong is denied all the same.
    wrong = HAND.submit(HAND.as_token(HAND.token("y-w10")), HAND.request(NODE + "y-w9")[0], CLIENT, CLIENT_USAGES)
    assert outcome(wrong) == ("Denied", "WrongNode")
    (said,) = [line for line in service.lines() if line["event"] == "brake"]
    assert "kubectl --namespace tlsbootstrap delete lease csr-approver-brake" in said["message"]
    # A restart does not lift it, and neither does another bound.
    service.stop()
    service = run.start("brake", "--pending-limit", "500")
    is_soon(lambda: service.metrics()["brake_engaged"] == 1)
    assert outcome(names[0], 1) == ("Pending", "")
    service.stop()
    service = run.start("brake", "--pending-limit", "5")
    is_soon(lambda: service.metrics()["brake_engaged"] == 1)
    # One that stands by tells of it too.
    other = run.start("standing-by", "--pending-limit", "5")
    is_soon(lambda: other.metrics()["brake_engaged"] == 1)
    assert [leads(one) for one in (service, other)] == [True, False]
    forget("csr-approver-brake")
    assert {outcome(name) for name in names} == {APPROVED}
    for one in (service, other):
        is_soon(lambda one=one: one.metrics()["brake_engaged"] == 0)
    assert service.lines()[-1]["event"] == "decision"


def test_a_dry_run_tells_and_does_nothing(run):
    before = {one["metadata"]["name"] for one in HAND.admin.list(LEASES_PATH)[0]}
    service = run.start("dry", "--dry-run")
    name, _key = HAND.join("y-w1")
    is_soon(service.decisions)
    (line,) = [line for line in service.decisions() if line["request"] == name]
    assert (line["verdict"], line["reason"], line["dry_run"]) == ("approve", "PolicyKept", True)
    assert outcome(name, 1) == ("Pending", "")
    assert service.metrics()["dry_run"] == 1
    assert {one["metadata"]["name"] for one in HAND.admin.list(LEASES_PATH)[0]} == before


def test_metrics_are_there_for_this_host_only(run):
    service = run.start("metrics")
    assert outcome(HAND.join("y-w1")[0]) == APPROVED
    is_soon(lambda: 'decisions_total{verdict="approve",reason="PolicyKept",kind="client"}' in service.metrics())
    found = service.metrics()
    assert abs(found["last_decision_timestamp_seconds"] - time.time()) < 60
    assert abs(found["last_contact_timestamp_seconds"] - time.time()) < 120
    assert found["policy_nodes"] == len(NODES)
    assert found["pending_limit"] == 100 + 4 * len(NODES)
    listening = subprocess.run(
        ["ss", "--no-header", "--listening", "--numeric", "--tcp", f"sport = :{service.port}"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert listening[3] == f"127.0.0.1:{service.port}", listening


def clean():
    for request in HAND.admin.list(REQUESTS)[0]:
        HAND.admin.delete(f"{REQUESTS}/{request['metadata']['name']}")
    for lease in HAND.admin.list(LEASES_PATH)[0]:
        forget(lease["metadata"]["name"])
    write_policy(OUTPUT, NODES)


def main():
    failed = 0
    wanted = sys.argv[3:]
    for name, case in sorted(globals().items()):
        if not name.startswith("test_") or (wanted and name not in wanted):
            continue
        clean()
        run, started = Run(), time.monotonic()
        try:
            case(run)
            print(f"ok   {time.monotonic() - started:5.1f} s  {name}", flush=True)
        except Exception:
            failed += 1
            print(f"FAIL {time.monotonic() - started:5.1f} s  {name}\n{traceback.format_exc()}", flush=True)
        finally:
            run.end()
    clean()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
