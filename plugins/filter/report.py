# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import watching
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.durations import parse_duration
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError


def report(
    found: Mapping[str, Mapping[str, Any]],
    hosts: Sequence[str],
    plans: Mapping[str, Mapping[str, Any]],
    cas: Sequence[Mapping[str, Any]],
    ca_host: str,
    at_ca_host: Mapping[str, Any],
    limits: Mapping[str, str],
) -> dict[str, Any]:
    """Compare what was found with the plan and the ledger, see the documentation beside this file."""
    try:
        bounds = watching.Limits(limits["warning"], limits["critical"])
        watch = watching.Watch(plans, cas, bounds, parse_duration(limits["signing_duration"]))
        return watch.report(found, ca_host, at_ca_host, hosts)
    except InputError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Register the filter."""

    def filters(self) -> dict[str, Callable[..., dict[str, Any]]]:
        return {"report": report}
