# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes that join a control plane, over ssh as users do: containers that tools/hosts has started."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from contenders import Contender
from measure import OURS, Goal
from place import BASH, Place, Row, playbook

ADMIN = "--kubeconfig /etc/kubernetes/admin.conf"
KUBECTL = f"/opt/bench/kubectl {ADMIN}"
GROUP = "system:bootstrappers:tlsbootstrap"
CALLBACKS = Path(__file__).resolve().parents[1] / "plugins/callback"
# The most that a join may have until the node is Ready.
TASKS = 15
READY_TASK = "Wait for the nodes and keep their labels and taints"
# What Ansible does by itself, on no host.
OF_THE_CONTROLLER = (
    "cluster_plan",
    "include_",
    "import_",
    "set_fact",
    "assert",
    "debug",
    "fail",
    "meta",
    "validate_argument_spec",
)
# What kubeadm says of a container, and not of a host.
CONTAINER = "SystemVerification,Swap,FileContent--proc-sys-net-bridge-bridge-nf-call-iptables,Port-10250"
# What a kubelet needs inside a container.
KUBELET = {
    "failCgroupV1": False,
    "cgroupDriver": "cgroupfs",
    "cgroupsPerQOS": False,
    "enforceNodeAllocatable": ["none"],
    "failSwapOn": False,
}
# A host that has never joined; the binaries stay, for kubeadm finds them too.
FORGET = """
systemctl disable --quiet --now kubelet kube-proxy 2>/dev/null
rm -rf /etc/kubernetes /var/lib/kubelet /var/lib/kube-proxy /etc/systemd/system/kube*.service
systemctl daemon-reload
"""
# As the packages of the kubelet bring it.
UNIT = """
cat >/etc/systemd/system/kubelet.service <<'END'
[Service]
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
ExecStart=/usr/local/bin/kubelet --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \\
  --kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml $KUBELET_KUBEADM_ARGS
Restart=always
[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
systemctl enable --quiet kubelet
"""
AWAIT = """
until ssh -F "$1" cp1 "$2 get nodes --no-headers $3" 2>/dev/null | grep -q ' Ready '; do sleep 0.1; done
"""


def addresses(place: Place) -> dict[str, str]:
    """The hosts that there are, by what tools/hosts has written of them."""
    words = (place.hosts / "ssh_config").read_text().split()
    return {words[n + 1]: words[n + 3] for n, word in enumerate(words) if word == "Host" and words[n + 1] != "*"}


def ssh(place: Place, host: str, command: str, given: str = "") -> str:
    line = ["ssh", "-F", str(place.hosts / "ssh_config"), host, command]
    return subprocess.run(line, input=given, stdout=subprocess.PIPE, text=True, check=True).stdout


def environment(place: Place) -> dict[str, str]:
    """As docs/getting-started.md has it."""
    return {
        **place.environment,
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=60s -o ServerAliveInterval=15",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(place.work / "ssh"),
        "ANSIBLE_FORKS": "10",
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "kill_after_task",
    }


def inventory(place: Place) -> Path:
    path = place.work / "hosts.json"
    hosts = {name: {"ansible_host": address} for name, address in addresses(place).items()}
    variables = {
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(place.hosts / "id_ed25519"),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={place.hosts}/known_hosts -o StrictHostKeyChecking=yes",
        "cluster_name": "bench",
        "cluster_ca_directory": str(place.work / "join-ca"),
        "cluster_kubernetes_version": version(place),
        "kube_binaries_directory": str(Path(place.kubeadm).parent),
        # So that kubeadm joins the same cluster.
        "cluster_kubeadm_join": True,
        "cluster_kubeadm_kubelet_config": KUBELET,
        "kubelet_config_overrides": KUBELET,
    }
    groups = {
        "kube_control_plane": {"hosts": {"cp1": hosts.pop("cp1")}},
        "kube_node": {"hosts": hosts},
    }
    path.write_text(json.dumps({"all": {"vars": variables, "children": groups}}))
    return path


def version(place: Place) -> str:
    said = subprocess.run([place.kubeadm, "version", "-o", "short"], stdout=subprocess.PIPE, text=True, check=True)
    return said.stdout.strip().removeprefix("v")


def play(place: Place, folder: Path, name: str, *more: str) -> list[str]:
    """The hosts' Python is their own."""
    variables = {"ansible_python_interpreter": "/usr/bin/python3"}
    return playbook(f"tlsbootstrap.kubernetes.{name}", folder, "-i", str(place.work / "hosts.json"), *more, **variables)


def started(place: Place) -> None:
    """A control plane without nodes, and binaries on all hosts."""
    if (place.work / "hosts.json").exists():
        return
    inventory(place)
    folder = place.work / "control-plane"
    command = play(place, folder, "site")
    with (place.work / "control-plane.log").open("wb") as log:
        subprocess.run(command, env={**os.environ, **environment(place)}, stdout=log, stderr=log, check=True)
    for name in ("kubectl", "kubeadm"):
        data = (Path(place.kubeadm).parent / name).resolve()
        for host in addresses(place) if name == "kubeadm" else ["cp1"]:
            copied(place, host, data, name)


def copied(place: Place, host: str, source: Path, name: str) -> None:
    command = f"mkdir -p /opt/bench && cat >/opt/bench/{name} && chmod 0755 /opt/bench/{name}"
    with source.open("rb") as stream:
        subprocess.run(["ssh", "-F", str(place.hosts / "ssh_config"), host, command], stdin=stream, check=True)


def strangers(place: Place, names: list[str]) -> None:
    """Nobody knows these hosts, and nothing of a cluster is on them."""
    for name in names:
        ssh(place, name, FORGET)
    ssh(place, "cp1", f"{KUBECTL} delete node --ignore-not-found {' '.join(names)}; {KUBECTL} delete csr --all")


def nodes_ready(place: Place, names: list[str]) -> Callable[[Path], None]:
    def check(_folder: Path) -> None:
        found = ssh(place, "cp1", f"{KUBECTL} get nodes --no-headers {' '.join(names)}").splitlines()
        if len([line for line in found if " Ready " in line]) != len(names):
            raise SystemExit(f"not all of {names} are ready: {found}")

    return check


def until_ready(folder: Path) -> list[dict[str, Any]]:
    """The tasks of a run up to the one that has seen the nodes Ready. Others tidy up after it, and start kube-proxy."""
    lines = [json.loads(line) for line in Path(f"{folder}.tasks").read_text().splitlines()]
    for number, line in enumerate(lines, start=1):
        if READY_TASK in line["task"]:
            return lines[:number]
    raise SystemExit(f"no task {READY_TASK} was run")


def tasks_of(folder: Path) -> Mapping[str, float]:
    """Calls of modules on hosts until the node is Ready, which are what takes time."""
    called = [line for line in until_ready(folder) if line["ran"] and not of_the_controller(line["action"])]
    return {"tasks": len(called)}


def ready_at(folder: Path) -> float:
    return float(until_ready(folder)[-1]["ended"])


def of_the_controller(action: str) -> bool:
    return action.rsplit(".", 1)[-1].startswith(OF_THE_CONTROLLER)


def ours(place: Place, names: list[str], runs: int, name: str = OURS) -> Contender:
    folder = place.work / f"join-{len(names)}"
    tasks = Path(f"{folder}.tasks")

    def prepare(_folder: Path) -> None:
        strangers(place, names)
        tasks.unlink(missing_ok=True)

    command = play(place, folder, "join", "--limit", ",".join(names))
    settings = {**environment(place), "KILL_AFTER_TASK_FILE": str(tasks)}
    check = nodes_ready(place, names)
    return Contender(
        name, [command], folder, runs, settings, prepare=prepare, check=check, count=tasks_of, done=ready_at
    )


def calls(place: Place, names: list[str], runs: int) -> Contender:
    """What so many calls of a module cost that does nothing: the least that any play with as many tasks can take."""
    folder = place.work / f"calls-{len(names)}"
    book = Path(f"{folder}.json")
    tasks = [{"name": f"Call a module, {number}", "ansible.builtin.ping": {}} for number in range(1, TASKS + 1)]
    book.write_text(json.dumps([{"name": "Call", "hosts": ",".join(names), "gather_facts": False, "tasks": tasks}]))
    command = [*play(place, folder, "join")[:-1], str(book)]
    return Contender(f"Ansible's start and {TASKS} calls", [command], folder, runs, environment(place))


def kubeadm(place: Place, node: str, runs: int, ready: bool) -> Contender:
    """By a token that names its node, as `csr_approver` wants it. kubeadm itself does not wait until it is Ready."""
    folder = place.work / f"kubeadm-{'ready' if ready else 'join'}"
    script = Path(f"{folder}.sh")

    def prepare(_folder: Path) -> None:
        strangers(place, [node])
        ssh(place, node, UNIT)
        create = f"/opt/bench/kubeadm token create {ADMIN} --ttl=10m --print-join-command"
        said = ssh(place, "cp1", f"{create} --groups={GROUP},{GROUP}:node:{node}")
        arguments = [*shlex.split(said)[1:], f"--node-name={node}", f"--ignore-preflight-errors={CONTAINER}"]
        script.write_text(shlex.join(["/opt/bench/kubeadm", *arguments]) + "\n")

    config = str(place.hosts / "ssh_config")
    joined = [*BASH, 'ssh -F "$1" "$2" bash <"$3"', "kubeadm", config, node, str(script)]
    waited = [*BASH, AWAIT, "await", config, KUBECTL, node]
    name = "kubeadm join, until Ready" if ready else "kubeadm join"
    return Contender(name, [joined, waited] if ready else [joined], folder, runs, prepare=prepare)


def join_one(place: Place) -> list[Contender]:
    started(place)
    node = "n1"
    return [
        ours(place, [node], 5),
        kubeadm(place, node, 5, ready=False),
        kubeadm(place, node, 5, ready=True),
        calls(place, [node], 5),
    ]


def join_ten(place: Place) -> list[Contender]:
    started(place)
    nodes = [f"n{number}" for number in range(1, 11)]
    return [ours(place, nodes, 3), ours(place, nodes[:1], 3, "one of them"), calls(place, nodes, 3)]


JOIN_ROWS = {
    "join-1": Row(
        "a node joins over ssh, from the start of the play until it is Ready",
        join_one,
        (Goal("at most 3 x kubeadm join", 3, "kubeadm join"), Goal(f"at most {TASKS} tasks", TASKS, unit="tasks")),
        nodes=1,
    ),
    "join-10": Row(
        "ten nodes join",
        join_ten,
        (Goal("at most 2 x one", 2, "one of them"),),
        nodes=10,
    ),
}
