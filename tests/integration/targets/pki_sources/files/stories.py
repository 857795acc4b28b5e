# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook `pki` with CAs that come from elsewhere, and with a passphrase that is typed.

OpenSSL is the root and the external CA, and the judge; kubeadm judges what is there without the key of its CA.

Usage: stories.py FOLDER [STORY...], as root, in a mount namespace of its own (unshare --mount --propagation private).
"""

from __future__ import annotations

import base64
import os
import pty
import shutil
import subprocess
import sys
import time
from pathlib import Path

from machine import CONFIG, Machine, touched

PKI = CONFIG / "pki"
AKI = "authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"
CANARY = b"canary-typed-at-a-terminal"
KUBEADM = """\
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {{advertiseAddress: 192.0.2.11, bindPort: 6443}}
nodeRegistration: {{name: cp1}}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: {version}
networking: {{serviceSubnet: "10.96.0.0/12,fd00:1::/112", podSubnet: "10.244.0.0/16,fd00:2::/56"}}
"""


def output(*command):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


class Root:
    """Of somebody else's."""

    def __init__(self, folder, name):
        folder.mkdir(exist_ok=True)
        self.certificate, self.key, self._extra = (folder / f"{name}.{suffix}" for suffix in ("crt", "key", "ext"))
        self._extra.write_text(AKI)
        output(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-days", "3650",
            "-subj", f"/CN={name}", "-out", self.certificate, "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )  # fmt: skip

    def answer_all(self, ca, name=""):
        """Every request that lies there, into the folder that is there for the answers."""
        requests = sorted((ca / "requests" / name).glob("*.csr"))
        for request in requests:
            answer = ca / "signed" / request.relative_to(ca / "requests").with_suffix(".crt")
            output(
                "openssl", "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-days",
                "90" if name else "3000", "-copy_extensions", "copyall", "-extfile", self._extra, "-out", answer,
            )  # fmt: skip
        return len(requests)


class Playbook:
    """The playbook pki on a machine that begins with nothing."""

    def __init__(self, machine, **variables):
        machine.forget()
        self.machine, self.variables = machine, variables

    def run(self, *options):
        return self.machine.play("pki", *options, **self.variables)

    def stops(self, *words):
        """It fails with one message, and does nothing more when it is run again."""
        first, again = self.run(), self.run()
        assert again.changed == [], again.output
        for run in (first, again):
            assert run.code == 2, run.output
            assert run.output.count("fatal: [cp1]") == 1, run.output
            assert [word for word in words if word not in run.output] == [], run.output

    def foretells(self, *words):
        """A check says what a run will do, and touches nothing."""
        before = self.machine.files()
        run = self.run("--check", "--diff")
        assert run.code == 0, run.output
        assert run.changed, run.output
        assert [word for word in words if word not in run.output] == [], run.output
        assert self.machine.files() == before

    def settles(self):
        """From now on neither a run nor a check changes anything."""
        run = self.run()
        assert run.code == 0, run.output
        before = self.machine.files()
        for options in ((), ("--check", "--diff")):
            run = self.run(*options)
            assert (run.code, run.changed) == (0, []), run.output
        assert touched(before, self.machine.files()) == set()

    def run_at_terminal(self, answers, *options):
        """Somebody types the answers, one at each question."""
        command, environment = self.machine.command("pki", *options, **self.variables)
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.machine.work)
            os.execve(command[0], command, environment)
        said, left = b"", list(answers)
        for part in iter(lambda: read(terminal), b""):
            said += part
            if left and said.count(b"(it is not shown):") + said.count(b"once more") > len(answers) - len(left):
                # The question is on the screen a moment before the echo is off.
                time.sleep(1)
                os.write(terminal, left.pop(0) + b"\r")
        _child, status = os.waitpid(child, 0)
        os.close(terminal)
        assert not left, said.decode()
        return self.machine.done(os.waitstatus_to_exitcode(status), said.decode("utf-8", "replace"))


def read(terminal):
    """The other side of a terminal that is gone is an error, and the end."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def judge(leaf, anchor, purpose, count, root=None):
    """The leaf first, and what goes with it; by what hosts trust alone, and from the root down."""
    strict = ("openssl", "verify", "-x509_strict", "-auth_level", "2", "-purpose", purpose)
    assert leaf.read_text().count("BEGIN CERTIFICATE") == count
    assert anchor.read_text().count("BEGIN CERTIFICATE") == 1
    output(*strict, "-partial_chain", "-CAfile", anchor, leaf)
    if root:
        output(*strict, "-CAfile", root, "-untrusted", leaf, leaf)


def mixed(machine):
    """An external CA, one below an offline root, one below a root: two stops, then all is there."""
    roots, ca = machine.work / "roots", machine.ca
    root, corporate = Root(roots, "Example Root"), Root(roots, "Corporate CA")
    playbook = Playbook(
        machine,
        cluster_ca_sources={"kubernetes-ca": "external", "etcd-ca": "offline_root", "front-proxy-ca": "root"},
        cluster_ca_root_certificate=str(root.certificate),
        cluster_ca_root_key=str(root.key),
    )
    run = playbook.run()
    assert f"copy its certificate to {ca}/kubernetes-ca.crt, without its key" in run.output, run.output
    ca.mkdir(mode=0o700, exist_ok=True)
    shutil.copy(corporate.certificate, ca / "kubernetes-ca.crt")
    playbook.foretells("a run would stop here: 1 CA request has", "CN=etcd-ca by CN=Example Root")
    playbook.stops(f"1 CA request has to be signed by somebody else first: 1 in {ca}/requests by CN=Example Root")
    assert root.answer_all(ca) == 1
    playbook.foretells("Answered", "a run would stop here: 8 requests have")
    playbook.stops(f"8 in {ca}/requests/kubernetes-ca by kubernetes-ca", f"belong into {ca}/signed/kubernetes-ca")
    judge(PKI / "etcd/server.crt", PKI / "etcd/ca.crt", "sslserver", 2, root.certificate)
    assert not (PKI / "apiserver.crt").exists()
    assert corporate.answer_all(ca, "kubernetes-ca") == 8
    swapped = ca / "signed" / "kubernetes-ca" / "admin@cp1.crt"
    right = swapped.read_bytes()
    shutil.copy(ca / "signed" / "kubernetes-ca" / "scheduler@cp1.crt", swapped)
    run = playbook.run()
    assert (run.code, run.changed) == (2, []), run.output
    assert (
        f"{swapped} is not the certificate that was asked for: its public key is not that of the request" in run.output
    )
    swapped.write_bytes(right)
    playbook.foretells("Answered")
    playbook.settles()
    judge(PKI / "apiserver.crt", PKI / "kubernetes-ca.crt", "sslserver", 1)
    judge(PKI / "front-proxy-client.crt", PKI / "front-proxy-ca.crt", "sslclient", 2, root.certificate)
    assert not list((ca / "requests").rglob("*.csr"))


def kubeadm(machine):
    """kubeadm's external CA mode. It wants the kubelet's kubeconfig from its user: an identity of the user's own."""
    corporate = Root(machine.work / "kubeadm-roots", "Corporate CA")
    kubelet = {
        "name": "kubelet",
        "common_name": "system:node:{node_name}",
        "organizations": ["system:nodes"],
        "kubeconfig": {"path": f"{CONFIG}/kubelet.conf"},
    }
    playbook = Playbook(
        machine,
        cluster_profile="kubeadm",
        cluster_ca_host="cp1",
        cluster_ca_directory=str(PKI),
        cluster_ca_sources={"kubernetes-ca": "external"},
        cluster_extra_identities=[kubelet],
    )
    PKI.mkdir(parents=True)
    shutil.copy(corporate.certificate, PKI / "ca.crt")
    playbook.stops(f"9 in {PKI}/requests/kubernetes-ca by kubernetes-ca")
    assert corporate.answer_all(PKI, "kubernetes-ca") == 9
    playbook.settles()
    assert not (PKI / "ca.key").exists()
    settings = machine.work / "kubeadm.yml"
    settings.write_text(KUBEADM.format(version=output("kubeadm", "version", "--output=short").strip()))
    before = machine.files(books=False)
    said = output("kubeadm", "init", "phase", "certs", "all", f"--config={settings}")
    assert "Generating" not in said, said
    assert "keyless" in said, said
    said += output("kubeadm", "init", "phase", "kubeconfig", "all", f"--config={settings}")
    assert said.count("External CA mode: Using user provided") == 5, said
    assert touched(before, machine.files(books=False)) == set()


def asked(machine):
    """The passphrase is typed: twice at first, once from then on; and is nowhere, in no form."""
    playbook = Playbook(machine, cluster_ca_passphrase_prompt=True)
    run = playbook.run()
    assert run.code == 2, run.output
    assert "nobody can be asked for the passphrase" in run.output
    assert not machine.ca.exists()
    everything = []
    for answers, options, code, changed in (
        ([CANARY, CANARY + b"x"], ("-vvvv",), 2, False),
        ([CANARY, CANARY], ("-vvvv", "--diff"), 0, True),
        ([CANARY], ("-vvvv", "--check", "--diff"), 0, False),
        ([CANARY], ("-vvvv", "-e", '{"identities_force": ["admin"]}'), 0, True),
        ([b"another passphrase"], ("-vvvv",), 2, False),
    ):
        run = playbook.run_at_terminal(answers, *options)
        assert (run.code, bool(run.changed)) == (code, changed), run.output
        everything.append(run.output.encode())
    assert b"the two passphrases that were typed differ" in everything[0]
    assert b"wrong passphrase" in everything[-1]
    for key in machine.ca.glob("*.key"):
        output("openssl", "pkey", "-in", key, "-noout", "-passin", f"pass:{CANARY.decode()}")
    # With all that Ansible has written: its log, its home, its temporary files.
    everything += [path.read_bytes() for path in machine.work.rglob("*") if path.is_file()]
    for form in (CANARY[:12], CANARY[12:], base64.b64encode(CANARY).rstrip(b"="), CANARY.hex().encode()):
        assert not [data for data in everything if form in data], "the passphrase shows"


STORIES = {"mixed": mixed, "kubeadm": kubeadm, "asked": asked}


def main(folder, *names):
    work = Path(folder) / "stories"
    work.mkdir()
    machine = Machine(work)
    machine.environment.update(ANSIBLE_LOG_PATH=f"{work}/ansible.log", ANSIBLE_HOME=f"{work}/ansible")
    for name in names or STORIES:
        STORIES[name](machine)
        print(f"{name}: as it should be", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
