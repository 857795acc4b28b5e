"""A change that restarts etcd and the API servers goes from one to the next, and nobody outside sees it."""

from __future__ import annotations

import itertools
import json
import ssl

from clients import CHANGED, CONTROL_PLANES, Api, sampler
from proofs.ansible import LOG, run
from proofs.certificates import parse
from proofs.hosts import Host

NEW_KEYS = ("--extra-vars", json.dumps({"identities_force": ["etcd-server", "etcd-peer"]}))


def away(host: Host, unit: str) -> tuple[int, int]:
    """Return from when until when a unit was not active the last time; all containers have one clock."""
    times = "systemctl show --property=%sTimestampMonotonic --value %s"
    left, came = (int(host.output(times, moment, unit)) for moment in ("ActiveExit", "ActiveEnter"))
    return left, came


def invocations(hosts: dict[str, Host], unit: str) -> list[str]:
    """Return what tells one run of a unit from another, on each host."""
    return [host.output("systemctl show --property=InvocationID --value %s", unit).strip() for host in hosts.values()]


def test_restarts_go_from_one_to_the_next(control_planes: dict[str, Host], balanced: Api) -> None:
    before = {unit: invocations(control_planes, unit) for unit in ("etcd", "kube-apiserver")}
    with sampler(control_planes["cp1"], balanced) as seen:
        changed = run("site", *CHANGED)
    assert changed.code == 0, f"see {LOG}"
    for unit, old in before.items():
        assert not {*old} & {*invocations(control_planes, unit)}, f"{unit} was not restarted everywhere"
        spans = sorted(away(host, unit) for host in control_planes.values())
        assert all(one[1] < next_[0] for one, next_ in itertools.pairwise(spans)), f"{unit}: {spans}"
    print(f"{seen.answered} requests, {seen.again} of them twice, the slowest {seen.slowest:.1f} s")
    assert seen.failed == []
    assert seen.answered > 100


def test_the_new_name_is_served_without_a_restart_for_it(control_planes: dict[str, Host]) -> None:
    for host in control_planes.values():
        assert "api.example.org" in parse(ssl.get_server_certificate((host.address, 6443), timeout=5)).dns_names


def test_new_keys_of_etcd_need_no_restart(control_planes: dict[str, Host], balanced: Api) -> None:
    before = invocations(control_planes, "etcd")
    old = [parse(ssl_of(host)).public_key for host in control_planes.values()]
    with sampler(control_planes["cp1"], balanced) as seen:
        assert run("site", *CHANGED, *NEW_KEYS).code == 0, f"see {LOG}"
    assert invocations(control_planes, "etcd") == before
    assert not {*old} & {parse(ssl_of(host)).public_key for host in control_planes.values()}
    assert seen.failed == []


def ssl_of(host: Host) -> str:
    """Return the certificate that etcd shows, as PEM, also to somebody without one."""
    return host.output(f"openssl s_client -connect {host.address}:2379 </dev/null 2>/dev/null | openssl x509")


def test_then_nothing_changes(control_planes: dict[str, Host]) -> None:
    assert sorted(control_planes) == sorted(CONTROL_PLANES)
    again = run("site", *CHANGED)
    assert (again.code, again.changes) == (0, [])
