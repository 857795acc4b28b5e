# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes between the calls of a run: from hosts to the CA host and back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from .errors import InputError
from .pem import CERTIFICATE, PUBLIC_KEY, bundle

__all__ = [
    "bundle_contents",
    "join_requests",
    "known_cas",
    "needs_installing",
    "published_parts",
    "signing_requests",
]


def signing_requests(
    results: Iterable[Mapping[str, Any]], hosts: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """All requests of all hosts, each with its row of the plan: what a host asks for is not believed."""
    wanted = []
    for result in results:
        host = str(result["host"])
        rows = {str(row["name"]): row for row in hosts.get(host, {}).get("identities", [])}
        for request in result.get("requests") or []:
            name = str(request["identity"])
            if name not in rows:
                raise InputError(f"host {host} asks for the identity {name}, which the plan does not give it")
            wanted.append(
                {
                    "host": host,
                    "identity": dict(rows[name]),
                    "request": request["request"],
                    "reasons": [str(reason["code"]) for reason in request.get("reasons") or []],
                }
            )
    return wanted


def join_requests(
    asking: Iterable[Mapping[str, Any]], hosts: Mapping[str, Mapping[str, Any]], kind: str
) -> list[dict[str, Any]]:
    """What the CA of joins is to sign: requests, by host or by node, with the rows `joining` of the plan."""
    by_node = {str(row.get("node_name")): host for host, row in hosts.items()}
    wanted = []
    for one in asking:
        host = str(one.get("host") or by_node.get(str(one.get("node_name")), ""))
        row = (hosts.get(host, {}).get("joining") or {}).get(kind)
        if row is None:
            raise InputError(f"host {host} asks for a join certificate, which the plan does not give it")
        request = str(one["certificate_request"])
        wanted.append({"host": host, "identity": dict(row), "request": request, "reasons": ["Missing"]})
    return wanted


def published_parts(results: Iterable[Mapping[str, Any]], known: Mapping[str, str]) -> dict[str, str]:
    """What hosts publish and the CA host does not know yet. A host speaks for itself alone."""
    parts = {}
    for result in results:
        host = str(result["host"])
        for name, text in (result.get("published") or {}).items():
            if not str(name).endswith("@" + host):
                raise InputError(f"host {host} publishes {name}, which is not its own")
            if known.get(name) != text:
                parts[str(name)] = str(text)
    return parts


def bundle_contents(
    bundles: Iterable[Mapping[str, Any]], certificates: Mapping[str, str], published: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The bundles of a host with their contents; one of which a member is not known is marked as not complete."""
    known = {**certificates, **published}
    found = []
    for row in bundles:
        kind = PUBLIC_KEY if row["kind"] == "public_keys" else CERTIFICATE
        # One that is trusted at times only is left out when it is not known.
        members = [str(one).lstrip("?") for one in row["members"] if not str(one).startswith("?") or one[1:] in known]
        parts = [str(known[member]) for member in members if member in known]
        found.append(
            {
                "name": row["name"],
                "path": row["path"],
                "kind": row["kind"],
                "owner": row.get("owner"),
                "group": row.get("group"),
                "mode": row.get("mode", "0644"),
                "content": bundle(parts, kind, f"bundle {row['name']}"),
                "complete": len(parts) == len(members),
            }
        )
    return found


def known_cas(
    plan: Mapping[str, Any], hosts: Mapping[str, Mapping[str, Any]], authorities: Mapping[str, Any]
) -> dict[str, str]:
    """As the CA host knows them: CAs of the API server's clients, of the kubelets that it calls, and its own.

    Where one is not known yet nothing is said. A cluster that somebody else has made has told them itself.
    """
    cluster = plan["cluster"]
    if cluster.get("existing"):
        known = {"client": str(cluster["client_cas"]), "kubernetes": "".join(map(str, cluster["cas"].values()))}
        return {**known, "serving": ""}
    first = hosts[cluster["first_control_plane"]]
    own = list(plan["host"].get("bundles") or [])
    wanted = {
        "client": (first["trust"]["client"], [*first["bundles"], *own]),
        "serving": (first["trust"]["kubelet_serving"], [*first["bundles"], *own]),
        "kubernetes": ((plan["host"].get("trust") or {}).get("kubernetes"), own),
    }
    parts = authorities.get("certificates") or {}, authorities.get("published") or {}
    found = {}
    for name, (path, bundles) in wanted.items():
        row = next((one for one in bundles if one["path"] == path), None)
        filled = bundle_contents([row], *parts) if row else []
        found[name] = str(filled[0]["content"]) if filled and filled[0]["complete"] else ""
    return found


def needs_installing(result: Mapping[str, Any], bundles: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a host has to be called a second time: certificates come, or a bundle is another."""
    if result.get("requests"):
        return True
    present = result.get("bundles") or {}
    for row in bundles:
        digest = hashlib.sha256(str(row["content"]).encode("utf-8")).hexdigest()
        if row["content"] and row["complete"] and present.get(row["path"]) != digest:
            return True
        if row["content"] and not row["complete"] and not present.get(row["path"]):
            return True
    return False
