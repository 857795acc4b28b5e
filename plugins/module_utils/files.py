# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only writer of files.

A file is written beside its target with owner and mode set on the descriptor, synced, renamed, and the folder is
synced: a reader, or a run after a kill, finds the old file or the new one, never half of one.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import fcntl
import grp
import importlib
import json
import os
import pwd
import re
import resource
import secrets
import socket
import stat
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .domain.errors import InputError
from .domain.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

__all__ = [
    "FileState",
    "NewFile",
    "append_line",
    "attribute_reasons",
    "ensure_attributes",
    "ensure_directory",
    "ensure_parent",
    "foreign_owner_reasons",
    "link_atomic",
    "lock",
    "read",
    "read_lines",
    "refuse_foreign_folder",
    "removable",
    "remove",
    "state_of",
    "sweep",
    "write_all",
    "write_atomic",
    "write_stream",
]

LIMIT = 1024 * 1024
BACKUPS = 3
LOCK_FILE = ".lock"
# The name of a temporary file carries the writer's pid, so that sweeping takes only files of dead writers.
_TEMPORARY = re.compile(r"^\..+\.tlsbootstrap-(?P<pid>[0-9]+)-[0-9a-f]{8}$")
_TEMPORARY_AGE = 3600
# The most files that are open at one time where many are written, and the threads that ask for them to be synced.
_TOGETHER = 500
_SYNCERS = 32


@dataclass(frozen=True)
class FileState:
    """What lies at a path, the link itself not followed."""

    path: str
    kind: str
    uid: int = -1
    gid: int = -1
    mode: int = 0

    @property
    def exists(self) -> bool:
        return self.kind != "absent"

    @property
    def owner(self) -> str:
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    @property
    def group(self) -> str:
        try:
            return grp.getgrgid(self.gid).gr_name
        except KeyError:
            return str(self.gid)


def state_of(path: str) -> FileState:
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return FileState(path, "absent")
    kinds = ((stat.S_ISREG, "file"), (stat.S_ISDIR, "directory"), (stat.S_ISLNK, "symlink"))
    kind = next((name for test, name in kinds if test(found.st_mode)), "special file")
    return FileState(path, kind, found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode))


def _refuse_odd(state: FileState, wanted: str = "file") -> None:
    if state.exists and state.kind != wanted:
        raise InputError(
            f"{state.path} is a {state.kind} where a {wanted} belongs; move it away, nothing is written through it"
        )


def read(path: str, limit: int = LIMIT, follow: bool = False) -> bytes | None:
    """The bytes of a regular file, or None where there is none.

    `follow` is for the kubelet's own kubelet-client-current.pem, which must be a symlink.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise InputError(f"{path} is a symlink where a file belongs; move it away") from None
        if error.errno == errno.ENXIO:
            raise InputError(f"{path} is a special file where a file belongs; move it away") from None
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"{path} is not a regular file; move it away")
        if found.st_size > limit:
            raise InputError(f"{path} has {found.st_size} bytes, more than {limit}; is it the right file?")
        return _read_all(descriptor, limit)
    finally:
        os.close(descriptor)


def read_lines(path: str) -> Iterator[bytes]:
    """The lines of a file that may be long; none where there is no file."""
    _refuse_odd(state_of(path))
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return
    with os.fdopen(descriptor, "rb") as stream:
        yield from stream


def _read_all(descriptor: int, limit: int) -> bytes:
    parts = []
    while limit > 0:
        part = os.read(descriptor, min(limit, 65536))
        if not part:
            break
        parts.append(part)
        limit -= len(part)
    return b"".join(parts)


def _uid(owner: str | None) -> int:
    if owner is None:
        return -1
    try:
        return pwd.getpwnam(owner).pw_uid
    except KeyError:
        if owner.isdigit():
            return int(owner)
        raise InputError(f"the user {owner} does not exist on this host; create it first") from None


def _gid(group: str | None) -> int:
    if group is None:
        return -1
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        if group.isdigit():
            return int(group)
        raise InputError(f"the group {group} does not exist on this host; create it first") from None


@contextlib.contextmanager
def _naming(path: str) -> Iterator[None]:
    """Errors of calls on descriptors name no file, and those of a temporary file one that nobody knows."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None


def _mode(mode: str | None, default: int) -> int:
    return default if mode is None else int(mode, 8)


def attribute_reasons(
    path: str, subject: str, owner: str | None = None, group: str | None = None, mode: str | None = None
) -> list[Reason]:
    """How owner, group and mode of something that is there differ; users need not exist yet (check mode)."""
    state = state_of(path)
    if not state.exists:
        return []
    reasons = []
    if owner is not None and owner not in (state.owner, str(state.uid)):
        reasons.append(Reason("OwnerChanged", subject, path, state.owner, owner))
    if group is not None and group not in (state.group, str(state.gid)):
        reasons.append(Reason("GroupChanged", subject, path, state.group, group))
    if mode is not None and state.mode != int(mode, 8):
        reasons.append(Reason("ModeChanged", subject, path, f"{state.mode:04o}", f"{int(mode, 8):04o}"))
    return reasons


def foreign_owner_reasons(path: str, subject: str) -> list[Reason]:
    """That a file belongs to neither root nor whoever runs this: that user can write it and change its mode."""
    state = state_of(path)
    if not state.exists or state.uid in _trusted(None):
        return []
    return [Reason("OwnerChanged", subject, path, state.owner, FileState(path, "file", os.geteuid()).owner)]


def ensure_attributes(path: str, owner: str | None = None, group: str | None = None, mode: str | None = None) -> None:
    """Set owner, group and mode through a descriptor, so that a swapped-in symlink is never followed."""
    uid, gid = _uid(owner), _gid(group)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        with _naming(path):
            found = os.fstat(descriptor)
            if (uid, gid) != (-1, -1) and (uid not in (-1, found.st_uid) or gid not in (-1, found.st_gid)):
                _chown(descriptor, uid, gid, path)
            if mode is not None and stat.S_IMODE(found.st_mode) != int(mode, 8):
                os.fchmod(descriptor, int(mode, 8))
    finally:
        os.close(descriptor)


def _chown(descriptor: int, uid: int, gid: int, path: str) -> None:
    try:
        os.fchown(descriptor, uid, gid)
    except PermissionError:
        raise InputError(f"{path}: its owner cannot be set without being root; use become") from None


def ensure_directory(path: str, owner: str | None = None, group: str | None = None, mode: str | None = None) -> None:
    """Make a folder (its missing parents 0755) or mend owner and mode of the one that is there."""
    state = state_of(path)
    if state.kind == "symlink" and os.path.isdir(path):
        raise InputError(f"{path} is a symlink where a folder belongs; give the real path")
    _refuse_odd(state, "directory")
    if not state.exists:
        parent = os.path.dirname(path.rstrip("/")) or "/"
        if not os.path.isdir(parent):
            ensure_directory(parent, owner, group, "0755")
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)
        ensure_attributes(path, owner, group, mode or "0755")
        sync_directory(parent)
        return
    ensure_attributes(path, owner, group, mode)


def ensure_parent(path: str) -> None:
    """Make the folder of `path`; one that is there is left as it is."""
    parent = os.path.dirname(path)
    if not os.path.isdir(parent):
        ensure_directory(parent, mode="0755")


def sync_directory(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with _naming(path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def refuse_foreign_folder(directory: str, owner: str | None = None, mended: Collection[str] = ()) -> None:
    """Refuse a folder where somebody else can swap what lies there, or can swap it or those above it.

    As StrictModes of OpenSSH has it: all of them belong to root, to whoever runs this, or to the ``owner`` that a
    file in it is to have, and nobody else may write those above. Whether others may write it itself, or those that are
    ``mended``, is for its users to look at.
    """
    trusted = _trusted(_known_uid(owner))
    for above in _ancestors(directory):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            found = os.stat(above)
            _refuse_owner(above, found, trusted)
            if above not in (directory, *mended):
                _refuse_writers(above, found, trusted)


def _trusted(owner: int | None) -> set[int]:
    """Whoever became root by sudo to run this can do anything here."""
    who = {0, os.geteuid(), *({owner} if owner is not None and owner >= 0 else ())}
    became = os.environ.get("SUDO_UID", "") if os.geteuid() == 0 else ""
    return {*who, int(became)} if became.isdigit() else who


def _known_uid(owner: str | None) -> int | None:
    """None also for a user who is made later: no folder is that one's yet."""
    try:
        return _uid(owner)
    except InputError:
        return None


def _ancestors(directory: str) -> list[str]:
    """The folder and all above it, as it is written and where its links lead."""
    found: dict[str, None] = {}
    for here in (directory, os.path.realpath(directory)):
        while here not in found:
            found[here] = None
            here = os.path.dirname(here)  # noqa: PLW2901 - it climbs
    return list(found)


def _refuse_owner(directory: str, found: os.stat_result, trusted: set[int]) -> None:
    if found.st_uid in trusted:
        return
    who = FileState(directory, "directory", found.st_uid).owner
    raise InputError(
        f"the folder {directory} belongs to {who}, who could put other files into the places of those that are "
        f"written here: give it to root (chown root {directory}), or use another folder"
    )


def _refuse_writers(directory: str, found: os.stat_result, trusted: set[int]) -> None:
    mode = stat.S_IMODE(found.st_mode)
    if mode & stat.S_ISVTX or not (mode & 0o002 or (mode & 0o020 and _others_in(found.st_gid, trusted))):
        return
    raise InputError(
        f"the folder {directory} may be written by others (mode {mode:04o}), who could put another one into the place "
        f"of the folder below it: take that right away (chmod go-w {directory})"
    )


def _others_in(gid: int, trusted: set[int]) -> bool:
    """Whether a group has members other than these: many users have a group of their own, and root has one."""
    names = {entry.pw_name for entry in pwd.getpwall() if entry.pw_uid in trusted}
    try:
        members = set(grp.getgrgid(gid).gr_mem)
    except KeyError:
        return True
    return bool(members - names) or any(e.pw_gid == gid and e.pw_uid not in trusted for e in pwd.getpwall())


def _refuse_open_folder(directory: str, owner: int = -1) -> None:
    """Whoever may write a folder may swap what is in it (the sticky bit keeps others' files)."""
    found = os.stat(directory)
    _refuse_owner(directory, found, _trusted(owner))
    mode = stat.S_IMODE(found.st_mode)
    if found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX:
        raise InputError(f"the folder {directory} may be written by others (mode {mode:04o}); take that right away")


def write_atomic(
    path: str,
    data: bytes,
    owner: str | None = None,
    group: str | None = None,
    mode: str | None = None,
    backup_directory: str | None = None,
) -> None:
    """Replace `path` by `data`; without owner, group or mode the new file is the caller's, 0600."""
    write_stream(path, (data,), owner, group, mode, backup_directory)


def write_stream(
    path: str,
    parts: Iterable[bytes],
    owner: str | None = None,
    group: str | None = None,
    mode: str | None = None,
    backup_directory: str | None = None,
) -> None:
    """Replace `path` by what is too large to hold; what `parts` raises leaves the old file as it was."""
    _refuse_odd(state_of(path))
    directory, _name = os.path.split(path)
    uid, gid = _uid(owner), _gid(group)
    _refuse_open_folder(directory, uid)
    if backup_directory is not None:
        _keep(path, backup_directory)
    temporary = _temporary(path)
    with _naming(path):
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            try:
                if (uid, gid) != (-1, -1):
                    _chown(descriptor, uid, gid, path)
                os.fchmod(descriptor, _mode(mode, 0o600))
                for part in parts:
                    _write_all(descriptor, part)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
    sync_directory(directory)


@dataclass(frozen=True)
class NewFile:
    path: str
    data: bytes
    owner: str | None = None
    group: str | None = None
    mode: str | None = None


def write_all(wanted: Sequence[NewFile]) -> None:
    """Write many files, in their order, each as `write_atomic` does, waiting for the disk once for many of them.

    Only for files that need no backup and of which nobody reads one for the sake of another.
    """
    for directory, owner in {(os.path.dirname(file.path), file.owner): None for file in wanted}:
        ensure_parent(os.path.join(directory, "file"))
        _refuse_open_folder(directory, _uid(owner))
    together = _at_one_time()
    for start in range(0, len(wanted), together):
        _write_some(wanted[start : start + together])
    for directory in {os.path.dirname(file.path): None for file in wanted}:
        sync_directory(directory)


def _at_one_time() -> int:
    """As many as may be open, with some left for what else is."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _TOGETHER if soft == resource.RLIM_INFINITY else max(1, min(_TOGETHER, soft // 2))


def _write_some(wanted: Sequence[NewFile]) -> None:
    for file in wanted:
        _refuse_odd(state_of(file.path))
    with contextlib.ExitStack() as stack:
        staged = [_staged(file, stack) for file in wanted]
        _sync_all([(descriptor, file.path) for file, (_temporary_path, descriptor) in zip(wanted, staged)])
        for file, (temporary, _descriptor) in zip(wanted, staged):
            with _naming(file.path):
                os.replace(temporary, file.path)


def _staged(file: NewFile, stack: contextlib.ExitStack) -> tuple[str, int]:
    """The whole of a file beside its target; what is left of it at the end of the stack is removed."""
    temporary = _temporary(file.path)
    with _naming(file.path):
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        stack.callback(os.close, descriptor)
        stack.callback(_forget, temporary)
        uid, gid = _uid(file.owner), _gid(file.group)
        if (uid, gid) != (-1, -1):
            _chown(descriptor, uid, gid, file.path)
        os.fchmod(descriptor, _mode(file.mode, 0o600))
        _write_all(descriptor, file.data)
    return temporary, descriptor


def _forget(temporary: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)


def _sync_all(descriptors: Sequence[tuple[int, str]]) -> None:
    """A file system brings to the disk at once what is asked for at one time: tenfold faster than one by one."""

    def sync(entries: Sequence[tuple[int, str]]) -> None:
        for descriptor, path in entries:
            with _naming(path):
                os.fsync(descriptor)

    if len(descriptors) < _SYNCERS:
        sync(descriptors)
        return
    # Costs some milliseconds.
    futures: Any = importlib.import_module("concurrent.futures")
    with futures.ThreadPoolExecutor(_SYNCERS) as pool:
        list(pool.map(sync, [descriptors[first::_SYNCERS] for first in range(_SYNCERS)]))


def link_atomic(path: str, target: str) -> None:
    """Make `path` a symlink to `target`, in place of a file or link that is there."""
    if state_of(path).kind not in ("absent", "file", "symlink"):
        raise InputError(f"{path} is a {state_of(path).kind} where a link belongs; move it away")
    directory, _name = os.path.split(path)
    _refuse_open_folder(directory)
    temporary = _temporary(path)
    with _naming(path):
        os.symlink(target, temporary)
        try:
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
    sync_directory(directory)


def _temporary(path: str) -> str:
    directory, name = os.path.split(path)
    return os.path.join(directory, f".{name[:200]}.tlsbootstrap-{os.getpid()}-{secrets.token_hex(4)}")


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _keep(path: str, backup_directory: str) -> None:
    """Keep the last few versions of a file that is about to be replaced."""
    data = read(path)
    if data is None:
        return
    ensure_directory(backup_directory, mode="0700")
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
    name = os.path.basename(path)
    write_atomic(os.path.join(backup_directory, f"{name}.{stamp}"), data, mode="0600")
    pattern = re.compile(re.escape(name) + r"\.[0-9]{8}T[0-9]{6}\.[0-9]{6}Z")
    kept = sorted(entry for entry in os.listdir(backup_directory) if pattern.fullmatch(entry))
    for old in kept[:-BACKUPS]:
        os.unlink(os.path.join(backup_directory, old))


def append_line(path: str, line: str, mode: str = "0600") -> None:
    """Add one line to a file that only grows; a line torn by a kill is closed first, so it spoils no other."""
    _refuse_odd(state_of(path))
    _refuse_open_folder(os.path.dirname(path))
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        with _naming(path):
            os.fchmod(descriptor, int(mode, 8))
            size = os.fstat(descriptor).st_size
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            _write_all(descriptor, (b"\n" if torn else b"") + line.encode("utf-8") + b"\n")
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def removable(path: str) -> bool:
    """Whether a file or a symlink is there. A device or a folder is nothing of ours: /dev/null may be given by slip."""
    state = state_of(path)
    if state.kind not in ("absent", "file", "symlink"):
        raise InputError(f"{path} is a {state.kind} where a file belongs; move it away, it is not removed")
    return state.exists


def remove(path: str) -> bool:
    """Remove a file (a symlink itself, never its target); says whether there was one."""
    if not removable(path):
        return False
    try:
        os.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    sync_directory(os.path.dirname(path))
    return True


def sweep(directory: str) -> list[str]:
    """Remove temporary files that killed writers left, only ours."""
    try:
        names = os.listdir(directory)
    except (FileNotFoundError, NotADirectoryError):
        return []
    swept = []
    for name in names:
        match = _TEMPORARY.match(name)
        path = os.path.join(directory, name)
        if match is None or state_of(path).kind not in ("file", "symlink"):
            continue
        if _alive(int(match.group("pid"))) and time.time() - os.lstat(path).st_mtime < _TEMPORARY_AGE:
            continue
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
            swept.append(path)
    return swept


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return pid != os.getpid()


@contextlib.contextmanager
def lock(directory: str, timeout: float = 60.0) -> Iterator[None]:
    """One writer at a time in a folder.

    The kernel's lock ends with its process, so no stale lock can stay; the file's text only names the owner.
    """
    path = os.path.join(directory, LOCK_FILE)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _acquire(descriptor, path, timeout)
        owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": _now()}
        with _naming(path):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(owner, sort_keys=True).encode("utf-8") + b"\n", 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: str, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while not _try_lock(descriptor):
        if time.monotonic() >= deadline:
            raise InputError(_locked_by(descriptor, path))
        time.sleep(0.1)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _locked_by(descriptor: int, path: str) -> str:
    try:
        owner = json.loads(os.pread(descriptor, 4096, 0).decode("utf-8"))
        who = "pid {} on {} since {}".format(owner["pid"], owner["host"], owner["since"])
    except (ValueError, KeyError, TypeError):
        who = "another process"
    return f"{os.path.dirname(path)} is locked by {who}; wait until that run has ended and try again"


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
