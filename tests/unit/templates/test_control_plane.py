# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The units and configurations of the control plane, for every version, address family and profile."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = ("etcd", "kube_apiserver", "kube_controller_manager", "kube_scheduler")
each_version = pytest.mark.parametrize("version", ["1.34.4", "1.35.4", "1.36.3", "1.37.2"])
each_family = pytest.mark.parametrize("family", ["ipv4", "ipv6", "dual"])
each_profile = pytest.mark.parametrize("profile", ["separated", "kubeadm"])
each_role = pytest.mark.parametrize("role", ROLES)
CEILINGS = yaml.safe_load((Path(__file__).parent / "exposure.yml").read_text(encoding="utf-8"))


def flags_of(unit: str) -> dict[str, str]:
    command = re.search(r"^ExecStart=((?:.*\\\n)*.*)$", unit, re.MULTILINE)
    assert command
    words = shlex.split(command[1].replace("\\\n", " "))[1:]
    assert all(word.startswith("--") and "=" in word for word in words)
    flags = dict(word[2:].split("=", 1) for word in words)
    assert len(flags) == len(words)
    return flags


@each_version
@each_family
@each_profile
@each_role
def test_units_render(renderer: Any, role: str, family: str, version: str, profile: str) -> None:
    _name, unit = renderer(role, family, version, profile).unit(role)
    assert "{{" not in unit
    assert "None" not in unit
    assert flags_of(unit)
    assert "\nRestart=always\n" in unit
    assert "\nStartLimitIntervalSec=0\n" in unit
    assert "\nUser=root" not in unit


@each_role
def test_systemd_accepts_the_unit(renderer: Any, role: str, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    assert program, "systemd-analyze is needed"
    name, unit = renderer(role).unit(role)
    path = tmp_path / f"{name}.service"
    # The binaries and users of a cluster are not on this machine.
    path.write_text(re.sub(r"/usr/local/bin/\S+", "/bin/true", unit), encoding="utf-8")
    done = subprocess.run([program, "--man=no", "verify", str(path)], capture_output=True, text=True, check=False)
    assert [line for line in (done.stdout + done.stderr).splitlines() if path.name in line] == []


def exposure_of(path: Path) -> float:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    return float(found[1])


@pytest.mark.parametrize("role", [*ROLES, "csr_approver", "kube_proxy", "kubelet"])
def test_exposure_stays_below_its_ceiling(renderer: Any, role: str, tmp_path: Path) -> None:
    profile = {"kube_proxy": "network", "kubelet": "host"}.get(role, "strict")
    name = role.replace("_", "-")
    if role in ROLES:
        name, unit = renderer(role).unit(role)
    else:
        unit = renderer("systemd_unit").file(
            "systemd_unit",
            "unit.service.j2",
            systemd_unit_name=name,
            systemd_unit_description=name,
            systemd_unit_command=["/bin/true"],
            systemd_unit_user="root" if role == "kubelet" else name,
            systemd_unit_profile=profile,
        )
    path = tmp_path / f"{name}.service"
    path.write_text(unit, encoding="utf-8")
    assert exposure_of(path) <= CEILINGS[name]


def test_every_directive_left_out_has_its_reason(renderer: Any) -> None:
    variables = renderer("systemd_unit").variables
    profiles, left_out = variables["__systemd_unit_profiles"], variables["__systemd_unit_left_out"]
    assert set(profiles) == set(left_out)
    known = {name for profile in profiles.values() for name in profile if name != "AmbientCapabilities"}
    for profile, directives in profiles.items():
        missing = known - set(directives) - {name.split("=")[0] for name in left_out[profile]}
        assert missing == set(), f"{profile} leaves them out and does not say why"
        assert all(len(reason) > 10 for reason in left_out[profile].values())


def test_the_kubelet_gets_no_mount_namespace(renderer: Any) -> None:
    profile = renderer("systemd_unit").variables["__systemd_unit_profiles"]["host"]
    assert [
        name for name in profile if re.match(r"Private|Protect|ReadWrite|ReadOnly|Inaccessible|ProcSubset", name)
    ] == []


@each_family
def test_etcd_speaks_mutual_tls_only(renderer: Any, family: str) -> None:
    flags = flags_of(renderer("etcd", family).unit("etcd")[1])
    assert flags["client-cert-auth"] == flags["peer-client-cert-auth"] == "true"
    urls = [value for name, value in flags.items() if name.endswith("-urls") and name != "listen-metrics-urls"]
    assert all(url.startswith("https://") for value in urls for url in value.split(","))
    assert re.match(r"http://(127\.0\.0\.1|\[::1\]):2381$", flags["listen-metrics-urls"])
    literal = "[2001:db8::11]" if family == "ipv6" else "192.0.2.11"
    assert flags["advertise-client-urls"] == f"https://{literal}:2379"


@each_family
def test_api_server_flags(renderer: Any, family: str) -> None:
    flags = flags_of(renderer("kube_apiserver", family).unit("kube_apiserver")[1])
    assert flags["authorization-mode"] == "Node,RBAC"
    assert flags["enable-admission-plugins"] == "NodeRestriction"
    assert flags["enable-bootstrap-token-auth"] == "true"
    assert flags["kubelet-preferred-address-types"] == "InternalIP,ExternalIP,Hostname"
    assert flags["tls-min-version"] == "VersionTLS12"
    assert flags["client-ca-file"] == "/etc/kubernetes/pki/client-ca.crt"
    assert flags["kubelet-certificate-authority"] == "/etc/kubernetes/pki/kubelet-serving-ca.crt"
    assert flags["service-account-issuer"] == "https://kubernetes.default.svc.cluster.local"
    assert flags["bind-address"] == ("::" if family == "ipv6" else "0.0.0.0")
    assert flags["service-cluster-ip-range"].count(",") == (family == "dual")
    assert "anonymous-auth" not in flags


def test_api_server_configurations(renderer: Any) -> None:
    rendered = renderer("kube_apiserver")
    authentication = yaml.safe_load(rendered.file("kube_apiserver", "authentication.yaml.j2"))
    assert authentication["apiVersion"] == "apiserver.config.k8s.io/v1"
    assert [row["path"] for row in authentication["anonymous"]["conditions"]] == ["/livez", "/readyz", "/healthz"]
    closed = yaml.safe_load(
        rendered.file("kube_apiserver", "authentication.yaml.j2", kube_apiserver_anonymous_paths=[])
    )
    assert closed["anonymous"] == {"enabled": False}
    policy = yaml.safe_load(rendered.file("kube_apiserver", "audit-policy.yaml.j2"))
    assert policy["kind"] == "Policy"
    assert policy["rules"][-1] == {"level": "Metadata"}


def test_controller_manager_signs_for_kubelets_only(renderer: Any) -> None:
    flags = flags_of(renderer("kube_controller_manager").unit("kube_controller_manager")[1])
    signing = {name for name in flags if name.startswith("cluster-signing-") and name != "cluster-signing-duration"}
    assert signing == {
        f"cluster-signing-{signer}-{part}-file"
        for signer in ("kubelet-client", "kubelet-serving")
        for part in ("cert", "key")
    }
    assert flags["cluster-signing-duration"] == "31536000s"
    assert flags["controllers"] == "*,bootstrapsigner,tokencleaner"
    assert flags["service-account-private-key-file"] == "/etc/kubernetes/pki/sa-controller-manager.key"


def test_controller_manager_of_kubeadm_has_one_ca(renderer: Any) -> None:
    flags = flags_of(renderer("kube_controller_manager", profile="kubeadm").unit("kube_controller_manager")[1])
    assert flags["cluster-signing-cert-file"] == "/etc/kubernetes/pki/ca.crt"
    assert flags["service-account-private-key-file"] == "/etc/kubernetes/pki/sa.key"
    assert "cluster-signing-kubelet-client-cert-file" not in flags


@pytest.mark.parametrize(
    ("role", "extra", "message"),
    [
        ("kube_apiserver", {"client_ca_file": "/tmp/x"}, "client-ca-file belongs to the collection"),
        ("kube_apiserver", {"authorization-mode": "RBAC"}, "must keep Node"),
        ("kube_apiserver", {"authorization-mode": "Node,RBAC,AlwaysAllow"}, "must not name AlwaysAllow"),
        ("kube_apiserver", {"disable-admission-plugins": ["NodeRestriction"]}, "must not name NodeRestriction"),
        ("kube_apiserver", {"enable-admission-plugins": "PodSecurity"}, "must keep NodeRestriction"),
        ("kube_apiserver", {"authorization-mode": None}, "must keep Node, RBAC"),
        ("kube_apiserver", {"anonymous-auth": True}, "anonymous-auth belongs"),
        ("kube_controller_manager", {"cluster-signing-duration": "1h"}, "cluster-signing-duration belongs"),
        ("kube_controller_manager", {"controllers": ["*"]}, "must keep tokencleaner"),
        ("kube_scheduler", {"kubeconfig": "/x"}, "kubeconfig belongs"),
        ("etcd", {"client-cert-auth": False}, "client-cert-auth belongs"),
    ],
)
def test_extra_arguments_cannot_undo(renderer: Any, role: str, extra: dict[str, Any], message: str) -> None:
    rendered = renderer(role, **{f"{role}_extra_args": extra})
    with pytest.raises(Exception, match=message):
        rendered.value(f"{{{{ __{role}_command }}}}")


def test_extra_arguments_add(renderer: Any) -> None:
    extra = {"enable-admission-plugins": ["NodeRestriction", "PodSecurity"], "v": 4, "profiling": None}
    flags = flags_of(renderer("kube_apiserver", kube_apiserver_extra_args=extra).unit("kube_apiserver")[1])
    assert flags["enable-admission-plugins"] == "NodeRestriction,PodSecurity"
    assert flags["v"] == "4"
    assert "profiling" not in flags
