# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CAs' files: who reads a key besides its owner, and whether they may be made at all."""

from __future__ import annotations

import datetime
import grp
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.authority import ensure_authorities
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.ca_folder import Folder
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.first_time import certificates_of, new_authorities

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.timezone.utc)
CA = {
    "name": "kubernetes-ca",
    "common_name": "kubernetes",
    "key_type": "ecdsa-p256",
    "validity": 86400,
    "certificate_file": "ca.crt",
    "key_file": "ca.key",
}


def test_a_ca_serves_one_cluster(tmp_path: Path) -> None:
    def run(cluster: str) -> list[str]:
        folder = Folder(str(tmp_path / "ca"), cluster=cluster)
        return [reason.code for reason in ensure_authorities(folder, [CA], NOW, False, 1).reasons]

    assert "Missing" in run("production")
    assert run("production") == []
    # A module that is called without a name makes no difference, nor does a CA of which no name was noted.
    assert run("") == []
    with pytest.raises(InputError, match="was made for the cluster production, not for second"):
        run("second")
    (tmp_path / "ca" / "ledger.jsonl").write_text("")
    assert run("second") == ["NotInLedger"]


def ensure(root: Path, **row: Any) -> list[str]:
    outcome = ensure_authorities(Folder(str(root / "ca")), [{**CA, **row}], NOW, False, 1)
    return [reason.code for reason in outcome.reasons]


def test_what_a_killed_writer_left_is_swept_wherever_a_ca_s_files_are(tmp_path: Path) -> None:
    row = {"certificate_file": "etcd/ca.crt", "key_file": "etcd/private/ca.key"}
    ensure(tmp_path, **row)
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    places = [tmp_path / "ca" / name for name in (".", ".backup", ".pending", "published", "etcd", "etcd/private")]
    for place in places:
        place.mkdir(exist_ok=True)
        (place / f".ca.key.tlsbootstrap-{done.pid}-0123abcd").touch()
    (tmp_path / "ca" / "ledger.jsonl").unlink()
    assert ensure(tmp_path, **row) == ["NotInLedger"]
    assert not list(tmp_path.rglob(".ca.key.*"))


def attributes(root: Path) -> tuple[int, str]:
    found = os.stat(root / "ca" / "ca.key")
    return found.st_mode & 0o7777, grp.getgrgid(found.st_gid).gr_name


@pytest.mark.skipif(os.getuid() != 0, reason="gives a file to another group")
def test_a_key_that_a_group_reads(tmp_path: Path) -> None:
    group = next(entry.gr_name for entry in grp.getgrall() if entry.gr_gid != os.getgid())
    assert "Missing" in ensure(tmp_path, key_group=group, key_mode="0640")
    assert attributes(tmp_path) == (0o640, group)
    assert ensure(tmp_path, key_group=group, key_mode="0640") == []
    os.chown(tmp_path / "ca" / "ca.key", 0, os.getgid())
    (tmp_path / "ca" / "ca.key").chmod(0o600)
    assert ensure(tmp_path, key_group=group, key_mode="0640") == ["GroupChanged", "ModeChanged"]
    assert attributes(tmp_path) == (0o640, group)


def test_a_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    ensure(tmp_path)
    assert attributes(tmp_path)[0] == 0o600
    (tmp_path / "ca" / "ca.key").chmod(0o640)
    assert ensure(tmp_path) == ["ModeChanged"]


def test_a_key_is_not_for_everybody(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="key_mode '0644'"):
        ensure(tmp_path, key_mode="0644")


APISERVER = {"host": "cp1", "issuer": "kubernetes-ca", "certificate_path": "/etc/kubernetes/pki/apiserver.crt"}


def test_no_ca_takes_the_place_of_one_that_is_elsewhere(tmp_path: Path) -> None:
    """It was made with another cluster_name, say; what its folder had once may be made anew."""
    directory = str(tmp_path / "ca")
    with pytest.raises(
        InputError, match=f"not in {directory}, and there is no word of it, but cp1 has /etc/kubernetes/pki/api"
    ):
        new_authorities(directory, [CA], True, [APISERVER])
    assert not os.path.exists(directory)
    assert new_authorities(directory, [CA], True, [{**APISERVER, "issuer": "etcd-ca"}]) == ["kubernetes-ca"]
    ensure(tmp_path)
    assert new_authorities(directory, [CA], False, [APISERVER]) == []
    for name in ("ca.crt", "ca.key"):
        (tmp_path / "ca" / name).rename(tmp_path / name)
    assert new_authorities(directory, [CA], True, [APISERVER]) == []
    with pytest.raises(InputError, match=r"is no more in .*: bring it back, or run site for all hosts"):
        new_authorities(directory, [CA], False, [])


def test_what_the_ca_host_holds_itself_counts_where_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "apiserver.crt"
    row = {**APISERVER, "certificate_path": str(path)}
    holder = {"host": "cp1", "identities": [row, {"issuer": None, "certificate_path": None}, {"issuer": "etcd-ca"}]}
    assert certificates_of(holder) == []
    path.touch()
    assert certificates_of(holder) == [row]


def test_a_run_for_some_hosts_makes_no_ca(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run site or pki for it first"):
        new_authorities(str(tmp_path / "ca"), [CA], False, [])
    (tmp_path / "ca/.pending").mkdir(parents=True)
    # What a killed run has begun is brought to its end.
    (tmp_path / "ca/.pending/kubernetes-ca.key").touch()
    assert new_authorities(str(tmp_path / "ca"), [CA], False, []) == []
