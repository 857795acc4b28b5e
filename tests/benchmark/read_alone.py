# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the certificates that a file names with `cryptography`, take what a report shows of them, and count."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

ENCODING, FORMAT = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo


def facts(path: str) -> tuple[object, ...]:
    certificate = x509.load_pem_x509_certificate(Path(path).read_bytes())
    return (
        certificate.subject.rfc4514_string(),
        certificate.issuer.rfc4514_string(),
        certificate.serial_number,
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        certificate.fingerprint(hashes.SHA256()),
        certificate.public_key().public_bytes(ENCODING, FORMAT),
        [extension.value for extension in certificate.extensions],
    )


def main() -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    found = [facts(path) for path in Path(sys.argv[1]).read_text().splitlines()]
    print(len(found), sum(one[4] < now for one in found), "ended")


main()
