# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters that carry states between the calls of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import flow
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError


def _refusing(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except InputError as error:
            raise AnsibleFilterError(str(error)) from error

    return call


class FilterModule:
    """Register the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "bundle_contents": _refusing(flow.bundle_contents),
            "join_requests": _refusing(flow.join_requests),
            "known_cas": _refusing(flow.known_cas),
            "needs_installing": _refusing(flow.needs_installing),
            "published_parts": _refusing(flow.published_parts),
            "signing_requests": _refusing(flow.signing_requests),
        }
