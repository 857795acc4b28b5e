"""Sample the kubelet of this host: its process, and its certificates whenever they are others than before.

Usage: sample_kubelet.py OUTPUT

Only certificates are read out of the kubelet's files, no key leaves them.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

INTERVAL = 1.0
FOLDER = Path("/var/lib/kubelet/pki")
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n", re.DOTALL)


def certificate(kind: str) -> str | None:
    """Return the current certificate of a kind, as PEM."""
    try:
        found = CERTIFICATE.search((FOLDER / f"kubelet-{kind}-current.pem").read_text(encoding="ascii"))
    except OSError:
        return None
    return found.group() if found else None


def process() -> dict[str, str]:
    """Return what systemd says of the kubelet."""
    properties = "MainPID,ActiveState,SubState,NRestarts,ExecMainStartTimestampMonotonic"
    lines = subprocess.run(
        ["systemctl", "show", "kubelet.service", f"--property={properties}"],
        check=False,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def main() -> None:
    last: dict[str, Any] = {}
    with open(sys.argv[1], "a", encoding="utf-8") as output:
        while True:
            found: dict[str, Any] = {kind: certificate(kind) for kind in ("client", "server")}
            found["process"] = process()
            changes = {key: value for key, value in found.items() if value != last.get(key)}
            if changes:
                output.write(json.dumps({"at": time.time(), **changes}) + "\n")
                output.flush()
                last = found
            time.sleep(INTERVAL)


if __name__ == "__main__":
    main()
