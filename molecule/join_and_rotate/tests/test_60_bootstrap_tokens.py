"""What a bootstrap token can do while it lives, and that it does not live long."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from proofs import samples
from proofs.hosts import ADMIN, KUBECTL, PKI, PROOF, Host
from proofs.nodes import left_of_joins

GROUP = "system:bootstrappers:tlsbootstrap"
# A token of the shape of ours, for a node that is not there. It is made on the host and stays there.
MAKE_TOKEN = f"""
set -eu
umask 077
id=$(tr -dc a-z0-9 </dev/urandom | head -c 6)
secret=$(tr -dc a-z0-9 </dev/urandom | head -c 16)
{KUBECTL} --kubeconfig {ADMIN} create -f - >/dev/null <<END
apiVersion: v1
kind: Secret
type: bootstrap.kubernetes.io/token
metadata:
  name: bootstrap-token-$id
  namespace: kube-system
  labels: {{test: bootstrap-token}}
stringData:
  token-id: $id
  token-secret: $secret
  usage-bootstrap-authentication: "true"
  auth-extra-groups: {GROUP},{GROUP}:node:w9
  expiration: $(date -u -d +10min +%Y-%m-%dT%H:%M:%SZ)
END
cat >{PROOF}/token.conf <<END
apiVersion: v1
kind: Config
current-context: test
clusters:
  - name: test
    cluster: {{server: "https://127.0.0.1:6443", certificate-authority: {PKI}/kubernetes-ca.crt}}
users: [{{name: test, user: {{token: "$id.$secret"}}}}]
contexts: [{{name: test, context: {{cluster: test, user: test}}}}]
END
printf %s "$id"
"""
KUBECONFIG = f"{PROOF}/token.conf"
# Resource and verbs, as `auth can-i --list` prints them. The reviews are everybody's.
ALLOWED = {
    ("certificatesigningrequests.certificates.k8s.io", "[create get list watch]"),
    ("selfsubjectreviews.authentication.k8s.io", "[create]"),
    ("selfsubjectaccessreviews.authorization.k8s.io", "[create]"),
    ("selfsubjectrulesreviews.authorization.k8s.io", "[create]"),
}


@pytest.fixture(scope="module")
def token(cp1: Host) -> Iterator[str]:
    """The id of a token that lives while the tests of this module run."""
    identifier = cp1.output(MAKE_TOKEN)
    samples.wait_for("the API server takes the token", lambda: whoami(cp1).rc == 0, seconds=10)
    yield identifier
    cp1.kubectl("--namespace=kube-system", "delete", "secret", f"bootstrap-token-{identifier}", "--ignore-not-found")


def whoami(cp1: Host) -> Any:
    """Ask the API server whom it takes the token for."""
    return cp1.kubectl("auth", "whoami", "--output=json", kubeconfig=KUBECONFIG)


def test_it_is_nobody_but_a_bootstrapper(cp1: Host, token: str) -> None:
    user = json.loads(whoami(cp1).stdout)["status"]["userInfo"]
    assert user["username"] == f"system:bootstrap:{token}"
    everybody = {"system:authenticated", "system:bootstrappers"}
    assert set(user["groups"]) == everybody | {GROUP, f"{GROUP}:node:w9"}


def test_it_may_make_and_read_requests_and_nothing_else(cp1: Host, token: str) -> None:
    lines = cp1.kubectl("auth", "can-i", "--list", "--no-headers", kubeconfig=KUBECONFIG).stdout.splitlines()
    rows = [(line.split()[0], line[line.rindex("[") :].strip()) for line in lines]
    assert {row for row in rows if not row[0].startswith("[")} == ALLOWED
    # Rows without a resource are paths: discovery and health, to read.
    assert {verbs for resource, verbs in rows if resource.startswith("[")} == {"[get]"}


@pytest.mark.parametrize(
    "question",
    [
        ("get", "secrets"),
        ("list", "nodes"),
        ("create", "nodes"),
        ("get", "configmaps"),
        ("approve", "signers.certificates.k8s.io/kubernetes.io/kube-apiserver-client-kubelet"),
        ("update", "certificatesigningrequests", "--subresource=approval"),
        ("delete", "certificatesigningrequests"),
        ("create", "certificatesigningrequests", "--subresource=nodeclient"),
        ("create", "certificatesigningrequests", "--subresource=selfnodeclient"),
    ],
)
def test_it_may_not(cp1: Host, token: str, question: tuple[str, ...]) -> None:
    answer = cp1.kubectl("auth", "can-i", *question, "--all-namespaces", kubeconfig=KUBECONFIG)
    assert answer.stdout.strip() == "no"


def test_it_is_dead_soon_after_it_is_deleted(cp1: Host, token: str) -> None:
    assert whoami(cp1).rc == 0
    deleted = cp1.kubectl("--namespace=kube-system", "delete", "secret", f"bootstrap-token-{token}")
    assert deleted.rc == 0
    # The API server's token cache keeps what was used for up to 10 s.
    time.sleep(11)
    answer = whoami(cp1)
    assert answer.rc != 0
    assert "Unauthorized" in answer.stderr


def test_each_node_had_one_token_of_its_own(cp1: Host) -> None:
    first = [seen[0] for seen in samples.token_events(cp1).values()]
    assert sorted(entry["annotations"]["tlsbootstrap.kubernetes/node"] for entry in first) == ["cp1", "w1", "w2"]
    for entry in first:
        node = entry["annotations"]["tlsbootstrap.kubernetes/node"]
        assert entry["labels"]["app.kubernetes.io/managed-by"] == "tlsbootstrap.kubernetes"
        assert set(entry["data"]["auth-extra-groups"].split(",")) == {GROUP, f"{GROUP}:node:{node}"}
        assert "usage-bootstrap-signing" not in entry["data"]


def test_each_token_lived_for_a_join_only(cp1: Host) -> None:
    for seen in samples.token_events(cp1).values():
        assert [entry["event"] for entry in seen][-1] == "DELETED"
        assert seen[-1]["at"] - seen[0]["at"] < 300
        expiration = samples.moment(seen[0]["data"]["expiration"])
        assert 0 < expiration - seen[0]["at"] <= 15 * 60


def test_each_token_is_dead(cp1: Host) -> None:
    answers = samples.try_tokens(cp1)
    assert set(samples.token_events(cp1)) <= set(answers)
    assert set(answers.values()) == {401}


def test_nothing_of_the_join_is_left(hosts: dict[str, Host], cp1: Host) -> None:
    assert left_of_joins(cp1, *hosts.values()) == []
