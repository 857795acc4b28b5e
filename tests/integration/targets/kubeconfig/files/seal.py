# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seal a text for a node as bootstrap_tokens does: seal.py NODE TEXT, the recipient's public key on stdin."""

from __future__ import annotations

import json
import sys

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import x509

if __name__ == "__main__":
    context = b"bootstrap-token:" + sys.argv[1].encode()
    print(json.dumps(x509.seal(sys.stdin.read().encode(), sys.argv[2].encode(), context)))
