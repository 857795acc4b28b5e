# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The static token file of the API server: lines of token, user, uid and groups, read once, at its start.

staging/src/k8s.io/apiserver/pkg/authentication/token/tokenfile/tokenfile.go. There is no end in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .errors import InputError

__all__ = ["FileUser", "content_of", "is_file_token", "read_user"]

# What tutorials make: head -c 16 /dev/urandom | od -An -t x | tr -d " "
_TOKEN = re.compile(r"\A[0-9a-f]{32}\Z")
_WORD = re.compile(r"\A[A-Za-z0-9](?:[A-Za-z0-9._:@-]{0,126}[A-Za-z0-9])?\Z")
_RESERVED = "system:"
_JOIN_GROUPS = re.compile(r"\Asystem:bootstrappers(?::[a-z0-9:-]{0,255}[a-z0-9])?\Z")


@dataclass(frozen=True)
class FileUser:
    """Whom the token stands for."""

    name: str
    uid: str
    groups: tuple[str, ...] = ()


def is_file_token(text: str) -> bool:
    return bool(_TOKEN.match(text))


def read_user(name: str, uid: str, groups: Iterable[str]) -> FileUser:
    """Checked: a comma or quote would make another line of it, and a name of the system another user."""
    for what, text in (("user", name), ("uid", uid)):
        if not _WORD.match(text):
            raise InputError(f"the {what} of the token file is of letters, digits and . _ : @ -, not {text!r}")
    if name.startswith(_RESERVED):
        raise InputError(f"the user of the token file is {name!r}, a name of Kubernetes itself: choose another one")
    wanted = tuple(dict.fromkeys(groups))
    for group in wanted:
        ours = group.startswith("system:bootstrappers:tlsbootstrap")
        if ours or not (_JOIN_GROUPS.match(group) or (_WORD.match(group) and not group.startswith(_RESERVED))):
            raise InputError(
                f"{group!r} cannot be a group of the token file: of those of Kubernetes only system:bootstrappers and "
                "what begins with it is for nodes that join, and system:bootstrappers:tlsbootstrap is the collection's"
            )
    return FileUser(name, uid, wanted)


def content_of(token: str | None, user: FileUser) -> bytes:
    """The file with its one line, or with none."""
    if token is None:
        return b""
    groups = f',"{",".join(user.groups)}"' if user.groups else ""
    return f"{token},{user.name},{user.uid}{groups}\n".encode("ascii")
