"""More of what is in the way of a join on a host: what the kubelet does not start with, and servers that are others."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from conftest import Site
from proofs.ansible import run
from proofs.hosts import PROOF, Host
from proofs.nodes import tokens
from proofs.states import changed_since, look_at

OTHER, NAME = "https://10.213.16.11:6555", "api.other.example"
# A kubelet as the defaults have it; nowhere is where no runtime listens.
STRICT = {
    "kubelet_config_overrides": {"failCgroupV1": True, "failSwapOn": True},
    "kubelet_container_runtime_endpoint": "unix:///run/nowhere.sock",
    "kubelet_container_runtime_unit": "",
    "cluster_api_endpoint": OTHER,
}
TROUBLE = f"""
set -eu
mkdir -p /var/lib/kubelet
mount -t tmpfs -o size=64m proof /var/lib/kubelet
printf 'Filename\\tType\\tSize\\tUsed\\tPriority\\n/dev/proof-swap partition 1024 0 -2\\n' >{PROOF}/swaps
mount --bind {PROOF}/swaps /proc/swaps
cp /bin/sleep {PROOF}/kubelet
systemd-run --quiet --collect --unit=proof-other {PROOF}/kubelet 3600
"""
CLEAR = f"""
systemctl stop proof-other
umount /proc/swaps /var/lib/kubelet
rmdir /var/lib/kubelet
rm -f {PROOF}/kubelet {PROOF}/swaps
"""
IMPOSTOR = f"""
set -eu
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {PROOF}/other.key -out {PROOF}/other.crt \
    -days 9 -subj /CN=kubernetes-ca -addext subjectAltName=IP:10.213.16.11 2>/dev/null
systemd-run --quiet --collect --unit=proof-impostor \
    openssl s_server -quiet -accept 6555 -cert {PROOF}/other.crt -key {PROOF}/other.key -www
"""
FOUND = (
    f"{OTHER} shows a certificate that is not trusted",
    "w2 has no container runtime: nothing listens at /run/nowhere.sock",
    "swap is on (/dev/proof-swap), and the kubelet would not start",
    "/var/lib/kubelet has 64 MiB left, less than the 512 MiB that a node needs",
    "a kubelet runs here that is not kubelet.service: kubelet (process ",
)
CGROUP_V1 = "this host has cgroup v1, which a kubelet of"


@pytest.fixture(scope="module")
def site(cp1: Host, w2: Host) -> Site:
    """The defaults, and a second worker that has never joined."""
    site = Site(cp1, w2, cluster_join_credential="token")
    site.strangers()
    site.without_tokens()
    site.run("control_plane")
    return site


@pytest.fixture
def troubled(site: Site, cp1: Host, w2: Host) -> Iterator[None]:
    cp1.output(IMPOSTOR)
    w2.output(TROUBLE)
    try:
        yield
    finally:
        w2.run(CLEAR)
        cp1.run("systemctl stop proof-impostor")


def test_what_a_kubelet_does_not_start_with_is_told_at_once(site: Site, cp1: Host, w2: Host, troubled: None) -> None:
    version1 = w2.output("stat -fc %T /sys/fs/cgroup").strip() != "cgroup2fs"
    wanted = [*FOUND, CGROUP_V1] if version1 else [*FOUND]
    before, known = look_at(cp1, w2), tokens(cp1)
    refused = run("join", *site.variables, "--limit", "w2", "--extra-vars", json.dumps(STRICT))
    assert refused.code > 0
    assert [words for words in wanted if words not in refused.failures] == []
    assert f"w2: {len(wanted)} findings:" in refused.failures
    assert changed_since(before, cp1, w2) == {}
    assert tokens(cp1) == known


def test_an_api_server_by_a_name_that_is_not_its_own(site: Site, cp1: Host, w2: Host) -> None:
    w2.output("cp /etc/hosts %s/hosts && echo '10.213.16.11 %s' >>/etc/hosts", PROOF, NAME)
    try:
        before = look_at(cp1, w2)
        endpoint = f"cluster_api_endpoint=https://{NAME}:6443"
        refused = run("join", *site.variables, "--limit", "w2", "--extra-vars", endpoint)
        changed = changed_since(before, cp1, w2)
    finally:
        w2.output(f"cat {PROOF}/hosts >/etc/hosts")
    assert refused.code > 0
    assert f"https://{NAME}:6443 shows a certificate that is not trusted" in refused.failures
    assert "its names" in refused.failures
    assert changed == {}
