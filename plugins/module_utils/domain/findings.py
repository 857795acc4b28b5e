# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collect everything that is wrong, so that one run names it all."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from .errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Findings", "FindingsError", "parse_each"]

S = TypeVar("S")
T = TypeVar("T")
# A mistake in a group variable shows on every host: more of the same helps nobody.
_SHOWN = 50


class FindingsError(InputError):
    """Several refusals in one."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts
        lines = [f"- {text}" for text in texts[:_SHOWN]]
        if len(texts) > _SHOWN:
            lines.append(f"- and {len(texts) - _SHOWN} more")
        super().__init__("\n".join([f"{len(texts)} findings:", *lines]))


class Findings:
    """A list of refusals, raised as one."""

    def __init__(self) -> None:
        self._texts: dict[str, None] = {}

    def add(self, text: str) -> None:
        self._texts.setdefault(text)

    def attempt(self, call: Callable[[], T], default: T) -> T:
        """The result of the call, or the default and a finding."""
        try:
            return call()
        except FindingsError as error:
            for text in error.texts:
                self.add(text)
        except InputError as error:
            self.add(str(error))
        return default

    def texts(self) -> list[str]:
        return list(self._texts)

    def raise_any(self) -> None:
        texts = self.texts()
        if len(texts) == 1:
            raise InputError(texts[0])
        if texts:
            raise FindingsError(texts)


def parse_each(parse: Callable[[S], T], items: Iterable[S]) -> list[T]:
    """All items parsed, or one refusal that names every bad one."""
    findings = Findings()
    found = []
    for item in items:
        try:
            found.append(parse(item))
        except InputError as error:
            findings.add(str(error))
    findings.raise_any()
    return found
