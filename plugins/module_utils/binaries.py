# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Binaries of components on a host: one stored file for each content, and the names that link to it.

A binary is large, so it is hashed when it arrives and trusted afterwards as long as inode, size and both times of the
file are those of that moment; whatever changes its content changes one of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import importlib
import json
import os
import stat
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from . import files
from .domain.errors import InputError
from .domain.reasons import Reason

__all__ = ["Component", "Store", "digest_of"]

RECORD = ".verified.json"
INCOMING = ".incoming-"
BLOCK = 1024 * 1024
_DAMAGED: tuple[type[Exception], ...] = (EOFError, OSError, tarfile.TarError, zlib.error)
with contextlib.suppress(ImportError):  # not every Python is built with it
    _DAMAGED += (importlib.import_module("lzma").LZMAError,)
Open = Callable[[str], IO[bytes]]


@dataclass(frozen=True)
class Component:
    """A name in the folder of binaries, and the content that it should stand for."""

    name: str
    sha256: str
    file: str
    url: str | None = None
    # The path in the archive that the URL gives; sha256 is then that of the archive.
    member: str | None = None

    @property
    def stored(self) -> str:
        """The name of the stored file; several components may share one."""
        return f"{self.file}-{self.sha256[:16]}"


def digest_of(path: str) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(BLOCK), b""):
            digest.update(block)
    return digest.hexdigest()


class Store:
    """The folder of stored binaries and the folder of names."""

    def __init__(self, directory: str, names: str, components: Sequence[Component]) -> None:
        self._directory = directory
        self._names = names
        self._components = components
        self._record = self._read_record()
        wanted = {component.stored: component for component in components}
        self._absent = {name: component for name, component in wanted.items() if not self._is_right(component)}
        self.reasons = self._compare()

    def missing(self) -> list[Component]:
        """Return what has neither arrived nor can be fetched from here."""
        return [
            component
            for component in self._absent.values()
            if component.url is None and not os.path.exists(self.incoming(component))
        ]

    def incoming(self, component: Component) -> str:
        return os.path.join(self._directory, INCOMING + component.sha256)

    def prepare(self) -> None:
        files.ensure_directory(self._directory, "root", "root", "0755")
        files.ensure_directory(self._names)
        self.sweep()

    def sweep(self) -> None:
        """Remove what a killed run has left, also one that was killed when nothing but that was left to do."""
        files.sweep(self._directory)
        files.sweep(self._names)

    def apply(self, opener: Open) -> None:
        """Bring all contents here and verify them, and only then let the names stand for them."""
        self.prepare()
        try:
            for component in self._absent.values():
                self._take(component, opener)
        except (InputError, OSError):
            # What has arrived is known next time, and goes when it is wanted no more.
            with contextlib.suppress(InputError, OSError):
                self._write_record()
            raise
        self._write_record()
        for component in self._components:
            path, target = os.path.join(self._names, component.name), self._stored(component)
            if _link_target(path) != target:
                files.link_atomic(path, target)
        for name in self._leftovers():
            files.remove(os.path.join(self._directory, name))
            self._record.pop(name, None)
        self._write_record()

    def _compare(self) -> list[Reason]:
        reasons = []
        for component in self._components:
            path = os.path.join(self._names, component.name)
            found = _link_target(path)
            if found is None:
                reasons.append(Reason("Missing", component.name, path, None, self._stored(component)))
            elif found != self._stored(component):
                reasons.append(Reason("ContentChanged", component.name, path, found, self._stored(component)))
            elif component.stored in self._absent:
                reasons.append(Reason("ContentChanged", component.name, found, "damaged", "sha256 " + component.sha256))
        reasons += [Reason("Leftover", name, os.path.join(self._directory, name)) for name in self._leftovers()]
        return reasons

    def _stored(self, component: Component) -> str:
        return os.path.join(self._directory, component.stored)

    def _is_right(self, component: Component) -> bool:
        path = self._stored(component)
        try:
            found = os.lstat(path)
        except OSError:
            return False
        known = self._record.get(component.stored, {})
        if stat.S_IMODE(found.st_mode) != 0o755 or found.st_uid != 0 or not stat.S_ISREG(found.st_mode):
            return False
        if known.get("stamp") == _stamp(found):
            return True
        # The content of a member is known by what was noted when it was taken out of its archive.
        digest = known.get("sha256") if component.member else component.sha256
        if digest is None or digest_of(path) != digest:
            return False
        self._record[component.stored] = {"sha256": digest, "stamp": _stamp(found)}
        return True

    def _take(self, component: Component, opener: Open) -> None:
        """Write the stored file; it is renamed into place only when its checksum is right."""
        incoming = self.incoming(component)
        if component.member is not None:
            # The host fetches it anew, so nothing of it stays when it is not what it should be.
            try:
                files.write_stream(incoming, self._verified(component, opener), "root", "root", "0600")
                found = self._store(component, _unpack(component, incoming))
            finally:
                files.remove(incoming)
        elif component.url is not None:
            found = self._store(component, self._verified(component, opener))
        else:
            found = self._store(component, self._verified(component, lambda _url: _open(incoming)))
        files.remove(incoming)
        self._record[component.stored] = {"sha256": found, "stamp": _stamp(os.lstat(self._stored(component)))}

    def _store(self, component: Component, parts: Iterable[bytes]) -> str:
        digest = hashlib.sha256()
        files.write_stream(self._stored(component), _hashed(parts, digest.update), "root", "root", "0755")
        return digest.hexdigest()

    def _verified(self, component: Component, opener: Open) -> Iterator[bytes]:
        digest = hashlib.sha256()
        try:
            with opener(component.url or "") as stream:
                yield from _hashed(iter(lambda: stream.read(BLOCK), b""), digest.update)
        except (OSError, http.client.HTTPException) as error:
            source = component.url or self.incoming(component)
            # Of an answer that is none, what the server sent is not repeated.
            why = str(error) if isinstance(error, OSError) else f"no whole answer ({type(error).__name__})"
            raise InputError(f"{component.name} cannot be had from {source}: {why}") from None
        found = digest.hexdigest()
        if found != component.sha256:
            files.remove(self.incoming(component))
            raise InputError(
                f"{component.name} from {component.url or 'the controller'} has the SHA-256 {found}, "
                f"not {component.sha256}: nothing is replaced; correct the checksum or get the right file"
            )

    def _leftovers(self) -> list[str]:
        """Name stored files that no name stands for any more; only those of our record."""
        wanted = {component.stored for component in self._components}
        ours = {component.name for component in self._components}
        used = set(wanted)
        with contextlib.suppress(OSError):
            for entry in os.scandir(self._names):
                if entry.is_symlink() and entry.name not in ours:
                    used.add(os.path.basename(os.readlink(entry.path)))
        return sorted(name for name in self._record if name not in used and os.path.isfile(self._path(name)))

    def _path(self, name: str) -> str:
        return os.path.join(self._directory, os.path.basename(name))

    def _read_record(self) -> dict[str, Any]:
        data = files.read(os.path.join(self._directory, RECORD))
        with contextlib.suppress(ValueError):
            record = json.loads(data or b"{}")
            if isinstance(record, dict):
                return record
        return {}

    def _write_record(self) -> None:
        data = json.dumps(self._record, sort_keys=True, indent=1).encode() + b"\n"
        path = os.path.join(self._directory, RECORD)
        if files.read(path) != data:
            files.write_atomic(path, data, "root", "root", "0644")


def _stamp(found: os.stat_result) -> list[int]:
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _link_target(path: str) -> str | None:
    try:
        return os.readlink(path)
    except FileNotFoundError:
        return None
    except OSError:
        return "a file of its own"


def _open(path: str) -> IO[bytes]:
    return open(path, "rb")


def _hashed(parts: Iterable[bytes], update: Callable[[bytes], None]) -> Iterator[bytes]:
    for part in parts:
        update(part)
        yield part


def _unpack(component: Component, path: str) -> Iterator[bytes]:
    try:
        with tarfile.open(path) as archive:
            stream = archive.extractfile(component.member or "")
            if stream is None:
                raise KeyError(component.member)
            with stream:
                yield from iter(lambda: stream.read(BLOCK), b"")
    except (KeyError, tarfile.ReadError):
        raise InputError(f"{component.url} holds no {component.member} for {component.name}") from None
    except _DAMAGED:
        raise InputError(
            f"{component.url} is no whole archive, and {component.member} for {component.name} cannot be taken out of "
            "it: get it anew, and the SHA-256 of the whole of it"
        ) from None
