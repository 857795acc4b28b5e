# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each module that writes, called directly, is killed or refused at its system calls.

After each point every file is the old one or a whole new one, and the next run ends settled, with nothing of ours
left over. The system calls are counted by one run under strace before. What strace does not show is tried on file
systems: one that is read-only, one that is full, and a bound on the size of files, which makes writes short.

Usage: faults.py FOLDER [CASE...], as root, in a mount namespace of its own (unshare --mount).
Without cases those that run every branch of the writers. TLSBOOTSTRAP_PKI_FAULTS=all tries every system call of every
case.
"""

from __future__ import annotations

import collections
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from joins import joins
from pki import Pki, crowd, elsewhere, holder, hosts, imported
from places import EVERYTHING, FOREIGN, OURS
from services import services

ROOT = Path(__file__).resolve().parents[5]
SMALLEST = (
    "ca",
    "holder",
    "crowd",
    "first-ask",
    "first-sign",
    "renewal-install",
    "requests-out",
    "answers-in",
    "imported",
    "token-file",
    "join-window",
    "join-probe",
    "join-token",
    "kubelet-pointed",
    "kubelet-removed",
    "binaries",
    "approver",
    "unit",
)
CALLS = ("write", "pwrite64", "fsync", "rename", "symlink", "unlink", "mkdir", "fchmod", "ftruncate")
ERRORS = (("openat", "EACCES"), ("write", "ENOSPC"), ("fsync", "EIO"), ("rename", "EACCES"), ("mkdir", "EROFS"))
# -y writes a descriptor's path behind it; the writers use no relative paths.
LINE = re.compile(r'^(?:(\d+)\s+)?(\w+)\((?:AT_FDCWD(?:<[^>]*>)?, )?(?:\d+<([^>]*)>|"([^"]*)"(?:, "([^"]*)")?)')
# Where a key of 227 bytes, a kubeconfig and a certificate are cut off.
LENGTHS = (100, 500, 1500) if EVERYTHING else (100,)


def start(case, *before):
    """Run the module over what lies in the case's folder."""
    given = case.work / "arguments.json"
    given.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": case.arguments}))
    return subprocess.run(
        [*before, sys.executable, f"{ROOT}/plugins/modules/{case.module}.py", str(given)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "PATH": f"{case.work}/bin:{os.environ['PATH']}"},
    )


def traced(case, *options):
    lay_out(case)
    # Without -f where no threads write: the module is one process, and what it starts is somebody else's.
    follow = ("-f",) if case.threads else ()
    return start(case, "strace", *follow, "-qq", "-y", "-o", str(case.work / "strace.log"), *options)


def lay_out(case):
    """The folder as it was, always at the same place: paths are part of rows."""
    for path in case.root.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    shutil.copytree(case.base, case.root, symlinks=True, dirs_exist_ok=True)
    case.begin()


def counted(case):
    """(system call, its number, which file) of one run that nothing disturbs."""
    done = traced(case, "-e", "trace=openat," + ",".join(CALLS))
    assert done.returncode == 0, done.stdout + done.stderr
    points, seen, main, threads = [], collections.Counter(), None, []
    for line in (case.work / "strace.log").read_text().splitlines():
        match = LINE.match(line)
        if match is None or match[2] not in ("openat", *CALLS):
            continue
        thread, call, path = match[1], match[2], match[5] or match[3] or match[4]
        main = main or thread
        place = OURS.sub(r"\1", os.path.relpath(path, case.root))
        if thread != main:
            # Each thread is counted by itself: one of many comes to this number before the main one does.
            threads = threads or [(call, seen[call] + 1, f"{place} in a thread")]
            continue
        seen[call] += 1
        if path.startswith(f"{case.root}/") and (call != "openat" or "O_CREAT" in line):
            points.append((call, seen[call], place))
    assert bool(threads) == case.threads, threads
    return points + threads


def few(case, points):
    """The first call of each kind on each kind of place."""
    chosen, known = [], set()
    for call, number, path in points:
        hidden = os.path.dirname(path).rsplit("/", 1)[-1].startswith(".")
        place = (call, hidden, path.endswith(("ledger.jsonl", ".lock")), case.is_together(path))
        if place not in known:
            known.add(place)
            chosen.append((call, number, path))
    return chosen


def faults_of(case, points):
    if case.threads:
        # Of hundreds of files each is like the next; the others are those of any case.
        points = [point for point in points if case.is_together(point[2])]
    every = EVERYTHING and not case.threads
    kills = [point for point in points if point[0] not in ("openat", "rename")]
    renames = case.sample([point for point in points if point[0] == "rename"])
    found = [(*point, "signal=KILL") for point in [*(kills if every else few(case, kills)), *renames]]
    for call, error in ERRORS:
        matching = [point for point in points if point[0] == call]
        first = {case.is_together(path): (call, number, path) for call, number, path in reversed(matching)}
        found += [(*point, f"error={error}") for point in (matching if every else first.values())]
    return found


def judge_refusal(case, done):
    """An error is said with its file, and leaves no temporary file even now."""
    said = json.loads(done.stdout)
    assert said["failed"], said
    assert str(case.root) in said["msg"], said["msg"]
    assert "Traceback" not in done.stdout + done.stderr
    assert not [path for path in case.root.rglob("*") if OURS.search(path.name)]


def judge_rest(case):
    case.judge_files()
    case.judge_next_run()
    assert (case.root / FOREIGN).exists(), "a file of somebody else was swept"
    assert not [path for path in case.root.rglob("*") if OURS.search(path.name)]


def at_system_calls(case):
    points = counted(case)
    faults = faults_of(case, points)
    for call, number, path, fault in faults:
        with named(case, f"{fault} at {call} {number} of {path}"):
            done = traced(case, "-e", f"trace={call}", "-e", f"inject={call}:{fault}:when={number}")
            if fault.startswith("error"):
                judge_refusal(case, done)
            else:
                assert done.returncode != 0, "it was not killed"
            judge_rest(case)
    return len(faults), len(points)


class named:  # noqa: N801  # used like contextlib's
    """Say which fault it was."""

    def __init__(self, case, what):
        self.what = f"{case.name}: {what}"

    def __enter__(self):
        return self

    def __exit__(self, kind, *_rest):
        if kind is not None:
            print(self.what, file=sys.stderr)


class Mounted:
    """A file system of its own in the place of the case's folder."""

    def __init__(self, case):
        self.root = case.root
        self.case = case

    def __enter__(self):
        self._mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs")
        lay_out(self.case)
        return self

    def __exit__(self, *_error):
        subprocess.run(["umount", self.root], check=True)

    def _mount(self, *arguments):
        subprocess.run(["mount", *arguments, self.root], check=True)

    def remount(self, options):
        self._mount("-o", f"remount,{options}")

    def pages(self):
        found = os.statvfs(self.root)
        return (found.f_blocks - found.f_bfree) * found.f_frsize // 4096


def on_file_systems(case):
    with named(case, "read-only"), Mounted(case) as place:
        place.remount("ro")
        judge_refusal(case, start(case))
        place.remount("rw")
        judge_rest(case)
    tried = 1 + until_it_fits(case)
    for length in LENGTHS:
        with named(case, f"writes are short at {length} bytes"):
            lay_out(case)
            done = start(case, "prlimit", f"--fsize={length}")
            if done.returncode:
                judge_refusal(case, done)
                tried += 1
            judge_rest(case)
    return tried


def until_it_fits(case):
    """With no page of space left, with one, and so on."""
    for tried, spare in enumerate(case.spares or range(200), start=1):
        with named(case, f"{spare} pages are left"), Mounted(case) as place:
            place.remount(f"size={(place.pages() + spare) * 4}k")
            done = start(case)
            if done.returncode == 0:
                # A line of the ledger may have room in its last page.
                assert not case.spares, "it fits"
                return spare
            judge_refusal(case, done)
            place.remount("size=64m")
            judge_rest(case)
        if tried == len(case.spares) or (not EVERYTHING and not case.spares and tried == 2):
            return tried
    raise AssertionError("it never fits")


def main(folder, *names):
    work = Path(folder) / "faults"
    work.mkdir()
    every = [
        *hosts(work),
        *holder(work),
        *crowd(work),
        *elsewhere(work),
        *imported(work),
        *joins(work),
        *services(work),
    ]
    names = names or ([case.name for case in every] if EVERYTHING else SMALLEST)
    assert set(names) <= {case.name for case in every}, names
    every = [case for case in every if case.name in names]
    total = 0
    for case in every:
        (case.base / FOREIGN).write_bytes(b"not ours")
        done, points = at_system_calls(case)
        others = on_file_systems(case) if case.writes else 0
        # Fewer would mean that the system calls are no longer those that are looked for.
        assert done >= case.least, (case.name, done)
        total += done + others
        print(f"{case.name} ({case.module}): {done} faults at {points} calls, {others} of file systems", flush=True)
    print(f"{total} faults, {Pki.mismatches} pairs that did not belong together for a while")
    # Only a run that installs comes between the halves of a pair that is there.
    assert Pki.mismatches or "renewal-install" not in names


if __name__ == "__main__":
    main(*sys.argv[1:])
