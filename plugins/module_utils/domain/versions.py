# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of Kubernetes."""

from __future__ import annotations

import re

__all__ = ["minor_of", "skew"]

_VERSION = re.compile(r"v?1\.([0-9]+)(?:\.|\Z)", re.ASCII)
# https://kubernetes.io/releases/version-skew-policy/
_OLDER = 3


def minor_of(version: str) -> int | None:
    """37 of v1.37.2; None of what is no version."""
    found = _VERSION.match(version)
    return int(found[1]) if found else None


def skew(api: str, kubelet: str) -> str:
    """How a kubelet is too far from its API server: it is never newer, and at most three minor versions older."""
    server, ours = minor_of(api), minor_of(kubelet)
    if server is None or ours is None or 0 <= server - ours <= _OLDER:
        return ""
    return "newer than" if ours > server else f"more than {_OLDER} minor versions older than"
