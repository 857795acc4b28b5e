# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render a role's variables and templates as Ansible does, without a host."""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import plan as planning

try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19

    def trust_as_template(text: str) -> str:
        return text


ROLES = Path(__file__).resolve().parents[3] / "roles"
# Addresses without their last part, the CIDRs of Services and of Pods.
FAMILIES = {
    "ipv4": (["192.0.2."], "10.96.0.0/12", "10.244.0.0/16"),
    "ipv6": (["2001:db8::"], "fd00:96::/112", "fd00:244::/56"),
    "dual": (["192.0.2.", "2001:db8::"], "10.96.0.0/12,fd00:96::/112", "10.244.0.0/16,fd00:244::/56"),
}
HOSTS = {"cp1": "11", "w1": "31"}
# The roles that run a unit, and a host of each.
UNITS = {
    "etcd": "cp1",
    "kube_apiserver": "cp1",
    "kube_controller_manager": "cp1",
    "kube_scheduler": "cp1",
    "csr_approver": "cp1",
    "kubelet": "w1",
    "kube_proxy": "w1",
}
# What each unit and configuration has to be, written by hand.
TABLE = yaml.safe_load((Path(__file__).parent / "units.yml").read_text(encoding="utf-8"))
VERSIONS = ["1.34.4", "1.35.4", "1.36.3", "1.37.2"]
PROFILES = ["separated", "kubeadm"]


def trusted(value: Any) -> Any:
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, dict):
        return {name: trusted(part) for name, part in value.items()}
    if isinstance(value, list):
        return [trusted(part) for part in value]
    return value


@functools.cache
def role_file(role: str, name: str) -> dict[str, Any]:
    path = ROLES / role / name
    return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}


def variables_of(*roles: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in ("defaults/main.yml", "vars/main.yml"):
        for role in roles:
            found |= role_file(role, kind)
    return found


def cluster_of(family: str, version: str, profile: str, host: str, node: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of a host in a cluster of one control plane and one worker, the plan among them."""
    addresses, services, pods = FAMILIES[family]
    settings = role_file("cluster", "defaults/main.yml") | {
        "cluster_kubernetes_version": version,
        "cluster_profile": profile,
        "cluster_service_cidr": services,
        "cluster_pod_cidr": pods,
    }
    if profile == "kubeadm":
        settings |= {"cluster_ca_host": "cp1", "cluster_ca_directory": settings["cluster_pki_directory"]}
    variables = {
        name: {"node_ip": [address + last for address in addresses], **(node if name == host else {})}
        for name, last in HOSTS.items()
    }
    plan = planning.build(settings, {"kube_control_plane": ["cp1"], "kube_node": ["cp1", "w1"]}, variables)
    own = {"cluster_plan": {**plan, "host": plan["hosts"][host]}, "inventory_hostname": host}
    return settings | variables[host] | own


def section(unit: str, name: str) -> str:
    """One section of a unit, with its continued lines joined."""
    found = re.search(rf"^\[{name}\]\n(.*?)(?=^\[|\Z)", unit, re.MULTILINE | re.DOTALL)
    assert found
    return found[1].replace("\\\n", " ")


def command_of(unit: str) -> list[str]:
    (command,) = re.findall(r"^ExecStart=(.*)$", section(unit, "Service"), re.MULTILINE)
    return shlex.split(command)


def flags_of(unit: str) -> dict[str, str]:
    words = command_of(unit)[1:]
    assert all(word.startswith("--") and "=" in word for word in words)
    flags = dict(word[2:].split("=", 1) for word in words)
    assert len(flags) == len(words)
    return flags


class Renderer:
    """Evaluates templates with the variables of some roles."""

    def __init__(self, roles: tuple[str, ...], more: dict[str, Any]) -> None:
        paths = [str(ROLES / role) for role in roles]
        self.variables = trusted(variables_of(*roles) | more) | {"ansible_search_path": paths}

    def value(self, text: str, **more: Any) -> Any:
        return Templar(loader=DataLoader(), variables=self.variables | trusted(more)).template(trusted(text))

    def file(self, role: str, name: str, **more: Any) -> str:
        text = (ROLES / role / "templates" / name).read_text(encoding="utf-8")
        templar = Templar(loader=DataLoader(), variables=self.variables | trusted(more))
        rendered = templar.template(trusted(text), preserve_trailing_newlines=True, escape_backslashes=False)
        assert isinstance(rendered, str)
        return rendered

    def unit(self, role: str) -> tuple[str, str]:
        """The name and the text of the unit that a role runs."""
        names = (f"tasks/{path.name}" for path in (ROLES / role / "tasks").glob("*.yml"))
        tasks = [task for name in names for task in role_file(role, name)]
        (include,) = (task["vars"] for task in tasks if "systemd_unit_name" in task.get("vars", {}))
        given = {name: value for name, value in include.items() if name != "systemd_unit_files"}
        return include["systemd_unit_name"], self.file("systemd_unit", "unit.service.j2", **given)


def renderer_of(
    role: str,
    family: str = "ipv4",
    version: str = "1.37.2",
    profile: str = "separated",
    host: str = "",
    node: Mapping[str, Any] | None = None,
    **more: Any,
) -> Renderer:
    """The variables of a role on a host of a small cluster."""
    cluster = cluster_of(family, version, profile, host or UNITS.get(role, "cp1"), node or {})
    return Renderer(("systemd_unit", role), cluster | more)
