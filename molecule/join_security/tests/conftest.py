"""The hosts of the scenario, the cluster, and what its tests do over and over."""

from __future__ import annotations

import re

import pytest
from proofs.ansible import LOG, Run, run
from proofs.hosts import Host, connect
from proofs.nodes import forget

# As the inventory has it.
JOINING = "w2.rack-7.example.org"


@pytest.fixture(scope="session")
def cp1() -> Host:
    """The control plane."""
    return connect("cp1", "10.213.16.11")


@pytest.fixture(scope="session")
def w1() -> Host:
    """The worker that has joined, and whose root is an attacker."""
    return connect("w1", "10.213.16.12")


@pytest.fixture(scope="session")
def w2() -> Host:
    """The worker that joins again and again, each time in another way."""
    return connect("w2", "10.213.16.13")


@pytest.fixture(scope="session", autouse=True)
def cluster(cp1: Host, w1: Host) -> None:
    """A control plane and a worker; each module of tests then chooses how the next one joins."""
    assert run("site", "--limit", "cp1,w1").code == 0, f"see {LOG}"


class Site:
    """The playbooks, with the choices of a module of tests."""

    def __init__(self, cp1: Host, w2: Host, **choices: str) -> None:
        self.cp1 = cp1
        self.w2 = w2
        self.variables = ["--extra-vars", " ".join(f"{name}={value}" for name, value in choices.items())]

    def run(self, name: str, *arguments: str) -> Run:
        """A playbook that succeeds."""
        done = run(name, *self.variables, *arguments)
        assert (done.code, done.failures) == (0, ""), f"see {LOG}"
        return done

    def join(self, *arguments: str) -> Run:
        """The second worker joins, or goes on with it."""
        return self.run("join", "--limit", "w2", *arguments)

    def strangers(self) -> None:
        """Nobody knows the second worker any more."""
        forget(self.w2)
        self.cp1.kubectl("delete", "node", "--ignore-not-found", JOINING)
        self.cp1.kubectl("delete", "csr", "--all")

    def without_tokens(self) -> None:
        """Those of earlier tests would end by themselves in the middle of one that compares states."""
        of_tokens = "--field-selector=type=bootstrap.kubernetes.io/token"
        self.cp1.kubectl("delete", "secret", "--namespace", "kube-system", of_tokens)


def shown(done: Run) -> list[str]:
    """The lines that debug shows."""
    return [line.strip() for line in done.output.splitlines() if line.startswith('        "')]


def said(done: Run) -> list[str]:
    """What waits for a person, as the playbook says it."""
    return re.findall(r"waiting: kubectl certificate approve (\S+) \(the (\w+) certificate", done.output)
