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
from importlib.metadata import version
from pathlib import Path

import measure
from contenders import measure as measure_all
from rows import ROWS, Place

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/performance.md"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def machine(place: Place) -> list[str]:
    """What a reader has to know to compare."""
    names = re.findall(r"(?m)^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text()) or [platform.machine()]
    pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    system = dict(re.findall(r'(?m)^(\w+)="?([^"\n]*)', Path("/etc/os-release").read_text()))
    manifest = json.loads((place.collections / "ansible_collections/community/crypto/MANIFEST.json").read_text())
    versions = {
        "Python": platform.python_version(),
        "ansible-core": version("ansible-core"),
        "cryptography": version("cryptography"),
        "community.crypto": manifest["collection_info"]["version"],
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
    for option in ("work", "collections", "kubeadm"):
        parser.add_argument(f"--{option}", required=True, help=argparse.SUPPRESS)
    found = parser.parse_args()
    unknown = sorted(set(found.rows) - set(ROWS))
    if unknown:
        parser.error(f"there is no row {', '.join(unknown)}; there are {', '.join(ROWS)}")
    return found


def main() -> None:
    given = arguments()
    if given.list:
        print("\n".join(f"{key:12} {row.title}" for key, row in ROWS.items()))
        return
    place = Place(Path(given.work), Path(given.collections), given.kubeadm)
    shutil.rmtree(place.work, ignore_errors=True)
    place.work.mkdir(parents=True)
    (place.work / "ansible.cfg").touch()
    about = machine(place)
    results = []
    for key in given.rows or ROWS:
        say(f"==> {key}: {ROWS[key].title}")
        contenders = [one for one in ROWS[key].contenders(place) if (given.only or "") in one.name]
        runs = measure_all(contenders, given.runs, say)
        results.append(measure.Result(ROWS[key].title, ROWS[key].goals, runs))
    text = "\n".join(about) + "\n\n" + measure.table(results)
    print(text)
    if given.write:
        DOCUMENT.write_text(measure.replaced(DOCUMENT.read_text(), text))
        say(f"written into {DOCUMENT}")


main()
