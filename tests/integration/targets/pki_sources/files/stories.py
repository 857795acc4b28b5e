# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook `pki` with CAs that come from elsewhere, on this machine, as root, with a copy of /etc as its own.

OpenSSL is the root and the external CA, and the judge.

Usage: unshare --mount python stories.py FOLDER [STORY...]
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[5]
PKI = Path("/etc/kubernetes/pki")
RECAP = re.compile(r"^cp1 +: ok=(\d+) +changed=(\d+) +unreachable=0 +failed=(\d+)", re.MULTILINE)
CANARY = b"canary-typed-at-a-terminal"
AKI = "authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"


def own_etc(folder):
    """In this process's mounts alone. A cluster of this machine's own is not in the copy."""
    shutil.copytree("/etc", folder, symlinks=True, ignore=shutil.ignore_patterns("kubernetes"))
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "--bind", str(folder), "/etc"], check=True)


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Root:
    """Of somebody else's."""

    def __init__(self, folder, name):
        folder.mkdir(exist_ok=True)
        self.certificate, self.key, self._extra = (folder / f"{name}.{suffix}" for suffix in ("crt", "key", "ext"))
        self._extra.write_text(AKI)
        openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-days", "3650",
            "-subj", f"/CN={name}", "-out", self.certificate, "-addext", "basicConstraints=critical,CA:TRUE", "-addext",
            "keyUsage=critical,keyCertSign,cRLSign",
        )  # fmt: skip

    def sign(self, request, answer, days):
        openssl(
            "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-days", days,
            "-copy_extensions", "copyall", "-extfile", self._extra, "-out", answer,
        )  # fmt: skip

    def answer_all(self, ca, name=""):
        """Every request that lies there, into the folder that is there for the answers."""
        requests = sorted((ca / "requests" / name).glob("*.csr"))
        for request in requests:
            answer = ca / "signed" / request.relative_to(ca / "requests").with_suffix(".crt")
            self.sign(request, answer, 3000 if not name else 90)
        return len(requests)


class Playbook:
    def __init__(self, folder, **variables):
        self.folder = folder
        folder.mkdir()
        host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "ansible_become": False}
        hosts = {"cp1": {**host, "node_ip": "192.0.2.11", "node_name": "cp1"}}
        groups = {name: {"hosts": hosts} for name in ("kube_control_plane", "kube_node")}
        self.inventory = folder / "hosts.json"
        self.inventory.write_text(json.dumps({"all": {"children": groups, "vars": variables}}))
        self.log = folder / "ansible.log"

    def command(self, options):
        """With the environment that it runs in."""
        collections = next(path for path in sys.path if Path(path, "ansible_collections/tlsbootstrap").is_dir())
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")},
            "ANSIBLE_COLLECTIONS_PATH": collections,
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOG_PATH": str(self.log),
        }
        playbook = ("-m", "ansible", "playbook", "-i", str(self.inventory), "tlsbootstrap.kubernetes.pki")
        return [sys.executable, *playbook, *options], environment

    def run(self, *options):
        """What it said, changed and failed. It has no terminal."""
        command, environment = self.command(options)
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        return judged(done.stdout + done.stderr)

    def run_at_terminal(self, answers, *options):
        """Somebody types the answers, one at each question."""
        command, environment = self.command(options)
        child, terminal = pty.fork()
        if child == 0:
            os.execve(command[0], command, environment)
        said, left = b"", list(answers)
        while True:
            try:
                part = os.read(terminal, 65536)
            except OSError:
                part = b""
            if not part:
                break
            said += part
            if left and said.count(b"(it is not shown):") + said.count(b"once more") > len(answers) - len(left):
                # The question is on the screen a moment before the echo is off.
                time.sleep(1)
                os.write(terminal, left.pop(0) + b"\r")
        os.waitpid(child, 0)
        os.close(terminal)
        assert not left, said.decode()
        return judged(said.decode("utf-8", "replace").replace("\r\n", "\n"))

    def settles(self, *options):
        said, _changed, failed = self.run(*options)
        assert not failed, said

    def stops(self, *words):
        """It fails with one message, and does nothing more when it is run again."""
        said, _changed, failed = self.run()
        again, changed, failed_again = self.run()
        assert failed == failed_again == 1
        assert changed == 0, again
        for word in words:
            assert word in said, f"{word!r} is not in\n{said}"
            assert word in again
        assert said.count("fatal: [cp1]") == 1
        return said

    def is_settled(self):
        before = tree(PKI)
        for options in ((), ("--check", "--diff")):
            said, changed, failed = self.run(*options)
            assert (changed, failed) == (0, 0), said
        assert tree(PKI) == before


def judged(said):
    found = RECAP.search(said)
    assert found, said
    return said, int(found[2]), int(found[3])


def tree(folder):
    return {
        str(path): (path.lstat().st_mtime_ns, path.lstat().st_ino, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in folder.rglob("*")
        if path.is_file()
    }


def foretells(playbook, *words):
    """A check says what a run will do, and touches nothing."""
    before = {**tree(Path("/etc/kubernetes")), **tree(playbook.folder / "ca")}
    said, changed, failed = playbook.run("--check", "--diff")
    assert failed == 0, said
    assert changed > 0
    for word in words:
        assert word in said, f"{word!r} is not in\n{said}"
    after = {**tree(Path("/etc/kubernetes")), **tree(playbook.folder / "ca")}
    assert after == before


def judge(leaf, anchor, purpose, count, root=None):
    """The leaf first, and what goes with it; by what hosts trust alone, and from the root down."""
    strict = ("verify", "-x509_strict", "-auth_level", "2", "-purpose", purpose)
    assert leaf.read_text().count("BEGIN CERTIFICATE") == count
    assert anchor.read_text().count("BEGIN CERTIFICATE") == 1
    openssl(*strict, "-partial_chain", "-CAfile", anchor, leaf)
    if root:
        openssl(*strict, "-CAfile", root, "-untrusted", leaf, leaf)


def mixed(folder):
    """An external CA, one below an offline root, one below a root: two stops, then all is there."""
    root, corporate = Root(folder / "roots", "Example Root"), Root(folder / "roots", "Corporate CA")
    ca = folder / "mixed" / "ca"
    playbook = Playbook(
        folder / "mixed",
        cluster_ca_directory=str(ca),
        cluster_ca_sources={"kubernetes-ca": "external", "etcd-ca": "offline_root", "front-proxy-ca": "root"},
        cluster_ca_root_certificate=str(root.certificate),
        cluster_ca_root_key=str(root.key),
    )
    said, _changed, failed = playbook.run()
    assert failed == 1
    assert f"copy its certificate to {ca}/kubernetes-ca.crt, without its key" in said
    ca.mkdir(mode=0o700, exist_ok=True)
    shutil.copy(corporate.certificate, ca / "kubernetes-ca.crt")
    foretells(playbook, "a run would stop here: 1 CA request has", "CN=etcd-ca by CN=Example Root")
    playbook.stops(
        f"1 CA request has to be signed by somebody else first: 1 in {ca}/requests by CN=Example Root",
        "localhost: ",
        f"{ca}/signed",
    )
    assert root.answer_all(ca) == 1
    foretells(playbook, "Answered", "a run would stop here: 8 requests have")
    playbook.stops(f"8 in {ca}/requests/kubernetes-ca by kubernetes-ca", f"{ca}/signed/kubernetes-ca")
    names = {path.name for path in (ca / "requests" / "kubernetes-ca").iterdir()}
    assert {"kube-apiserver@cp1.csr", "admin@cp1.csr", "kube-proxy@cp1.csr"} <= names
    judge(PKI / "etcd/server.crt", PKI / "etcd/ca.crt", "sslserver", 2, root.certificate)
    assert not (PKI / "apiserver.crt").exists()
    assert corporate.answer_all(ca, "kubernetes-ca") == len(names) == 8
    swapped = ca / "signed" / "kubernetes-ca" / "admin@cp1.crt"
    right = swapped.read_bytes()
    shutil.copy(ca / "signed" / "kubernetes-ca" / "scheduler@cp1.crt", swapped)
    said, changed, failed = playbook.run()
    assert (changed, failed) == (0, 1), said
    assert f"{swapped} is not the certificate that was asked for: its public key is not that of the request" in said
    swapped.write_bytes(right)
    foretells(playbook, "Answered")
    playbook.settles()
    playbook.is_settled()
    judge(PKI / "apiserver.crt", PKI / "kubernetes-ca.crt", "sslserver", 1)
    judge(PKI / "front-proxy-client.crt", PKI / "front-proxy-ca.crt", "sslclient", 2, root.certificate)
    assert not list((ca / "requests").rglob("*.csr"))


def asked(folder):
    """The passphrase is typed: twice at first, once from then on; and is nowhere, in no form."""
    ca = folder / "asked" / "ca"
    playbook = Playbook(folder / "asked", cluster_ca_directory=str(ca), cluster_ca_passphrase_prompt=True)
    said, _changed, failed = playbook.run()
    assert failed == 1
    assert "nobody can be asked for the passphrase" in said
    assert not ca.exists()
    said, _changed, failed = playbook.run_at_terminal([CANARY, CANARY + b"x"], "-vvvv")
    assert failed == 1, said
    assert "the two passphrases that were typed differ" in said
    everything = [said]
    for answers, options, expected in (
        ([CANARY, CANARY], ("-vvvv", "--diff"), 0),
        ([CANARY], ("-vvvv", "--check", "--diff"), 0),
        ([CANARY], ("-vvvv", "-e", '{"identities_force": ["admin"]}'), 0),
        ([b"another passphrase"], ("-vvvv",), 1),
    ):
        said, changed, failed = playbook.run_at_terminal(answers, *options)
        assert failed == expected, said
        assert bool(changed) == (expected == 0 and "--check" not in options), said
        everything.append(said)
    assert "wrong passphrase" in said
    for key in ca.glob("*.key"):
        openssl("pkey", "-in", key, "-noout", "-passin", f"pass:{CANARY.decode()}")
    places = (playbook.folder, Path("/etc"))
    kept = [path.read_bytes() for place in places for path in place.rglob("*") if path.is_file()]
    everything = "\n".join(everything).encode() + b"\n".join(kept)
    forms = (CANARY[:12], CANARY[12:], base64.b64encode(CANARY).rstrip(b"="), CANARY.hex().encode())
    for form in forms:
        assert form not in everything, "the passphrase shows"


STORIES = {"mixed": mixed, "asked": asked}


def main(folder, *names):
    own_etc(folder / "etc")
    for name in names or STORIES:
        shutil.rmtree("/etc/kubernetes", ignore_errors=True)
        STORIES[name](folder)
        print(f"{name}: as it should be")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
