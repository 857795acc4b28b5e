# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one writer of files."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import resource
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import files
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_mode_does_not_depend_on_the_umask(tmp_path: Path, umask: int) -> None:
    old = os.umask(umask)
    try:
        files.write_atomic(str(tmp_path / "public"), b"x", mode="0644")
        files.write_atomic(str(tmp_path / "secret"), b"x")
        files.ensure_directory(str(tmp_path / "a" / "b"), mode="0700")
    finally:
        os.umask(old)
    assert (mode_of(tmp_path / "public"), mode_of(tmp_path / "secret")) == (0o644, 0o600)
    assert (mode_of(tmp_path / "a"), mode_of(tmp_path / "a" / "b")) == (0o755, 0o700)


def test_a_secret_is_never_open_on_its_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    real = os.replace

    def look(source: str, target: str) -> None:
        seen.append(mode_of(Path(source)))
        real(source, target)

    monkeypatch.setattr(os, "replace", look)
    files.write_atomic(str(tmp_path / "key"), b"secret", mode="0600")
    assert seen == [0o600]


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data)[:3]))
    files.write_atomic(str(tmp_path / "file"), b"0123456789")
    monkeypatch.undo()
    assert (tmp_path / "file").read_bytes() == b"0123456789"


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_no_space_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space"):
        files.write_atomic(str(path), b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_link_that_cannot_have_its_name_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "link"
    path.symlink_to("old")

    def refuse(source: str, _target: str) -> None:
        raise OSError(13, "Permission denied", source)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match=f"Permission denied: '{path}'"):
        files.link_atomic(str(path), "new")
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["link"]
    assert os.readlink(path) == "old"


@pytest.mark.parametrize(
    "kind",
    [
        "symlink",
        "dangling",
        "directory",
        "fifo",
        pytest.param("device", marks=pytest.mark.skipif(os.getuid() != 0, reason="root alone makes devices")),
    ],
)
def test_odd_targets_are_refused(tmp_path: Path, kind: str) -> None:
    path, other = tmp_path / "target", tmp_path / "other"
    other.write_bytes(b"other")
    if kind == "symlink":
        path.symlink_to(other)
    elif kind == "dangling":
        path.symlink_to(tmp_path / "nothing")
    elif kind == "directory":
        path.mkdir()
    elif kind == "device":
        # That of /dev/full: what is written to it fails, so that it would show.
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 7))
    else:
        os.mkfifo(path)
    for call in (
        lambda: files.write_atomic(str(path), b"new"),
        lambda: files.write_all([files.NewFile(str(path), b"new")]),
        lambda: files.append_line(str(path), "new"),
        lambda: files.read(str(path)),
        lambda: list(files.read_lines(str(path))),
        # A link is removed itself.
        *([] if path.is_symlink() else [lambda: files.remove(str(path))]),
    ):
        with pytest.raises(InputError, match=str(path)):
            call()
    assert sorted(os.listdir(tmp_path)) == ["other", "target"]
    assert other.read_bytes() == b"other"


def test_read_has_a_limit_and_knows_absence(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 11)
    with pytest.raises(InputError, match="11 bytes"):
        files.read(str(tmp_path / "big"), limit=10)
    assert files.read(str(tmp_path / "nothing")) is None
    assert files.read(str(tmp_path / "big" / "below")) is None


def test_what_grows_while_it_is_read_is_read_to_the_limit_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    total = 0

    def grows(_descriptor: int, size: int) -> bytes:
        nonlocal total
        total += size
        return b"x" * size

    monkeypatch.setattr(os, "read", grows)
    assert len(files.read(str(path), limit=100_000) or b"") == 100_000
    assert total == 100_000


def test_read_follows_only_when_told(tmp_path: Path) -> None:
    (tmp_path / "pair").write_bytes(b"x")
    (tmp_path / "current").symlink_to("pair")
    assert files.read(str(tmp_path / "current"), follow=True) == b"x"


def test_a_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(InputError, match="0777"):
        files.write_atomic(str(tmp_path / "file"), b"x")
    tmp_path.chmod(0o1777)
    files.write_atomic(str(tmp_path / "file"), b"x")


OTHER = 12345


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    path = str(folder / "key")
    os.chown(folder, OTHER, -1)
    writers = (
        lambda: files.write_atomic(path, b"x"),
        lambda: files.write_all([files.NewFile(path, b"x")]),
        lambda: files.write_stream(path, (b"x",), owner=str(OTHER + 1)),
        lambda: files.append_line(path, "x"),
        lambda: files.link_atomic(path, "x"),
        lambda: files.refuse_foreign_folder(str(folder)),
        lambda: files.refuse_foreign_folder(str(folder / "below" / "it")),
    )
    for write in writers:
        with pytest.raises(InputError, match=rf"{folder} belongs to {OTHER}, .*chown root {folder}"):
            write()
    assert not list(folder.iterdir())
    files.write_atomic(path, b"x", owner=str(OTHER))
    files.write_all([files.NewFile(path, b"x", owner=str(OTHER))])
    files.refuse_foreign_folder(str(folder), str(OTHER))


def test_folders_above_are_looked_at_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    above, linked = tmp_path / "above", tmp_path / "linked"
    folder = above / "folder"
    folder.mkdir(parents=True)
    linked.symlink_to(folder)
    for directory in (folder, linked / "x"):
        os.chown(above, OTHER, -1)
        with pytest.raises(InputError, match=f"{above} belongs to {OTHER}"):
            files.refuse_foreign_folder(str(directory))
        os.chown(above, 0, -1)
        above.chmod(0o777)
        with pytest.raises(InputError, match=rf"{above} may be written by others \(mode 0777\).*chmod go-w {above}"):
            files.refuse_foreign_folder(str(directory))
        # As in /tmp, where nobody moves what is another's.
        above.chmod(0o1777)
        files.refuse_foreign_folder(str(directory))
    # How it is written itself is mended or refused elsewhere.
    above.chmod(0o755)
    folder.chmod(0o777)
    files.refuse_foreign_folder(str(folder))


@pytest.mark.parametrize(
    ("group", "members", "refused"), [(0, [], False), (OTHER, [], True), (1, [], True), (1, ["root"], False)]
)
def test_a_group_that_is_root_s_alone_may_write_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: int, members: list[str], refused: bool
) -> None:
    folder = tmp_path / "above" / "folder"
    folder.mkdir(parents=True)
    os.chown(folder.parent, 0, group)
    folder.parent.chmod(0o775)
    if members:
        monkeypatch.setattr(grp, "getgrgid", lambda gid: grp.struct_group(("g", "x", gid, members)))
        monkeypatch.setattr(pwd, "getpwall", lambda: [pwd.getpwnam("root")])
    if not refused:
        files.refuse_foreign_folder(str(folder))
        return
    with pytest.raises(InputError, match="may be written by others"):
        files.refuse_foreign_folder(str(folder))


def test_who_became_root_by_sudo_is_no_stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.chown(tmp_path, OTHER, -1)
    monkeypatch.setenv("SUDO_UID", str(OTHER))
    files.refuse_foreign_folder(str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1)
    with pytest.raises(InputError, match="belongs to"):
        files.refuse_foreign_folder(str(tmp_path))


def test_unknown_owner_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="user nobody-of-this-name does not exist"):
        files.write_atomic(str(tmp_path / "file"), b"x", owner="nobody-of-this-name")
    assert os.listdir(tmp_path) == []


def test_backups_are_private_and_few(tmp_path: Path) -> None:
    path, backup = tmp_path / "key", tmp_path / ".backup"
    for number in range(6):
        files.write_atomic(str(path), b"%d" % number, backup_directory=str(backup))
    kept = sorted(backup.iterdir())
    assert [entry.read_bytes() for entry in kept] == [b"2", b"3", b"4"]
    assert {mode_of(entry) for entry in kept} == {0o600}
    assert mode_of(backup) == 0o700


def test_sweep_takes_what_dead_writers_left_and_nothing_else(tmp_path: Path) -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    dead = tmp_path / f".a.key.tlsbootstrap-{done.pid}-0123abcd"
    living = tmp_path / f".a.key.tlsbootstrap-{os.getppid()}-0123abcd"
    foreign = tmp_path / ".a.key.tmp"
    for path in (dead, living, foreign):
        path.write_bytes(b"x")
    assert files.sweep(str(tmp_path)) == [str(dead)]
    assert sorted(tmp_path.iterdir()) == sorted([living, foreign])
    old = time.time() - 7200
    os.utime(living, (old, old))
    assert files.sweep(str(tmp_path)) == [str(living)]


def test_the_lock_names_its_owner(tmp_path: Path) -> None:
    with (
        files.lock(str(tmp_path)),
        pytest.raises(InputError, match=rf"locked by pid {os.getpid()} on .* since 20"),
        files.lock(str(tmp_path), timeout=0.2),
    ):
        pass
    with files.lock(str(tmp_path), timeout=0.2):
        pass


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    code = (
        "import sys, time; from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import files\n"
        "with files.lock(sys.argv[1]):\n    print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    with pytest.raises(InputError, match=f"pid {process.pid}"), files.lock(str(tmp_path), timeout=0.2):
        pass
    process.kill()
    process.wait()
    process.stdout.close()
    with files.lock(str(tmp_path), timeout=5):
        pass


def test_a_torn_last_line_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    files.append_line(str(path), "one")
    with path.open("ab") as stream:
        stream.write(b"to")
    files.append_line(str(path), "three")
    assert path.read_text() == "one\nto\nthree\n"
    assert mode_of(path) == 0o600


def test_attribute_reasons_need_no_user(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    path.chmod(0o666)
    found = files.attribute_reasons(str(path), "file", "nobody-of-this-name", None, "0600")
    assert [reason.code for reason in found] == ["OwnerChanged", "ModeChanged"]
    assert files.attribute_reasons(str(tmp_path / "nothing"), "file", "root", "root", "0600") == []


def test_many_files_are_written_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_TOGETHER", 40)
    synced: list[int] = []
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (synced.append(descriptor), sync(descriptor)))
    wanted = [
        files.NewFile(str(tmp_path / f"d{n % 3}" / f"f{n}"), b"x" * n, mode="0640" if n % 2 else None)
        for n in range(100)
    ]
    files.write_all(wanted)
    for n, file in enumerate(wanted):
        path = Path(file.path)
        assert path.read_bytes() == b"x" * n
        assert stat.S_IMODE(path.stat().st_mode) == (0o640 if n % 2 else 0o600)
    assert len(list(tmp_path.rglob("*"))) == 103
    # Each file, and each folder: when it is made, its parent, and when all is in it.
    assert len(synced) >= 100 + 3


def test_many_files_are_written_where_few_may_be_open(tmp_path: Path) -> None:
    """Some systems let a process have 256."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        files.write_all([files.NewFile(str(tmp_path / f"f{n}"), b"x") for n in range(400)])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(list(tmp_path.iterdir())) == 400


def test_of_many_files_the_first_that_cannot_be_written_is_named_and_none_is_half(tmp_path: Path) -> None:
    (tmp_path / "f7").mkdir()
    with pytest.raises(InputError, match="f7 is a directory"):
        files.write_all([files.NewFile(str(tmp_path / f"f{n}"), b"x") for n in range(20)])
    assert [path.name for path in tmp_path.iterdir()] == ["f7"]


def test_a_disk_that_fails_while_syncing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="f0") as caught:
        files.write_all([files.NewFile(str(tmp_path / f"f{n}"), b"x") for n in range(40)])
    assert caught.value.filename == str(tmp_path / "f0")
    assert not list(tmp_path.iterdir())
