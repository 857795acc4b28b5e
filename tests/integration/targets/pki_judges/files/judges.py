# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges from outside over every kind of certificate that the playbook pki makes.

OpenSSL, GnuTLS, Go's crypto/x509 and pkilint, for each profile and type of key. A judge that is missing is a failure.
Usage: judges.py FOLDER, as root, in a mount namespace of its own (unshare --mount --propagation private).
"""

from __future__ import annotations

import base64
import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

import yaml
from linting import lint
from machine import CONFIG, Machine
from wanted import CLIENT, MANY, PROFILES, SERVER

KEY_TYPES = ("ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "rsa-4096")
# The root is of another kind than both.
BELOW_A_ROOT = ("ecdsa-p256", "rsa-2048")
OFFLINE = ("kubernetes-ca", "etcd-ca", "front-proxy-ca")
PKI = CONFIG / "pki"
VARIABLES = {
    "separated": {},
    "kubeadm": {"cluster_profile": "kubeadm", "cluster_ca_host": "cp1", "cluster_ca_directory": str(PKI)},
}
PURPOSES = {SERVER: "sslserver", CLIENT: "sslclient"}
OIDS = {SERVER: "1.3.6.1.5.5.7.3.1", CLIENT: "1.3.6.1.5.5.7.3.2"}
SOURCES = Path(__file__).resolve().parent
# Certificates of one host in each profile, with one that a user has added.
COUNTS = {"separated": 3 + 2 + 14, "kubeadm": 3 + 14}


def now():
    return datetime.datetime.now(datetime.timezone.utc)


class Judges:
    """What has been made of one profile and type of key."""

    def __init__(self, work, profile, key_type, go, root=None):
        self.work, self.profile, self.key_type, self.go = work, profile, key_type, go
        self.root = root
        self.rows = PROFILES[profile]
        self.judged = dict.fromkeys(("openssl", "gnutls", "go", "pkilint"), 0)

    def path(self, name):
        """The file of a certificate; one inside a kubeconfig is taken out."""
        row = next(row for row in self.rows if row.name == name)
        path = PKI / row.place
        if path.suffix != ".conf":
            return str(path)
        (user,) = yaml.safe_load(path.read_text())["users"]
        taken = self.work / f"{row.name}.crt"
        taken.write_bytes(base64.b64decode(user["user"]["client-certificate-data"]))
        return str(taken)

    def below(self, row):
        """Whether it stands below a root of somebody else's, as all that the offline CAs sign does."""
        return self.root is not None and row.issuer in OFFLINE

    def issuer(self, row):
        return self.root if row.is_ca and self.below(row) else self.path(row.issuer)

    def anchor(self, row):
        """The root, by which all can be judged. What hosts trust is the CA alone, without it."""
        return self.root if self.below(row) else self.path(row.issuer)

    def key(self, row):
        """A leaf under a CA of the other kind."""
        return other(self.key_type) if row.key_type else self.key_type

    def openssl(self, row):
        path, root = self.path(row.name), self.anchor(row)
        strict = ["openssl", "verify", "-x509_strict", "-auth_level", "2", "-CAfile", root, "-untrusted", path]
        if row.is_ca:
            accept(*strict, "-check_ss_sig", path)
        elif self.below(row):
            trusted = ["-partial_chain", "-no-CAfile", "-trusted", self.issuer(row)]
            accept("openssl", "verify", "-x509_strict", "-auth_level", "2", *trusted, path)
        for usage, purpose in PURPOSES.items():
            if not row.is_ca:
                (accept if usage in row.usages else refuse)(*strict, "-purpose", purpose, path)
        # That names are compared alike is no matter of the key.
        for name in row.names if self.key_type == KEY_TYPES[0] else []:
            accept(*strict, "-verify_hostname", name, path)
        for address in row.addresses:
            accept(*strict, "-verify_ip", address, path)
        self.judged["openssl"] += 1

    def gnutls(self, row):
        path, root = self.path(row.name), self.anchor(row)
        strict = ["certtool", "--verify", "--verify-profile", "medium", "--load-ca-certificate", root, "--infile", path]
        for usage in row.usages or [None]:
            accept(*strict, *(["--verify-purpose", OIDS[usage]] if usage else []))
        if row.names:
            accept(*strict, "--verify-hostname", row.names[-1])
            refuse(*strict, "--verify-hostname", "other.example.com")
        self.judged["gnutls"] += 1

    def pkilint(self, row):
        assert lint(self.issuer(row), self.path(row.name)) == [], row.name
        self.judged["pkilint"] += 1

    def with_go(self, began, ended):
        cases = [
            {
                "Chain": self.path(row.name),
                "Root": self.anchor(row),
                "Length": 1 + (self.below(row) and not row.is_ca),
                "CA": row.is_ca,
                "PathLength": 0,
                "Usages": row.usages,
                "CommonName": row.common_name,
                "Organizations": row.organizations,
                "Names": row.names,
                "Addresses": row.addresses,
                "Key": self.key(row),
                "SignedAfter": began.isoformat(),
                "SignedBefore": ended.isoformat(),
            }
            for row in self.rows
        ]
        verdicts = self.ask(cases)
        findings = {row.name: verdict["Findings"] for row, verdict in zip(self.rows, verdicts) if verdict["Findings"]}
        assert not findings, findings
        self.judged["go"] += len(verdicts)
        return [verdict["Serial"] for verdict in verdicts], cases

    def ask(self, cases):
        done = subprocess.run([self.go], input=json.dumps(cases), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def accept(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"


def refuse(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0, f"{' '.join(command)} was accepted"


def other(key_type):
    return "ecdsa-p256" if key_type.startswith("rsa-") else "rsa-2048"


def extra(key_type):
    return {
        "name": "many",
        "groups": ["kube_control_plane"],
        "issuer": "etcd-ca",
        "common_name": "many-{node_name}",
        "organizations": ["one", "two"],
        "usages": [SERVER, CLIENT],
        "dns_names": list(MANY),
        "key_type": other(key_type),
    }


def build(work):
    """The judge of Go, with a cache that stays."""
    program = work / "judge"
    cache = (
        os.environ.get("GOCACHE")
        or subprocess.run(["go", "env", "GOCACHE"], capture_output=True, text=True, check=True).stdout.strip()
    )
    subprocess.run(
        ["go", "build", "-o", program, "."],
        cwd=SOURCES / "judge",
        env={**os.environ, "GOCACHE": cache, "GOFLAGS": "-buildvcs=false", "CGO_ENABLED": "0"},
        check=True,
    )
    return program


def root_of(work):
    """A root of somebody else's, made the day before."""
    certificate, key = work / "root.crt", work / "root.key"
    accept(
        "faketime", "-f", "-1d", "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384",
        "-nodes", "-keyout", str(key), "-out", str(certificate), "-days", "7300", "-subj", "/O=Example/CN=Example Root",
        "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
    )  # fmt: skip
    return {
        "cluster_ca_sources": dict.fromkeys(OFFLINE, "root"),
        "cluster_ca_root_certificate": str(certificate),
        "cluster_ca_root_key": str(key),
    }


def judge(machine, profile, key_type, go, above):
    machine.forget()
    began = now()
    variables = {**VARIABLES[profile], **above, "cluster_key_type": key_type}
    made = machine.good("pki", cluster_extra_identities=[extra(key_type)], **variables)
    assert made.changed
    judges = Judges(machine.work, profile, key_type, go, above.get("cluster_ca_root_certificate"))
    for row in judges.rows:
        judges.openssl(row)
        judges.gnutls(row)
        judges.pkilint(row)
    serials, cases = judges.with_go(began, now())
    print(f"{profile} {key_type}{' below a root' if above else ''}: {judges.judged}", flush=True)
    assert set(judges.judged.values()) == {COUNTS[profile]}
    return serials, (judges, cases)


def find_fault(judges, cases):
    """That the judges are awake: a wrong root, purpose, name and date are told."""
    admin = next(case for case in cases if case["CommonName"] == "kubernetes-admin")
    foreign = judges.path("etcd-ca")
    path, own = admin["Chain"], admin["Root"]
    refuse("openssl", "verify", "-CAfile", foreign, path)
    refuse("certtool", "--verify", "--load-ca-certificate", foreign, "--infile", path)
    certtool = ["certtool", "--verify", "--load-ca-certificate", own, "--infile", path]
    refuse(*certtool, "--verify-purpose", OIDS[SERVER])
    later = (now() + datetime.timedelta(hours=1)).isoformat()
    for change in (
        {"Root": foreign},
        {"Usages": [SERVER]},
        {"Names": ["cp1"]},
        {"Organizations": []},
        {"Key": "rsa-1024"},
        {"CA": True},
        {"SignedAfter": later, "SignedBefore": later},
    ):
        assert judges.ask([{**admin, **change}])[0]["Findings"], change
    assert lint(foreign, path), "pkilint takes any issuer"
    # Without the CA between, the way to the root is not found.
    alone = judges.work / "alone.crt"
    alone.write_text(Path(path).read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n")
    assert judges.ask([{**admin, "Chain": str(alone), "Length": 1}])[0]["Findings"]
    refuse("openssl", "verify", "-CAfile", judges.root, "-untrusted", str(alone), str(alone))


def main(folder):
    work = Path(folder) / "judges"
    work.mkdir()
    go = build(work)
    machine = Machine(work)
    root = root_of(work)
    kinds = [(profile, key_type, {}) for profile in PROFILES for key_type in KEY_TYPES]
    kinds += [(profile, key_type, root) for profile in PROFILES for key_type in BELOW_A_ROOT]
    serials = []
    for profile, key_type, above in kinds:
        found, last = judge(machine, profile, key_type, go, above)
        serials += found
    find_fault(*last)
    total = sum(COUNTS.values()) * (len(KEY_TYPES) + len(BELOW_A_ROOT))
    print(f"{total} certificates, each by four judges")
    assert len(set(serials)) == len(serials) == total


if __name__ == "__main__":
    main(*sys.argv[1:])
