# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception that users see: what is wrong, where, and what to do about it."""

from __future__ import annotations

__all__ = ["InputError"]


class InputError(Exception):
    """Input or state that is refused.

    The message names the thing (file, host, option) and the remedy, and never holds a secret:
    since ansible-core 2.19 ``no_log`` on a task no longer hides it.
    """
