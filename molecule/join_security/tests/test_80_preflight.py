"""What is in the way of a join: told all at once, before anything is touched, on the host and in the cluster."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import JOINING, Site
from proofs.ansible import Run, run
from proofs.hosts import ADMIN, KUBECTL, Host
from proofs.nodes import ready_nodes, tokens
from proofs.samples import wait_for
from proofs.states import changed_since, look_at

SOCKET = "/run/containerd/containerd.sock"
DROP_IN = "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf"
# As kubeadm's packages have it, with a command of its own; systemd passes over sections whose names begin with X-.
FOREIGN = f"mkdir -p $(dirname {DROP_IN}) && printf '[X-Proof]\\nExecStart=\\n' >{DROP_IN} && systemctl daemon-reload"
TAKEN = "systemd-run --quiet --collect --unit=proof-taken /usr/bin/python3 -m http.server --bind 127.0.0.1 10250"
# What listens in the place of containerd answers, and not as a runtime does.
DEAF = f"""
set -eu
systemctl stop containerd
cat >/run/proof/deaf.py <<'END'
import os, socket
server = socket.socket(socket.AF_UNIX)
os.path.exists("{SOCKET}") and os.remove("{SOCKET}")
server.bind("{SOCKET}")
server.listen()
while True:
    client = server.accept()[0]
    client.recv(4096)
    client.sendall(b"HTTP/1.1 400 Bad Request\\r\\n\\r\\n")
    client.close()
END
systemd-run --quiet --collect --unit=proof-deaf /usr/bin/python3 /run/proof/deaf.py
"""
# A run of Ansible's own on the host leaves to be: a clock that is off by so much.
LATE = """
printf '#!/bin/sh\\nFAKETIME=-10m LD_PRELOAD=%s exec /usr/bin/python3 "$@"\\n' /usr/lib/*/faketime/libfaketime.so.1 \
    >/run/proof/python
chmod 0755 /run/proof/python
"""
CLEAR = f"""
systemctl stop proof-taken proof-deaf 2>/dev/null
rm -rf $(dirname {DROP_IN}) {SOCKET} /run/proof/python
systemctl daemon-reload
systemctl restart containerd
"""
OPEN = "clusterrolebinding proof-open"
NODECLIENT = "system:certificates.k8s.io:certificatesigningrequests:nodeclient"
# The unit of the API server with other flags.
WEAK = """
set -eu
folder=/etc/systemd/system/kube-apiserver.service.d
mkdir -p $folder
{ printf '[Service]\\nExecStart=\\n'
  sed -n '/^ExecStart=/,/[^\\\\]$/p' /etc/systemd/system/kube-apiserver.service |
      sed %s
} >$folder/weak.conf
systemctl daemon-reload
systemctl restart kube-apiserver
"""
STRONG = (
    "rm -r /etc/systemd/system/kube-apiserver.service.d && systemctl daemon-reload && systemctl restart kube-apiserver"
)
HERE = (
    "the clock of w2 says ",
    "10.213.99.99 of node_ip (10.213.99.99) is on no interface of this host",
    "port 10250, which the kubelet needs, is taken by python3 (process ",
    f"what listens at {SOCKET} does not answer CRI",
    f"{DROP_IN} is not of this collection",
    "every bootstrap token becomes any node, a control plane included (RBAC: allowed by ClusterRoleBinding",
)


@pytest.fixture(scope="module")
def site(cp1: Host, w2: Host) -> Site:
    """The defaults, and a second worker that has never joined."""
    site = Site(cp1, w2, cluster_join_credential="token")
    site.strangers()
    site.without_tokens()
    site.run("control_plane")
    return site


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The inventory, with an address of the second worker that it has not, and a clock that is late."""
    folder = Path("elsewhere")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree("inventory", folder)
    hosts = folder / "hosts.yml"
    wrong = "node_ip: 10.213.99.99\n          ansible_python_interpreter: /run/proof/python\n          node_name: w2."
    hosts.write_text(hosts.read_text().replace("node_name: w2.", wrong))
    yield str(folder)
    shutil.rmtree(folder)


@pytest.fixture
def troubled(site: Site, cp1: Host, w2: Host) -> Iterator[None]:
    """A host where nearly everything is wrong, and a cluster where any token becomes any node."""
    for command in (FOREIGN, TAKEN, DEAF, LATE):
        w2.output(command)
    cp1.output(f"{KUBECTL} --kubeconfig {ADMIN} create {OPEN} --clusterrole={NODECLIENT} --group=system:bootstrappers")
    try:
        yield
    finally:
        cp1.run(f"{KUBECTL} --kubeconfig {ADMIN} delete {OPEN}")
        w2.run(CLEAR)


def refusing(done: Run) -> list[str]:
    """The tasks that failed."""
    return [task["task"].rpartition(" : ")[2] for task in done.tasks if task["failed"]]


def test_all_of_it_is_told_at_once_and_nothing_is_touched(
    site: Site, cp1: Host, w2: Host, troubled: None, elsewhere: str
) -> None:
    before, known = look_at(cp1, w2), tokens(cp1)
    for mode in ((), ("--check", "--diff")):
        refused = run("join", *site.variables, "--limit", "w2", *mode, inventory=elsewhere)
        assert refused.code > 0
        assert refusing(refused) == ["Refuse what is in the way of a join"]
        assert [words for words in HERE if words not in refused.failures] == []
        assert f"w2: {len(HERE)} findings:" in refused.failures
        assert changed_since(before, cp1, w2) == {}
        assert tokens(cp1) == known
    # Those who have joined are not kept from anything.
    assert run("join", *site.variables, "--limit", "w1").code == 0


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("https://api.invalid:6443", "the name api.invalid of https://api.invalid:6443 does not resolve here"),
        ("https://10.213.16.11:6444", "https://10.213.16.11:6444 cannot be reached from here"),
    ],
    ids=["name", "port"],
)
def test_the_way_to_the_api_server(site: Site, cp1: Host, w2: Host, endpoint: str, words: str) -> None:
    before = look_at(cp1, w2)
    refused = run("join", *site.variables, "--limit", "w2", "--extra-vars", f"cluster_api_endpoint={endpoint}")
    assert words in refused.failures
    assert changed_since(before, cp1, w2) == {}


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        (
            (
                's/--authorization-mode=[^ "]*/--authorization-mode=RBAC/; '
                's/--enable-bootstrap-token-auth[^ "]*/--enable-bootstrap-token-auth=false/'
            ),
            ("the Node authorizer is off", "the API server takes no bootstrap tokens"),
        ),
        (
            's/--enable-admission-plugins=[^ "]*/--disable-admission-plugins=NodeRestriction/',
            ("the admission plugin NodeRestriction is off",),
        ),
    ],
    ids=["authorization", "admission"],
)
def test_an_api_server_that_does_not_keep_nodes_apart(
    site: Site, cp1: Host, w2: Host, flags: str, found: tuple[str, ...]
) -> None:
    ready = f"{KUBECTL} --kubeconfig {ADMIN} get --raw=/readyz"
    before = look_at(w2)
    cp1.output(WEAK, flags)
    try:
        wait_for("the API server is ready", lambda: cp1.run(ready).rc == 0, 60)
        refused = run("join", *site.variables, "--limit", "w2")
    finally:
        cp1.output(STRONG)
        wait_for("the API server is ready", lambda: cp1.run(ready).rc == 0, 60)
    assert [words for words in found if words not in refused.failures] == []
    assert refusing(refused) == ["Refuse what is in the way of a join"]
    assert changed_since(before, w2) == {}


def test_an_address_of_another_node_is_refused(site: Site, cp1: Host, w1: Host, w2: Host, tmp_path: Path) -> None:
    # Somebody registers a Node that is Ready at the second worker's address.
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "twin"}}
    status = {
        "conditions": [{"type": "Ready", "status": "True", "reason": "x", "message": "x"}],
        "addresses": [{"type": "InternalIP", "address": w2.address}],
    }
    cp1.output(f"printf %%s %s | {KUBECTL} --kubeconfig {ADMIN} create -f -", json.dumps(node))
    try:
        patched = cp1.kubectl(
            "patch", "node", "twin", "--subresource=status", "--patch", json.dumps({"status": status})
        )
        assert patched.rc == 0, patched.stderr
        refused = run("join", *site.variables, "--limit", "w2")
    finally:
        cp1.kubectl("delete", "node", "twin")
    assert (
        f"node twin is in the cluster and Ready at {w2.address}, which is node_ip of this host too" in refused.failures
    )


def test_what_the_user_passes_over_is_a_warning(site: Site, cp1: Host, w2: Host) -> None:
    skip = "kubelet_preflight_skip"
    unknown = run("join", *site.variables, "--limit", "w2", "--extra-vars", json.dumps({skip: ["leftover"]}))
    assert unknown.code > 0
    assert f"{skip}: " in unknown.failures
    assert "leftovers" in unknown.failures
    w2.output(FOREIGN)
    try:
        done = site.join("--extra-vars", json.dumps({skip: ["leftovers"]}))
    finally:
        w2.output(f"rm -r $(dirname {DROP_IN}) && systemctl daemon-reload")
    told = [str(said) for task in done.tasks for said in task["warnings"].get("w2", [])]
    assert any(f"{DROP_IN} is not of this collection" in said for said in told)
    assert JOINING in ready_nodes(cp1)


def test_who_has_joined_is_looked_at_once_and_the_cluster_is_not_asked(site: Site) -> None:
    again = site.join()
    assert again.changes == []
    asked = [task["action"].rpartition(".")[2] for task in again.tasks if task["ran"]]
    assert asked.count("kubelet_preflight") == 1
    assert "join_preflight" not in asked
