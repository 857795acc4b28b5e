# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a health check believes."""

from __future__ import annotations

import datetime
import http.server
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.systemd import Health, probe

NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


def self_signed(directory: Path, name: str, end: datetime.datetime) -> Path:
    """As a component makes it for itself at its start, key and certificate in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 1, NOW - 366 * DAY, end)
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = directory / f"{name}.pem"
    path.write_bytes(certificate + key.private_bytes(*form))
    return path


class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Nothing is said."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a service whose certificate has ended, and that certificate."""
    certificate = self_signed(tmp_path, "ended", NOW - DAY)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Healthy)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_address[1]}/healthz", certificate
    server.shutdown()
    server.server_close()


def test_its_own_certificate_may_have_ended(served: tuple[str, Path]) -> None:
    url, certificate = served
    assert probe(Health(url, pin=str(certificate), expect="ok")) is None
    assert "certificate" in str(probe(Health(url, ca=str(certificate))))


def test_another_certificate_is_not_believed(served: tuple[str, Path], tmp_path: Path) -> None:
    other = self_signed(tmp_path, "other", NOW + DAY)
    assert "another certificate than" in str(probe(Health(served[0], pin=str(other))))
    assert "is not there" in str(probe(Health(served[0], pin=str(tmp_path / "none.pem"))))


def test_without_a_certificate_nobody_is_believed(served: tuple[str, Path]) -> None:
    assert "certificate" in str(probe(Health(served[0])))
