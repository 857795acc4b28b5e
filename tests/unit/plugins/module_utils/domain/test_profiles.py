# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be true of the data, whatever is added to it."""

from __future__ import annotations

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.profiles import (
    PROFILES,
    SYSTEM_USERS,
    UNITS,
    Profile,
)

each_profile = pytest.mark.parametrize("profile", list(PROFILES.values()), ids=list(PROFILES))
ALL_UNITS = {unit for units in UNITS.values() for unit in units}


@each_profile
def test_names_and_files_are_unique(profile: Profile) -> None:
    names = [row.name for row in profile.rows] + [ca.name for ca in profile.cas]
    stems = [row.stem for row in profile.rows if row.stem]
    assert len(names) == len(set(names))
    assert len(stems) == len(set(stems))


@each_profile
def test_issuers_are_there(profile: Profile) -> None:
    known = {ca.name for ca in profile.cas} | {None}
    assert {row.issuer for row in profile.rows} <= known
    assert all((row.issuer is None) == (row.kind != "certificate") for row in profile.rows)


@each_profile
def test_owners_and_units_are_there(profile: Profile) -> None:
    assert {row.owner for row in profile.rows} <= {"root", *SYSTEM_USERS}
    assert {row.group for row in profile.rows} <= {"", *SYSTEM_USERS}
    restarts = {unit for row in profile.rows for unit in row.restarts}
    restarts |= {unit for row in profile.rows if row.kubeconfig for unit in row.kubeconfig.restarts}
    restarts |= {unit.partition("<")[0] for trust in profile.trust for unit in trust.restarts}
    assert restarts <= ALL_UNITS


@each_profile
def test_members_of_trust_files_are_there(profile: Profile) -> None:
    born = {f"@{row.name}" for row in profile.rows if row.kind != "certificate"}
    members = {member.lstrip("?") for trust in profile.trust for member in trust.members}
    assert members <= born | {ca.name for ca in profile.cas}
    kinds = {f"@{row.name}": row.kind for row in profile.rows}
    for trust in profile.trust:
        for member in trust.members:
            bare = kinds.get(member) == "service_account"
            assert bare == (trust.kind == "public_keys")


@each_profile
def test_trust_of_every_kind(profile: Profile) -> None:
    wanted = ["kubernetes", "client", "kubelet_serving", "front_proxy", "etcd", "service_account"]
    assert [trust.name for trust in profile.trust] == wanted


@each_profile
def test_no_key_is_for_more_than_its_owner(profile: Profile) -> None:
    """A group may read a key only where two components share it, which only kubeadm's layout wants."""
    shared = [row.name for row in profile.rows if row.key_mode != "0600"] + [
        ca.name for ca in profile.cas if ca.key_mode != "0600"
    ]
    assert shared == ([] if profile is PROFILES["separated"] else ["service-account", "kubernetes-ca"])


def test_what_is_online_signs_kubelets_only() -> None:
    signing = set(PROFILES["separated"].signing.values())
    made_online = {row.stem for row in PROFILES["separated"].rows if row.kind == "ca"}
    assert signing == made_online == {"signing/kubelet-client", "signing/kubelet-serving"}
