# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lay out what a kubelet keeps: make_identity.py FOLDER NODE DAYS_LEFT [--other-key] [--served]."""

from __future__ import annotations

import datetime
import os
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

KUBECONFIG = """\
apiVersion: v1
clusters:
- cluster:
    certificate-authority: /etc/kubernetes/pki/kubernetes-ca.crt
    server: https://192.0.2.10:6443
  name: default-cluster
contexts:
- context:
    cluster: default-cluster
    user: default-auth
  name: default-context
current-context: default-context
kind: Config
users:
- name: default-auth
  user:
    client-certificate: {current}
    client-key: {current}
"""


def name(*parts: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def main(folder: Path, node: str, days: int, other_key: bool, served: bool) -> None:
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    issuer = name((NameOID.COMMON_NAME, "kubelet-client-ca-cp1"))

    def signed(subject: x509.Name, public_key: ec.EllipticCurvePublicKey) -> bytes:
        builder = x509.CertificateBuilder(issuer, subject, public_key, x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=9))
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
        builder = builder.add_extension(authority, critical=False)
        certificate = builder.not_valid_after(now + datetime.timedelta(days=days)).sign(ca_key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM)

    pki = folder / "pki"
    pki.mkdir(parents=True, exist_ok=True)
    (folder / "ca.crt").write_bytes(signed(issuer, ca_key.public_key()))
    subject = name((NameOID.ORGANIZATION_NAME, "system:nodes"), (NameOID.COMMON_NAME, f"system:node:{node}"))
    kept = ec.generate_private_key(ec.SECP256R1()) if other_key else key
    private = kept.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    for use in ("client", "server") if served else ("client",):
        pair = pki / f"kubelet-{use}-2026-01-31-12-00-00.pem"
        pair.write_bytes(signed(subject, key.public_key()) + private)
        pair.chmod(0o600)
        current = pki / f"kubelet-{use}-current.pem"
        current.unlink(missing_ok=True)
        os.symlink(pair, current)
    (folder / "kubelet.conf").write_text(KUBECONFIG.format(current=pki / "kubelet-client-current.pem"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), "--other-key" in sys.argv, "--served" in sys.argv)
