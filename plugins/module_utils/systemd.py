# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemctl, journalctl and health checks: what is known of a unit, and what is done to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from . import files
from .domain import pem, units
from .domain.errors import InputError
from .domain.reasons import Reason
from .previous import Previous
from .trust import client_context

__all__ = ["FileWanted", "Health", "Manager", "Need", "Systemd", "UnitWanted", "probe"]

UNIT_DIRECTORY = "/etc/systemd/system"
RECORD_DIRECTORY = "/run/tlsbootstrap.kubernetes/units"
JOURNAL_LINES = 20
# More are read than are shown, for some say nothing.
JOURNAL_READ = 500
PROBE_SECONDS = 10.0
POLL_SECONDS = 0.1
# Without a health check a process counts as up when it has lived this long.
SETTLE_SECONDS = 2.0
ROLLBACK_SECONDS = 60

# What OpenSSL says of a key of another certificate, and of one of another type.
_MISMATCHES = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED", "NO_PRIVATE_KEY_ASSIGNED")

Run = Callable[[Sequence[str]], "tuple[int, str, str]"]


@dataclass(frozen=True)
class Health:
    """Where a component says that it is well, and whom to believe."""

    url: str
    ca: str | None = None
    pin: str | None = None
    certificate: str | None = None
    key: str | None = None
    status: int = 200
    expect: str | None = None


@dataclass(frozen=True)
class Need:
    """A Unix socket that the service cannot do without, and what is to be done where nobody listens there."""

    socket: str
    remedy: str


@dataclass(frozen=True)
class FileWanted:
    """A file that the unit reads at its start and that is written together with it."""

    path: str
    content: str
    owner: str = "root"
    group: str = "root"
    mode: str = "0644"


@dataclass(frozen=True)
class UnitWanted:
    """A unit as it should be."""

    name: str
    files: tuple[FileWanted, ...] = ()
    restart_files: tuple[str, ...] = ()
    enabled: bool = True
    state: str = "started"
    health: Health | None = None
    timeout: int = 240
    max_restarts: int = 10
    rollback: bool = True
    needs: tuple[Need, ...] = ()

    @property
    def path(self) -> str:
        return f"{UNIT_DIRECTORY}/{self.name}"


class Systemd:
    """The programs of systemd."""

    def __init__(self, run: Run, scratch: str) -> None:
        self._run = run
        self._scratch = scratch

    def show(self, unit: str) -> units.UnitState:
        properties = ",".join(units.PROPERTIES)
        return units.parse_show(self._call("systemctl", "show", "--timestamp=us+utc", "--property", properties, unit))

    def reload(self) -> None:
        self._call("systemctl", "daemon-reload")

    def enable(self, unit: str, enabled: bool) -> None:
        """As the unit is on the disk. That systemd knows it too takes a reload."""
        self._call("systemctl", "enable" if enabled else "disable", "--quiet", "--no-reload", unit)

    def restart(self, unit: str) -> None:
        # The wait is ours: it ends at our deadline and looks at the health too.
        self._call("systemctl", "restart", "--no-block", unit)

    def stop(self, unit: str) -> None:
        self._call("systemctl", "stop", unit)

    def forget(self, unit: str) -> None:
        """Set the count of restarts back."""
        self._call("systemctl", "reset-failed", unit)

    def journal(self, unit: str) -> list[str]:
        command = ["journalctl", "--quiet", "--no-pager", "--output=cat", f"--lines={JOURNAL_READ}", "--unit", unit]
        _code, output, _error = self._run(command)
        return units.telling(output.splitlines(), JOURNAL_LINES)

    def verify(self, unit: str, content: str) -> list[str]:
        """Let systemd read the unit before it lands. Where systemd-analyze is missing nothing is said."""
        path = os.path.join(self._scratch, unit)
        files.write_atomic(path, content.encode())
        try:
            _code, output, error = self._run(["systemd-analyze", "--man=no", "verify", path])
        except OSError:
            return []
        finally:
            files.remove(path)
        return units.findings(output + "\n" + error, path)

    def _call(self, *command: str) -> str:
        code, output, error = self._run(command)
        if code != 0:
            raise InputError(f"{' '.join(command)} failed: {(error or output).strip()[:1000]}")
        return output


def probe(health: Health, timeout: float = PROBE_SECONDS) -> str | None:
    """Ask once; return what is wrong, or None. A certificate that is not verified is never believed."""
    parts = urlsplit(health.url)
    connection: http.client.HTTPConnection
    try:
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(parts.netloc, timeout=timeout, context=_context(health))
        else:
            connection = http.client.HTTPConnection(parts.netloc, timeout=timeout)
        try:
            connection.connect()
            if health.pin and not _shows(connection.sock, health.pin):
                return f"{health.url} shows another certificate than {health.pin} has"
            connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""))
            response = connection.getresponse()
            body = response.read(4096).decode("utf-8", "replace").strip()
        finally:
            connection.close()
    except FileNotFoundError:
        missing = [
            path
            for path in (health.ca, health.pin, health.certificate, health.key)
            if path and not os.path.exists(path)
        ]
        return f"{health.url}: {', '.join(missing) or 'a file'} is not there"
    except (OSError, http.client.HTTPException, ValueError, InputError) as error:
        return f"{health.url}: {error}"
    if response.status != health.status:
        return f"{health.url} answered {response.status}, not {health.status}: {body[:500]}"
    if health.expect is not None and health.expect not in body:
        return f"{health.url} did not say {health.expect!r}: {body[:500]}"
    return None


def _context(health: Health) -> ssl.SSLContext:
    context = client_context(health.ca)
    if not health.ca:
        context.load_default_certs()
    if health.pin:
        # Whoever has the key of this very certificate is the one that is meant, whatever names and dates it has.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if health.certificate:
        context.load_cert_chain(health.certificate, health.key)
    return context


def _shows(connection: Any, pin: str) -> bool:
    """Whether the other side has shown the certificate that the file begins with."""
    data = files.read(pin)
    if data is None:
        raise FileNotFoundError
    found = next((block.der for block in pem.blocks(data, pin) if block.label == pem.CERTIFICATE), None)
    return found is not None and connection.getpeercert(True) == found


class Manager:
    """One unit: read, compare, apply, wait."""

    def __init__(self, systemd: Systemd, wanted: UnitWanted) -> None:
        self._systemd = systemd
        self._wanted = wanted
        self._state = systemd.show(wanted.name)
        self._previous = Previous(UNIT_DIRECTORY, wanted.name)
        self._texts = {file.path: files.read(file.path) for file in wanted.files}
        self.file_reasons = self._compare_files()
        self.reasons = self.file_reasons + self._compare_unit()

    @property
    def restarts(self) -> bool:
        """Whether the process has to be started or restarted."""
        codes = {"NotRunning", "FilesNewer", "UnitMissing", "Missing", "ContentChanged", "Interrupted"}
        rewritten = any(reason.code == "UnitChanged" for reason in self.file_reasons)
        return self._wanted.state == "started" and (rewritten or any(reason.code in codes for reason in self.reasons))

    def serves(self) -> bool:
        """Whether the unit runs and is well, so that a restart would be noticed."""
        return self._state.active == "active" and (self._wanted.health is None or probe(self._wanted.health) is None)

    def add_pending(self, paths: Iterable[str]) -> None:
        """Say in check mode which files that the unit reads a task before would have changed."""
        known = {reason.path for reason in self.reasons}
        if self._state.running and self._wanted.state == "started":
            pending = [path for path in self._watched() if path in paths and path not in known]
            self.reasons += units.newer_reasons(self._wanted.name, pending, "about to change")

    def diffs(self) -> list[dict[str, str]]:
        """The texts that change; none of them is secret."""
        found = []
        for file in self._wanted.files:
            old = self._texts[file.path]
            if old != file.content.encode():
                before = "" if old is None else old.decode("utf-8", "replace")
                found.append(
                    {"before_header": file.path, "after_header": file.path, "before": before, "after": file.content}
                )
        return found

    def verify(self) -> None:
        """Refuse a unit file that systemd does not understand, before anything is written."""
        for file in self._wanted.files:
            if file.path == self._wanted.path and self._texts[file.path] != file.content.encode():
                found = self._systemd.verify(self._wanted.name, file.content)
                if found:
                    raise InputError(f"systemd does not accept the unit {self._wanted.name}: {'; '.join(found)}")

    def refuse_mismatch(self, pending: Iterable[str] = ()) -> None:
        """Refuse a start with a certificate and a key that do not belong together: what runs has read a pair.

        A run that was killed between their two renames leaves them so. ``pending`` are files that are about to change.
        """
        if not self.restarts:
            return
        for certificate, key in units.pairs(self._watched(), [file.content for file in self._wanted.files]):
            if not {certificate, key} & set(pending) and _mismatch(certificate, key):
                raise InputError(
                    f"{self._wanted.name} is left as it is: the certificate {certificate} is not that of the key "
                    f"{key}; run the playbook pki, which makes a pair of its own files again, or put the right one "
                    "in the place of yours, and run this again"
                )

    def apply(self) -> None:
        """Write, tell systemd, restart where the state demands it, and wait."""
        codes = {reason.code for reason in self.reasons}
        written = self._write()
        enable = bool(codes & {"NotEnabled", "NotDisabled"}) or (self._wanted.enabled and "UnitMissing" in codes)
        if enable:
            self._systemd.enable(self._wanted.name, self._wanted.enabled)
        # One for both: it is the dearest of these calls.
        if enable or self._state.needs_reload or self._state.load != "loaded" or self._wanted.path in written:
            self._systemd.reload()
        if self._wanted.state == "stopped":
            if "NotStopped" in codes:
                self._systemd.stop(self._wanted.name)
        else:
            error = self._start() if self.restarts else self._wait(None, self._wanted.timeout)
            if error:
                self._fail(error)
        self._previous.drop()

    def _compare_files(self) -> list[Reason]:
        reasons = []
        for file in self._wanted.files:
            unit = file.path == self._wanted.path
            old = self._texts[file.path]
            if old is None:
                reasons.append(
                    Reason("UnitMissing" if unit else "Missing", self._wanted.name, file.path, new="written")
                )
            elif old != file.content.encode():
                code = "UnitChanged" if unit else "ContentChanged"
                reasons.append(Reason(code, self._wanted.name, file.path, "other content", "as wanted"))
            reasons += files.attribute_reasons(file.path, self._wanted.name, file.owner, file.group, file.mode)
        return reasons

    def _compare_unit(self) -> list[Reason]:
        wanted = self._wanted
        changing = self._changing()
        watched = [path for path in self._watched() if path not in changing]
        newer = units.stale(_stamps(watched), self._state, self._record())
        reasons = units.compare(wanted.name, self._state, wanted.state, wanted.enabled, newer)
        if self._previous.there:
            reasons.append(Reason("Interrupted", wanted.name, self._previous.path, "not known to be well", "settled"))
        return reasons

    def _changing(self) -> list[str]:
        return [file.path for file in self._wanted.files if self._texts[file.path] != file.content.encode()]

    def _watched(self) -> list[str]:
        unit = [self._state.path] if self._state.path else []
        return list(dict.fromkeys([*unit, *(file.path for file in self._wanted.files), *self._wanted.restart_files]))

    def _write(self) -> list[str]:
        """Write all files, or none of them where one cannot be; return those that are new."""
        self._sweep()
        changing = self._changing()
        well = self._state.active == "active" and self._wanted.state == "started"
        if changing and self._wanted.rollback and (well or self._previous.there):
            self._previous.keep(changing)
        try:
            for file in self._wanted.files:
                self._write_file(file, file.path in changing)
        except OSError:
            with contextlib.suppress(OSError):
                self._previous.put_back()
                self._previous.drop()
            raise
        return changing

    def _sweep(self) -> None:
        for directory in {os.path.dirname(path) for path in (self._previous.path, *self._texts)}:
            files.sweep(directory)

    @staticmethod
    def _write_file(file: FileWanted, changing: bool) -> None:
        if not changing:
            files.ensure_attributes(file.path, file.owner, file.group, file.mode)
            return
        files.ensure_directory(os.path.dirname(file.path))
        files.write_atomic(file.path, file.content.encode(), file.owner, file.group, file.mode)

    def _start(self) -> str | None:
        stamps = _stamps([self._wanted.path, *self._watched()])
        error = self._wait(self._restart(), self._wanted.timeout)
        if error is None:
            self._note(stamps)
        return error

    def _restart(self) -> str:
        """Restart the unit and return the last invocation before."""
        state = self._systemd.show(self._wanted.name)
        if state.restarts or state.active not in ("active", "inactive"):
            # A crash loop would go on to yet another invocation meanwhile, and hand its count on to the new process.
            self._systemd.stop(self._wanted.name)
            self._systemd.forget(self._wanted.name)
        previous = self._systemd.show(self._wanted.name).invocation
        self._systemd.restart(self._wanted.name)
        return previous

    def _wait(self, previous: str | None, timeout: int) -> str | None:
        """Wait for another invocation than the previous one to be up and well; return why it is not.

        None for a unit that was left alone: it has had its time to settle.
        """
        deadline = time.monotonic() + timeout
        since = time.monotonic() - (SETTLE_SECONDS if previous is None else 0)
        # What a unit that was left alone went through before is over; only what it does from now on counts.
        past = self._state.restarts if previous is None else 0
        while True:
            error: str | None
            state = self._systemd.show(self._wanted.name)
            if state.invocation and state.invocation != previous:
                hopeless = units.start_fails(state, self._wanted.max_restarts, past)
                if hopeless:
                    return hopeless
            if not state.invocation or state.invocation == previous or state.active != "active":
                error = f"the unit is {state.active} ({state.sub})"
                since = time.monotonic()
            else:
                error = self._check(time.monotonic() - since)
            if error is None:
                return None
            if time.monotonic() >= deadline:
                return f"not well after {timeout} s: {error}"
            time.sleep(POLL_SECONDS)

    def _check(self, age: float) -> str | None:
        if self._wanted.health is not None:
            return probe(self._wanted.health)
        return None if age >= SETTLE_SECONDS else "the unit has just started"

    def _fail(self, error: str) -> None:
        lines = self._systemd.journal(self._wanted.name)
        message = f"{self._wanted.name}: {error}."
        for need in self._wanted.needs:
            if not _listens(need.socket):
                message += f" Nobody listens at {need.socket}, which it needs: {need.remedy}."
        if self._wanted.rollback and self._previous.there:
            message += f" {self._roll_back()}"
        raise InputError(f"{message} Last lines of its journal:\n" + "\n".join(lines))

    def _roll_back(self) -> str:
        """Put back what ran before, so that a configuration that does not work does not stay."""
        names = self._previous.names
        self._previous.put_back()
        self._systemd.reload()
        error = self._wait(self._restart(), ROLLBACK_SECONDS)
        self._previous.drop()
        if error is None:
            return f"The previous {names} is back and the unit runs with it."
        return f"The previous {names} is back, but the unit does not run with it either."

    def _record(self) -> Mapping[str, Any]:
        data = files.read(self._record_path())
        try:
            record = json.loads(data) if data else {}
        except ValueError:
            return {}
        return record if isinstance(record, dict) else {}

    def _note(self, stamps: Sequence[units.FileStamp]) -> None:
        """Note what this start has read; it is lost with the start itself, as /run is."""
        state = self._systemd.show(self._wanted.name)
        record = {"invocation": state.invocation, "files": {stamp.path: stamp.signature for stamp in stamps}}
        files.ensure_directory(RECORD_DIRECTORY, mode="0755")
        files.write_atomic(self._record_path(), json.dumps(record, sort_keys=True).encode(), mode="0644")

    def _record_path(self) -> str:
        return f"{RECORD_DIRECTORY}/{self._wanted.name}.json"


def _mismatch(certificate: str, key: str) -> bool:
    """Whatever else is wrong with them is for the process to say, which may know better."""
    if not (os.path.isfile(certificate) and os.path.isfile(key)):
        # To open a FIFO would wait for its other end.
        return False
    try:
        # Whoever has encrypted the key is not asked here.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: b"")
    except ssl.SSLError as error:
        return error.reason in _MISMATCHES
    except OSError:
        return False
    return False


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(PROBE_SECONDS)
        try:
            client.connect(path)
        except OSError:
            return False
    return True


def _stamps(paths: Sequence[str]) -> list[units.FileStamp]:
    """Stamp the files that are there; of a link the link itself counts too, it may point elsewhere since."""
    found = []
    for path in dict.fromkeys(paths):
        try:
            link, file = os.lstat(path), os.stat(path)
        except OSError:
            continue
        changed = max(file.st_ctime_ns, link.st_ctime_ns)
        found.append(units.FileStamp(path, file.st_ino, file.st_size, file.st_mtime_ns, changed))
    return found
