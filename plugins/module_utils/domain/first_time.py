# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a CA may be made that its folder never had: a cluster that is there has its own somewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .errors import InputError

__all__ = ["check_new", "check_replaced"]

_OTHER = "this cluster was made with another cluster_ca_host, cluster_ca_directory, cluster_name or cluster_profile"


def check_new(new: Sequence[str], directory: str, may_be: bool, held: Sequence[Mapping[str, Any]]) -> None:
    """With another CA in its place nothing of the cluster would be trusted any more.

    `held`: rows of the plan whose certificates are there, each with its host.
    """
    for name in new:
        absent = f"CA {name} is not in {directory}, and there is no word of it"
        for found in held:
            if found["issuer"] == name:
                raise InputError(
                    f"{absent}, but {found['host']} has {found['certificate_path']}, which it would have issued: "
                    f"{_OTHER}; set it back, or bring the folder of its CAs there. To have new CAs all the same, run "
                    "once with -e ca_start_over=true"
                )
        if not may_be:
            raise InputError(
                f"{absent}, and this run is not for the first control plane (join, or --limit): run site or pki for it "
                f"first. Where the cluster is there already, {_OTHER}; set it back"
            )


def check_replaced(gone: Sequence[str], directory: str, may_be: bool) -> None:
    """One that was moved aside is made anew for all hosts: some alone would trust it, and be trusted by none."""
    if gone and not may_be:
        raise InputError(
            f"CA {gone[0]} is no more in {directory}, and this run is not for the first control plane (join, or "
            "--limit): bring it back, or run site for all hosts to have a new one in its place"
        )
