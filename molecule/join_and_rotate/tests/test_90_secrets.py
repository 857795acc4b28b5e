"""The tokens and keys of this very run are where they belong, and nowhere else."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from proofs.hosts import PROOF, Host
from proofs.secrets import forms, hits, logs_of, needles_of, of_keys, of_the_run

# What was written on the controller: Ansible's log, all output, and the processes.
LOGS = ("ansible.log", "output.log", "join.log", "runs.log", "report.json", "watch_processes")


@pytest.fixture(scope="module")
def needles(hosts: dict[str, Host], keys_before_the_removal: dict[str, str]) -> dict[str, str]:
    """Every form of every secret, with what may be said of it in a message."""
    secrets = of_the_run(hosts)
    for name in hosts:
        secrets.update(of_keys(f"a key of {name}", keys_before_the_removal[name]))
    return needles_of(secrets)


@pytest.fixture(scope="module")
def texts(hosts: dict[str, Host]) -> dict[str, bytes]:
    """Everything that is searched."""
    result = logs_of(hosts, LOGS)
    for name, host in hosts.items():
        result[f"the processes of {name}"] = host.backend.run(f"cat {PROOF}/watch_processes").stdout_bytes
    return result


def test_enough_is_searched_for(needles: dict[str, str]) -> None:
    subjects = set(needles.values())
    assert len([subject for subject in subjects if subject.startswith("token ")]) >= 5
    assert {"a key of cp1", "a key of w1", "a key of w2"} <= subjects
    assert len([subject for subject in subjects if subject.startswith("the CA's ")]) >= 3


def test_what_is_searched_is_all_there(texts: dict[str, bytes]) -> None:
    for name in ("ansible.log", "output.log", "join.log", "runs.log"):
        assert b"tlsbootstrap.kubernetes" in texts[f"the controller's {name}"]
    for name in ("output.log", "join.log", "runs.log"):
        # At the highest verbosity and with all differences, otherwise the search proves little.
        assert b"ESTABLISH SSH CONNECTION" in texts[f"the controller's {name}"]
        assert b"+++ after" in texts[f"the controller's {name}"]
    assert b"ansible-playbook" in texts["the controller's watch_processes"]
    for name in ("cp1", "w1", "w2"):
        assert b"/usr/bin/containerd" in texts[f"the processes of {name}"]
        assert b"systemd" in texts[f"the journal of {name}"]
    assert b"credential-id" in texts["the logs of cp1"]


def test_the_search_finds_what_is_there(hosts: dict[str, Host], needles: dict[str, str]) -> None:
    """A secret that is given to a program is seen."""
    canary = "0canary0canary00"
    for host in hosts.values():
        host.output(f"CANARY={canary} sleep 1; sleep 0.5")
        assert canary.encode() in host.backend.run(f"cat {PROOF}/watch_processes").stdout_bytes
    in_a_kubeconfig = base64.b64encode(f"-----BEGIN PRIVATE KEY-----\n{canary}\n".encode()).decode()
    assert any(form in in_a_kubeconfig for form in forms(canary))


def test_no_secret_is_found(needles: dict[str, str], texts: dict[str, bytes], tmp_path: Path) -> None:
    assert hits(needles, texts, tmp_path) == []
