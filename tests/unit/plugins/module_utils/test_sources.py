# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where binaries come from, looked at on the controller."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import sources
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError

SHA256 = hashlib.sha256(b"kubelet").hexdigest()
URL = {"url": "https://example.org/kubelet", "sha256": SHA256}


@pytest.fixture(autouse=True)
def binaries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "kubelet").write_bytes(b"kubelet")
    (folder / "etcd").write_bytes(b"")
    return folder


def test_what_is_there_is_described(binaries: Path) -> None:
    assert sources.describe(["kubelet", "etcd"], str(binaries), {"kubelet": SHA256.upper()}, {"etcd": URL}) == [
        {"name": "etcd", **URL},
        {"name": "kubelet", "source": str(binaries / "kubelet"), "file": "kubelet", "sha256": SHA256, "size": 7},
    ]


@pytest.mark.parametrize(
    ("names", "folder", "checksums", "urls", "why"),
    [
        (["kubelet"], "", {}, {}, "set kube_binaries_directory, or kube_binaries_urls"),
        (["kubelet"], "nowhere", {}, {}, "there is no folder"),
        (["kubelet", "kubectl"], "bin", {}, {}, "lacks kubectl: put the binaries there"),
        (["etcd"], "bin", {}, {}, "etcd is empty"),
        (["kubelet"], "bin", {"kubelet": "0" * 64}, {}, "has the SHA-256"),
        (["kubelet"], "bin", {"kubelet": "abc"}, {}, "is no SHA-256"),
        (["kubelet"], "", {}, {"kubelet": "https://example.org"}, "a dictionary with url and sha256"),
        (["kubelet"], "", {}, {"kubelet": {**URL, "sha265": "x"}}, "sha265 is not an option"),
        (["kubelet"], "", {}, {"kubelet": {**URL, "url": "example.org/kubelet"}}, "url is not one"),
        (["kubelet"], "", {}, {"kubelet": {"url": URL["url"]}}, "sha256 is not one"),
    ],
)
def test_what_is_wrong_is_refused(
    names: list[str], folder: str, checksums: dict[str, Any], urls: dict[str, Any], why: str, binaries: Path
) -> None:
    directory = str(binaries.parent / folder) if folder else ""
    (problem,) = sources.source_problems(names, directory, checksums, urls)
    assert why in problem
    with pytest.raises(InputError):
        sources.describe(names, directory, checksums, urls)


def test_all_of_it_is_said(binaries: Path) -> None:
    urls = {"etcd": {"url": "x", "sha256": SHA256}, "kubectl": {"url": "y", "sha256": SHA256}}
    assert len(sources.source_problems(["etcd", "kubectl", "kubelet"], "", {}, urls)) == 3
