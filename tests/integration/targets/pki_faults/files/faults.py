# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each writing module of the PKI, called directly, is killed or refused at its system calls.

After each point every file is the old one or a whole new one, and the next run ends with a settled cluster and
nothing of ours left over. The system calls are counted by one run under strace before.

Usage: faults.py FOLDER [CASE...]; without cases the four that run every branch of the writers.
TLSBOOTSTRAP_PKI_FAULTS=all tries every system call of every case.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import kubeconfigs, x509
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import flow, pem
from ansible_collections.tlsbootstrap.kubernetes.tests.unit.plugins.module_utils.pki.conftest import Cluster

ROOT = Path(__file__).resolve().parents[5]
EVERYTHING = os.environ.get("TLSBOOTSTRAP_PKI_FAULTS") == "all"
SMALLEST = ("ca", "first-ask", "first-sign", "renewal-install")
STAMP = re.compile(r"\.\d{8}T\d{6}\.\d{6}Z$")
CALLS = ("write", "pwrite64", "fsync", "rename", "unlink", "mkdir", "fchmod", "ftruncate")
# -y writes a descriptor's path behind it; a relative path is never used by the writer.
LINE = re.compile(r'^(?:\d+\s+)?(\w+)\((?:\d+<([^>]*)>|"([^"]*)")')
OURS = re.compile(r"\.([^/]+)\.tlsbootstrap-\d+-[0-9a-f]{8}$")
FOREIGN = ".admin.key.tmp"
ERRORS = (("write", "ENOSPC"), ("fsync", "EIO"), ("rename", "EACCES"), ("mkdir", "EROFS"))


def small(root):
    """One of each kind is enough: the code is the same for all."""
    cluster = Cluster(root)
    cluster.now = datetime.datetime.now(datetime.timezone.utc)
    cluster.hosts_on = ["cp1"]
    names = ("admin", "scheduler", "kubelet-client-ca", "service-account")
    cluster.hosts["cp1"] = [row for row in cluster.hosts["cp1"] if row["name"] in names]
    cluster.members = {"client": ["kubernetes-ca", "kubelet-client-ca@{own}"]}
    return cluster


class Case:
    """A module, what it is given, and the folder that it starts with."""

    def __init__(self, name, module, base, arguments):
        self.name, self.module, self.base, self.arguments = name, module, base, arguments

    def start(self, root, *strace):
        """A copy of the folder, always at the same place: paths are part of rows."""
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(self.base, root, symlinks=True)
        given = root.parent / "arguments.json"
        given.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": self.arguments}))
        command = [sys.executable, f"{ROOT}/plugins/modules/{self.module}.py", str(given)]
        return subprocess.run(
            ["strace", "-f", "-qq", "-y", "-o", str(root.parent / "strace.log"), *strace, *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


def cases(root):
    """The calls of a first run, and of a run that renews all of it, each with the folder before it."""
    cluster = small(root)
    found = []

    def step(name, module, arguments):
        base = root.parent / f"base-{name}"
        shutil.copytree(root, base, symlinks=True)
        found.append(Case(name, module, base, arguments))

    root.mkdir()
    for kind, force in (("first", []), ("renewal", ["admin", "scheduler", "kubelet-client-ca", "service-account"])):
        authority = {"directory": str(cluster.ca), "cas": cluster.cas, "lock_timeout": 5}
        if kind == "first":
            step("ca", "ca", authority)
        state = cluster.ensure().result
        rows = {"host": "cp1", "identities": cluster.hosts["cp1"], "issuers": state["certificates"]}
        bundles = flow.bundle_contents(cluster.bundles("cp1"), state["certificates"], state["published"])
        step(f"{kind}-ask", "identities", {**rows, "bundles": bundles, "force": force})
        cluster.force = force
        held = cluster.call("cp1", state).result
        hosts = {"cp1": {"identities": cluster.hosts["cp1"]}}
        wanted = {"requests": flow.signing_requests([held], hosts), "publish": held["published"]}
        step(f"{kind}-sign", "sign", {**authority, **wanted})
        signed = cluster.sign([held], state["published"]).result
        bundles = flow.bundle_contents(cluster.bundles("cp1"), state["certificates"], signed["published"])
        certificates = signed["certificates"]["cp1"]
        step(f"{kind}-install", "identities", {**rows, "bundles": bundles, "certificates": certificates})
        cluster.call("cp1", {**state, "published": signed["published"]}, certificates)
        cluster.force = []
        assert not cluster.run().changed
    return found


def counted(case, root):
    """(system call, its number, which file) of one run that nothing disturbs."""
    done = case.start(root, "-e", "trace=" + ",".join(CALLS))
    assert done.returncode == 0, done.stdout + done.stderr
    points, seen = [], dict.fromkeys(CALLS, 0)
    for line in (root.parent / "strace.log").read_text().splitlines():
        match = LINE.match(line)
        if match is None or match[1] not in seen:
            continue
        seen[match[1]] += 1
        path = match[2] or match[3]
        if path.startswith(str(root)):
            points.append((match[1], seen[match[1]], OURS.sub(r"\1", os.path.relpath(path, root))))
    return points


def few(points):
    """The first call of each kind on each kind of place, and every rename: between two of them lies each state."""
    chosen, known = [], set()
    for call, number, path in points:
        hidden = os.path.dirname(path).rsplit("/", 1)[-1].startswith(".")
        place = (call, hidden, path.endswith(("ledger.jsonl", ".lock")))
        if call == "rename" or place not in known:
            known.add(place)
            chosen.append((call, number, path))
    return chosen


def whole(path, data):
    """What a reader makes of it."""
    path = path.with_name(STAMP.sub("", path.name))
    if path.suffix == ".jsonl":
        assert all(json.loads(line) for line in data.splitlines()[:-1])
    elif path.suffix == ".conf":
        config = kubeconfigs.parse(data, str(path))
        if config.key_data is not None:
            (block,) = pem.certificates(config.certificate_data, str(path))
            key = x509.load_private_key(config.key_data, str(path))
            assert x509.certificate_info(x509.load_certificate(block, "")).key == key.info
    elif path.suffix == ".key":
        x509.load_private_key(data, str(path))
    else:
        assert pem.blocks(data, str(path))


def judge_files(case, root):
    """Old or whole; a key is nobody else's; nothing that was there is gone."""
    for path in root.rglob("*"):
        if not path.is_file() or path.name in (".lock", FOREIGN) or OURS.search(path.name):
            continue
        before, data = case.base / path.relative_to(root), path.read_bytes()
        if not before.exists() or before.read_bytes() != data:
            whole(path, data)
        if path.suffix in (".key", ".conf"):
            assert path.stat().st_mode & 0o077 == 0, path
    for before in case.base.rglob("*"):
        if before.is_file() and ".pending" not in before.parts and ".backup" not in before.parts:
            assert (root / before.relative_to(case.base)).exists(), before
    for name in ("kubernetes-ca", "etcd-ca"):
        old = case.base / "ca" / f"{name}.crt"
        assert not old.exists() or old.read_bytes() == (root / "ca" / f"{name}.crt").read_bytes()


def judge_next_run(root):
    cluster = small(root)
    held = cluster.ca / "kubernetes-ca.crt"
    before = held.read_bytes() if held.exists() else None
    cluster.run()
    assert before in (None, held.read_bytes()), "a CA that others may trust was replaced"
    assert not cluster.run().changed, "not settled"
    left = [path for path in root.rglob("*") if OURS.search(path.name) or path.parent.name == ".pending"]
    assert not left, left
    assert (root / FOREIGN).exists(), "a file of somebody else was swept"
    for row in cluster.hosts["cp1"]:
        if row["certificate_path"]:
            (block,) = pem.certificates(Path(row["certificate_path"]).read_bytes(), "")
            key = x509.load_private_key(Path(row["key_path"]).read_bytes(), "").info
            assert x509.certificate_info(x509.load_certificate(block, "")).key == key


def judge_refusal(done, root):
    """An error is said with its file, and leaves no temporary file even now."""
    said = json.loads(done.stdout)
    assert said["failed"], said
    assert str(root) in said["msg"], said["msg"]
    assert "Traceback" not in done.stdout + done.stderr
    assert not [path for path in root.rglob("*") if OURS.search(path.name)]


def attempt(case, root, call, number, fault):
    done = case.start(root, "-e", f"trace={call}", "-e", f"inject={call}:{fault}:when={number}")
    if fault.startswith("error"):
        judge_refusal(done, root)
    else:
        assert done.returncode != 0, "it was not killed"
    judge_files(case, root)
    judge_next_run(root)


def tried(case, root):
    points = counted(case, root)
    chosen = points if EVERYTHING else few(points)
    faults = [(call, number, path, "signal=KILL") for call, number, path in chosen]
    for call, error in ERRORS:
        matching = [point for point in points if point[0] == call]
        faults += [(*point, f"error={error}") for point in (matching if EVERYTHING else matching[:1])]
    for call, number, path, fault in faults:
        try:
            attempt(case, root, call, number, fault)
        except Exception:
            print(f"{case.name}: {fault} at {call} {number} of {path}", file=sys.stderr)
            raise
    return len(faults), len(points)


def main(folder, *names):
    work = Path(folder) / "faults"
    work.mkdir()
    root = work / "hosts"
    every = cases(root)
    names = names or ([case.name for case in every] if EVERYTHING else SMALLEST)
    every = [case for case in every if case.name in names]
    for case in every:
        (case.base / FOREIGN).write_bytes(b"not ours")
    total = 0
    for case in every:
        done, points = tried(case, root)
        assert done, case.name
        total += done
        print(f"{case.name} ({case.module}): {done} faults at {points} calls")
    print(f"{total} faults")
    # Fewer would mean that the system calls are no longer those that are looked for.
    assert total >= 15 * len(every)


main(*sys.argv[1:])
