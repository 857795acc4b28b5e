# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The system users that own files of a host, made by systemd-sysusers."""

from __future__ import annotations

import grp
import pwd
import re
from collections.abc import Sequence

from .. import files
from ..domain.errors import InputError
from ..domain.reasons import Reason
from ..runner import Command
from .work import Work

__all__ = ["examine_users"]

PATH = "/etc/sysusers.d/tlsbootstrap-kubernetes.conf"
HEADER = "# Written by tlsbootstrap.kubernetes. See sysusers.d(5).\n"
_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,30}")


def examine_users(names: Sequence[str], command: Command) -> Work:
    """What is missing of them. Users that are there are left as they are."""
    work = Work()
    present = files.read(PATH)
    wanted = _content(names, present)
    missing = [name for name in names if _lacks(name)]
    reasons = [Reason("Missing", f"user {name}", new="made") for name in missing]
    if names and present != wanted:
        reasons.append(Reason("ContentChanged" if present else "Missing", "system users", PATH, None, "written"))
    work.add(reasons, lambda: _make(wanted, missing, command))
    return work


def _lacks(name: str) -> bool:
    """Whether the user or its group is missing; one that would be root is refused."""
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} is not the name of a system user")
    try:
        if pwd.getpwnam(name).pw_uid == 0:
            raise InputError(f"the user {name} has the uid 0: components must not run as root, remove that user first")
        grp.getgrnam(name)
    except KeyError:
        return True
    return False


def _content(names: Sequence[str], present: bytes | None) -> bytes:
    """Add the lines to those that earlier runs for other groups have written."""
    lines = {}
    for line in (present or b"").decode("utf-8", "replace").splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "u":
            lines[words[1]] = line
    lines.update({name: f'u {name} - "Kubernetes {name}" / /usr/sbin/nologin' for name in names})
    return (HEADER + "".join(lines[name] + "\n" for name in sorted(lines))).encode()


def _make(wanted: bytes, missing: Sequence[str], command: Command) -> None:
    files.ensure_directory("/etc/sysusers.d")
    files.write_atomic(PATH, wanted, "root", "root", "0644")
    code, output, error = command(["systemd-sysusers", PATH])
    left = [name for name in missing if _lacks(name)]
    if code != 0 or left:
        raise InputError(f"systemd-sysusers did not make {', '.join(left) or 'all users'}: {error or output}")
