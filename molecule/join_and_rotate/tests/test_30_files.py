"""Every file that a cluster keeps its trust in, against lists written by hand; every key, on one host only."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

import pytest
from proofs.hosts import PKI, RUN, Host

# Path, mode, owner and group of all there is below the folders that are looked at. A path may be a pattern.
FOLDERS = "/etc/kubernetes /var/lib/kubelet/pki /etc/systemd/system /run/kube-controller-manager /run/kube-scheduler"
UNITS = "/etc/systemd/system"
PUBLIC = ("0644", "root", "root")
FOLDER = ("0755", "root", "root")


def identity(path: str, owner: str) -> dict[str, tuple[str, str, str]]:
    """A certificate that everybody may read, its key for one user."""
    return {f"{path}.crt": ("0644", owner, owner), f"{path}.key": ("0600", owner, owner)}


CONTROL_PLANE = {
    "/etc/kubernetes": FOLDER,
    "/etc/kubernetes/admin.conf": ("0600", "root", "root"),
    "/etc/kubernetes/super-admin.conf": ("0600", "root", "root"),
    "/etc/kubernetes/controller-manager.conf": ("0600", "kube-controller-manager", "kube-controller-manager"),
    "/etc/kubernetes/scheduler.conf": ("0600", "kube-scheduler", "kube-scheduler"),
    "/etc/kubernetes/csr-approver.conf": ("0600", "csr-approver", "csr-approver"),
    "/etc/kubernetes/csr-approver.json": PUBLIC,
    "/etc/kubernetes/audit-policy.yaml": PUBLIC,
    "/etc/kubernetes/authentication.yaml": PUBLIC,
    PKI: FOLDER,
    # New keys wait here for their certificates.
    f"{PKI}/.pending": ("0700", "root", "root"),
    f"{PKI}/etcd": FOLDER,
    f"{PKI}/etcd/.pending": ("0700", "root", "root"),
    f"{PKI}/signing": FOLDER,
    f"{PKI}/signing/.pending": ("0700", "root", "root"),
    f"{PKI}/kubernetes-ca.crt": PUBLIC,
    f"{PKI}/client-ca.crt": PUBLIC,
    f"{PKI}/kubelet-serving-ca.crt": PUBLIC,
    f"{PKI}/front-proxy-ca.crt": PUBLIC,
    f"{PKI}/etcd/ca.crt": PUBLIC,
    f"{PKI}/sa-trusted.pub": PUBLIC,
    f"{PKI}/sa.pub": ("0644", "kube-apiserver", "kube-apiserver"),
    f"{PKI}/sa.key": ("0600", "kube-apiserver", "kube-apiserver"),
    f"{PKI}/sa-controller-manager.pub": ("0644", "kube-controller-manager", "kube-controller-manager"),
    f"{PKI}/sa-controller-manager.key": ("0600", "kube-controller-manager", "kube-controller-manager"),
    **identity(f"{PKI}/apiserver", "kube-apiserver"),
    **identity(f"{PKI}/apiserver-kubelet-client", "kube-apiserver"),
    **identity(f"{PKI}/apiserver-etcd-client", "kube-apiserver"),
    **identity(f"{PKI}/front-proxy-client", "kube-apiserver"),
    **identity(f"{PKI}/admin", "root"),
    **identity(f"{PKI}/super-admin", "root"),
    **identity(f"{PKI}/controller-manager", "kube-controller-manager"),
    **identity(f"{PKI}/scheduler", "kube-scheduler"),
    **identity(f"{PKI}/csr-approver", "csr-approver"),
    **identity(f"{PKI}/signing/kubelet-client", "kube-controller-manager"),
    **identity(f"{PKI}/signing/kubelet-serving", "kube-controller-manager"),
    **identity(f"{PKI}/etcd/server", "etcd"),
    **identity(f"{PKI}/etcd/peer", "etcd"),
    **identity(f"{PKI}/etcd/healthcheck-client", "root"),
    **{
        f"{UNITS}/{name}.service": PUBLIC
        for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "csr-approver")
    },
}
for component in ("kube-controller-manager", "kube-scheduler"):
    # They serve on localhost with a certificate that they make at each start.
    CONTROL_PLANE[f"/run/{component}"] = ("0700", component, component)
    CONTROL_PLANE[f"/run/{component}/{component}.crt"] = ("0600", component, component)
    CONTROL_PLANE[f"/run/{component}/{component}.key"] = ("0600", component, component)
STAMP = r"\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d"
WORKER = {
    "/etc/kubernetes": FOLDER,
    "/etc/kubernetes/.pending": ("0700", "root", "root"),
    "/etc/kubernetes/kube-proxy": FOLDER,
    "/etc/kubernetes/kube-proxy/config.yaml": PUBLIC,
    "/etc/kubernetes/kubelet.conf": ("0600", "root", "root"),
    "/etc/kubernetes/kube-proxy.conf": ("0600", "kube-proxy", "kube-proxy"),
    PKI: FOLDER,
    # New keys wait here for their certificates.
    f"{PKI}/.pending": ("0700", "root", "root"),
    f"{PKI}/kubernetes-ca.crt": PUBLIC,
    **identity(f"{PKI}/kube-proxy", "kube-proxy"),
    "/var/lib/kubelet/pki": FOLDER,
    f"/var/lib/kubelet/pki/kubelet-client-{STAMP}\\.pem": ("0600", "root", "root"),
    f"/var/lib/kubelet/pki/kubelet-server-{STAMP}\\.pem": ("0600", "root", "root"),
    f"{UNITS}/kubelet.service": PUBLIC,
    f"{UNITS}/kube-proxy.service": PUBLIC,
}
# The image's own: folders of links, and what loads images for pods without a registry.
IMAGE = re.compile(rf"{UNITS}(/[\w.@-]+\.(wants|requires)|/node-images\.service)?")
EXPECTED = {"cp1": CONTROL_PLANE, "w1": WORKER, "w2": WORKER}
# All private keys of a host, wherever they are; a key is in a small file. The last column is the public key's hash.
KEYS = """
find / /run -xdev -type f -size -64k ! -path '/proc/*' ! -path '/sys/*' ! -path '/run/proof/*' -print0 |
xargs -0 grep -lsIE -e '^-----BEGIN ((EC|RSA|DSA|ENCRYPTED) )?PRIVATE KEY-----' | sort -u | while read -r path; do
    echo "$path $(openssl pkey -in "$path" -passin pass: -pubout -outform DER 2>/dev/null | sha256sum)"
done
"""


def found(host: Host) -> dict[str, tuple[str, str, str]]:
    """Return mode, owner and group of all there is, but for links and for what the image brought to systemd."""
    lines = host.run(f"find {FOLDERS} ! -type l -printf '%p %#m %u %g\\n'").stdout.splitlines()
    rows = [line.split() for line in lines]
    return {path: (mode, owner, group) for path, mode, owner, group in rows if not IMAGE.fullmatch(path)}


def expectation(host: Host, path: str) -> tuple[str, str, str] | None:
    """Return what the list says of a path."""
    listed = EXPECTED[host.name]
    return listed.get(path) or next((rule for pattern, rule in listed.items() if re.fullmatch(pattern, path)), None)


@pytest.mark.parametrize("name", EXPECTED)
def test_every_file_is_as_listed(hosts: dict[str, Host], name: str) -> None:
    host = hosts[name]
    both = {path: (is_, expectation(host, path)) for path, is_ in found(host).items()}
    assert {path: pair for path, pair in both.items() if pair[0] != pair[1]} == {}


@pytest.mark.parametrize("name", EXPECTED)
def test_every_listed_file_is_there(hosts: dict[str, Host], name: str) -> None:
    paths = found(hosts[name])
    missing = [rule for rule in EXPECTED[name] if rule not in paths]
    assert [rule for rule in missing if not any(re.fullmatch(rule, path) for path in paths)] == []


@pytest.fixture(scope="module")
def keys(hosts: dict[str, Host]) -> dict[str, dict[str, str]]:
    """The public key's hash of each private key: host, path, hash."""
    result: dict[str, dict[str, str]] = {}
    for name, host in hosts.items():
        rows = [line.split() for line in host.output(KEYS).splitlines()]
        result[name] = {path: digest for path, digest, _dash in rows}
    result["CA host"] = {str(path): public_key(path) for path in sorted((RUN / "ca").rglob("*.key"))}
    return result


def public_key(path: Path) -> str:
    command = ["openssl", "pkey", "-in", str(path), "-pubout", "-outform", "DER"]
    return hashlib.sha256(subprocess.run(command, check=True, capture_output=True).stdout).hexdigest()


def test_every_key_could_be_read(keys: dict[str, dict[str, str]]) -> None:
    nothing = hashlib.sha256(b"").hexdigest()
    assert {host for host, found in keys.items() if nothing in found.values()} == set()
    assert len(keys["CA host"]) == 3
    assert all(len(keys[host]) >= count for host, count in {"cp1": 16, "w1": 3, "w2": 3}.items())


def test_no_key_is_in_two_places(keys: dict[str, dict[str, str]]) -> None:
    places: dict[str, list[str]] = {}
    for host, paths in keys.items():
        for path, digest in paths.items():
            places.setdefault(digest, []).append(f"{host}:{path}")
    assert [where for where in places.values() if len(where) > 1] == []


def test_every_key_is_a_listed_one(hosts: dict[str, Host], keys: dict[str, dict[str, str]]) -> None:
    strangers = [f"{name}:{path}" for name, host in hosts.items() for path in keys[name] if not expectation(host, path)]
    assert strangers == []


def test_the_ca_host_keeps_its_keys_to_itself() -> None:
    for path in (RUN / "ca").rglob("*.key"):
        assert path.stat().st_mode & 0o777 == 0o600
    assert (RUN / "ca").stat().st_mode & 0o777 == 0o700
