"""A cluster that kubeadm makes, and what its administrator gives to somebody who has hosts for it."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from proofs.ansible import Run, run
from proofs.hosts import ADMIN, PROOF, RUN, Host, connect
from proofs.kubeadm import kubeadm

SSH = ["-F", str(RUN / "hosts/ssh_config")]
PROGRAMS = "/usr/local/bin"
DNS, DOMAIN = "10.32.0.10", "existing.example"
VERSION = os.environ.get("TLSBOOTSTRAP_KUBERNETES_VERSION", "1.37.2")
CONFIG = f"""
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {{advertiseAddress: 10.213.18.11}}
skipPhases: [addon/kube-proxy]
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v{VERSION}
networking: {{serviceSubnet: 10.32.0.0/16, podSubnet: 10.244.0.0/16, dnsDomain: {DOMAIN}}}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: [none]
failSwapOn: false
"""
# As kubeadm's documentation has it.
PIN = (
    "openssl x509 -pubkey -noout -in /etc/kubernetes/pki/ca.crt | openssl pkey -pubin -outform der"
    " | openssl dgst -sha256 -r | cut -d' ' -f1"
)


@pytest.fixture(scope="session")
def cp1() -> Host:
    """The control plane, which is in no group of the collection."""
    return connect("cp1", "10.213.18.11")


@pytest.fixture(scope="session")
def w1() -> Host:
    """The host that joins."""
    return connect("w1", "10.213.18.12")


@dataclass(frozen=True)
class Given:
    """The administrator's kubeconfig on the controller, and the pin."""

    kubeconfig: str
    pin: str

    def run(self, name: str, *arguments: str, **changes: object) -> Run:
        """A playbook with nothing else than these."""
        variables = {"cluster_admin_kubeconfig": self.kubeconfig, "cluster_ca_pins": [self.pin], **changes}
        return run(name, "--extra-vars", json.dumps(variables), *arguments)


def bring_programs(cp1: Host) -> None:
    """As they lie on the controller: links stay links."""
    folder = os.environ["TLSB_KUBERNETES_DIRECTORY"]
    packed = subprocess.Popen(["tar", "-C", folder, "-cf", "-", "."], stdout=subprocess.PIPE)
    subprocess.run(["ssh", *SSH, cp1.name, f"tar -C {PROGRAMS} -xf -"], stdin=packed.stdout, check=True)
    assert packed.wait() == 0
    cp1.output(f"ln -sf {PROGRAMS}/kubectl /opt/proof/kubectl")


def load_images(cp1: Host) -> None:
    """Have the images that kubeadm starts a control plane from, of the programs under test."""
    script = Path(__file__).parents[1] / "files/make_images.py"
    subprocess.run(["scp", "-q", *SSH, script, f"{cp1.name}:{PROOF}/make_images.py"], check=True)
    names = cp1.output(f"{PROGRAMS}/kubeadm config images list --config={PROOF}/kubeadm.yaml 2>/dev/null").split()
    assert len(names) > 5
    archive = "/var/lib/containerd/images.tar"
    cp1.output(" ".join([f"python3 {PROOF}/make_images.py {archive} {PROGRAMS}", *["%s"] * len(names)]), *names)
    cp1.output(f"ctr --namespace=k8s.io images import {archive} && rm {archive}")


def fetch(cp1: Host, path: str) -> str:
    """Bring a kubeconfig to the controller, as its owner would."""
    target = RUN / Path(path).name
    target.touch(mode=0o600)
    target.write_text(cp1.output("cat %s", path))
    return str(target)


@pytest.fixture(scope="session", autouse=True)
def given(cp1: Host) -> Given:
    """Make the cluster, once: its state is its own, also where the tests are run again."""
    if cp1.run("test -e %s", ADMIN).rc != 0:
        bring_programs(cp1)
        cp1.output(f"cat >{PROOF}/kubeadm.yaml <<'END'{CONFIG}END")
        load_images(cp1)
        kubeadm(cp1, "init", f"--config={PROOF}/kubeadm.yaml", program=f"{PROGRAMS}/kubeadm")
    return Given(fetch(cp1, ADMIN), f"sha256:{cp1.output(PIN).strip()}")
