# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole processes against their peers; called by tools/bench, which provides what it needs."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import measure
from cluster_rows import cluster_sh
from contenders import measure as measure_all
from place import Place
from rows import ROWS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/performance.md"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def machine(place: Place) -> list[str]:
    """What a reader has to know to compare."""
    names = re.findall(r"(?m)^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text()) or [platform.machine()]
    pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    system = dict(re.findall(r'(?m)^(\w+)="?([^"\n]*)', Path("/etc/os-release").read_text()))
    versions = {
        "Python": platform.python_version(),
        "ansible-core": version("ansible-core"),
        "cryptography": version("cryptography"),
        "community.crypto": collection(place, "community/crypto"),
        "kubernetes.core": collection(place, "kubernetes/core"),
        "kubeadm": answer(place.kubeadm, "version", "-o", "short"),
        "cfssl": package("golang-cfssl"),
        "easy-rsa": package("easy-rsa"),
        "openssl": package("openssl"),
    }
    today, load = datetime.datetime.now(datetime.timezone.utc), os.getloadavg()[0]
    hardware = f"{names[0]}, {len(os.sched_getaffinity(0))} processors, {pages * page / 2**30:.0f} GiB of memory"
    software = f"{filesystem(place.work)}, {system.get('PRETTY_NAME', 'Linux')}, Linux {platform.release()}"
    return [
        f"{hardware}, {software}.",
        ", ".join(f"{name} {value}" for name, value in versions.items()) + ".",
        f"Measured on {today:%Y-%m-%d}; load at the start {load:.1f}.",
    ]


def answer(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def collection(place: Place, name: str) -> str:
    manifest = json.loads((place.collections / "ansible_collections" / name / "MANIFEST.json").read_text())
    return str(manifest["collection_info"]["version"])


def package(name: str) -> str:
    return answer("dpkg-query", "-W", "-f", "${Version}", name)


def filesystem(path: Path) -> str:
    return answer("stat", "-f", "-c", "%T", str(path))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="rows to measure, all of them unless given")
    parser.add_argument("--list", action="store_true", help="name the rows")
    parser.add_argument("--runs", type=int, help="at most so many runs of each contender")
    parser.add_argument("--only", metavar="NAME", help="contenders whose name contains this, for work on one of them")
    parser.add_argument("--write", action="store_true", help="write the table into docs/performance.md")
    parser.add_argument("--nodes", action="store_true", help="tell how many hosts the rows need as nodes")
    for option in ("work", "collections", "kubeadm", "hosts"):
        parser.add_argument(f"--{option}", default="", help=argparse.SUPPRESS)
    found = parser.parse_args()
    unknown = sorted(set(found.rows) - set(ROWS))
    if unknown:
        parser.error(f"there is no row {', '.join(unknown)}; there are {', '.join(ROWS)}")
    return found


def earlier(place: Place) -> Path:
    """Where what earlier runs have left waits until all is measured: to delete it would slow down what is measured."""
    return place.work.with_name("earlier")


def emptied(place: Place) -> None:
    """A run that was killed has left an API server."""
    ended(place)
    if place.work.exists():
        earlier(place).mkdir(exist_ok=True)
        place.work.rename(earlier(place) / str(time.time_ns()))
    place.work.mkdir(parents=True)
    (place.work / "ansible.cfg").touch()


def ended(place: Place) -> None:
    if place.cluster.exists():
        cluster_sh(place, "stop")


def measured(key: str, place: Place, given: argparse.Namespace) -> measure.Result:
    row = ROWS[key]
    say(f"==> {key}: {row.title}")
    contenders = [one for one in row.contenders(place) if (given.only or "") in one.name]
    return measure.Result(row.title, row.goals, measure_all(contenders, given.runs, say))


def main() -> None:
    given = arguments()
    if given.list:
        print("\n".join(f"{key:12} {row.title}" for key, row in ROWS.items()))
        return
    if given.nodes:
        print(max(ROWS[key].nodes for key in given.rows or ROWS))
        return
    place = Place(Path(given.work), Path(given.collections), given.kubeadm, hosts=Path(given.hosts))
    # For this process alone; what is measured is called as users call it.
    os.environ.pop("PYTHONPATH", None)
    emptied(place)
    about = machine(place)
    try:
        results = [measured(key, place, given) for key in given.rows or ROWS]
    finally:
        ended(place)
        shutil.rmtree(earlier(place), ignore_errors=True)
    text = "\n".join(about) + "\n\n" + measure.table(results)
    print(text)
    if given.write:
        DOCUMENT.write_text(measure.replaced(DOCUMENT.read_text(), text))
        say(f"written into {DOCUMENT}")


main()
