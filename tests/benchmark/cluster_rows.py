# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of an API server: tokens made, requests judged. etcd and API server run on this machine."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from contenders import Contender
from hand import Hand
from measure import OURS, Goal
from place import Place, Row, playbook

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import x509
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.approver.install import install
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import tokens
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import utc_now

INTEGRATION = Path(__file__).resolve().parents[1] / "integration"
OF_TOKENS = "type=bootstrap.kubernetes.io/token"
SECRETS = "/api/v1/namespaces/kube-system/secrets"
REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
# How long tokens live that are made by others.
SECONDS = 900


def cluster_sh(place: Place, action: str) -> None:
    binaries = {"KUBERNETES_BINARIES": str(Path(place.kubeadm).parent)}
    script = [str(INTEGRATION / "cluster.sh"), action, str(place.cluster)]
    subprocess.run(script, env={**os.environ, **binaries}, stdout=sys.stderr, check=True)


def started(place: Place) -> None:
    """An API server with what a control plane of ours has: who has a token may ask, and the approver may decide."""
    if place.cluster.exists():
        return
    cluster_sh(place, "start")
    group = {"kind": "Group", "name": "system:bootstrappers:tlsbootstrap"}
    approver = {"kind": "User", "name": "tlsbootstrap:csr-approver"}
    bind(place, "node-bootstrapper", "system:node-bootstrapper", group)
    # Not an administrator by its group, which the API server would let pass before all others.
    bind(place, "csr-approver", "cluster-admin", approver)
    kubectl(place, "create", "namespace", "tlsbootstrap")


def bind(place: Place, name: str, role: str, subject: dict[str, str]) -> None:
    body = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"tlsbootstrap:{name}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", **subject}],
    }
    kubectl(place, "create", "--raw", BINDINGS, "--filename=-", given=json.dumps(body))


def kubectl(place: Place, *arguments: str, given: str = "") -> str:
    command = [f"{place.cluster}/kubectl", f"--kubeconfig={place.cluster}/admin.conf", *arguments]
    return subprocess.run(command, input=given, stdout=subprocess.PIPE, text=True, check=True).stdout


def emptied(place: Place) -> None:
    """Neither tokens nor requests, and no marks of tokens."""
    kubectl(place, "delete", "--raw", f"{SECRETS}?fieldSelector={OF_TOKENS}")
    kubectl(place, "delete", "--raw", REQUESTS)
    kubectl(place, "delete", "--raw", "/apis/coordination.k8s.io/v1/namespaces/tlsbootstrap/leases")


def names(count: int) -> list[str]:
    return [f"w{number}" for number in range(count)]


# ---- tokens


def tokens_there(place: Place, count: int) -> Callable[[Path], None]:
    def check(_folder: Path) -> None:
        arguments = ("--namespace=kube-system", f"--field-selector={OF_TOKENS}", "--output=name")
        found = len(kubectl(place, "get", "secrets", *arguments).splitlines())
        if found != count:
            raise SystemExit(f"{found} bootstrap tokens where {count} belong")

    return check


def ours_tokens(place: Place, count: int, runs: int, name: str = OURS) -> Contender:
    folder = place.work / f"tokens-ours-{count}"
    rows = Path(f"{folder}.json")
    recipient = x509.new_one_time_key()[1].decode()

    def prepare(_folder: Path) -> None:
        emptied(place)
        rows.write_text(json.dumps([{"node_name": node, "recipient": recipient} for node in names(count)]))

    command = playbook("tokens.yml", folder, rows=str(rows), kubeconfig=f"{place.cluster}/admin.conf")
    check = tokens_there(place, count)
    return Contender(name, [command], folder, runs, place.environment, prepare=prepare, check=check)


def manifests(path: Path, count: int) -> None:
    """The same Secrets, for those who take them ready."""
    end = tokens.expiration_of(utc_now(), SECONDS)
    found = [tokens.secret_manifest(tokens.generate(secrets.choice), node, end) for node in names(count)]
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": found}))


def community_tokens(place: Place, count: int, runs: int) -> Contender:
    folder = place.work / f"tokens-community-{count}"
    path = Path(f"{folder}.json")

    def prepare(_folder: Path) -> None:
        emptied(place)
        manifests(path, count)

    kubeconfig = f"{place.cluster}/admin.conf"
    command = playbook("../peers/tokens.playbook", folder, manifests=str(path), kubeconfig=kubeconfig)
    check = tokens_there(place, count)
    return Contender("kubernetes.core", [command], folder, runs, place.environment, prepare=prepare, check=check)


def kubectl_tokens(place: Place, count: int, runs: int) -> Contender:
    folder = place.work / f"tokens-kubectl-{count}"
    path = Path(f"{folder}.json")

    def prepare(_folder: Path) -> None:
        emptied(place)
        manifests(path, count)

    command = [f"{place.cluster}/kubectl", f"--kubeconfig={place.cluster}/admin.conf", "apply", "--server-side"]
    check = tokens_there(place, count)
    return Contender("kubectl apply", [[*command, f"--filename={path}"]], folder, runs, prepare=prepare, check=check)


def tokens_1000(place: Place) -> list[Contender]:
    started(place)
    return [ours_tokens(place, 1000, 5), community_tokens(place, 1000, 2), kubectl_tokens(place, 1000, 3)]


def tokens_10000(place: Place) -> list[Contender]:
    started(place)
    return [ours_tokens(place, 10000, 2), ours_tokens(place, 1000, 3, "1,000 of them")]


# ---- requests


def asked(place: Place, count: int) -> None:
    """So many nodes ask, each with a token of its own."""
    emptied(place)
    hand = Hand(place.cluster)
    hand.ask_all(hand.tokens(names(count)))


def policy(count: int) -> dict[str, object]:
    return {"nodes": {node: {"dns_names": [node], "ip_addresses": []} for node in names(count)}}


def judged(place: Place, count: int) -> Callable[[Path], None]:
    def check(_folder: Path) -> None:
        found = json.loads(kubectl(place, "get", "--raw", REQUESTS))["items"]
        approved = [one for one in found if (one["status"].get("conditions") or [{}])[0].get("type") == "Approved"]
        if len(approved) != count:
            raise SystemExit(f"{len(approved)} of {len(found)} requests are approved where {count} belong")

    return check


def requests_1000(place: Place) -> list[Contender]:
    started(place)
    folder, count = place.work / "requests", 1000
    path = Path(f"{folder}.json")

    def prepare(_folder: Path) -> None:
        asked(place, count)
        path.write_text(json.dumps(policy(count)))

    command = playbook("requests.yml", folder, policy_path=str(path), kubeconfig=f"{place.cluster}/admin.conf")
    environment, check = place.environment, judged(place, count)
    return [Contender(OURS, [command], folder, 3, environment, prepare=prepare, check=check)]


def approver_1000(place: Place) -> list[Contender]:
    """The service, from its start until it has told of the last decision."""
    started(place)
    folder, count = place.work / "approver", 1000

    def prepare(found: Path) -> None:
        install(f"{found}/lib/csr-approver.pyz", f"{found}/policy.json", policy(count), check_mode=False)
        asked(place, count)

    def memory(found: Path) -> dict[str, float]:
        return {"MB": float((found / "memory").read_text())}

    script = str(Path(__file__).with_name("approver.py"))
    command = [sys.executable, "-B", script, f"{place.cluster}/approver.conf", str(folder), str(count)]
    environment = {"PYTHONPATH": str(place.collections)}
    check = judged(place, count)
    return [Contender(OURS, [command], folder, 3, environment, prepare=prepare, check=check, count=memory)]


CLUSTER_ROWS = {
    "tokens-1000": Row(
        "1,000 bootstrap tokens",
        tokens_1000,
        (
            Goal("at most 0.3 x kubernetes.core's time", 0.3, "kubernetes.core"),
            Goal("at most 0.7 x kubectl's time", 0.7, "kubectl apply"),
        ),
    ),
    "tokens-10000": Row(
        "10,000 bootstrap tokens",
        tokens_10000,
        (Goal("linear", 10, "1,000 of them"),),
    ),
    "requests-1000": Row(
        "1,000 requests judged by the module in one call",
        requests_1000,
        (Goal("15 s", 15),),
    ),
    "approver-1000": Row(
        "1,000 requests that wait when the approver starts",
        approver_1000,
        (Goal("30 s", 30), Goal("below 128 MB", 128, unit="MB")),
    ),
}
