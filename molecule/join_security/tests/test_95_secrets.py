"""The tokens and keys that nodes have joined with, of each kind, are in nothing that was printed or logged."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from proofs.hosts import Host
from proofs.secrets import hits, logs_of, needles_of, of_keys, of_the_run
from test_50_certificate import STOLEN as KUBECONFIG
from test_60_token_file import COPY as TOKEN_FILE

# Not the processes: tests give tokens that were stolen to kubectl.
LOGS = ("ansible.log", "output.log", "runs.log")


@pytest.fixture(scope="module")
def hosts(cp1: Host, w1: Host, w2: Host) -> dict[str, Host]:
    """All hosts by name."""
    return {host.name: host for host in (cp1, w1, w2)}


@pytest.fixture(scope="module")
def secrets(hosts: dict[str, Host], cp1: Host, w2: Host) -> dict[str, str]:
    """Those of all joins before, of which the tests of token files and of join certificates have made copies."""
    token = cp1.output("cut -d, -f1 %s", TOKEN_FILE).strip()
    (key,) = re.findall("client-key-data: (.+)", w2.output("cat %s", KUBECONFIG))
    return {
        **of_the_run(hosts),
        token: "the token in a file",
        **of_keys("the key of a join certificate", base64.b64decode(key.strip('"')).decode()),
    }


def test_enough_is_searched_for(secrets: dict[str, str]) -> None:
    subjects = set(secrets.values())
    assert [subject for subject in subjects if subject.startswith("token ")]
    assert {"the token in a file", "the key of a join certificate"} < subjects
    assert {"a key of cp1", "a key of w1", "a key of w2", "the CA's join-ca.key"} < subjects


def test_no_secret_is_found(secrets: dict[str, str], hosts: dict[str, Host], tmp_path: Path) -> None:
    texts = logs_of(hosts, LOGS)
    # At the highest verbosity, otherwise the search proves little.
    assert b"ESTABLISH SSH CONNECTION" in texts["the controller's runs.log"]
    assert b"credential-id" in texts["the logs of cp1"]
    needles = needles_of(secrets)
    planted = next(iter(needles))
    assert hits(needles, {"a text": b"is " + planted.encode()}, tmp_path) == [f"{needles[planted]} in a text"]
    assert hits(needles, texts, tmp_path) == []
