# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a run in check mode would have changed by now, told from what its modules have returned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["pending_files"]

# They leave the file itself as it is, and so does the process that has read it.
_KEPT = {"GroupChanged", "Leftover", "ModeChanged", "OwnerChanged"}


def pending_files(
    results: Iterable[Mapping[str, Any]],
    bundles: Iterable[Mapping[str, Any]] = (),
    everywhere: Iterable[Mapping[str, Any]] = (),
) -> list[str]:
    """Return the files that the results name, and bundles of which a member is made anew, be it on another host."""
    paths = [reason["path"] for result in results for reason in _rewriting(result) if reason.get("path")]
    made = {_member(result, reason) for result in everywhere for reason in _rewriting(result)}
    paths += [row["path"] for row in bundles if made.intersection(one.lstrip("?") for one in row["members"])]
    return sorted({str(path) for path in paths})


def _rewriting(result: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (reason for reason in result.get("reasons") or () if reason["code"] not in _KEPT)


def _member(result: Mapping[str, Any], reason: Mapping[str, Any]) -> str:
    """As bundles name their members: that of the CA host, or identity@host."""
    host = result.get("host")
    return "{}@{}".format(reason["subject"], host) if host else str(reason["subject"])
