"""The tokens and keys of this very run are where they belong, and nowhere else."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from proofs import samples
from proofs.hosts import PROOF, RUN, Host
from proofs.secrets import forms, key_lines, keys_of


@pytest.fixture(scope="module")
def needles(hosts: dict[str, Host], cp1: Host, keys_before_the_removal: dict[str, str]) -> dict[str, str]:
    """Every form of every secret, with what may be said of it in a message."""
    secrets: dict[str, str] = {}
    for identifier, seen in samples.token_events(cp1).items():
        secret = seen[0]["data"]["token-secret"]
        secrets.update(dict.fromkeys((secret, f"{identifier}.{secret}"), f"token {identifier}"))
    for name, host in hosts.items():
        keys = keys_before_the_removal[name] + keys_of(host)
        secrets.update(dict.fromkeys(key_lines(keys), f"a key of {name}"))
    for path in (RUN / "ca").rglob("*.key"):
        secrets.update(dict.fromkeys(key_lines(path.read_text()), f"the CA's {path.name}"))
    return {form: subject for secret, subject in secrets.items() for form in forms(secret)}


@pytest.fixture(scope="module")
def texts(hosts: dict[str, Host]) -> dict[str, bytes]:
    """Everything that is searched."""
    result = {f"the controller's {path.name}": path.read_bytes() for path in log_files()}
    for name, host in hosts.items():
        result[f"the journal of {name}"] = host.backend.run("journalctl --no-pager --output=cat --all").stdout_bytes
        result[f"the processes of {name}"] = host.backend.run(f"cat {PROOF}/watch_processes").stdout_bytes
        logs = "find /var/log -type f ! -path '/var/log/journal/*' -print0 | xargs -0 -r cat"
        result[f"the logs of {name}"] = host.backend.run(logs).stdout_bytes
    return result


def log_files() -> Iterator[Path]:
    """What was written on the controller: Ansible's log, all output, and the processes."""
    names = ("ansible.log", "output.log", "join.log", "runs.log", "report.json", "watch_processes")
    yield from (RUN / name for name in names)


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
    patterns = "\n".join(needles).encode()
    found = set()
    for name, text in texts.items():
        (tmp_path / "text").write_bytes(text)
        # All patterns at once; they stay off the disk.
        command = ["grep", "--text", "--fixed-strings", "--only-matching", "--file=-", str(tmp_path / "text")]
        hits = subprocess.run(command, check=False, input=patterns, capture_output=True, env={"LC_ALL": "C"})
        assert hits.returncode in (0, 1), hits.stderr
        found |= {f"{needles[hit]} in {name}" for hit in hits.stdout.decode().splitlines()}
    assert sorted(found) == []
