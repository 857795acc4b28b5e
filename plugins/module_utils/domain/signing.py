# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the CAs that the controller-manager signs with live as long as what it signs.

It cuts a certificate to the end of its CA, in silence (pkg/controller/certificates/authority/policies.go).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .durations import format_duration
from .errors import InputError

__all__ = ["cut_short"]

# Kubelets renew within a lifetime, so a short one serves for as long as its CA; below this a run is of no use.
_LEAST = 3600


def cut_short(files: Sequence[Mapping[str, Any]], seconds: int) -> list[str]:
    """Warnings about CAs that end before a certificate of ``seconds``; refuse one with which nobody could go on.

    The first certificate of a file is the one that signs. A file that is not there yet says nothing.
    """
    warnings = []
    for file in files:
        for ca in file["certificates"][:1]:
            left = ca["seconds_left"]
            what = f"{file['path']}: the CA {ca['subject']}"
            if left < min(seconds, _LEAST):
                verb = "ended" if left <= 0 else "ends"
                raise InputError(f"{what} {verb} at {ca['not_after']}: the certificates of kubelets need a new one")
            if left < seconds:
                warnings.append(
                    f"{what} ends at {ca['not_after']}, and the certificates of {format_duration(seconds)} that the "
                    "controller-manager signs with it end then too: plan its rotation, or shorten "
                    "cluster_signing_duration"
                )
    return warnings
