# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules of the PKI share."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
requirements:
  - cryptography 3.4 or later (C(python3-cryptography)) on the host where the module runs
"""

    CA_FOLDER = r"""
options:
  directory:
    description:
      - Folder of the CAs on the host where the module runs. C(~) is that host's and user's home.
    type: path
    required: true
  cas:
    description:
      - The CAs, as the filter P(tlsbootstrap.kubernetes.plan#filter) lists them in C(cas).
      - Each has C(name), C(common_name), C(key_type) (C(ecdsa-p256), C(ecdsa-p384), C(rsa-2048), C(rsa-3072) or
        C(rsa-4096)), C(validity) in seconds, and C(certificate_file) and C(key_file) relative to O(directory).
      - "C(source) says where it comes from. C(self_signed) (default) and C(root): made here, in the latter case signed
        by the root of C(root_certificate) and C(root_key), absolute paths on this host; where that key is encrypted,
        O(passphrase) opens it. C(offline_root): the root's certificate is here, its key is elsewhere. C(imported): the
        user has brought certificate and key. C(external): the user has brought the certificate alone."
      - C(usages) are those of the certificates that it signs, of C(server auth) and C(client auth), both by default. A
        CA with an extendedKeyUsage has to have them there, too, and so have those above it.
      - A CA is refused where OpenSSL, GnuTLS or Go would refuse it, or what it signs, for a critical extension that
        they do not know, nameConstraints, policyConstraints, a negative serial number or an empty subject.
      - A CA that is not self-signed may have C(<name>-chain.crt) beside C(<name>.crt), with itself and those above it,
        up to the root. What it signs is served with all of them but the root.
    type: list
    elements: dict
    required: true
  passphrase:
    description:
      - Encrypts the keys of the CAs (PKCS#8 with scrypt and AES-256), and opens those that are encrypted. It has at
        least 12 bytes.
      - A key that lies there in clear is encrypted. Keep the passphrase in Ansible Vault; the module stores it nowhere.
    type: str
  passphrase_file:
    description: File on the host where the module runs that holds the passphrase instead. It must be its owner's alone.
    type: path
  lock_timeout:
    description: Seconds to wait while another run holds the folder's lock. Then the module fails and names that run.
    type: int
    default: 60
"""
