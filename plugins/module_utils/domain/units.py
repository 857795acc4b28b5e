# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a systemd unit lacks, decided from what systemd and the file system say. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import urlsplit

from .errors import InputError
from .reasons import Reason

__all__ = [
    "PROPERTIES",
    "FileStamp",
    "UnitState",
    "check_health_url",
    "check_name",
    "compare",
    "findings",
    "newer_reasons",
    "pairs",
    "parse_show",
    "quote",
    "stale",
    "start_fails",
    "telling",
]

PROPERTIES = (
    "LoadState",
    "ActiveState",
    "SubState",
    "UnitFileState",
    "FragmentPath",
    "NeedDaemonReload",
    "InvocationID",
    "ExecMainStartTimestamp",
    "NRestarts",
    "Result",
)
# The kernel stamps files with the time of its last tick, up to 10 ms ago; systemd reads the clock itself.
TICK_NS = 20_000_000
_NAME = re.compile(r"[A-Za-z0-9:_.@-]{1,240}\.service\Z")
_PEM_FILE = re.compile(r"/[^\s\"'=,]+\.(?:crt|key)(?![^\s\"'=,])")
_USAGE = re.compile(r"\s+(-[A-Za-z], )?--[a-z][a-z0-9-]*( |$)|[A-Z][A-Za-z -]* flags:$")
# A binary that is not installed yet is no fault of the unit file (first run in check mode).
_HARMLESS = ("is not executable", "No such file or directory")


@dataclass(frozen=True)
class UnitState:
    """What `systemctl show` says."""

    load: str
    active: str
    sub: str
    file_state: str
    path: str
    needs_reload: bool
    invocation: str
    started_ns: int
    restarts: int
    result: str

    @property
    def running(self) -> bool:
        return self.active == "active" or (self.active in ("activating", "reloading") and self.sub != "auto-restart")


@dataclass(frozen=True)
class FileStamp:
    """What tells one version of a file from another, without reading it."""

    path: str
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @property
    def signature(self) -> list[int]:
        return [self.inode, self.size, self.modified_ns]


def check_name(name: str) -> str:
    """Return the name with its suffix, or refuse it."""
    unit = name if name.endswith(".service") else name + ".service"
    if not _NAME.match(unit):
        raise InputError(f"{name!r} is not the name of a service unit")
    return unit


def parse_show(text: str) -> UnitState:
    """Read the output of `systemctl show --timestamp=us+utc`."""
    found = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return UnitState(
        load=found.get("LoadState", ""),
        active=found.get("ActiveState", ""),
        sub=found.get("SubState", ""),
        file_state=found.get("UnitFileState", ""),
        path=found.get("FragmentPath", ""),
        needs_reload=found.get("NeedDaemonReload") == "yes",
        invocation=found.get("InvocationID", ""),
        started_ns=_nanoseconds(found.get("ExecMainStartTimestamp", "")),
        restarts=int(found.get("NRestarts") or 0),
        result=found.get("Result", ""),
    )


def _nanoseconds(text: str) -> int:
    """Read "Sun 2026-11-22 15:02:43.123456 UTC"; the name of the day would need a locale."""
    words = text.split()
    if len(words) < 3:
        return 0
    form = "%Y-%m-%d %H:%M:%S.%f" if "." in words[2] else "%Y-%m-%d %H:%M:%S"
    moment = datetime.strptime(f"{words[1]} {words[2]}", form).replace(tzinfo=timezone.utc)
    seconds = moment - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return ((seconds.days * 86400 + seconds.seconds) * 1_000_000 + seconds.microseconds) * 1000


def stale(stamps: Sequence[FileStamp], state: UnitState, record: Mapping[str, object]) -> list[str]:
    """Return the files whose present version the running process has not read.

    ``record`` is what was noted at the start that it names (``invocation``, ``files``): where it still holds, it is
    exact and no clock is asked. Otherwise a file counts whose last change, a rename included, is not before the start.
    """
    known = record.get("files")
    if state.invocation and record.get("invocation") == state.invocation and isinstance(known, Mapping):
        return [stamp.path for stamp in stamps if known.get(stamp.path) != stamp.signature]
    limit = state.started_ns - TICK_NS
    return [stamp.path for stamp in stamps if max(stamp.changed_ns, stamp.modified_ns) >= limit]


def compare(unit: str, state: UnitState, wanted_state: str, enabled: bool, newer: Sequence[str]) -> list[Reason]:
    """Return why systemd has to be told something; files that are about to change are not in here."""
    reasons = []
    if enabled and state.file_state not in ("enabled", "static", "alias", "generated", "indirect"):
        reasons.append(Reason("NotEnabled", unit, old=state.file_state or None, new="enabled"))
    if not enabled and state.file_state == "enabled":
        reasons.append(Reason("NotDisabled", unit, old="enabled", new="disabled"))
    if wanted_state == "stopped":
        if state.active in ("active", "activating", "reloading", "deactivating"):
            reasons.append(Reason("NotStopped", unit, old=state.active, new="inactive"))
        return reasons
    if state.needs_reload:
        reasons.append(Reason("UnitChanged", unit, state.path or None, "read by systemd", "newer on disk"))
    if not state.running:
        reasons.append(Reason("NotRunning", unit, old=state.sub or state.active or None, new="running"))
    else:
        reasons += newer_reasons(unit, newer)
    return reasons


def newer_reasons(unit: str, paths: Sequence[str], since: str = "newer on disk") -> list[Reason]:
    return [Reason("FilesNewer", unit, path, "read at the start", since) for path in paths]


def pairs(paths: Iterable[str], texts: Iterable[str]) -> list[tuple[str, str]]:
    """The certificates and keys, X.crt and X.key, among files that a process reads and those that the texts name.

    Most of them are read again while the process runs, so that it is not restarted for them. It has to start with them.
    """
    lines = [line for text in texts for line in text.splitlines() if not line.lstrip().startswith(("#", ";"))]
    found = dict.fromkeys([*paths, *(path for line in lines for path in _PEM_FILE.findall(line))])
    stems = [path[: -len(".crt")] for path in found if path.endswith(".crt")]
    return [(f"{stem}.crt", f"{stem}.key") for stem in stems if f"{stem}.key" in found]


def start_fails(state: UnitState, max_restarts: int, past: int = 0) -> str | None:
    """Return why waiting longer is useless, or None.

    systemd counts restarts since the last start by hand; `past` are those from before anybody waited.
    """
    if state.load in ("not-found", "bad-setting", "error", "masked"):
        return f"systemd says {state.load}"
    if state.active == "failed":
        return f"the unit has failed ({state.result})"
    ended = state.restarts - past
    if max_restarts and ended >= max_restarts:
        return f"the process ended {ended} times"
    return None


def telling(lines: Sequence[str], most: int, width: int = 400) -> list[str]:
    """Return the last lines of a journal, without the flags that a Go program prints when one of them is wrong.

    Where a component said why it ended (k8s.io/component-base/cli/run.go: "command failed"), that line comes first.
    """
    said = [line[:width] for line in lines if line.strip() and not _USAGE.match(line)]
    last = said[-most:]
    ends = [line for line in said if '"command failed"' in line][-1:]
    return ends + [line for line in last if line not in ends]


def findings(output: str, unit_path: str) -> list[str]:
    """Return what `systemd-analyze verify` says against this very unit; it reads the units around it as well."""
    name = unit_path.rsplit("/", 1)[-1]
    found = []
    for line in output.splitlines():
        if name not in line or any(harmless in line for harmless in _HARMLESS):
            continue
        found.append(line.replace(unit_path, name).strip())
    return found


def check_health_url(url: str, ca: str | None) -> None:
    """Refuse a health check that would believe anybody."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        if not ca:
            raise InputError(f"the health check of {url} needs the CA that its certificate is verified with")
        return
    if parts.scheme != "http" or not _is_loopback(parts.hostname or ""):
        raise InputError(f"the health check {url} must be https, or http on a loopback address")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def quote(word: str, command: bool = True) -> str:
    """Quote one word of ExecStart= or Environment= so that systemd passes it on unchanged (systemd.syntax)."""
    if any(ord(character) < 32 or ord(character) == 127 for character in word):
        raise InputError("a word of a unit file cannot hold a line break or another control character")
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    if command:
        text = text.replace("$", "$$")
    needs_quotes = not word or text != word or any(character in " \t';#" for character in word)
    return f'"{text}"' if needs_quotes else text
