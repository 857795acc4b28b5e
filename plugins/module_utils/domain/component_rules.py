# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the value of a variable has to be, beyond the type in its role's argument spec."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

from .component_config import config_problems
from .errors import InputError
from .findings import Findings
from .flags import flag_problems
from .inventory import host_path

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CONTROLLER_PATHS", "HOST_PATHS", "value_problems"]

_KINDS = {"kubelet": "KubeletConfiguration", "kube_proxy": "KubeProxyConfiguration"}
# Variables of the cluster that say the same as one of a role.
_SAME_AS = {"cluster_kubeadm_kubelet_config": "kubelet_config_overrides"}

# Not those of the settings of the plan, which are parsed with it.
HOST_PATHS = frozenset(
    (
        "cluster_bin_directory",
        "cluster_bootstrap_kubeconfig",
        "cluster_kubelet_certificate_directory",
        "cluster_kubelet_kubeconfig",
        "csr_approver_policy_file",
        "csr_approver_program",
        "csr_approver_python",
        "etcd_data_directory",
        "kube_binaries_store_directory",
        "kube_proxy_directory",
        "kubelet_directory",
        "kubelet_static_pod_path",
    )
)
# Where the user works: they may be relative, and below a home with any name.
CONTROLLER_PATHS = frozenset(("kube_binaries_directory", "report_file", "report_metrics_file"))

_PORT = (0, 65535)
# The least, and the most where there is one.
_BOUNDS: dict[str, tuple[int, int | None]] = {
    "ca_lock_timeout": (0, None),
    "cluster_join_timeout": (1, None),
    "cluster_start_timeout": (1, None),
    "csr_approver_metrics_port": _PORT,
    "csr_approver_pending_limit": (0, None),
    "identities_lock_timeout": (0, None),
    "kube_apiserver_audit_log_max_age": (0, None),
    "kube_apiserver_audit_log_max_backups": (0, None),
    "kube_apiserver_audit_log_max_size": (0, None),
    "kube_binaries_timeout": (1, None),
}
# systemd.unit(5): what a unit may be called, with its type.
_UNIT = re.compile(r"[A-Za-z0-9:_.@\\-]{1,240}\.(?:service|socket|target)\Z", re.ASCII)


def value_problems(name: str, value: Any, roles: Mapping[str, Mapping[str, Any]], version: str) -> list[str]:
    """All that is wrong with the value of a variable; ``roles`` are the internal variables of each role."""
    if value is None:
        # Of a host they are as good as not given.
        return [] if name.startswith("node_") else [f"{name}: it has no value: give one, or take the line away"]
    findings = Findings()
    findings.attempt(functools.partial(_check_plain, name, value), None)
    rule = _SAME_AS.get(name, name)
    role, rules = next(((role, of) for role, of in roles.items() if rule.startswith(f"{role}_")), ("", {}))
    found: list[str] = []
    if role and rule == f"{role}_extra_args":
        lists = [rules.get(f"__{role}_{what}") for what in ("owned_flags", "required", "forbidden")]
        found = flag_problems(value, lists[0] or (), lists[1], lists[2])
    elif role in _KINDS and rule == f"{role}_config_overrides":
        found = config_problems(_KINDS[role], value, version, rules.get(f"__{role}_owned_fields") or ())
    return [*findings.texts(), *(f"{name}: {text}" for text in found)]


def _check_plain(name: str, value: Any) -> None:
    if name in HOST_PATHS and (value or name != "kubelet_static_pod_path"):
        host_path(name, value)
    if name in _BOUNDS:
        _check_bounds(name, int(float(value)), *_BOUNDS[name])
    if name == "kubelet_container_runtime_unit" and value and _UNIT.match(str(value)) is None:
        raise InputError(f"{name}: {str(value)!r} cannot be the name of a unit: give it as in containerd.service")


def _check_bounds(name: str, value: int, least: int, most: int | None) -> None:
    if value < least or (most is not None and value > most):
        bounds = f"at least {least}" if most is None else f"{least} to {most}"
        raise InputError(f"{name}: {value} is out of bounds: it has to be {bounds}")
