# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger of the CA host: what is current, and what an old backup brings back."""

from __future__ import annotations

import datetime
import json
import shutil

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import x509
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import pem
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.ledger import (
    certificate_entry,
    read_ledger,
)

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
    assert ledger.unreadable == [2, 4, 5]


@pytest.mark.parametrize("key_type", ["ecdsa-p256", "rsa-2048"])
def test_what_is_noted_of_a_new_certificate_is_what_it_says(cluster: Cluster, key_type: str) -> None:
    """It is noted as it was made, and read here as it lies on the host."""
    cluster.key_type = key_type
    cluster.hosts = {host: cluster._rows(host) for host in cluster.hosts}
    cluster.run()
    noted = [json.loads(line) for line in (cluster.ca / "ledger.jsonl").read_text().splitlines()]
    certificates = [entry for entry in noted if entry["event"] == "certificate"]
    paths = [path for path in cluster.root.rglob("*.crt") if cluster.ca not in path.parents]
    blocks = {block.fingerprint: block for path in paths for block in pem.blocks(path.read_bytes(), str(path))}
    compared = 0
    for entry in certificates:
        # Those in a kubeconfig have no file of their own.
        if entry["sha256"] not in blocks:
            continue
        info = x509.certificate_info(x509.load_certificate(blocks[entry["sha256"]], ""))
        who = (entry["time"], entry["holder"], entry["identity"], entry["issuer"])
        assert entry == certificate_entry(*who, info, entry["reasons"])
        compared += 1
    assert compared > len(cluster.hosts)


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
    with pytest.raises(
        InputError, match=r"kubernetes-ca in .*/ca is an older one .* -e ca_accept_restored=kubernetes-ca$"
    ):
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


@pytest.mark.parametrize("check", [True, False])
def test_lines_that_cannot_be_read_are_told_by_their_numbers(cluster: Cluster, check: bool) -> None:
    cluster.run()
    path = cluster.ca / "ledger.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    assert cluster.ensure(check).warnings == []
    path.write_bytes(b"".join([*lines, b'{"event": "certif\n', b"-----BEGIN secret\n", *lines[-1:], b"{}\n"]))
    (warning,) = cluster.ensure(check).warnings
    first = len(lines) + 1
    assert warning.startswith(f"{path}: lines {first}, {first + 1}, {first + 3} say nothing")
    assert "secret" not in warning
    assert not cluster.run(check).changed


def unknown(cluster: Cluster) -> set[str]:
    """The identities about which a run warns that the ledger does not know them."""
    found = cluster.run()
    assert not found.changed
    texts = [text for outcome in found.first.values() for text in outcome.warnings]
    assert [text for text in texts if "is not in the ledger" not in text] == []
    return {text.split(" of ")[1] for text in texts}


def test_a_certificate_of_which_the_ledger_never_heard_is_told(cluster: Cluster) -> None:
    """The backup of the CA folder is from before the host had the identity, or was there at all."""
    cluster.hosts_on = ["cp1"]
    cluster.run()
    backup = cluster.root / "backup"
    shutil.copytree(cluster.ca, backup)
    cluster.hosts_on = ["cp1", "cp2"]
    cluster.now += datetime.timedelta(days=30)
    cluster.run()
    assert unknown(cluster) == set()
    shutil.rmtree(cluster.ca)
    shutil.copytree(backup, cluster.ca)
    # What cp2 publishes is brought back in this run.
    cluster.run()
    named = {f"{name} on cp2 is not in the ledger" for name in ("kube-apiserver", "etcd-server", "admin", "scheduler")}
    found = [text for outcome in cluster.run().first.values() for text in outcome.warnings]
    assert {part for part in named if any(part in text for text in found)} == named
    assert len(found) == len(named)
    assert unknown(cluster) != set(), "in every run"
    cluster.force, cluster.hosts_on = ["admin", "kube-apiserver", "etcd-server", "scheduler"], ["cp2"]
    cluster.run()
    cluster.force = []
    assert unknown(cluster) == set()


def test_what_came_along_with_a_ca_that_was_brought_alarms_nobody(cluster: Cluster) -> None:
    """As with kubeadm's files, which are taken over: no ledger has ever had them."""
    cluster.run()
    (cluster.ca / "ledger.jsonl").unlink()
    cluster.now += datetime.timedelta(days=30)
    found = cluster.run()
    assert codes(found.authorities) == ["NotInLedger", "NotInLedger"]
    assert [text for outcome in found.first.values() for text in outcome.warnings] == []
    assert unknown(cluster) == set()
    # From then on whoever else signs with that CA is told.
    cluster.now += datetime.timedelta(days=30)
    kept = (cluster.ca / "ledger.jsonl").read_bytes()
    cluster.force = ["admin"]
    cluster.run()
    cluster.force = []
    (cluster.ca / "ledger.jsonl").write_bytes(kept)
    assert {text.split(" on ")[0] for text in unknown(cluster)} == {"admin"}


def test_what_is_signed_in_the_minute_in_which_the_ca_is_made_is_known(cluster: Cluster) -> None:
    cluster.run()
    assert unknown(cluster) == set()
