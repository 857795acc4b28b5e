# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception that users see: what is wrong, where, and what to do about it."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["InputError", "given"]

Value = TypeVar("Value")


class InputError(Exception):
    """Input or state that is refused.

    The message names the thing (file, host, option) and the remedy, and never holds a secret:
    since ansible-core 2.19 ``no_log`` on a task no longer hides it.
    """


def given(value: Value | None) -> Value:
    """A value that an earlier check has made sure of."""
    if value is None:
        raise ValueError("a value that was checked to be there is not")
    return value
