# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CAs' files: who reads a key besides its owner."""

from __future__ import annotations

import datetime
import grp
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.authority import ensure_authorities
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.timezone.utc)
CA = {
    "name": "kubernetes-ca",
    "common_name": "kubernetes",
    "key_type": "ecdsa-p256",
    "validity": 86400,
    "certificate_file": "ca.crt",
    "key_file": "ca.key",
}


def ensure(root: Path, **row: Any) -> list[str]:
    outcome = ensure_authorities(str(root / "ca"), [{**CA, **row}], "0700", NOW, False, 1)
    return [reason.code for reason in outcome.reasons]


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
