# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter component_flags."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ansible.errors import AnsibleFilterError

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import flags
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError


def component_flags(
    base: Mapping[str, object],
    extra: Mapping[str, object],
    owned: Sequence[str] = (),
    required: Mapping[str, Sequence[str]] | None = None,
    forbidden: Mapping[str, Sequence[str]] | None = None,
    program: str | None = None,
) -> list[str]:
    """Merge flags, see the documentation beside this file."""
    try:
        arguments = flags.component_flags(base, extra, owned, required, forbidden)
    except InputError as error:
        raise AnsibleFilterError(str(error)) from error
    return arguments if program is None else [program, *arguments]


class FilterModule:
    """Register the filter."""

    def filters(self) -> dict[str, Callable[..., list[str]]]:
        return {"component_flags": component_flags}
