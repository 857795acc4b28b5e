# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host does with its token: make the one-time key, open what came back, use it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import x509
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.access import Access, load_access
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.cluster import Cluster

action, directory = sys.argv[1], Path(sys.argv[2])
if action == "make":
    private, public = x509.new_one_time_key()
    (directory / "one-time.key").write_bytes(private)
    (directory / "one-time.pub").write_bytes(public)
else:
    cluster_directory, node = sys.argv[3:5]
    sealed = json.load(sys.stdin)
    token = x509.open_sealed((directory / "one-time.key").read_bytes(), sealed, b"bootstrap-token:" + node.encode())
    admin = load_access(f"{cluster_directory}/admin.conf")
    as_token = Cluster(Access("the token", admin.server, admin.ca, bearer=token.decode()), 10)
    review = as_token.create(
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
    )
    print(json.dumps(review["status"]["userInfo"]))
    print(token.decode().split(".")[1])
