# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a run in check mode would have changed."""

from __future__ import annotations

from typing import Any

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.pending import pending_files

BUNDLES = [
    {"path": "/pki/sa.pub", "members": ["service-account@cp1", "service-account@cp2"]},
    {"path": "/pki/ca.crt", "members": ["kubernetes-ca"]},
]


def result(code: str, subject: str = "service-account", path: str | None = None, **more: str) -> dict[str, Any]:
    return {"reasons": [{"code": code, "subject": subject, "path": path}], **more}


def test_files_of_the_host_itself() -> None:
    found = [result("ContentChanged", "kubelet", "/bin/kubelet"), result("Expiring", "admin", "/pki/admin.crt"), {}]
    assert pending_files(found) == ["/bin/kubelet", "/pki/admin.crt"]


def test_what_does_not_touch_the_content_does_not_count() -> None:
    kept = [result(code, path="/pki/sa.key") for code in ("ModeChanged", "OwnerChanged", "Leftover")]
    assert pending_files(kept, BUNDLES, [{**one, "host": "cp2"} for one in kept]) == []


def test_a_bundle_changes_with_its_members_on_other_hosts() -> None:
    assert pending_files([], BUNDLES, [result("Missing", host="cp2")]) == ["/pki/sa.pub"]
    assert pending_files([], BUNDLES, [result("Missing", host="cp3")]) == []
    assert pending_files([], BUNDLES, [result("Missing", "front-proxy-client", host="cp2")]) == []


def test_a_bundle_changes_with_the_offline_ca() -> None:
    assert pending_files([], BUNDLES, [result("Missing", "kubernetes-ca")]) == ["/pki/ca.crt"]
    assert pending_files([], BUNDLES, [{}]) == []
