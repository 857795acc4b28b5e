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
# Looks at a process while it is new. After that it is looked at seldom: it may still exec another program.
NEW = 30
SELDOM = 50


def read(process: str, name: str) -> bytes:
    """Return a file of /proc, nothing where the process has ended meanwhile."""
    try:
        return Path("/proc", process, name).read_bytes()
    except OSError:
        return b""


def due(looks: dict[str, int]) -> list[str]:
    """Return the processes to look at now; `looks` has how often each of those that run was there to be looked at."""
    processes = [name for name in os.listdir("/proc") if name.isdigit()]
    for gone in looks.keys() - set(processes):
        del looks[gone]
    for process in processes:
        looks[process] = looks.get(process, 0) + 1
    return [process for process in processes if looks[process] <= NEW or looks[process] % SELDOM == 0]


def look(seen: set[bytes], looks: dict[str, int], marker: bytes, own: str) -> list[bytes]:
    """Return what has not been seen before."""
    new = []
    for process in due(looks):
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
    looks: dict[str, int] = {}
    descriptor = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab", buffering=0) as output:
        while True:
            for found in look(seen, looks, marker, str(os.getpid())):
                output.write(found.replace(b"\0", b"\n") + b"\n\n")
            time.sleep(INTERVAL)


if __name__ == "__main__":
    main()
