# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger of the CA host: what is current, and what an old backup brings back."""

from __future__ import annotations

import datetime
import json
import shutil

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.ledger import read_ledger

from .conftest import Cluster, codes, tree


def a_month_later(cluster: Cluster, *force: str) -> None:
    cluster.now += datetime.timedelta(days=30)
    cluster.force = list(force)
    cluster.run()
    cluster.force = []


def test_the_last_line_is_what_is_current() -> None:
    def line(sha256: str) -> bytes:
        entry = {"event": "certificate", "holder": "w1", "identity": "proxy", "sha256": sha256, "not_before": "2026"}
        return json.dumps(entry).encode() + b"\n"

    ledger = read_ledger([line("1"), b'{"event": "certif\n', line("2"), b"\xff\n", b"[]\n"])
    assert ledger.current == {"w1": {"proxy": {"sha256": "2", "not_before": "2026"}}}
    assert ledger.unreadable == 3


def test_an_old_backup_of_the_ca_folder_is_noticed(cluster: Cluster) -> None:
    """The CA host is lost and comes back from its backup: what was issued since is told, and nothing is broken."""
    cluster.run()
    backup = cluster.root / "backup"
    shutil.copytree(cluster.ca, backup)
    a_month_later(cluster, "admin")
    shutil.rmtree(cluster.ca)
    shutil.copytree(backup, cluster.ca)
    found = cluster.run()
    assert not found.changed
    for host in cluster.hosts:
        (warning,) = found.first[host].warnings
        assert f"admin on {host} is not in the ledger" in warning


def test_an_older_ca_does_not_come_back_by_itself(cluster: Cluster) -> None:
    cluster.run()
    old = {path: path.read_bytes() for path in cluster.ca.glob("kubernetes-ca.*")}
    for path in old:
        path.unlink()
    a_month_later(cluster)
    for path, data in old.items():
        path.write_bytes(data)
    before = tree(cluster.root)
    with pytest.raises(InputError, match=r"kubernetes-ca in .*/ca is an older one .* accept_restored"):
        cluster.run()
    after = tree(cluster.root)
    del before["ca/.lock"], after["ca/.lock"]
    assert after == before
    cluster.accepted = ("kubernetes-ca",)
    assert "NotInLedger" in codes(cluster.run().authorities)
    cluster.accepted = ()
    assert not cluster.run().changed


def test_an_imported_ca_is_recorded_once(cluster: Cluster) -> None:
    cluster.run()
    (cluster.ca / "ledger.jsonl").unlink()
    assert codes(cluster.ensure(check=True)) == ["NotInLedger", "NotInLedger"]
    assert not (cluster.ca / "ledger.jsonl").exists()
    assert codes(cluster.ensure()) == ["NotInLedger", "NotInLedger"]
    assert codes(cluster.ensure()) == []


def test_a_renewal_that_never_came_is_asked_for_again(cluster: Cluster) -> None:
    """Signed and recorded, but the run was stopped before the host had it."""
    cluster.run()
    cluster.now += datetime.timedelta(days=30)
    cluster.force = ["admin"]
    state = cluster.ensure().result
    assert cluster.sign([cluster.call("cp1", state).result], state["published"]) is not None
    cluster.force, cluster.hosts_on = [], ["cp1"]
    assert cluster.run().codes("cp1") == ["Superseded"]
    assert not cluster.run().changed


def test_a_line_that_is_nested_without_end_is_passed_over(cluster: Cluster) -> None:
    cluster.run()
    path = cluster.ca / "ledger.jsonl"
    path.write_bytes(path.read_bytes() + b"[" * 100_000 + b"\n")
    assert not cluster.run().changed
    assert cluster.ensure().reasons == []
