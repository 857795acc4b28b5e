# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CAs that end before what they sign."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.signing import cut_short

YEAR = 365 * 86400


def signer(*seconds_left: int) -> dict[str, Any]:
    rows = [
        {"subject": f"CN=ca{number}", "not_after": "2026-11-22T12:00:00Z", "seconds_left": left}
        for number, left in enumerate(seconds_left)
    ]
    return {"path": "/pki/ca.crt", "certificates": rows}


@pytest.mark.parametrize("left", [YEAR, YEAR + 1, 9 * YEAR])
def test_a_ca_that_lives_longer_is_passed_over(left: int) -> None:
    assert cut_short([signer(left), signer()], YEAR) == []


@pytest.mark.parametrize("left", [3600, 30 * 86400, YEAR - 1])
def test_one_that_ends_earlier_is_warned_about(left: int) -> None:
    (warning,) = cut_short([signer(9 * YEAR), signer(left)], YEAR)
    assert warning.startswith("/pki/ca.crt: the CA CN=ca0 ends at 2026-11-22T12:00:00Z")
    assert "certificates of 365d" in warning
    assert "shorten cluster_signing_duration" in warning


@pytest.mark.parametrize(("left", "verb"), [(3599, "ends"), (1, "ends"), (0, "ended"), (-YEAR, "ended")])
def test_one_with_which_nobody_could_go_on_is_refused(left: int, verb: str) -> None:
    with pytest.raises(InputError, match=rf"/pki/ca\.crt: the CA CN=ca0 {verb} at .* need a new one"):
        cut_short([signer(9 * YEAR), signer(left)], YEAR)


def test_short_certificates_need_a_short_life_only() -> None:
    assert cut_short([signer(180)], 180) == []
    with pytest.raises(InputError):
        cut_short([signer(179)], 180)


def test_the_first_of_a_bundle_signs() -> None:
    assert cut_short([signer(9 * YEAR, 0)], YEAR) == []
    assert len(cut_short([signer(86400, 9 * YEAR)], YEAR)) == 1
