"""What the watchers saw since before the first join."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from proofs.certificates import Certificate, parse
from proofs.hosts import PROOF, Host


@dataclass(frozen=True)
class Seen:
    """A certificate, and when it was seen first."""

    at: float
    certificate: Certificate


@dataclass(frozen=True)
class NodeSample:
    """What the cluster said of a node at a moment."""

    at: float
    uid: str
    ready: str


def records(host: Host, name: str) -> Iterator[dict[str, Any]]:
    """Yield what a watcher wrote; its last line may be half written."""
    for line in host.run("cat %s", f"{PROOF}/{name}").stdout.splitlines(keepends=True):
        if line.endswith("\n"):
            yield json.loads(line)


def certificates(node: Host, kind: str) -> list[Seen]:
    """Return the certificates of a kind (client, server) that a kubelet has had, in order."""
    return [Seen(entry["at"], parse(entry[kind])) for entry in records(node, "sample_kubelet") if entry.get(kind)]


def processes(node: Host) -> list[tuple[float, dict[str, str]]]:
    """Return what systemd said of a kubelet whenever that changed."""
    return [(entry["at"], entry["process"]) for entry in records(node, "sample_kubelet") if "process" in entry]


def served(control_plane: Host, node: Host) -> list[Seen]:
    """Return the certificates that a node has served on port 10250, in order."""
    return [
        Seen(entry["at"], parse(entry["served"]))
        for entry in records(control_plane, "sample_api")
        if entry.get("node") == node.name
    ]


def nodes(control_plane: Host, node: Host) -> list[NodeSample]:
    """Return all samples of a Node."""
    return [
        NodeSample(entry["at"], **{key: entry["nodes"][node.name][key] for key in ("uid", "ready")})
        for entry in records(control_plane, "sample_api")
        if node.name in entry.get("nodes", {})
    ]


def errors(control_plane: Host) -> list[tuple[float, str]]:
    """Return when, and why, a sample could not be taken."""
    return [(entry["at"], entry["error"]) for entry in records(control_plane, "sample_api") if "error" in entry]


def token_events(control_plane: Host) -> dict[str, list[dict[str, Any]]]:
    """Return what happened to each bootstrap token of the collection's own, by its id."""
    result: dict[str, list[dict[str, Any]]] = {}
    for entry in records(control_plane, "watch_tokens"):
        if "test" not in entry["labels"]:
            result.setdefault(entry["data"]["token-id"], []).append(entry)
    return result


def try_tokens(control_plane: Host) -> dict[str, int]:
    """Return the HTTP status that each token gets that ever was in the API, by its id."""
    answers: dict[str, int] = json.loads(
        control_plane.output(f"/usr/bin/python3 {PROOF}/try_tokens.py {PROOF}/watch_tokens")
    )
    return answers


def wait_for(what: str, condition: Callable[[], Any], seconds: float, interval: float = 1.0) -> Any:
    """Return what a condition gives as soon as it gives something."""
    end = time.time() + seconds
    while not (found := condition()):
        assert time.time() < end, f"waited {seconds:.0f} s in vain: {what}"
        time.sleep(interval)
    return found


def moment(text: str) -> float:
    """Return a time of the API's as seconds."""
    return datetime.datetime.fromisoformat(text).timestamp()
