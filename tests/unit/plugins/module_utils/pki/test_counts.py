# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done for 1, 1,000 and 5,000 hosts: how often, and in how much memory. Times are those of one machine."""

from __future__ import annotations

import collections
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import files, x509
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.ca_folder import Folder
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import flow, plan
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.signing import sign_requests

from .conftest import Cluster

DEFAULTS = yaml.safe_load((Path(__file__).parents[5] / "roles/cluster/defaults/main.yml").read_text(encoding="utf-8"))
SIZES = (1, 1000, 5000)


def inventory(count: int) -> tuple[dict[str, Any], dict[str, list[str]], dict[str, dict[str, str]]]:
    nodes = {f"n{number}": {"node_ip": f"172.16.{number // 250}.{number % 250 + 1}"} for number in range(count)}
    groups = {"kube_control_plane": ["cp1"], "kube_node": list(nodes)}
    settings = {**DEFAULTS, "cluster_ca_directory": "/srv/ca"}
    return settings, groups, {"cp1": {"node_ip": "192.0.2.11"}, **nodes}


def calls_of(action: Any) -> int:
    """All calls of Python functions."""
    count = 0

    def seen(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(seen)
    try:
        action()
    finally:
        sys.setprofile(None)
    return count


def test_a_plan_costs_each_host_the_same() -> None:
    """What a host adds to a plan for a thousand is what it adds to one for five thousand."""
    # What is remembered of names and addresses counts the first time only.
    plan.build(*inventory(max(SIZES)))
    counts = {}
    for size in SIZES:
        given = inventory(size)
        counts[size] = calls_of(lambda given=given: plan.build(*given))
    first = (counts[1000] - counts[1]) / 999
    second = (counts[5000] - counts[1000]) / 4000
    assert first > 10, "hardly anything was counted"
    assert abs(first - second) < 0.01 * first


# Of the work alone: what it starts with is held before.
MEASURED = """
import datetime, json, re, sys
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import signing, x509
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import plan

def held():
    return int(re.search(r"VmHWM:\\s+([0-9]+) kB", open("/proc/self/status").read())[1])

work, given = json.load(open(sys.argv[1]))
if work == "plan":
    done = plan.build(*given)["hosts"]
else:
    now = datetime.datetime.now(datetime.timezone.utc)
    done = signing.sign_requests(*given, {}, now, False, 1).result["certificates"]
json.dump([len(done), held()], sys.stdout)
"""


def held_by(folder: Path, work: str, *given: Any) -> tuple[int, int]:
    """The results of a process of its own, and the most KiB that it has had in memory.

    VmHWM: the figure that getrusage gives begins with what the process had that started this one.
    """
    path = folder / "given.json"
    path.write_text(json.dumps([work, given]))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(path)], capture_output=True, check=False, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    results, held = json.loads(done.stdout)
    return int(results), int(held)


@pytest.mark.parametrize("work", ["plan", "sign"])
def test_memory_grows_with_the_hosts_and_no_faster(cluster: Cluster, work: str) -> None:
    cluster.ensure()
    most = {}
    for size in SIZES:
        given = inventory(size) if work == "plan" else (str(cluster.ca), cluster.cas, requests(cluster, size))
        results, most[size] = held_by(cluster.root, work, *given)
        assert results == size + (work == "plan")
    first, second = most[1000] - most[1], most[5000] - most[1]
    assert first > 1000, "hardly anything was held"
    # Five times the hosts: the square would be 25 times as much. Memory comes in steps.
    assert second < 8 * first
    # Some 10 KiB for a host.
    assert most[5000] < 300_000


class Counter:
    """Counts the calls of a few functions that are dear."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        for place, name in (
            (x509, "issue"),
            (x509, "load_request"),
            (x509, "load_private_key"),
            (files, "lock"),
            (files, "append_line"),
            (files, "write_atomic"),
            (Folder, "pair"),
            (Folder, "sweep"),
        ):
            patch.setattr(place, name, self._counted(name, getattr(place, name)))

    def _counted(self, name: str, function: Any) -> Any:
        def called(*arguments: Any, **options: Any) -> Any:
            self.counts[name] += 1
            return function(*arguments, **options)

        return called


def requests(cluster: Cluster, size: int) -> list[dict[str, Any]]:
    """One of each host. One key serves for all: whose it is is no matter here."""
    request = x509.make_request(x509.generate_key("ecdsa-p256"), "any", ())
    hosts: dict[str, Any] = {}
    results = []
    for number in range(size):
        name = f"n{number}"
        hosts[name] = {"identities": [cluster.row(name, "kube-proxy")]}
        results.append({"host": name, "requests": [{"identity": "kube-proxy", "request": request, "reasons": []}]})
    found = flow.signing_requests(results, hosts)
    assert len(found) == size
    return found


@pytest.mark.parametrize("size", SIZES)
def test_one_call_signs_all(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """A certificate costs a signature and no more: one lock, one reading of each CA, one line of the ledger in one
    append, whatever the number of hosts."""
    cluster.ensure()
    wanted = requests(cluster, size)
    counter = Counter(monkeypatch)
    outcome = sign_requests(str(cluster.ca), cluster.cas, wanted, {}, cluster.now, False, 1)
    assert counter.counts == {
        "issue": size,
        "load_request": size,
        "load_private_key": 1,
        "pair": 1,
        "lock": 1,
        "sweep": 1,
        "append_line": 1,
    }
    assert len(outcome.result["certificates"]) == size
    assert len((cluster.ca / "ledger.jsonl").read_text().splitlines()) == len(cluster.cas) + size


def test_as_many_rsa_keys_are_made_ahead_as_are_used(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    real = x509._rsa_key
    monkeypatch.setattr(x509, "_rsa_key", lambda key_type: made.append(key_type) or real(key_type))
    cluster.key_type = "rsa-2048"
    cluster.hosts = {host: cluster._rows(host) for host in cluster.hosts}
    cluster.run()
    keys = [*cluster.ca.glob("*.key"), *cluster.root.glob("cp?/**/*.key"), *cluster.root.glob("cp?/**/scheduler.conf")]
    assert made == ["rsa-2048"] * len(keys)
    assert len(keys) == len(cluster.cas) + sum(map(len, cluster.hosts.values()))
    assert len({path.read_bytes() for path in keys}) == len(keys)
    assert not cluster.run().changed
    assert len(made) == len(keys)


def test_keys_that_nobody_asks_for_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    real = x509._rsa_key
    monkeypatch.setattr(x509, "_rsa_key", lambda key_type: made.append(key_type) or real(key_type))
    with pytest.raises(KeyError), x509.keys_ahead(["rsa-2048"] * 1000):
        raise KeyError
    assert len(made) < 1000
    assert x509._AHEAD == {}
