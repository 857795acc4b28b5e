# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users may set in a component, and what nobody may: against the table written by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from ansible.errors import AnsibleError

from ansible_collections.tlsbootstrap.kubernetes.tests.unit.templates.rendering import (
    TABLE,
    Renderer,
    flags_of,
    renderer_of,
)

WITH_FLAGS = [role for role in TABLE if "flags" in TABLE[role]]
WITH_CONFIG = [role for role in TABLE if "config" in TABLE[role]]


def ours(role: str) -> set[str]:
    """The flags that the role sets, for whatever family and profile."""
    return {flag for flags in TABLE[role]["flags"].values() for flag in flags}


def refusal(rendered: Renderer, role: str, **given: Any) -> str:
    """Why the role refuses what a user gives; empty when it takes it."""
    name = "config" if f"{role}_config_overrides" in given else "command"
    try:
        rendered.value(f"{{{{ __{role}_{name} }}}}", **given)
    except AnsibleError as error:
        return str(error)
    return ""


def taken(role: str, flags: Iterable[str], rendered: Renderer) -> list[str]:
    """Those flags that the role lets a user set, in the writing that is not ours."""
    said = "belongs to the collection"
    name = f"{role}_extra_args"
    return [flag for flag in flags if said not in refusal(rendered, role, **{name: {flag.replace("-", "_"): "x"}})]


@pytest.mark.parametrize("role", WITH_FLAGS)
def test_flags_of_the_pki_are_refused(role: str) -> None:
    closed = ours(role) - set(TABLE[role]["open"]) | set(TABLE[role]["closed"])
    assert taken(role, sorted(closed), renderer_of(role)) == []


@pytest.mark.parametrize("role", WITH_FLAGS)
def test_no_other_flag_is_refused(role: str) -> None:
    rendered = renderer_of(role)
    (names,) = (
        value for name, value in rendered.variables.items() if name in {f"__{role}_owned", f"__{role}_owned_flags"}
    )
    assert set(names) - ours(role) == set(TABLE[role]["closed"])
    assert set(names) & set(TABLE[role]["open"]) == set()
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("role", WITH_FLAGS)
def test_open_flags_can_be_set(role: str) -> None:
    """To what they are at least."""
    extra = {flag: TABLE[role]["flags"]["every"][flag] for flag in TABLE[role]["open"]}
    assert refusal(renderer_of(role), role, **{f"{role}_extra_args": {**extra, "v": 4}}) == ""


@pytest.mark.parametrize(
    ("role", "extra", "message"),
    [
        ("kube_apiserver", {"authorization-mode": "RBAC"}, "must keep Node"),
        ("kube_apiserver", {"authorization-mode": None}, "must keep Node, RBAC"),
        ("kube_apiserver", {"authorization-mode": "Node,RBAC,AlwaysAllow"}, "must not name AlwaysAllow"),
        ("kube_apiserver", {"enable-admission-plugins": "PodSecurity"}, "must keep NodeRestriction"),
        ("kube_apiserver", {"enable-admission-plugins": "NodeRestriction,AlwaysAdmit"}, "must not name AlwaysAdmit"),
        ("kube_apiserver", {"disable-admission-plugins": ["NodeRestriction"]}, "must not name NodeRestriction"),
        ("kube_apiserver", {"audit-log-path": None}, "audit-log-path cannot be taken away"),
        ("kube_apiserver", {"audit-policy-file": ""}, "audit-policy-file cannot be taken away"),
        (
            "kube_apiserver",
            {"feature-gates": {"AllowInsecureKubeletCertificateSigningRequests": True}},
            "must not name AllowInsecureKubeletCertificateSigningRequests=true",
        ),
        ("kube_apiserver", {"tls-min-version": "VersionTLS10"}, "must not name VersionTLS10"),
        ("kube_apiserver", {"tls-min-version": "VersionTLS11"}, "must not name VersionTLS11"),
        ("kube_controller_manager", {"controllers": ["*"]}, "must keep tokencleaner"),
        ("kube_controller_manager", {"controllers": "*,tokencleaner,-csrsigning"}, "must not name -csrsigning"),
        ("kube_controller_manager", {"tls-min-version": "VersionTLS11"}, "must not name VersionTLS11"),
        ("kube_scheduler", {"tls-min-version": "VersionTLS11"}, "must not name VersionTLS11"),
        ("etcd", {"tls-min-version": "TLS1.1"}, "must not name TLS1.1"),
    ],
)
def test_what_protects_the_cluster_cannot_be_undone(role: str, extra: dict[str, Any], message: str) -> None:
    assert message in refusal(renderer_of(role), role, **{f"{role}_extra_args": extra})


def test_extra_arguments_come_to_those_of_the_role() -> None:
    extra = {
        "enable-admission-plugins": ["NodeRestriction", "PodSecurity"],
        "audit-log-path": "-",
        "tls-min-version": "VersionTLS13",
        "v": 4,
        "profiling": None,
    }
    rendered = renderer_of("kube_apiserver", kube_apiserver_extra_args=extra)
    flags = flags_of(rendered.unit("kube_apiserver")[1])
    assert flags["enable-admission-plugins"] == "NodeRestriction,PodSecurity"
    assert (flags["v"], flags["audit-log-path"], flags["tls-min-version"]) == ("4", "-", "VersionTLS13")
    assert "profiling" not in flags
    assert flags["client-ca-file"] == TABLE["kube_apiserver"]["flags"]["separated"]["client-ca-file"]


def override(path: str, value: object) -> dict[str, Any]:
    *parents, name = path.split(".")
    made: dict[str, Any] = {name: value}
    for parent in reversed(parents):
        made = {parent: made}
    return made


@pytest.mark.parametrize("role", WITH_CONFIG)
def test_fields_of_the_pki_are_refused(role: str) -> None:
    rendered, fields = renderer_of(role), TABLE[role]["closed_fields"]
    assert set(rendered.variables[f"__{role}_owned_fields"]) == set(fields)
    tried = {f"{path}: {value}": override(path, value) for path in fields for value in ("x", None)}
    # With its parents.
    tried |= {f"{path}: gone": override(path.split(".")[0], None) for path in fields}
    said = "belongs to the PKI of the cluster and cannot be overridden"
    assert [
        name
        for name, tree in tried.items()
        if said not in refusal(rendered, role, **{f"{role}_config_overrides": tree})
    ] == []


def test_the_kubelet_speaks_no_older_tls() -> None:
    rendered = renderer_of("kubelet")
    for version, message in (("VersionTLS10", "must not be VersionTLS10"), ("VersionTLS13", "")):
        found = refusal(rendered, "kubelet", kubelet_config_overrides={"tlsMinVersion": version})
        assert message in found
        assert bool(message) == bool(found)
