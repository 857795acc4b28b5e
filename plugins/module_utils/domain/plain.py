# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of files that anybody may have written, as text."""

from __future__ import annotations

from typing import Any

__all__ = ["plain_text"]


def plain_text(value: Any) -> str:
    """A few lines of YAML aliases make a list that has gigabytes as text, so lists and mappings are none."""
    if isinstance(value, (dict, list, set, tuple)):
        raise ValueError("a list or a mapping where a text belongs")
    return str(value)
