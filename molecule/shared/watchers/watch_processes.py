"""Write down the arguments and the environment of every process that is seen, each once.

Usage: watch_processes.py OUTPUT [MARKER]

With MARKER, an environment entry, only processes that have it are looked at.
A secret that is given to a program in its arguments or its environment is in the
output afterwards. The output itself is readable by its owner alone.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

INTERVAL = 0.1


def read(process: str, name: str) -> bytes:
    """Return a file of /proc, nothing where the process has ended meanwhile."""
    try:
        return Path("/proc", process, name).read_bytes()
    except OSError:
        return b""


def look(seen: set[bytes], marker: bytes, own: str) -> list[bytes]:
    """Return what has not been seen before."""
    new = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        if process == own:
            continue
        environment = read(process, "environ")
        if marker not in environment:
            continue
        for found in (read(process, "cmdline"), environment):
            if found and found not in seen:
                seen.add(found)
                new.append(found)
    return new


def main() -> None:
    marker = sys.argv[2].encode() if len(sys.argv) > 2 else b""
    seen: set[bytes] = set()
    descriptor = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab", buffering=0) as output:
        while True:
            for found in look(seen, marker, str(os.getpid())):
                output.write(found.replace(b"\0", b"\n") + b"\n\n")
            time.sleep(INTERVAL)


if __name__ == "__main__":
    main()
