# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render a role's variables and templates as Ansible does, without a host."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
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
FAMILIES = {
    "ipv4": (["192.0.2.11"], "10.96.0.0/12", "10.244.0.0/16"),
    "ipv6": (["2001:db8::11"], "fd00:96::/112", "fd00:244::/56"),
    "dual": (["192.0.2.11", "2001:db8::11"], "10.96.0.0/12,fd00:96::/112", "10.244.0.0/16,fd00:244::/56"),
}


def trusted(value: Any) -> Any:
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, dict):
        return {name: trusted(part) for name, part in value.items()}
    if isinstance(value, list):
        return [trusted(part) for part in value]
    return value


def role_file(role: str, name: str) -> dict[str, Any]:
    path = ROLES / role / name
    return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}


def variables_of(*roles: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in ("defaults/main.yml", "vars/main.yml"):
        for role in roles:
            found |= role_file(role, kind)
    return found


def cluster_of(family: str, version: str, profile: str) -> dict[str, Any]:
    """The variables of a cluster of one control plane, its plan among them."""
    addresses, services, pods = FAMILIES[family]
    settings = role_file("cluster", "defaults/main.yml") | {
        "cluster_kubernetes_version": version,
        "cluster_profile": profile,
        "cluster_service_cidr": services,
        "cluster_pod_cidr": pods,
    }
    if profile == "kubeadm":
        settings |= {"cluster_ca_host": "cp1", "cluster_ca_directory": settings["cluster_pki_directory"]}
    plan = planning.build(settings, {"kube_control_plane": ["cp1"]}, {"cp1": {"node_ip": addresses}})
    return settings | {"cluster_plan": {**plan, "host": plan["hosts"]["cp1"]}, "inventory_hostname": "cp1"}


class Renderer:
    """Evaluates templates with the variables of some roles."""

    def __init__(self, roles: tuple[str, ...], more: dict[str, Any]) -> None:
        self.variables = trusted(variables_of(*roles) | more)

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
        tasks = yaml.safe_load((ROLES / role / "tasks/main.yml").read_text(encoding="utf-8"))
        include = next(task["vars"] for task in tasks if "ansible.builtin.include_role" in task)
        given = {name: value for name, value in include.items() if name != "systemd_unit_files"}
        return include["systemd_unit_name"], self.file("systemd_unit", "unit.service.j2", **given)


@pytest.fixture(scope="session")
def renderer() -> Callable[..., Renderer]:
    def make(
        role: str, family: str = "ipv4", version: str = "1.37.2", profile: str = "separated", **more: Any
    ) -> Renderer:
        return Renderer(("systemd_unit", role), cluster_of(family, version, profile) | more)

    return make
