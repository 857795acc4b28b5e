# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Binaries that come broken, from servers that break off: refused by name, and nothing of them stays."""

from __future__ import annotations

import hashlib
import http.client
import io
import tarfile
from pathlib import Path
from typing import IO

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import files
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.binaries import Component, Store
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError

# Always the same, and compressed to about its half.
BINARY = b"".join(hashlib.sha256(b"%d" % number).hexdigest().encode() for number in range(4000))


@pytest.fixture(autouse=True)
def no_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who runs the tests need not be root."""
    monkeypatch.setattr(files, "_uid", lambda _owner: -1)
    monkeypatch.setattr(files, "_gid", lambda _group: -1)


def archive(form: str) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=f"w:{form}") as made:
        member = tarfile.TarInfo("etcd")
        member.size = len(BINARY)
        made.addfile(member, io.BytesIO(BINARY))
    return target.getvalue()


def component(name: str, data: bytes, member: str | None = None) -> Component:
    return Component(name, hashlib.sha256(data).hexdigest(), name, f"https://example.org/{name}", member)


def install(folder: Path, given: dict[Component, bytes | Exception]) -> None:
    def opener(url: str) -> IO[bytes]:
        (found,) = (data for one, data in given.items() if one.url == url)
        if isinstance(found, Exception):
            raise found
        return io.BytesIO(found)

    Store(str(folder / "store"), str(folder / "bin"), list(given)).apply(opener)


def left(folder: Path) -> set[str]:
    return {path.name for path in (folder / "store").iterdir()} - {".verified.json"}


@pytest.mark.parametrize("form", ["gz", "bz2", "xz"])
@pytest.mark.parametrize("cut", [slice(0, 100_000), slice(0, 20)])
def test_an_archive_that_is_cut_off(tmp_path: Path, form: str, cut: slice) -> None:
    """With the checksum of what is left of it."""
    data = archive(form)[cut]
    with pytest.raises(InputError, match=r"https://example.org/etcd (is no whole archive|holds no etcd)"):
        install(tmp_path, {component("etcd", data, "etcd"): data})
    assert left(tmp_path) == set()


def test_an_archive_that_is_damaged_within(tmp_path: Path) -> None:
    data = archive("xz")
    data = data[:90_000] + bytes(1000) + data[91_000:]
    with pytest.raises(InputError, match="is no whole archive"):
        install(tmp_path, {component("etcd", data, "etcd"): data})
    assert left(tmp_path) == set()


@pytest.mark.parametrize("error", [http.client.IncompleteRead(b"secret"), http.client.BadStatusLine("secret")])
def test_an_answer_that_breaks_off(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(InputError, match=r"kubelet cannot be had from https://example\.org/kubelet") as caught:
        install(tmp_path, {component("kubelet", BINARY): error})
    assert "secret" not in str(caught.value)


def test_one_wrong_of_several_replaces_nothing_and_the_others_go_when_wanted_no_more(tmp_path: Path) -> None:
    old, new = component("etcd", b"old"), component("etcd", b"new")
    install(tmp_path, {old: b"old"})
    with pytest.raises(InputError, match="nothing is replaced"):
        install(tmp_path, {new: b"new", component("kubelet", b"right"): b"wrong"})
    assert (tmp_path / "bin/etcd").read_bytes() == b"old"
    assert not (tmp_path / "bin/kubelet").exists()
    assert left(tmp_path) == {old.stored, new.stored}
    install(tmp_path, {old: b"old"})
    assert left(tmp_path) == {old.stored}
