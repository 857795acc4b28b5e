# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured: each row is one piece of work, and all who do it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from cluster_rows import CLUSTER_ROWS
from contenders import Contender, both, chains, files_there
from join_rows import JOIN_ROWS
from measure import MEMORY, OURS, Goal
from place import BASH, START, Place, Row, plain, playbook

CONTROL_PLANE = {"cp1": {"ansible_connection": "local", "node_ip": "192.0.2.11"}}

# ---- one control plane


def inventory(folder: Path, key_type: str) -> None:
    (folder.parent / f"{folder.name}.json").write_text(
        json.dumps(
            {
                "kube_control_plane": {"hosts": CONTROL_PLANE},
                "all": {
                    "vars": {
                        "cluster_name": "bench",
                        "cluster_profile": "kubeadm",
                        "cluster_key_type": key_type,
                        "cluster_ca_host": "cp1",
                        "cluster_ca_become": True,
                        "cluster_config_directory": str(folder),
                        "cluster_pki_directory": f"{folder}/pki",
                        "cluster_ca_directory": f"{folder}/pki",
                    }
                },
            }
        )
    )


def ours_pki(place: Place, key_type: str, runs: int, again: bool) -> Contender:
    folder = place.work / f"ours-{key_type}"
    command = playbook("tlsbootstrap.kubernetes.pki", folder, "-i", f"{folder}.json")
    return Contender(
        OURS,
        [command],
        folder,
        runs,
        place.environment,
        prepare=lambda found: inventory(found, key_type),
        check=pki_there,
        fresh=not again,
    )


def community_pki(place: Place, key_type: str, runs: int, again: bool) -> Contender:
    folder = place.work / f"community-{key_type}"
    command = playbook("../peers/pki.playbook", folder, key_type=key_type)
    return Contender("community.crypto", [command], folder, runs, place.environment, check=pki_there, fresh=not again)


def kubeadm_pki(place: Place, key_type: str, runs: int) -> Contender:
    folder = place.work / f"kubeadm-{key_type}"
    config = f"{folder}.yaml"
    phase = [place.kubeadm, "init", "phase"]
    commands = [
        [*phase, "certs", "all", "--config", config],
        [*phase, "kubeconfig", "all", "--config", config, "--kubeconfig-dir", str(folder)],
    ]
    algorithm = {"ecdsa-p256": "ECDSA-P256", "rsa-2048": "RSA-2048"}[key_type]

    def prepare(_folder: Path) -> None:
        Path(config).write_text(
            "apiVersion: kubeadm.k8s.io/v1beta4\n"
            "kind: InitConfiguration\n"
            "localAPIEndpoint: {advertiseAddress: 192.0.2.11}\n"
            "nodeRegistration: {name: cp1, criSocket: unix:///run/containerd/containerd.sock}\n"
            "---\n"
            "apiVersion: kubeadm.k8s.io/v1beta4\n"
            "kind: ClusterConfiguration\n"
            # Not asked of the internet.
            "kubernetesVersion: v1.37.2\n"
            f"certificatesDir: {folder}/pki\n"
            f"encryptionAlgorithm: {algorithm}\n"
        )

    return Contender("kubeadm", commands, folder, runs, prepare=prepare, check=pki_there)


def pki_there(folder: Path) -> None:
    """The 22 files and five kubeconfigs, signed by whom they should be."""
    found = [path for path in (folder / "pki").rglob("*.*") if path.suffix in {".crt", ".key", ".pub"}]
    if len(found) != 22:
        raise SystemExit(f"{folder}: {len(found)} files where 22 belong")
    files_there(5, "*.conf")(folder)
    chains("pki/ca.crt", "pki/apiserver.crt")(folder)
    chains("pki/front-proxy-ca.crt", "pki/front-proxy-client.crt")(folder)
    chains("pki/etcd/ca.crt", "pki/etcd/*.crt")(folder)


def first_run(key_type: str, runs: int) -> Callable[[Place], list[Contender]]:
    return lambda place: [
        ours_pki(place, key_type, 2 * runs, again=False),
        community_pki(place, key_type, runs, again=False),
        kubeadm_pki(place, key_type, 2 * runs),
    ]


def second_run(place: Place) -> list[Contender]:
    """On what the first run has left."""
    key_type = "ecdsa-p256"
    for contender in (ours_pki(place, key_type, 1, again=False), community_pki(place, key_type, 1, again=False)):
        contender.run()
    return [ours_pki(place, key_type, 6, again=True), community_pki(place, key_type, 3, again=True), plain(place, 6)]


# ---- many nodes


def identity(folder: Path, name: str) -> dict[str, object]:
    return {
        "name": name,
        "kind": "certificate",
        "issuer": "ca",
        "common_name": f"system:node:{name}",
        "organizations": ["system:nodes"],
        "dns_names": [name],
        "usages": ["client auth", "server auth"],
        "key_type": "ecdsa-p256",
        "validity": 365 * 86400,
        "certificate_path": f"{folder}/{name}.crt",
        "key_path": f"{folder}/{name}.key",
        "key_mode": "0600",
        "certificate_mode": "0644",
    }


def names(count: int) -> list[str]:
    return [f"w{number}" for number in range(count)]


def ours_kubeconfigs(place: Place, count: int, runs: int) -> Contender:
    """For nodes that join by a certificate of their own: each in a kubeconfig, all of them in one folder."""
    folder = place.work / f"kubeconfigs-{count}"
    holder = Path(f"{folder}.json")

    def row(name: str) -> dict[str, object]:
        kubeconfig = {
            "path": f"{folder}/{name}.conf",
            "mode": "0600",
            "server": "https://192.0.2.11:6443",
            "cluster_name": "bench",
            "user_name": f"system:node:{name}",
            "ca_path": f"{folder}/ca.crt",
            "embed": True,
        }
        paths = {"certificate_path": None, "key_path": None, "dns_names": [], "usages": ["client auth"]}
        lifetime = {"organizations": ["join"], "validity": 3600}
        return {**identity(folder, name), **paths, **lifetime, "kubeconfig": kubeconfig}

    def prepare(_folder: Path) -> None:
        holder.write_text(json.dumps({"host": "localhost", "identities": [row(name) for name in names(count)]}))

    command = playbook("nodes.yml", folder, holder=str(holder))
    check = files_there(count, "w*.conf")
    return Contender(OURS, [command], folder, runs, place.environment, prepare=prepare, check=check)


def ours_nodes(place: Place, count: int, runs: int) -> Contender:
    folder = place.work / f"ours-{count}"
    holder = Path(f"{folder}.json")

    def prepare(_folder: Path) -> None:
        rows = [identity(folder, name) for name in names(count)]
        holder.write_text(json.dumps({"host": "localhost", "identities": rows}))

    command = playbook("nodes.yml", folder, holder=str(holder))
    check = both(files_there(count, "w*.key"), files_there(count, "w*.crt"), chains("ca/ca.crt", "w*.crt"))
    return Contender(OURS, [command], folder, runs, place.environment, prepare=prepare, check=check)


def community_nodes(place: Place, count: int, runs: int) -> Contender:
    folder = place.work / f"community-{count}"
    check = both(files_there(count, "w*.key"), files_there(count, "w*.crt"), chains("ca.crt", "w*.crt"))
    command = playbook("../peers/nodes.playbook", folder, count=count)
    return Contender("community.crypto", [command], folder, runs, place.environment, check=check)


def easyrsa_nodes(place: Place, count: int, runs: int) -> Contender:
    folder = place.work / f"easyrsa-{count}"
    script = """
        "$1" init-pki >/dev/null
        "$1" --req-cn=kubernetes build-ca nopass >/dev/null
        for number in $(seq 0 $(("$2" - 1))); do
            "$1" --subject-alt-name="DNS:w$number" build-serverClient-full "w$number" nopass
        done"""
    environment = {
        "EASYRSA_ALGO": "ec",
        "EASYRSA_CURVE": "prime256v1",
        "EASYRSA_BATCH": "1",
        "EASYRSA_CERT_EXPIRE": "365",
        "EASYRSA_PKI": str(folder / "pki"),
    }
    check = both(
        files_there(count, "pki/private/w*.key"),
        files_there(count, "pki/issued/w*.crt"),
        chains("pki/ca.crt", "pki/issued/w*.crt"),
    )
    command = [*BASH, script, "easy-rsa", place.easyrsa, str(count)]
    return Contender("easy-rsa", [command], folder, runs, environment, check=check)


def cfssl_nodes(place: Place, count: int, runs: int) -> Contender:
    """As Kubernetes' own tutorials call it, one process a certificate, on all processors."""
    folder = place.work / f"cfssl-{count}"
    one = """
        cat >"$1.json" <<JSON
{"CN": "system:node:$1", "names": [{"O": "system:nodes"}], "hosts": ["$1"], "key": {"algo": "ecdsa", "size": 256}}
JSON
        cfssl gencert -loglevel=5 -ca=ca.pem -ca-key=ca-key.pem -config=config.json -profile=node "$1.json" |
            cfssljson -bare "$1" """
    script = """
        cfssl gencert -loglevel=5 -initca ca.json | cfssljson -bare ca
        seq -f 'w%.0f' 0 $(("$2" - 1)) | xargs -P "$(nproc)" -I NAME bash -euo pipefail -c "$1" cfssl NAME"""

    def prepare(found: Path) -> None:
        authority = {"CN": "kubernetes", "key": {"algo": "ecdsa", "size": 256}, "ca": {"expiry": "87600h"}}
        usages = ["signing", "client auth", "server auth"]
        profiles = {"node": {"expiry": "8760h", "usages": usages}}
        (found / "ca.json").write_text(json.dumps(authority))
        (found / "config.json").write_text(json.dumps({"signing": {"profiles": profiles}}))

    check = both(files_there(count, "w*-key.pem"), chains("ca.pem", "w*[0-9].pem"))
    command = [*BASH, script, "cfssl", one, str(count)]
    return Contender("cfssl", [command], folder, runs, prepare=prepare, check=check)


# ---- reading


def read_alone(place: Place, folder: Path, runs: int) -> Contender:
    """The same facts of the same files, with nothing around `cryptography`."""
    command = [sys.executable, str(Path(__file__).with_name("read_alone.py")), str(folder / "paths")]
    return Contender("cryptography alone", [command], place.work / "read-alone", runs)


def reading(count: int, runs: int) -> Callable[[Place], list[Contender]]:
    def contenders(place: Place) -> list[Contender]:
        made = ours_nodes(place, count, 1)
        if len(list(made.folder.glob("w*.crt"))) != count:
            made.run()
        (made.folder / "paths").write_text("".join(f"{made.folder}/{name}.crt\n" for name in names(count)))
        command = playbook("read.yml", made.folder, count=count)
        ours = Contender(OURS, [command], made.folder, runs, place.environment, fresh=False)
        return [ours, read_alone(place, made.folder, runs), plain(place, runs)]

    return contenders


# ---- the plan


def planned(count: int, runs: int) -> Callable[[Place], list[Contender]]:
    def contenders(place: Place) -> list[Contender]:
        folder = place.work / f"plan-{count}"
        nodes = {name: {"node_ip": f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"} for n, name in enumerate(names(count), 1)}
        groups = {"kube_control_plane": {"hosts": CONTROL_PLANE}, "kube_node": {"hosts": nodes}}
        text = json.dumps({**groups, "all": {"vars": {"cluster_name": "bench"}}})

        def prepare(_folder: Path) -> None:
            Path(f"{folder}.json").write_text(text)

        command = playbook("plan.yml", folder, "-i", f"{folder}.json")
        return [Contender(OURS, [command], folder, runs, place.environment, prepare=prepare)]

    return contenders


def small(most: int) -> Goal:
    return Goal(f"no process over {most} MB", most, unit=MEMORY)


ROWS = {
    "pki-ecdsa": Row(
        "PKI and kubeconfigs of one control plane, ECDSA, first run",
        first_run("ecdsa-p256", 3),
        (Goal("at least 10 x faster than community.crypto, 15 is the aim", 1 / 10, "community.crypto"),),
    ),
    "pki-rsa": Row(
        "the same, RSA-2048",
        first_run("rsa-2048", 3),
        (
            Goal("at least 10 x faster than community.crypto", 1 / 10, "community.crypto"),
            Goal("at most 3 x kubeadm's time", 3, "kubeadm"),
        ),
    ),
    "pki-again": Row(
        "the same, ECDSA, second run",
        second_run,
        (Goal("at least 15 x faster than community.crypto, 20 is the aim", 1 / 15, "community.crypto"),),
    ),
    "nodes-100": Row(
        "100 node certificates, keys included",
        lambda place: [ours_nodes(place, 100, 6), community_nodes(place, 100, 2), easyrsa_nodes(place, 100, 3)],
        (
            Goal("at least 60 x faster than community.crypto", 1 / 60, "community.crypto"),
            Goal("faster than easy-rsa", 1, "easy-rsa"),
        ),
    ),
    "nodes-1000": Row(
        "1,000 node certificates, keys included",
        lambda place: [ours_nodes(place, 1000, 5), cfssl_nodes(place, 1000, 3)],
        (Goal("at most 0.4 x cfssl's time", 0.4, "cfssl"), small(300)),
    ),
    "nodes-10000": Row(
        "10,000 node certificates, keys included",
        lambda place: [ours_nodes(place, 10000, 3)],
        (Goal("4 s", 4),),
    ),
    "kubeconfigs-1000": Row(
        "1,000 bootstrap kubeconfigs in one folder, each with a key and a certificate of one hour",
        lambda place: [ours_kubeconfigs(place, 1000, 5), plain(place, 5)],
        (Goal("1 s", 1),),
    ),
    "read-10000": Row(
        "10,000 certificates read and judged for the report",
        reading(10000, 3),
        (Goal("at most 2 x cryptography alone, plus the start", 2, "cryptography alone", START),),
    ),
    "plan-1": Row("plan of 1 node", planned(1, 3)),
    "plan-1000": Row("plan of 1,000 nodes", planned(1000, 3), (small(300),)),
    "plan-5000": Row("plan of 5,000 nodes", planned(5000, 3), (small(500),)),
    **CLUSTER_ROWS,
    **JOIN_ROWS,
}
