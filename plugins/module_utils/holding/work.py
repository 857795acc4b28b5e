# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one call is given, and what it gathers."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..domain.clock import check_clock
from ..domain.identity import Identity
from ..domain.reasons import Reason
from ..files import NewFile
from ..runner import Command
from ..x509 import PrivateKey

__all__ = ["Task", "Work", "ask_for_new"]


def ask_for_new(name: str) -> str:
    """What to do about a key that is never replaced by itself."""
    return f"restore it from a backup, or have a new one made by the playbook site with -e identities_force={name}"


@dataclass(frozen=True)
class Task:
    """The options of one call. `certificates` is None in the first call of a run."""

    host: str
    identities: Sequence[dict[str, Any] | Identity]
    bundles: list[dict[str, Any]]
    issuers: dict[str, str]
    certificates: dict[str, str] | None
    force: list[str]
    now: datetime.datetime
    check: bool = False
    # The newest certificate of each identity in the CA host's ledger: sha256 and not_before.
    current: dict[str, dict[str, str]] = field(default_factory=dict)
    # When the ledger has first recorded each CA, by its name.
    recorded: dict[str, str] = field(default_factory=dict)
    # System users that are made first, because files belong to them.
    users: tuple[str, ...] = ()
    command: Command | None = None
    # New keys by identity, where their certificates come within this process; otherwise they wait in files.
    keys: dict[str, PrivateKey] | None = None
    # The time on the controller, where it is known.
    controller: datetime.datetime | None = None
    # What is served along with what a CA has signed: itself and those above it but the root, by its name.
    chains: dict[str, str] = field(default_factory=dict)

    @property
    def first(self) -> bool:
        return self.certificates is None

    def clock(self) -> tuple[int | None, list[str]]:
        """By how many seconds the host's clock is ahead, and a warning; refused when it is too far off."""
        if self.controller is None:
            return None, []
        offset, warning = check_clock(self.host, self.now, self.controller)
        return offset, [warning] if warning else []

    def forces(self, name: str) -> bool:
        """In the second call of a run what was forced has been made already."""
        return self.first and name in self.force


@dataclass
class Work:
    """What one identity or bundle needs: the reasons, and the steps that remove them."""

    reasons: list[Reason] = field(default_factory=list)
    steps: list[Callable[[], None]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    # What was not there before, written after all steps, together.
    new_files: list[NewFile] = field(default_factory=list)
    # The types of the keys that the steps will make.
    key_types: list[str] = field(default_factory=list)

    def add(self, reasons: list[Reason], step: Callable[[], None], key_type: str | None = None) -> None:
        self.reasons += reasons
        if reasons:
            self.steps.append(step)
            self.key_types += [key_type] if key_type else []

    def apply(self) -> None:
        for step in self.steps:
            step()
