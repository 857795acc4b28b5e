"""Sample what the cluster says of its nodes, and what each node serves on port 10250.

Usage: sample_api.py OUTPUT

One JSON object a line: the Ready condition and UID of every Node each second, and a
served certificate whenever it is another than before.
"""

from __future__ import annotations

import http.client
import json
import ssl
import sys
import time
from typing import Any, TextIO

import api

INTERVAL = 1.0


def condition(node: dict[str, Any]) -> dict[str, Any]:
    """Reduce a Node to what is sampled."""
    ready = [entry["status"] for entry in node["status"].get("conditions", []) if entry["type"] == "Ready"]
    return {"uid": node["metadata"]["uid"], "ready": ready[0] if ready else "Unknown"}


def address(node: dict[str, Any]) -> str:
    """Return the address that the API server reaches a kubelet at."""
    return next(
        (entry["address"] for entry in node["status"].get("addresses", []) if entry["type"] == "InternalIP"), ""
    )


def served(host: str) -> str | None:
    """Return the certificate that a kubelet serves, as PEM, whoever issued it."""
    try:
        return ssl.get_server_certificate((host, 10250), timeout=2)
    except OSError:
        return None


def sample(connection: http.client.HTTPSConnection, last: dict[str, str], output: TextIO) -> None:
    """Write one sample."""
    nodes = {node["metadata"]["name"]: node for node in api.get(connection, "/api/v1/nodes")["items"]}
    now = time.time()
    write(output, {"at": now, "nodes": {name: condition(node) for name, node in nodes.items()}})
    for name, node in nodes.items():
        certificate = served(address(node)) if address(node) else None
        if certificate and last.get(name) != certificate:
            last[name] = certificate
            write(output, {"at": time.time(), "node": name, "served": certificate})


def write(output: TextIO, entry: dict[str, Any]) -> None:
    output.write(json.dumps(entry) + "\n")
    output.flush()


def main() -> None:
    api.wait_for_credentials()
    last: dict[str, str] = {}
    with open(sys.argv[1], "a", encoding="utf-8") as output:
        connection = api.connect(timeout=5)
        while True:
            started = time.time()
            try:
                sample(connection, last, output)
            except (OSError, http.client.HTTPException, ValueError) as error:
                write(output, {"at": started, "error": f"{type(error).__name__}: {error}"})
                connection.close()
                connection = api.connect(timeout=5)
            time.sleep(max(0.0, INTERVAL - (time.time() - started)))


if __name__ == "__main__":
    main()
