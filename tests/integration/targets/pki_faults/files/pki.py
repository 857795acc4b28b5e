# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules of the PKI: a first run, and a run that renews all of it."""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
from pathlib import Path

from places import EVERYTHING, FOREIGN, OURS, Case, call

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import kubeconfigs, x509
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import flow, pem
from ansible_collections.tlsbootstrap.kubernetes.tests.unit.plugins.module_utils.pki.conftest import Cluster

__all__ = ["Pki", "crowd", "elsewhere", "holder", "hosts", "imported"]

STAMP = re.compile(r"\.\d{8}T\d{6}\.\d{6}Z$")
CROWD = 260
PASSPHRASE = "twelve bytes at least"
RENEWED = ["admin", "scheduler", "kubelet-client-ca", "service-account"]


def small(root):
    """One of each kind is enough: the code is the same for all."""
    cluster = Cluster(root)
    cluster.now = datetime.datetime.now(datetime.timezone.utc)
    cluster.hosts_on = ["cp1"]
    cluster.hosts["cp1"] = [row for row in cluster.hosts["cp1"] if row["name"] in RENEWED]
    cluster.members = {"client": ["kubernetes-ca", "kubelet-client-ca@{own}"]}
    return cluster


def hosts(work):
    """The calls of both runs, each with the folder before it."""
    root = work / "hosts"
    root.mkdir()
    cluster, found = small(root), []

    def step(name, module, arguments):
        base = work / f"base-{name}"
        shutil.copytree(root, base, symlinks=True)
        found.append(Pki(name, module, root, base, arguments))

    for kind, force in (("first", []), ("renewal", RENEWED)):
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


def holder(work):
    """A CA host that is a host of the cluster: all of a first run in one call, new files many at a time."""
    root, base = work / "holder", work / "base-holder"
    root.mkdir()
    base.mkdir()
    cluster = small(root)
    held = {"host": "cp1", "identities": cluster.hosts["cp1"], "bundles": cluster.bundles("cp1")}
    authority = {"directory": str(cluster.ca), "cas": cluster.cas, "lock_timeout": 5}
    return [Holder("holder", "ca", root, base, {**authority, "new": "make", "holder": held})]


def crowd(work):
    """Hundreds of pairs that are new: more files than are written at one time, synced by threads."""
    root, base = work / "crowd", work / "base-crowd"
    root.mkdir()
    small(root).run()
    shutil.copytree(root, base, symlinks=True)
    cluster = crowded(root)
    held = {"host": "cp1", "identities": cluster.hosts["cp1"], "bundles": cluster.bundles("cp1")}
    authority = {"directory": str(cluster.ca), "cas": cluster.cas, "lock_timeout": 5}
    return [Crowd("crowd", "ca", root, base, {**authority, "new": "make", "holder": held})]


def crowded(root):
    cluster = small(root)
    cluster.hosts["cp1"] += [cluster.row("cp1", f"member-{number:03}") for number in range(CROWD)]
    return cluster


def elsewhere(work):
    """A CA without its key: requests go out, and what somebody else has signed comes in."""
    root, found = work / "elsewhere", []
    (root / "ca").mkdir(mode=0o700, parents=True)
    key = x509.generate_key("ecdsa-p256")
    (work / "somebody.key").write_bytes(key.pem())
    now = datetime.datetime.now(datetime.timezone.utc)
    start, end = (now + datetime.timedelta(days=days) for days in (-1, 3650))
    (root / "ca" / "kubernetes-ca.crt").write_text(x509.self_sign(key, "kubernetes-ca", start, end))
    cluster = external(root)

    def step(name):
        """The sign module, with what it is given in a run."""
        base = work / f"base-{name}"
        shutil.copytree(root, base, symlinks=True)
        arguments = {"directory": str(cluster.ca), "cas": cluster.cas, "lock_timeout": 5}
        found.append(Elsewhere(name, "sign", root, base, {**arguments, "requests": requests}))

    state = cluster.ensure().result
    held = cluster.call("cp1", state).result
    requests = flow.signing_requests([held], {"cp1": {"identities": cluster.hosts["cp1"]}})
    step("requests-out")
    cluster.sign([held], state["published"])
    answer(cluster, work)
    step("answers-in")
    return found


def imported(work):
    """A CA as somebody has brought it: its key in clear, its certificate of another system, both another user's."""
    root, base = work / "imported", work / "base-imported"
    root.mkdir()
    cluster = small(root)
    cluster.ensure()
    (cluster.ca / "ledger.jsonl").unlink()
    certificate = cluster.ca / "kubernetes-ca.crt"
    certificate.write_bytes(b"brought\r\n" + certificate.read_bytes().replace(b"\n", b"\r\n"))
    shutil.copytree(root, base, symlinks=True)
    arguments = {"directory": str(cluster.ca), "cas": cluster.cas[:1], "lock_timeout": 5, "passphrase": PASSPHRASE}
    return [Imported("imported", "ca", root, base, arguments)]


def external(root):
    cluster = small(root)
    cluster.come_from("kubernetes-ca", "external")
    return cluster


def answer(cluster, work):
    """Sign all that lies there."""
    key = x509.load_private_key((work / "somebody.key").read_bytes(), "")
    (block,) = pem.certificates((cluster.ca / "kubernetes-ca.crt").read_bytes(), "")
    issuer = x509.load_certificate(block, "")
    for path in (cluster.ca / "requests").rglob("*.csr"):
        row = cluster.find("cp1", path.stem.split("@")[0])
        said = (row[name] for name in ("common_name", "organizations", "dns_names", "ip_addresses", "usages"))
        end = cluster.now + datetime.timedelta(days=90)
        leaf = x509.Leaf(*(tuple(value) if isinstance(value, list) else value for value in said), cluster.now, end)
        signed = cluster.ca / "signed" / "kubernetes-ca" / f"{path.stem}.crt"
        signed.write_text(x509.issue(issuer, key, x509.load_request(path.read_bytes(), ""), leaf).pem)


class Pki(Case):
    """Keys are drawn anew, so what lies there is judged by what it is."""

    mismatches = 0

    def judge_files(self):
        """Old or whole; a key is nobody else's; nothing that was there is gone."""
        for path in self.root.rglob("*"):
            if not path.is_file() or path.name in (".lock", FOREIGN) or OURS.search(path.name):
                continue
            before, data = self.base / path.relative_to(self.root), path.read_bytes()
            if not before.exists() or before.read_bytes() != data:
                whole(path, data)
            if path.suffix in (".key", ".conf"):
                assert path.stat().st_mode & 0o077 == 0, path
        for before in self.base.rglob("*"):
            if before.is_file() and ".pending" not in before.parts and ".backup" not in before.parts:
                assert (self.root / before.relative_to(self.base)).exists(), before
        for name in ("kubernetes-ca", "etcd-ca"):
            old = self.base / "ca" / f"{name}.crt"
            assert not old.exists() or old.read_bytes() == (self.root / "ca" / f"{name}.crt").read_bytes()
        Pki.mismatches += len(mismatched(small(self.root)))

    def judge_next_run(self):
        cluster = small(self.root)
        held = cluster.ca / "kubernetes-ca.crt"
        before = held.read_bytes() if held.exists() else None
        cluster.run()
        assert before in (None, held.read_bytes()), "a CA that others may trust was replaced"
        assert not cluster.run().changed, "not settled"
        left = [path for path in self.root.rglob("*") if path.parent.name == ".pending"]
        assert not left, left
        pairs = [row for row in cluster.hosts["cp1"] if row["certificate_path"]]
        assert all(Path(row["certificate_path"]).exists() and Path(row["key_path"]).exists() for row in pairs)
        assert not mismatched(cluster)


class Holder(Pki):
    """Whatever was cut off, the same call ends it."""

    least = 45
    together = ("admin.key", "admin.crt", "scheduler.conf")

    def judge_next_run(self):
        call(self.module, self.arguments, self.work)
        assert not small(self.root).run().changed, "one call is not all"
        super().judge_next_run()


class Crowd(Pki):
    """All of them are there after the same call, and each with the key that its certificate is for."""

    threads = True
    # A page for each file, and what the ledger grows by.
    spares = (0, 1, 40, CROWD, 2 * CROWD - 1) if EVERYTHING else (40, CROWD)

    def is_together(self, path):
        return os.path.basename(path).startswith("member-")

    def sample(self, renames):
        """The first and last files of each lot, and those between the halves of a pair."""
        assert len(renames) == 2 * CROWD, len(renames)
        return [renames[number] for number in ((0, 1, CROWD - 1, CROWD, 499, 500, -1) if EVERYTHING else (0, 499, 500))]

    def judge_next_run(self):
        call(self.module, self.arguments, self.work)
        cluster = crowded(self.root)
        assert not cluster.run().changed, "one call is not all"
        assert len(mismatchable(cluster)) == CROWD + 2
        assert all(Path(row["key_path"]).exists() for row in cluster.hosts["cp1"] if row["key_path"])
        assert not mismatched(cluster)


class Elsewhere(Pki):
    """Somebody else signs between two runs."""

    def judge_files(self):
        for path in (self.root / "ca").rglob("*.c[sr][rt]"):
            assert pem.blocks(path.read_bytes(), str(path)), path

    def judge_next_run(self):
        cluster = external(self.root)
        cluster.run()
        answer(cluster, self.work)
        cluster.run()
        assert not cluster.run().changed, "not settled"
        assert not list((cluster.ca / "requests").rglob("*.csr"))
        assert not [path for path in self.root.rglob("*") if path.parent.name == ".pending"]
        assert not mismatched(cluster)
        assert len(mismatchable(cluster)) == 2


class Imported(Pki):
    """The same key and certificate, whatever they are written like."""

    def begin(self):
        for path in (self.root / "ca").glob("kubernetes-ca.*"):
            os.chown(path, 12345, 12345)

    def judge_files(self):
        def read(folder):
            certificate, key = ((folder / "ca" / f"kubernetes-ca.{suffix}").read_bytes() for suffix in ("crt", "key"))
            return pem.certificates(certificate, ""), x509.load_private_key(key, "", PASSPHRASE.encode()).info

        assert read(self.root) == read(self.base)

    def judge_next_run(self):
        call(self.module, self.arguments, self.work)
        assert not call(self.module, self.arguments, self.work)["changed"]
        key = self.root / "ca" / "kubernetes-ca.key"
        assert (key.stat().st_uid, key.stat().st_mode & 0o777) == (0, 0o600)
        assert b"ENCRYPTED" in key.read_bytes()
        clear = [
            path
            for path in self.root.rglob("*kubernetes-ca*")
            if path.is_file() and b"BEGIN PRIVATE" in path.read_bytes()
        ]
        assert not clear, clear


def mismatchable(cluster):
    return [row["name"] for row in cluster.hosts["cp1"] if Path(row["certificate_path"] or "/nowhere").exists()]


def mismatched(cluster):
    """Pairs both halves of which are there and do not belong together."""
    found = []
    for row in cluster.hosts["cp1"]:
        halves = [Path(row[half] or "/nowhere") for half in ("certificate_path", "key_path")]
        if all(half.exists() for half in halves):
            certificate, key = (half.read_bytes() for half in halves)
            (block,) = pem.certificates(certificate, "")
            info = x509.load_private_key(key, "").info
            if x509.certificate_info(x509.load_certificate(block, "")).key != info:
                found.append(row["name"])
    return found


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
