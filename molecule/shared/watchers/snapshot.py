"""Write down everything that a run which changes nothing must leave alone.

Usage: snapshot.py OUTPUT [FOLDER...]

Without folders: the files of this host, its units' start times, and on a control plane
the objects in the API with their resourceVersions. What the kubelet, the controllers and
the approver do by themselves is left out: the kubelet's own certificates, requests made
with them, and the parts of a Node that they own.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import api

# The kubelet's own folder holds pods, plugins and rotated certificates: only what lies directly in it counts.
DEEP = ("/etc", "/usr/local", "/opt", "/var/lib/tlsbootstrap")
SHALLOW = ("/var/lib/kubelet", "/var/lib/kube-proxy")
KUBELETS_OWN = ("cpu_manager_state", "memory_manager_state", "dra_manager_state", "actuated_pods_state")
UNITS = Path("/etc/systemd/system")
PROPERTIES = "MainPID,ActiveState,UnitFileState,NRestarts,ExecMainStartTimestampMonotonic"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
COLLECTIONS = (
    f"{RBAC}/clusterroles",
    f"{RBAC}/clusterrolebindings",
    f"{RBAC}/roles",
    f"{RBAC}/rolebindings",
    "/api/v1/secrets",
    "/api/v1/configmaps",
    "/api/v1/serviceaccounts",
)
SINCE_1_37 = ("/apis/certificates.k8s.io/v1/clustertrustbundles",)
# They write to a Node all the time.
KEEPERS_OF_NODES = ("kubelet", "kube-controller-manager")


def status(path: Path) -> list[Any]:
    """Everything that betrays a rewritten or a touched file."""
    found = path.lstat()
    times = [found.st_mtime_ns, found.st_ctime_ns]
    return [found.st_ino, found.st_mode, found.st_uid, found.st_gid, found.st_size, *times]


def deep(folder: str) -> dict[str, list[Any]]:
    """All that lies below a folder."""
    result = {}
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            result[str(path)] = status(path)
    return result


def shallow(folder: str) -> dict[str, list[Any]]:
    """The files that lie directly in a folder."""
    if not Path(folder).is_dir():
        return {}
    return {
        str(path): status(path) for path in Path(folder).iterdir() if path.is_file() and path.name not in KUBELETS_OWN
    }


def units() -> dict[str, list[str]]:
    """State and start of each service that was put on this host, containerd's too."""
    names = sorted({path.name for path in UNITS.glob("*.service")} | {"containerd.service"})
    return {
        name: subprocess.run(
            ["systemctl", "show", name, f"--property={PROPERTIES}"], check=True, capture_output=True, text=True
        ).stdout.splitlines()
        for name in names
    }


def node_parts(node: dict[str, Any]) -> Any:
    """What somebody else than the kubelet and the controllers wrote to a Node."""
    metadata = node["metadata"]
    writers = [
        (entry["manager"], entry.get("subresource", ""), entry.get("time", ""))
        for entry in metadata.get("managedFields", [])
        if entry["manager"] not in KEEPERS_OF_NODES
    ]
    return [metadata["uid"], metadata.get("labels"), sorted(writers)]


def served(connection: http.client.HTTPSConnection, collection: str) -> bool:
    """Whether this version of the API server has a collection."""
    group, name = collection.rsplit("/", 1)
    return name in {resource["name"] for resource in api.get(connection, group)["resources"]}


def objects() -> dict[str, Any]:
    """The API's objects with their resourceVersions; none where there is no API server."""
    if not all(path.exists() for path in api.CREDENTIALS):
        return {}
    connection = api.connect(timeout=20)
    result: dict[str, Any] = {}
    try:
        for collection in COLLECTIONS + tuple(name for name in SINCE_1_37 if served(connection, name)):
            for item in api.get(connection, collection)["items"]:
                metadata = item["metadata"]
                name = f"{collection}/{metadata.get('namespace', '')}/{metadata['name']}"
                result[name] = [metadata["uid"], metadata["resourceVersion"]]
        for node in api.get(connection, "/api/v1/nodes")["items"]:
            result[f"node/{node['metadata']['name']}"] = node_parts(node)
        for request in api.get(connection, "/apis/certificates.k8s.io/v1/certificatesigningrequests")["items"]:
            if request["spec"]["username"].startswith("system:bootstrap:"):
                result[f"request/{request['metadata']['name']}"] = request["metadata"]["uid"]
    except (OSError, http.client.HTTPException):
        if result:
            raise
    return result


def main() -> None:
    folders = sys.argv[2:]
    files: dict[str, list[Any]] = {}
    for folder in folders or DEEP:
        files.update(deep(folder))
    state: dict[str, Any] = {"files": files}
    if not folders:
        for folder in SHALLOW:
            files.update(shallow(folder))
        state["units"] = units()
        state["objects"] = objects()
    Path(sys.argv[1]).write_text(json.dumps(state), encoding="utf-8")


if __name__ == "__main__":
    main()
