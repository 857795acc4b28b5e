# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges from outside over every kind of certificate that can be made: OpenSSL and GnuTLS."""

from __future__ import annotations

import datetime
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import x509
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import pem, plan
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.ca import lifetime
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.identity import (
    KEY_TYPES,
    Identity,
    identity_of,
)

DEFAULTS = yaml.safe_load((Path(__file__).parents[5] / "roles/cluster/defaults/main.yml").read_text(encoding="utf-8"))
FOLDER = "/etc/kubernetes/pki"
PROFILES: dict[str, dict[str, Any]] = {
    "separated": {"cluster_ca_directory": "/srv/ca"},
    "kubeadm": {"cluster_profile": "kubeadm", "cluster_ca_host": "cp1", "cluster_ca_directory": FOLDER},
}
PURPOSES = {"server auth": "sslserver", "client auth": "sslclient"}
OIDS = {"server auth": "1.3.6.1.5.5.7.3.1", "client auth": "1.3.6.1.5.5.7.3.2"}
# CAs and leaves that one control plane and one node have.
COUNTS = {"separated": 3 + 2 + 13, "kubeadm": 3 + 13}


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


class Folder:
    """All certificates of a cluster. RSA keys take long to make, so there is one for its CAs and one for all leaves."""

    def __init__(self, folder: Path, profile: str, key_type: str) -> None:
        self.folder = folder
        self.now = datetime.datetime.now(datetime.timezone.utc)
        self.shared = x509.generate_key(key_type)
        groups = {"kube_control_plane": ["cp1"], "kube_node": ["cp1"]}
        settings = {**DEFAULTS, "cluster_key_type": key_type, **PROFILES[profile]}
        # Dual stack has addresses of both kinds in the names.
        settings.update(cluster_service_cidr="10.96.0.0/12,fd00:1::/112", cluster_pod_cidr="10.244.0.0/16,fd00:2::/64")
        made = plan.build(settings, groups, {"cp1": {"node_ip": "192.0.2.11,fd00::11"}})
        rows = [identity_of(row) for row in made["hosts"]["cp1"]["identities"]]
        self.leaves = [row for row in rows if row.kind == "certificate"]
        authorities = {row["name"]: row for row in made["cas"]}
        authorities.update({row.name: {"common_name": row.common_name} for row in rows if row.kind == "ca"})
        self.authorities = {
            name: self._authority(name, row["common_name"], key_type) for name, row in authorities.items()
        }
        leaf_key = x509.generate_key(key_type)
        for row in self.leaves:
            self._leaf(row, leaf_key)

    def path(self, name: str) -> str:
        return str(self.folder / f"{name}.crt")

    def _authority(self, name: str, common_name: str, key_type: str) -> tuple[Any, x509.PrivateKey]:
        key = x509.generate_key(key_type) if key_type.startswith("ecdsa") else self.shared
        start, end, _cut = lifetime(self.now, 3650 * 86400)
        text = x509.self_sign(key, common_name, start, end)
        Path(self.path(name)).write_text(text)
        return x509.load_certificate(pem.blocks(text.encode(), name)[0], name), key

    def _leaf(self, row: Identity, key: x509.PrivateKey) -> None:
        certificate, issuer_key = self.authorities[str(row.issuer)]
        request = x509.load_request(x509.make_request(key, row.common_name, row.organizations).encode(), row.name)
        start, end, _cut = lifetime(self.now, row.validity)
        names = (row.common_name, row.organizations, row.dns_names, row.ip_addresses, row.usages)
        leaf = x509.Leaf(*names, start, end)
        Path(self.path(row.name)).write_text(x509.issue(certificate, issuer_key, request, leaf))


@pytest.mark.parametrize("key_type", KEY_TYPES)
@pytest.mark.parametrize("profile", PROFILES)
def test_every_certificate_pleases_every_judge(tmp_path: Path, profile: str, key_type: str) -> None:
    made = Folder(tmp_path, profile, key_type)
    judged = set()
    strict = ["openssl", "verify", "-x509_strict", "-auth_level", "2"]
    for name in made.authorities:
        path = made.path(name)
        run(*strict, "-check_ss_sig", "-CAfile", path, path)
        run("certtool", "--verify", "--load-ca-certificate", path, "--infile", path, "--verify-profile", "medium")
        judged.add(name)
    for row in made.leaves:
        authority, path = made.path(str(row.issuer)), made.path(row.name)
        for usage in row.usages:
            run(*strict, "-purpose", PURPOSES[usage], "-CAfile", authority, path)
            run(
                "certtool", "--verify", "--load-ca-certificate", authority, "--infile", path,
                "--verify-profile", "medium", "--verify-purpose", OIDS[usage],
            )  # fmt: skip
        names = [("-verify_hostname", name) for name in row.dns_names] + [("-verify_ip", ip) for ip in row.ip_addresses]
        for option, name in names if key_type == "ecdsa-p256" else []:
            run(*strict, option, name, "-CAfile", authority, path)
        judged.add(row.name)
    print(f"{profile} {key_type}: {len(judged)} certificates")
    assert len(judged) == COUNTS[profile]


def test_the_judges_find_fault_with_another_ca_and_another_purpose(tmp_path: Path) -> None:
    made = Folder(tmp_path, "separated", "ecdsa-p256")
    admin, foreign, own = made.path("admin"), made.path("etcd-ca"), made.path("kubernetes-ca")
    for command in (
        ["openssl", "verify", "-CAfile", foreign, admin],
        ["openssl", "verify", "-purpose", "sslserver", "-CAfile", own, admin],
        ["certtool", "--verify", "--load-ca-certificate", foreign, "--infile", admin],
        [
            "certtool",
            "--verify",
            "--load-ca-certificate",
            own,
            "--infile",
            admin,
            "--verify-purpose",
            OIDS["server auth"],
        ],
    ):
        assert subprocess.run(command, capture_output=True, check=False).returncode != 0
