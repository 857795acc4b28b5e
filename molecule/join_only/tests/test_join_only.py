"""A host joins a cluster that the collection has not made, and nothing of the administrator's comes to it."""

from __future__ import annotations

import base64
import json
import re
import ssl
from pathlib import Path

import pytest
import yaml
from conftest import DNS, DOMAIN, Given, fetch
from proofs.ansible import LOG
from proofs.certificates import parse
from proofs.hosts import ADMIN, PROOF, RUN, Host
from proofs.nodes import forget, left_of_joins, ready_nodes, tokens
from proofs.pods import logs_come
from proofs.samples import wait_for
from proofs.secrets import forms, key_lines

API = "https://10.213.18.11:6443"
# All that the playbooks write lies in one of them.
FOLDERS = "/etc /root /run /tmp /usr/local /var/lib/kubelet /var/log /var/tmp"
BINDING = "tlsbootstrap:node-bootstrapper"


def files(host: Host) -> str:
    """What a run could have changed on a host; what a kubelet has of its own changes by itself."""
    config = host.run("cat /var/lib/kubelet/config.yaml").stdout
    return config + host.output("find /etc /usr/local -xdev -printf '%p %T@ %m\\n'")


def count(secrets: list[str], text: bytes) -> int:
    """How many of the secrets are in a text, which is shown with none of them."""
    assert text
    return sum(secret.encode() in text for secret in secrets)


@pytest.fixture(scope="module", autouse=True)
def strangers(given: Given, cp1: Host, w1: Host) -> None:
    """Nobody knows the host yet."""
    forget(w1)
    cp1.kubectl("delete", "node", "--ignore-not-found", "w1")
    cp1.kubectl("delete", "csr", "--all")
    cp1.kubectl("delete", "clusterrolebinding", "--ignore-not-found", BINDING)


def refused(given: Given, w1: Host, **changes: object) -> str:
    """A run that ends before it has changed anything."""
    before = files(w1)
    done = given.run("join", **changes)
    assert done.code != 0
    assert (files(w1), done.changes) == (before, [])
    return done.failures


def test_a_pin_of_another_ca_is_refused(given: Given, w1: Host) -> None:
    said = refused(given, w1, cluster_ca_pins=["sha256:" + "0" * 64])
    assert "is not the one that cluster_ca_pins names" in said
    # It may be looked up elsewhere whether this is the right one.
    assert given.pin in said


def test_a_kubeconfig_that_is_not_there_is_refused(given: Given, w1: Host) -> None:
    said = refused(given, w1, cluster_admin_kubeconfig=str(RUN / "none.conf"))
    assert f"{RUN}/none.conf does not exist" in said


def test_a_kubeconfig_that_cannot_be_read_shows_nothing_of_itself(given: Given, w1: Host) -> None:
    broken = RUN / "broken.conf"
    broken.write_text("kind: Config\nusers: [canary-of-a-secret\n")
    said = refused(given, w1, cluster_admin_kubeconfig=str(broken))
    assert "not valid YAML" in said
    assert "canary" not in said


def test_a_cluster_that_does_not_answer_is_refused(given: Given, w1: Host) -> None:
    elsewhere = RUN / "elsewhere.conf"
    elsewhere.touch(mode=0o600)
    elsewhere.write_text(Path(given.kubeconfig).read_text().replace("10.213.18.11:6443", "10.213.18.11:6999"))
    said = refused(given, w1, cluster_admin_kubeconfig=str(elsewhere), cluster_join_timeout=5)
    assert "10.213.18.11:6999 could not be asked" in said


def test_rights_that_are_missing_are_named(given: Given, cp1: Host, w1: Host) -> None:
    cp1.output(f"umask 077; kubeadm kubeconfig user --client-name=nobody-much >{PROOF}/nobody.conf 2>/dev/null")
    said = refused(given, w1, cluster_admin_kubeconfig=fetch(cp1, f"{PROOF}/nobody.conf"))
    assert "create secrets in namespace kube-system" in said
    assert "update certificatesigningrequests/approval" in said
    assert "approve signers kubernetes.io/kubelet-serving" in said


def test_playbooks_that_make_clusters_are_refused(given: Given, w1: Host) -> None:
    for playbook in ("site", "pki", "control_plane", "report"):
        assert "this playbook is for clusters that this collection makes" in given.run(playbook).failures


def test_a_check_tells_of_it_and_makes_nothing(given: Given, cp1: Host, w1: Host) -> None:
    before = files(w1)
    done = given.run("join", "--check", "--diff")
    assert done.code == 0, f"see {LOG}"
    assert "w1 would join" in done.output
    assert files(w1) == before
    assert cp1.kubectl("get", "clusterrolebinding", BINDING).rc != 0


def test_it_joins_with_a_kubeconfig_and_a_pin(given: Given, cp1: Host, w1: Host) -> None:
    theirs = tokens(cp1)
    done = given.run("join")
    assert (done.code, done.failures) == (0, ""), f"see {LOG}"
    assert "w1" in ready_nodes(cp1)
    # The token that kubeadm has made for itself is nobody else's to delete.
    assert left_of_joins(cp1, w1) == theirs
    # Said, because nobody approves it later.
    assert "nobody approves the next ones" in re.sub(r"\s+", " ", done.output)


def test_the_node_has_what_the_cluster_says(given: Given, cp1: Host, w1: Host) -> None:
    config = yaml.safe_load(w1.output("cat /var/lib/kubelet/config.yaml"))
    assert (config["clusterDNS"], config["clusterDomain"]) == ([DNS], DOMAIN)
    theirs = cp1.output("openssl x509 -in /etc/kubernetes/pki/ca.crt -outform der | sha256sum")
    assert w1.output("openssl x509 -in /etc/kubernetes/pki/ca.crt -outform der | sha256sum") == theirs
    assert w1.output("grep -c BEGIN /etc/kubernetes/pki/ca.crt").strip() == "1"
    assert f"server: {API}" in w1.output("grep server: /etc/kubernetes/kubelet.conf").replace('"', "")
    assert w1.output("systemctl list-unit-files 'kube*' 'csr-approver*' --no-legend").split()[0] == "kubelet.service"


def test_its_certificates_are_the_cluster_s_and_name_it_alone(cp1: Host, w1: Host) -> None:
    client = parse(w1.output("openssl x509 -in /var/lib/kubelet/pki/kubelet-client-current.pem"))
    assert (client.issuer, client.common_name) == ("kubernetes", "system:node:w1")
    served = parse(ssl.get_server_certificate((w1.address, 10250), timeout=5))
    assert (served.issuer, served.dns_names, served.addresses) == ("kubernetes", {"w1"}, {w1.address})
    decided = [
        entry["status"]["conditions"][0]["reason"]
        for entry in cp1.objects("csr")["items"]
        if "w1" in entry["spec"]["username"] or entry["spec"]["username"].startswith("system:bootstrap:")
    ]
    assert decided == ["PolicyKept", "PolicyKept"]


def test_kubectl_logs_of_a_pod_on_it(given: Given, cp1: Host) -> None:
    logs_come(cp1, "w1")


def test_its_token_was_good_for_it_alone(cp1: Host) -> None:
    """kubeadm's own group would have made it any node."""
    client = next(
        entry for entry in cp1.objects("csr")["items"] if entry["spec"]["username"].startswith("system:bootstrap:")
    )
    assert set(client["spec"]["groups"]) == {
        "system:authenticated",
        "system:bootstrappers",
        "system:bootstrappers:tlsbootstrap",
        "system:bootstrappers:tlsbootstrap:node:w1",
    }


def test_a_second_run_changes_nothing(given: Given, w1: Host) -> None:
    before = files(w1)
    again = given.run("join")
    assert (again.code, again.failures, again.changes) == (0, "", [])
    assert files(w1) == before


def test_the_kubeconfig_may_lie_on_another_host(given: Given) -> None:
    there = given.run("join", cluster_admin_kubeconfig=ADMIN, cluster_admin_host="cp1", cluster_admin_become=True)
    assert (there.code, there.failures, there.changes) == (0, "", [])


def test_the_next_serving_certificate_waits_for_a_person(given: Given, cp1: Host, w1: Host) -> None:
    cp1.kubectl("delete", "csr", "--all")
    w1.output("rm /var/lib/kubelet/pki/kubelet-server-* && systemctl restart kubelet")

    def waiting() -> list[str]:
        found = [entry for entry in cp1.objects("csr")["items"] if "conditions" not in entry["status"]]
        return [entry["metadata"]["name"] for entry in found if entry["spec"]["signerName"].endswith("kubelet-serving")]

    wait_for("a request for a serving certificate", waiting, 60)
    shown = given.run("approve")
    assert shown.code == 0, f"see {LOG}"
    assert waiting()[0] in shown.output
    done = given.run("approve", approve_requests=waiting())
    assert (done.code, done.failures) == (0, ""), f"see {LOG}"
    wait_for("the certificate", lambda: w1.run("test -e /var/lib/kubelet/pki/kubelet-server-current.pem").rc == 0, 60)
    logs_come(cp1, "w1")


def test_nothing_of_the_kubeconfig_left_its_host(given: Given, w1: Host) -> None:
    user = yaml.safe_load(Path(given.kubeconfig).read_text())["users"][0]["user"]
    pem = base64.b64decode(user["client-key-data"]).decode()
    secrets = [form for line in key_lines(pem) for form in forms(line)] + [user["client-key-data"]]
    assert len(secrets) > 10
    logs = [path for path in RUN.iterdir() if path.suffix == ".log" or path.name.startswith("watch_processes")]
    assert {"runs.log", "ansible.log", "watch_processes"} <= {path.name for path in logs}
    for path in logs:
        assert count(secrets, path.read_bytes()) == 0, path
    # Read here: what is searched for may be in no argument there.
    there = w1.backend.run(f"{{ find {FOLDERS} -xdev -type f -size -32M -print0 | xargs -0 -r cat; journalctl; }} 2>&1")
    # The files are in it, and the journal.
    assert f"server: {API}".encode() in there.stdout_bytes
    assert b"Started kubelet.service" in there.stdout_bytes
    assert count(secrets, there.stdout_bytes) == 0


def test_it_is_removed_as_any_node(given: Given, cp1: Host, w1: Host) -> None:
    done = given.run("remove_node", remove_node_names=["w1"])
    assert (done.code, done.failures) == (0, ""), f"see {LOG}"
    assert cp1.kubectl("get", "node", "w1").rc != 0
    assert w1.run("test -e /etc/kubernetes/kubelet.conf").rc == 1
    assert json.loads(cp1.kubectl("get", "nodes", "--output=json").stdout)["items"][0]["metadata"]["name"] == "cp1"
