# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CA folder and hosts in a temporary folder, and runs of the modules' code over them."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import grp
import hashlib
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.authority import ensure_authorities
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.ca_folder import Folder
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import flow
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.reasons import Reason
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.holder import Task, hold
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import Outcome
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.signing import sign_requests

OWNER = pwd.getpwuid(os.getuid()).pw_name
GROUP = grp.getgrgid(os.getgid()).gr_name
DAY = 86400


def codes(outcome: Outcome) -> list[str]:
    return [reason.code for reason in outcome.reasons]


def tree(directory: Path) -> dict[str, tuple[str, int, int]]:
    """Every file with its hash, mode and inode."""
    found = {}
    for path in sorted(directory.rglob("*")):
        state = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "-"
        found[str(path.relative_to(directory))] = (content, state.st_mode, state.st_ino)
    return found


@dataclasses.dataclass
class Result:
    """One run over all hosts."""

    authorities: Outcome
    first: dict[str, Outcome]
    signed: Outcome | None
    second: dict[str, Outcome]

    @property
    def changed(self) -> bool:
        return bool(self.reasons)

    @property
    def reasons(self) -> list[Reason]:
        parts = [self.authorities, *self.first.values(), *filter(None, [self.signed]), *self.second.values()]
        return [reason for part in parts for reason in part.reasons]

    def codes(self, host: str) -> list[str]:
        return codes(self.first[host])


class Cluster:
    """Two hosts and a CA host, all of them folders."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ca = root / "ca"
        self.now = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.timezone.utc)
        self.key_type = "ecdsa-p256"
        self.force: list[str] = []
        self.accepted: tuple[str, ...] = ()
        self.passphrase: bytes | None = None
        # Rows of CAs that are not made here, self-signed: what is added to each.
        self.sources: dict[str, dict[str, Any]] = {}
        self.hosts = {host: self._rows(host) for host in ("cp1", "cp2")}
        self.hosts_on = ["cp1", "cp2"]
        self.members = {
            "kubernetes": ["kubernetes-ca"],
            "client": ["kubernetes-ca", "kubelet-client-ca@{own}", "kubelet-client-ca@{other}"],
            "service_account": ["service-account@{own}", "service-account@{other}"],
        }

    @property
    def cas(self) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "common_name": name,
                "key_type": self.key_type,
                "validity": 3650 * DAY,
                "certificate_file": f"{name}.crt",
                "key_file": f"{name}.key",
                **self.sources.get(name, {}),
            }
            for name in ("kubernetes-ca", "etcd-ca")
        ]

    def pki(self, host: str) -> Path:
        return self.root / host / "kubernetes" / "pki"

    def row(self, host: str, name: str, **values: Any) -> dict[str, Any]:
        pki = self.pki(host)
        return {
            "name": name,
            "kind": "certificate",
            "issuer": "kubernetes-ca",
            "common_name": name,
            "organizations": [],
            "dns_names": [],
            "ip_addresses": [],
            "usages": ["client auth"],
            "key_type": self.key_type,
            "validity": 365 * DAY,
            "renew_before": None,
            "certificate_path": str(pki / f"{name}.crt"),
            "key_path": str(pki / f"{name}.key"),
            "public_key_path": None,
            "owner": OWNER,
            "group": GROUP,
            "key_mode": "0600",
            "certificate_mode": "0644",
            "kubeconfig": None,
            "restarts": [],
            **copy.deepcopy(values),
        }

    def _kubeconfig(self, host: str, name: str, embed: bool) -> dict[str, Any]:
        return {
            "path": str(self.root / host / "kubernetes" / f"{name}.conf"),
            "owner": OWNER,
            "group": GROUP,
            "mode": "0600",
            "server": "https://10.0.0.1:6443",
            "cluster_name": "kubernetes",
            "user_name": name,
            "ca_path": str(self.pki(host) / "kubernetes-ca.crt"),
            "embed": embed,
        }

    def _rows(self, host: str) -> list[dict[str, Any]]:
        names = {"dns_names": [host, "kubernetes", "localhost"], "ip_addresses": ["10.96.0.1", "::1"]}
        signing = self.pki(host) / "signing" / "kubelet-client"
        sa = self.pki(host) / "sa"
        return [
            self.row(host, "kube-apiserver", usages=["server auth"], **names),
            self.row(host, "etcd-server", issuer="etcd-ca", usages=["server auth", "client auth"], **names),
            self.row(
                host, "admin", organizations=["tlsbootstrap:cluster-admins"],
                kubeconfig=self._kubeconfig(host, "admin", False),
            ),
            self.row(
                host, "scheduler", certificate_path=None, key_path=None,
                kubeconfig=self._kubeconfig(host, "scheduler", True),
            ),
            self.row(
                host, "kubelet-client-ca", kind="ca", issuer=None, common_name=f"kubelet-client-ca-{host}",
                certificate_path=f"{signing}.crt", key_path=f"{signing}.key", validity=3650 * DAY, usages=[],
            ),
            self.row(
                host, "service-account", kind="service_account", issuer=None, certificate_path=None,
                key_path=f"{sa}.key", public_key_path=f"{sa}.pub", usages=[],
            ),
        ]  # fmt: skip

    def find(self, host: str, name: str) -> dict[str, Any]:
        return next(row for row in self.hosts[host] if row["name"] == name)

    def bundles(self, host: str) -> list[dict[str, Any]]:
        other = "cp2" if host == "cp1" else "cp1"
        paths = {"kubernetes": "kubernetes-ca.crt", "client": "client-ca.crt", "service_account": "sa-trusted.pub"}
        return [
            {
                "name": name,
                "path": str(self.pki(host) / paths[name]),
                "kind": "public_keys" if name == "service_account" else "certificates",
                "members": [member.format(own=host, other=other) for member in members],
                "owner": OWNER,
                "group": GROUP,
                "mode": "0644",
            }
            for name, members in self.members.items()
        ]

    def ensure(self, check: bool = False) -> Outcome:
        folder = Folder(str(self.ca), "0700", self.accepted, self.passphrase)
        return ensure_authorities(folder, self.cas, self.now, check, 1)

    def come_from(self, authority: str, source: str, **values: str) -> None:
        """Where a CA comes from; whoever holds what it signs is told by the plan."""
        self.sources[authority] = {"source": source, **values}
        for row in (row for rows in self.hosts.values() for row in rows if row["issuer"] == authority):
            row["external"] = source == "external"

    def call(
        self, host: str, authorities: dict[str, Any], certificates: dict[str, str] | None = None, check: bool = False
    ) -> Outcome:
        # A check of what has been signed elsewhere is about that alone: all else was told by the first call.
        answers = check and certificates is not None
        filled = flow.bundle_contents(self.bundles(host), authorities["certificates"], authorities["published"])
        return hold(
            Task(
                host=host,
                identities=[row for row in self.hosts[host] if not answers or row["name"] in (certificates or {})],
                bundles=[] if answers else filled,
                issuers=authorities["certificates"],
                certificates=certificates,
                force=self.force,
                now=self.now,
                check=check,
                current=authorities.get("current", {}).get(host, {}),
                recorded=authorities.get("recorded", {}),
                chains=authorities.get("chains", {}),
            )
        )

    def sign(self, results: list[dict[str, Any]], known: dict[str, str], check: bool = False) -> Outcome | None:
        requests = flow.signing_requests(results, {h: {"identities": r} for h, r in self.hosts.items()})
        publish = flow.published_parts(results, known)
        if not requests and not publish:
            return None
        return sign_requests(str(self.ca), self.cas, requests, publish, self.now, check, 1, self.passphrase)

    def run(self, check: bool = False) -> Result:
        authorities = self.ensure(check)
        state = authorities.result
        first = {host: self.call(host, state, None, check) for host in self.hosts_on}
        results = [outcome.result for outcome in first.values()]
        signed = self.sign(results, state["published"], check)
        certificates = signed.result["certificates"] if signed else {}
        if check:
            answered = {host: self.call(host, state, found, check) for host, found in certificates.items()}
            return Result(authorities, first, signed, answered)
        state = {**state, "published": signed.result["published"] if signed else state["published"]}
        second = {}
        for host in self.hosts_on:
            bundles = flow.bundle_contents(self.bundles(host), state["certificates"], state["published"])
            if flow.needs_installing(first[host].result, bundles):
                second[host] = self.call(host, state, certificates.get(host, {}))
        return Result(authorities, first, signed, second)


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


@pytest.fixture(autouse=True)
def _no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """That files are synced is counted where it matters; waiting for the disk shows nothing more."""
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
