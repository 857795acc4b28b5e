"""A cluster in each profile, with CAs below a root that OpenSSL has made."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from proofs.ansible import LOG, Run, run
from proofs.hosts import PKI, RUN, Host, connect
from proofs.nodes import forget

# On the hosts, beside the programs of the tests.
ON_HOSTS = "/opt/proof"
COPY = ("scp", "-q", "-r", "-F", f"{RUN}/hosts/ssh_config")
CAS = ("kubernetes-ca", "etcd-ca", "front-proxy-ca")
# In the one profile each comes from elsewhere; in the other, where they lie on a host, the root signs all of them.
SOURCES = {
    "separated": dict(zip(CAS, ("offline_root", "imported", "root"), strict=True)),
    "kubeadm": dict.fromkeys(CAS, "root"),
}
ERASE = """
systemctl disable --quiet --now csr-approver kube-scheduler kube-controller-manager kube-apiserver etcd 2>/dev/null
rm -rf /var/lib/etcd /etc/systemd/system/csr-approver.service /etc/systemd/system/etcd.service
"""
IDENTIFIERS = "authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"


def openssl(*arguments: str | Path) -> str:
    """Run openssl, which has to succeed."""
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass(frozen=True)
class Root:
    """Of somebody else's: nothing of the collection's own has a part in it."""

    folder: Path

    @property
    def certificate(self) -> Path:
        """The root that a client trusts."""
        return self.folder / "root.crt"

    def make(self) -> None:
        """The root itself."""
        self.folder.mkdir()
        options = ["-newkey", "rsa:2048", "-nodes", "-keyout", self.folder / "root.key", "-days", "3650"]
        extensions = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"]
        added = [part for extension in extensions for part in ("-addext", extension)]
        openssl("req", "-x509", *options, "-subj", "/CN=Example Root", *added, "-out", self.certificate)

    def sign(self, request: Path, certificate: Path, *extensions: str) -> None:
        """What a request asks for, or what is said here."""
        said = self.folder / "extensions"
        said.write_text(IDENTIFIERS + "".join(f"{extension}\n" for extension in extensions))
        by = ["-CA", self.certificate, "-CAkey", self.folder / "root.key", "-days", "1825"]
        openssl("x509", "-req", "-in", request, *by, "-copy_extensions", "copy", "-extfile", said, "-out", certificate)

    def signed(self, name: str, subject: str, *extensions: str) -> tuple[Path, Path]:
        """A key and a certificate of the root's own."""
        key, request, certificate = (self.folder / f"{name}.{suffix}" for suffix in ("key", "csr", "crt"))
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        openssl("req", "-new", *curve, "-keyout", key, "-subj", subject, "-out", request)
        self.sign(request, certificate, *extensions)
        return key, certificate

    def bring(self, name: str, folder: Path) -> None:
        """A CA with its key and its chain, as an imported one comes."""
        constraints = ("basicConstraints=critical,CA:TRUE,pathlen:0", "keyUsage=critical,keyCertSign,cRLSign")
        key, certificate = self.signed(name, f"/CN={name}", *constraints)
        folder.mkdir(mode=0o700)
        shutil.copy(key, folder / f"{name}.key")
        shutil.copy(certificate, folder / f"{name}.crt")
        (folder / f"{name}-chain.crt").write_text(certificate.read_text() + self.certificate.read_text())


@dataclass(frozen=True)
class Cluster:
    """What the playbook site has made."""

    profile: str
    root: Root
    cp1: Host
    w1: Host

    @property
    def ca(self) -> str:
        """The file of the CA that signs for Kubernetes, on each host."""
        return f"{PKI}/{'ca' if self.profile == 'kubeadm' else 'kubernetes-ca'}.crt"

    def site(self) -> Run:
        """Run it, once more."""
        variables: dict[str, Any] = {"cluster_ca_sources": SOURCES[self.profile]}
        folder = str(self.root.folder)
        if self.profile == "kubeadm":
            folder = f"{ON_HOSTS}/{self.root.folder.name}"
            variables |= {"cluster_profile": "kubeadm", "cluster_ca_host": "cp1", "cluster_ca_directory": PKI}
        variables |= {"cluster_ca_root_certificate": f"{folder}/root.crt", "cluster_ca_root_key": f"{folder}/root.key"}
        return run("site", "--extra-vars", json.dumps(variables))

    def make(self) -> None:
        """From hosts that have nothing."""
        if self.profile == "separated":
            self.root.bring("etcd-ca", RUN / "ca")
            self.answer()
        done = self.site()
        assert done.code == 0, f"{done.failures} (see {LOG})"

    def answer(self) -> None:
        """The first run stops until the root has signed what lies there."""
        stopped = self.site()
        assert "1 CA request has to be signed by somebody else first" in stopped.failures, f"see {LOG}"
        request = RUN / "ca" / "requests" / "kubernetes-ca.csr"
        self.root.sign(request, RUN / "ca" / "signed" / "kubernetes-ca.crt")


@pytest.fixture(scope="session")
def hosts() -> list[Host]:
    """The control plane and the worker."""
    return [connect("cp1", "10.213.17.11"), connect("w1", "10.213.17.12")]


@pytest.fixture(scope="session")
def root() -> Root:
    """The root of both clusters."""
    made = Root(RUN / "root")
    shutil.rmtree(made.folder, ignore_errors=True)
    made.make()
    return made


@pytest.fixture(scope="session", params=sorted(SOURCES, reverse=True))
def cluster(request: pytest.FixtureRequest, root: Root, hosts: list[Host]) -> Cluster:
    """One after the other on the same hosts."""
    for host in hosts:
        host.run(ERASE)
    forget(*hosts)
    shutil.rmtree(RUN / "ca", ignore_errors=True)
    for host in hosts:
        subprocess.run([*COPY, str(root.folder), f"{host.name}:{ON_HOSTS}/"], check=True)
    made = Cluster(request.param, root, *hosts)
    made.make()
    return made
