"""The state of a host, written down by the snapshot of the watchers, and what differs between two of them."""

from __future__ import annotations

import json
from typing import Any

from proofs.ansible import Run
from proofs.hosts import PROOF, Host


def look(host: Host) -> dict[str, Any]:
    """Return the files, units and objects of a host as they are now."""
    path = f"{PROOF}/state.json"
    host.output("/usr/bin/python3 %s %s", f"{PROOF}/snapshot.py", path)
    state: dict[str, Any] = json.loads(host.output("cat %s", path))
    return state


def look_at(*hosts: Host) -> dict[str, Any]:
    """Return the states of hosts by their names."""
    return {host.name: look(host) for host in hosts}


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return what is not the same, with both values."""
    return {
        key: (before.get(key), after.get(key)) for key in sorted({*before, *after}) if before.get(key) != after.get(key)
    }


def changed_since(before: dict[str, Any], *hosts: Host) -> dict[str, Any]:
    """Return what is not as it was, by host and kind; nothing where all of it is."""
    found = {
        host.name: {kind: differences(before[host.name][kind], state) for kind, state in look(host).items()}
        for host in hosts
    }
    kept = {name: {kind: changes for kind, changes in kinds.items() if changes} for name, kinds in found.items()}
    return {name: kinds for name, kinds in kept.items() if kinds}


def foretold(checked: Run) -> dict[str, set[str]]:
    """Return the files that a run in check mode would have written or removed, host by host."""
    paths: dict[str, set[str]] = {}
    for task in checked.tasks:
        for host, reasons in task["reasons"].items():
            for reason in reasons:
                paths.setdefault(host, set()).update(reason.get("files") or filter(None, [reason["path"]]))
    return paths
