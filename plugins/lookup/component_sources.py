# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup component_sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import sources
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError


class LookupModule(LookupBase):  # type: ignore[misc]  # Ansible has no types
    """Find and hash."""

    def run(self, terms: Sequence[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        del variables
        given = str(kwargs["directory"])
        directory = self._loader.path_dwim(given) if given else ""
        try:
            return sources.describe(
                [str(name) for name in terms], directory, kwargs.get("checksums") or {}, kwargs.get("urls") or {}
            )
        except InputError as error:
            raise AnsibleLookupError(str(error)) from error
