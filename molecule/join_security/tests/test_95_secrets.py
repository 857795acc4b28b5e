"""The tokens and keys that nodes have joined with, of each kind, are in nothing that was printed or logged."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from conftest import Site
from proofs.hosts import PROOF, Host
from proofs.secrets import hits, logs_of, needles_of, of_keys, of_the_run

# Both are gone when a play ends: somebody makes copies before.
FILES = {"cp1": "/etc/kubernetes/token.csv", "w2": "/etc/kubernetes/bootstrap-kubelet.conf"}
# Not the processes: tests give tokens that were stolen to kubectl.
LOGS = ("ansible.log", "output.log", "runs.log")


@pytest.fixture(scope="module")
def hosts(cp1: Host, w1: Host, w2: Host) -> dict[str, Host]:
    """All hosts by name."""
    return {host.name: host for host in (cp1, w1, w2)}


def joined(site: Site, hosts: dict[str, Host], names: list[str]) -> list[str]:
    """Let the second worker join; what was in these files meanwhile."""
    copies = {name: f"{PROOF}/copy-of-{Path(FILES[name]).name}" for name in names}
    for name, copy in copies.items():
        keep = f"rm -f {copy}; until [ -s {FILES[name]} ]; do sleep 0.05; done; cp {FILES[name]} {copy}"
        hosts[name].output("systemd-run --quiet --collect --unit=proof-copier sh -c %s", keep)
    site.join()
    return [hosts[name].output("cat %s", copy) for name, copy in copies.items()]


@pytest.fixture(scope="module")
def secrets(hosts: dict[str, Host], cp1: Host, w2: Host) -> dict[str, str]:
    """Those of all joins before, and of one more by a token in a file and one by a certificate."""
    site = Site(cp1, w2, cluster_join_credential="token_file", cluster_client_approval="auto")
    site.strangers()
    site.run("control_plane")
    line, kubeconfig = joined(site, hosts, ["cp1", "w2"])
    token = line.split(",")[0]
    assert f'token: "{token}"' in kubeconfig
    site = Site(cp1, w2, cluster_join_credential="certificate", cluster_client_approval="auto")
    site.strangers()
    for playbook in ("pki", "control_plane", "open_joins"):
        site.run(playbook)
    (kubeconfig,) = joined(site, hosts, ["w2"])
    (key,) = re.findall('client-key-data: "(.+)"', kubeconfig)
    return {
        **of_the_run(hosts),
        token: "the token in a file",
        **of_keys("the key of a join certificate", base64.b64decode(key).decode()),
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
