# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every unit as its role renders it: against a table written by hand, and by systemd's own judgement."""

from __future__ import annotations

import functools
import itertools
import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from ansible_collections.tlsbootstrap.kubernetes.tests.unit.templates.rendering import (
    FAMILIES,
    PROFILES,
    TABLE,
    UNITS,
    VERSIONS,
    command_of,
    flags_of,
    renderer_of,
    section,
)

CEILINGS = yaml.safe_load((Path(__file__).parent / "exposure.yml").read_text(encoding="utf-8"))
each_unit = pytest.mark.parametrize("role", UNITS)


@functools.cache
def unit_of(role: str, family: str = "ipv4", version: str = "1.37.2", profile: str = "separated") -> tuple[str, str]:
    return renderer_of(role, family, version, profile).unit(role)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units as files. The binaries and users of a cluster are not on this machine."""
    made = tmp_path_factory.mktemp("units")
    seen = set()
    for combination in itertools.product(UNITS, FAMILIES, VERSIONS, PROFILES):
        name, unit = unit_of(*combination)
        if unit not in seen:
            seen.add(unit)
            text = re.sub(r"/usr/(local/)?bin/\S+", "/bin/true", unit)
            (made / f"{name}-{'-'.join(combination[1:])}.service").write_text(text, encoding="utf-8")
    for role in UNITS:
        name, unit = unit_of(role)
        (made / f"{name}.service").write_text(unit, encoding="utf-8")
    return made


def test_the_table_has_every_unit() -> None:
    assert set(TABLE) == set(UNITS)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("profile", PROFILES)
@each_unit
def test_the_unit_is_that_of_the_table(role: str, family: str, version: str, profile: str) -> None:
    wanted = TABLE[role]
    _name, unit = unit_of(role, family, version, profile)
    flags = wanted.get("flags")
    if flags is None:
        assert command_of(unit) == wanted["program"].split()
    else:
        assert command_of(unit)[0] == wanted["program"]
        assert flags_of(unit) == flags["every"] | flags.get(family, {}) | flags.get(profile, {})
    service, sandbox = section(unit, "Service").split("# Sandbox: profile ")
    found = dict(line.split("=", 1) for line in service.splitlines() if line)
    del found["ExecStart"]
    assert found == wanted["service"]
    assert sandbox.splitlines()[0] == wanted["sandbox"]
    first = section(unit, "Unit").splitlines()
    assert f"After={' '.join(['network-online.target', *wanted['after']])}" in first
    assert f"Wants={' '.join(['network-online.target', *wanted.get('wants', [])])}" in first
    assert "StartLimitIntervalSec=0" in first
    assert "WantedBy=multi-user.target" in section(unit, "Install").splitlines()


def test_systemd_accepts_every_unit(folder: Path) -> None:
    """In one process, which knows as many units as their texts differ."""
    paths = [path for path in sorted(folder.iterdir()) if path.stem not in CEILINGS["units"]]
    command = ["systemd-analyze", "--man=no", "verify", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    ours = [line for line in (done.stdout + done.stderr).splitlines() if any(path.name in line for path in paths)]
    assert ours == []
    assert len(paths) >= len(UNITS)


def judged(path: Path) -> dict[str, bool | None]:
    """By systemd's names, whether a unit is credited with it. None: it does not matter for this one."""
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--json=short", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return {row["name"].split("=/")[0].rstrip("="): row["set"] for row in json.loads(done.stdout)}


def exposure_of(path: Path) -> float:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    return float(found[1])


@each_unit
def test_exposure_stays_below_its_ceiling(folder: Path, role: str) -> None:
    name = role.replace("_", "-")
    assert exposure_of(folder / f"{name}.service") <= CEILINGS["units"][name]


@each_unit
def test_every_directive_left_out_has_its_reason(folder: Path, role: str) -> None:
    """And every reason is for one that is left out."""
    verdicts = judged(folder / f"{role.replace('_', '-')}.service")
    assert len(verdicts) > 50
    reasons = CEILINGS["reasons"][TABLE[role]["sandbox"]]
    left_out = {name for name, credited in verdicts.items() if credited is False}
    assert left_out - set(reasons) == set(), "left out, and nobody says why"
    assert set(reasons) - left_out == set(), "a reason, but systemd does not say that it is left out"
    assert all(len(reason) > 10 for reason in reasons.values())


def test_the_kubelet_gets_no_mount_namespace() -> None:
    service = section(unit_of("kubelet")[1], "Service")
    makers = (
        r"^(?:Private|Protect|ReadWrite|ReadOnly|Inaccessible|ProcSubset|Temporary|Bind|Root|Dynamic|\w+Directory).*"
    )
    assert re.findall(makers, service, re.MULTILINE) == []


def test_a_controller_manager_without_the_key_of_its_ca_signs_nothing() -> None:
    """As in kubeadm's external CA mode: no flag has a default that would name a pair."""
    rendered = renderer_of("kube_controller_manager", profile="kubeadm")
    plan = rendered.variables["cluster_plan"]
    rendered.variables["cluster_plan"] = {**plan, "host": {**plan["host"], "signing": {}}}
    _name, unit = rendered.unit("kube_controller_manager")
    assert {flag for flag in flags_of(unit) if flag.startswith("cluster-signing")} == {"cluster-signing-duration"}
    assert (
        rendered.value("{{ __kube_controller_manager_signing.values() | map(attribute='certificate') | list }}") == []
    )
    assert rendered.value("{{ __kube_controller_manager_cas | map(attribute='name') | list }}") == ["kubernetes-ca"]
