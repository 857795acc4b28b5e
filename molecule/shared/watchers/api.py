"""The API server as the watchers of the tests see it: https with the administrator's certificate, nothing else."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PKI = Path("/etc/kubernetes/pki")
CREDENTIALS = (PKI / "admin.crt", PKI / "admin.key", PKI / "kubernetes-ca.crt")


def connect(timeout: float) -> http.client.HTTPSConnection:
    """Return a connection to the API server of this host."""
    context = ssl.create_default_context(cafile=str(CREDENTIALS[2]))
    context.load_cert_chain(str(CREDENTIALS[0]), str(CREDENTIALS[1]))
    return http.client.HTTPSConnection("127.0.0.1", 6443, timeout=timeout, context=context)


def wait_for_credentials() -> None:
    """The watchers start before there is a cluster."""
    while not all(path.exists() for path in CREDENTIALS):
        time.sleep(0.2)


def get(connection: http.client.HTTPSConnection, path: str) -> Any:
    """Return the object at a path."""
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != http.client.OK:
        raise http.client.HTTPException(f"{path}: {answer.status}")
    return json.loads(body)


def watch(path: str) -> Iterator[dict[str, Any]]:
    """Yield the events of a watch until it ends."""
    connection = connect(timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            raise http.client.HTTPException(f"{path}: {answer.status}")
        for line in answer:
            yield json.loads(line)
    finally:
        connection.close()
