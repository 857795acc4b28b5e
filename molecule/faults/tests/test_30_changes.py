"""One more name for the API server: what a check foretells is what a run changes, and a further run changes nothing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from proofs.ansible import Run, run
from proofs.certificates import Certificate, parse
from proofs.hosts import RUN, Host
from proofs.samples import wait_for
from proofs.states import changed_since, foretold, look_at

CA = RUN / "ca"
NAME = "api.faults.test"
ONE_MORE = ("--diff", "--extra-vars", f'{{"cluster_api_extra_sans": ["{NAME}"]}}')
# A file that is ours and has become somebody's: its content is to be seen nowhere.
CANARY = "0canary0of0changes0"
KUBECONFIG = "/etc/kubernetes/scheduler.conf"
# man 7 systemd.journal-fields; systemd writes one whenever a unit has started.
STARTED = "MESSAGE_ID=39f53479d3a045ac8e11786248231fbf"
WIRE = "openssl s_client -connect 10.213.13.11:6443 -servername %s </dev/null 2>/dev/null | openssl x509"


def serial_numbers() -> dict[str, tuple[float, int]]:
    """The files of the CA host as they are."""
    return {str(path): (path.stat().st_mtime, path.stat().st_ino) for path in CA.rglob("*")}


@pytest.fixture(scope="module")
def settled(hosts: dict[str, Host]) -> dict[str, Any]:
    """The state of all hosts, one file damaged."""
    hosts["cp1"].output(f"echo '# {CANARY}' >>{KUBECONFIG}")
    return {**look_at(*hosts.values()), "ca": serial_numbers()}


@pytest.fixture(scope="module")
def checked(settled: dict[str, Any]) -> Run:
    """What would be changed."""
    return run("site", "--check", *ONE_MORE)


def test_check_changes_nothing(checked: Run, settled: dict[str, Any], hosts: dict[str, Host]) -> None:
    assert (checked.code, checked.failures) == (0, "")
    assert changed_since(settled, *hosts.values()) == {}
    assert serial_numbers() == settled["ca"]


def test_check_names_what_it_is_about(checked: Run) -> None:
    paths = foretold(checked)
    assert set(paths) == {"cp1"}
    assert {"/etc/kubernetes/pki/apiserver.crt", KUBECONFIG} <= paths["cp1"]
    assert NAME in checked.output
    assert CANARY not in checked.output


@pytest.fixture(scope="module")
def changed(checked: Run, hosts: dict[str, Host]) -> tuple[Run, float]:
    """The same in earnest, and when it began."""
    began = time.time()
    return run("site", *ONE_MORE), began


def test_what_was_foretold_is_what_is_changed(
    changed: tuple[Run, float], checked: Run, settled: dict[str, Any], hosts: dict[str, Host]
) -> None:
    made, _began = changed
    assert (made.code, made.failures) == (0, "")
    assert CANARY not in made.output
    found = changed_since(settled, *hosts.values())
    assert set(found) == {"cp1"}
    # Folders are not told of, and what was there before is kept.
    files = {path for path in found["cp1"]["files"] if Path(path).suffix and "/.backup" not in path}
    assert files == foretold(checked)["cp1"]


def test_nothing_restarts_but_what_has_to(
    changed: tuple[Run, float], checked: Run, settled: dict[str, Any], hosts: dict[str, Host]
) -> None:
    """The API server reads its certificate again by itself, the scheduler its kubeconfig at its start only."""
    _made, began = changed
    units = changed_since(settled, hosts["cp1"])["cp1"]["units"]
    assert set(units) == {"kube-scheduler.service"}
    assert {reason["subject"] for task in checked.tasks for reason in task["reasons"].get("cp1", [])} >= set(units)
    started = f"journalctl --quiet --output=cat --since=@{int(began)} {STARTED} UNIT=kube-scheduler.service"
    assert len(hosts["cp1"].output(started).splitlines()) == 1


def test_the_new_name_is_served(changed: tuple[Run, float], hosts: dict[str, Host]) -> None:
    def served() -> Certificate | None:
        found = parse(hosts["w1"].output(WIRE, NAME))
        return found if NAME in found.dns_names else None

    # It looks at its files once a minute at the latest.
    found = wait_for(f"{NAME} is served", served, seconds=90)
    assert {"kubernetes.default.svc", "kubernetes"} <= found.dns_names


def test_a_further_run_changes_nothing(
    changed: tuple[Run, float], settled: dict[str, Any], hosts: dict[str, Host]
) -> None:
    before = look_at(*hosts.values())
    further = run("site", *ONE_MORE)
    assert (further.code, further.failures, further.changes) == (0, "", [])
    assert changed_since(before, *hosts.values()) == {}
