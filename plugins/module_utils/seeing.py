# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What certificates, keys and kubeconfigs of a host say. Nothing is changed and nothing secret is told."""

from __future__ import annotations

import datetime
import re
from typing import Any

from . import files, kubeconfigs, x509
from .domain.certificate import KeyInfo
from .domain.errors import InputError
from .domain.pem import CERTIFICATE, PUBLIC_KEY, Block, blocks

__all__ = ["look"]

_KUBECONFIG = re.compile(rb"(?m)^\s*[\"']?kind[\"']?:\s*[\"']?Config\b")


def look(paths: list[str], now: datetime.datetime) -> list[dict[str, Any]]:
    """One entry for each path, in their order; what cannot be read says so in its entry."""
    return [_look(path, now) for path in paths]


def _look(path: str, now: datetime.datetime) -> dict[str, Any]:
    entry: dict[str, Any] = {"path": path, "exists": False, "kind": None, "certificates": []}
    try:
        # The kubelet's current pair is a symlink.
        data = files.read(path, follow=True)
        if data is None:
            return entry
        state = files.state_of(path)
        entry.update(exists=True, owner=state.owner, group=state.group, mode=f"{state.mode:04o}")
        entry.update(_content(path, data, now))
    except InputError as error:
        entry["error"] = str(error)
    return entry


def _content(path: str, data: bytes, now: datetime.datetime) -> dict[str, Any]:
    if _KUBECONFIG.search(data):
        return _kubeconfig(path, data, now)
    if data[:1] == b"\x30":
        return _pem([Block(CERTIFICATE, data)], path, now)
    return _pem(blocks(data, path), path, now)


def _pem(found: list[Block], path: str, now: datetime.datetime) -> dict[str, Any]:
    certificates, public, private, requests = [], [], [], []
    for block in found:
        if block.label == CERTIFICATE:
            certificates.append(_certificate(block, path, now))
        elif block.label == PUBLIC_KEY:
            public.append(_key(x509.public_key_info(block.text().encode("ascii"), path)))
        elif block.label.endswith("PRIVATE KEY"):
            private.append(_key(x509.load_private_key(block.text().encode("ascii"), path).info))
        elif block.label.endswith("CERTIFICATE REQUEST"):
            request = x509.load_request(block.text().encode("ascii"), path)
            names = {"common_name": request.common_name, "organizations": list(request.organizations)}
            requests.append({**names, **_key(request.key)})
    found_kinds = (
        ("request", requests),
        ("bundle", certificates[1:]),
        ("certificate", certificates),
        ("key", [*private, *public]),
    )
    kind = next((name for name, parts in found_kinds if parts), None)
    if kind is None:
        raise InputError(f"{path}: no certificate, key or request in PEM")
    # Not `keys`: in a template that would be the dictionary's method.
    return {
        "kind": kind,
        "certificates": certificates,
        "private_keys": private,
        "public_keys": public,
        "requests": requests,
    }


def _certificate(block: Block, path: str, now: datetime.datetime) -> dict[str, Any]:
    return x509.certificate_info(x509.load_certificate(block, path)).as_dict(now)


def _key(info: KeyInfo) -> dict[str, Any]:
    return {"key_type": info.key_type, "public_key_sha256": info.public_key_sha256}


def _kubeconfig(path: str, data: bytes, now: datetime.datetime) -> dict[str, Any]:
    config = kubeconfigs.parse(data, path)
    certificate = config.certificate_data
    if certificate is None and config.certificate_path:
        certificate = files.read(config.certificate_path, follow=True)
    found = [] if certificate is None else [b for b in blocks(certificate, path) if b.label == CERTIFICATE]
    return {
        "kind": "kubeconfig",
        "certificates": [_certificate(block, path, now) for block in found],
        "kubeconfig": {
            "server": config.server,
            "cluster_name": config.cluster_name,
            "user_name": config.user_name,
            "ca_path": config.ca_path,
            "ca_fingerprints": _fingerprints(config, path),
            "certificate_path": config.certificate_path,
            "key_path": config.key_path,
            "embedded": config.key_data is not None,
            "token": config.token is not None,
        },
    }


def _fingerprints(config: kubeconfigs.Kubeconfig, path: str) -> list[str]:
    data = config.ca_data
    if data is None and config.ca_path:
        data = files.read(config.ca_path, follow=True)
    return [] if data is None else [block.fingerprint for block in blocks(data, path)]
