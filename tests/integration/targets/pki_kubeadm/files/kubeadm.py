# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubeadm itself takes over what the playbook pki makes in the profile kubeadm, and hands it back.

Usage: kubeadm.py FOLDER, as root, in a mount namespace of its own (unshare --mount --propagation private).
"""

from __future__ import annotations

import datetime
import json
import re
import subprocess
import sys
from pathlib import Path

from machine import CONFIG, Machine, touched

PKI = CONFIG / "pki"
CAS = ("ca", "etcd/ca", "front-proxy-ca")
LEAVES = (
    "apiserver",
    "apiserver-kubelet-client",
    "apiserver-etcd-client",
    "front-proxy-client",
    "etcd/server",
    "etcd/peer",
    "etcd/healthcheck-client",
)
KUBECONFIGS = ("admin.conf", "super-admin.conf", "controller-manager.conf", "scheduler.conf")
LEAF_FILES = {str(PKI / f"{stem}.{kind}") for stem in LEAVES for kind in ("crt", "key")}
FILES = LEAF_FILES | {str(PKI / f"{stem}.{kind}") for stem in CAS for kind in ("crt", "key")}
FILES |= {str(PKI / name) for name in ("sa.key", "sa.pub")}
KUBECONFIG_FILES = {str(CONFIG / name) for name in KUBECONFIGS}
# Ours: the folder of the CA host is the same.
OWN = {str(PKI / "ledger.jsonl"), str(PKI / "published/service-account@cp1.pem")}
SETTINGS = """\
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {{advertiseAddress: 192.0.2.11, bindPort: 6443}}
nodeRegistration: {{name: cp1}}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: {version}
encryptionAlgorithm: {algorithm}
networking: {{serviceSubnet: "10.96.0.0/12,fd00:1::/112", podSubnet: "10.244.0.0/16,fd00:2::/56"}}
"""
KEY_TYPES = {"ecdsa-p256": "ECDSA-P256", "rsa-2048": "RSA-2048"}


def output(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


class Kubeadm:
    def __init__(self, work, key_type):
        version = output("kubeadm", "version", "--output=short").strip()
        self.settings = work / "kubeadm.yml"
        self.settings.write_text(SETTINGS.format(version=version, algorithm=KEY_TYPES[key_type]))

    def __call__(self, *words):
        return output("kubeadm", *words, f"--config={self.settings}")

    def expiration(self):
        found = json.loads(self("certs", "check-expiration", "--output=json"))
        every = found["certificates"] + found["certificateAuthorities"]
        assert not [entry for entry in every if entry.get("missing") or entry.get("externallyManaged")], found
        return {entry["name"]: entry["expirationDate"] for entry in every}


def ends(path):
    """When it ends, as openssl says it."""
    text = output("openssl", "x509", "-noout", "-enddate", "-dateopt", "iso_8601", "-in", str(path))
    return text.strip().removeprefix("notAfter=").replace(" ", "T")


def machine_of(work, key_type):
    machine = Machine(work)
    machine.variables.update(
        cluster_profile="kubeadm", cluster_ca_host="cp1", cluster_ca_directory=str(PKI), cluster_key_type=key_type
    )
    return machine


def files(machine):
    """Files alone; folders have dates of their own."""
    return {path: state for path, state in machine.files(books=False).items() if Path(path).is_file()}


def takes_over(kubeadm, machine):
    """It finds all of its files, and makes none but the kubelet's kubeconfig, which is the kubelet's own with us."""
    before = files(machine)
    assert set(before) >= FILES | KUBECONFIG_FILES
    assert {path for path in before if path.startswith(f"{PKI}/")} - FILES == {
        path for path in OWN if not path.endswith("ledger.jsonl")
    }
    said = kubeadm("init", "phase", "certs", "all")
    assert said.count("Using existing") == len(CAS) + len(LEAVES), said
    assert 'Using the existing "sa" key' in said, said
    assert "Generating" not in said, said
    assert touched(before, files(machine)) == set()
    said = kubeadm("init", "phase", "kubeconfig", "all")
    assert said.count("Using existing kubeconfig file") == len(KUBECONFIGS), said
    assert touched(before, files(machine)) == {str(CONFIG / "kubelet.conf")}


def sees_the_dates(kubeadm):
    found = kubeadm.expiration()
    wanted = {stem.replace("/", "-"): ends(PKI / f"{stem}.crt") for stem in (*LEAVES, *CAS)}
    assert {name: date for name, date in found.items() if name not in KUBECONFIGS} == wanted
    assert set(found) - set(wanted) == set(KUBECONFIGS)
    year = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=364)
    assert all(found[name] > year.strftime("%Y-%m-%dT%H:%M:%SZ") for name in KUBECONFIGS), found


def renews(kubeadm, machine):
    before, dates = files(machine), kubeadm.expiration()
    kubeadm("certs", "renew", "all")
    after = files(machine)
    assert touched(before, after) == LEAF_FILES | KUBECONFIG_FILES
    later = kubeadm.expiration()
    assert all(later[name] > dates[name] for name in set(later) - {stem.replace("/", "-") for stem in CAS})
    for stem in LEAVES:
        issuer = {"etcd": "etcd/ca", "front": "front-proxy-ca"}.get(re.split("[/-]", stem)[0], "ca")
        issuer = "etcd/ca" if stem == "apiserver-etcd-client" else issuer
        output("openssl", "verify", "-CAfile", str(PKI / f"{issuer}.crt"), str(PKI / f"{stem}.crt"))


def main(folder):
    work = Path(folder) / "kubeadm"
    work.mkdir()
    machine = None
    for key_type in KEY_TYPES:
        machine = machine or machine_of(work, key_type)
        machine.forget()
        machine.variables["cluster_key_type"] = key_type
        machine.good("pki")
        kubeadm = Kubeadm(work, key_type)
        takes_over(kubeadm, machine)
        sees_the_dates(kubeadm)
        again = machine.good("pki")
        assert again.changed == [], again.output
        renews(kubeadm, machine)
        back = machine.good("pki")
        assert back.changed == [], back.output
        unknown = [text for text in back.warnings if "is not in the ledger" in text]
        assert len(unknown) == len(LEAVES) + len(KUBECONFIGS), back.warnings
        print(f"{key_type}: {len(FILES)} files and {len(KUBECONFIGS)} kubeconfigs", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
