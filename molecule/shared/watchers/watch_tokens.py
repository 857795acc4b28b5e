"""Catch every bootstrap token of a run, to search for it afterwards where it must not be.

Usage: watch_tokens.py OUTPUT

The collection hands tokens on sealed, so the only place to catch them is the API server.
The output is readable by its owner alone.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import sys
import time
from typing import Any

import api

SECRETS = "/api/v1/namespaces/kube-system/secrets"
WATCH = f"{SECRETS}?watch=1&fieldSelector=type%3Dbootstrap.kubernetes.io%2Ftoken"


def entry(event: dict[str, Any]) -> dict[str, Any]:
    """What the tests want to know of a token Secret."""
    secret = event["object"]
    data = {key: base64.b64decode(value).decode() for key, value in (secret.get("data") or {}).items()}
    metadata = secret["metadata"]
    return {
        "at": time.time(),
        "event": event["type"],
        "name": metadata["name"],
        "labels": metadata.get("labels", {}),
        "annotations": metadata.get("annotations", {}),
        "data": data,
    }


def main() -> None:
    api.wait_for_credentials()
    descriptor = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "w") as output:
        while True:
            try:
                for event in api.watch(WATCH):
                    output.write(json.dumps(entry(event)) + "\n")
                    output.flush()
            except (OSError, http.client.HTTPException, ValueError, KeyError):
                time.sleep(0.1)  # not up yet, or restarted: a new watch begins with all that is there


if __name__ == "__main__":
    main()
