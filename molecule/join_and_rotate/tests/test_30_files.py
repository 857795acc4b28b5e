"""Everything that came to a host since its first playbook, and where keys are; against lists written by hand."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from proofs.hosts import PKI, PROOF, RUN, Host

# Mode, owner and group; of a link, where it leads to.
Rule = tuple[str, ...]
PUBLIC = ("0644", "root", "root")
FOLDER = ("0755", "root", "root")
SECRET = ("0600", "root", "root")
# New keys wait in such folders for their certificates.
PENDING = ("0700", "root", "root")
UNITS = "/etc/systemd/system"
RECORDS = "/run/tlsbootstrap.kubernetes/units"
STORE = "/usr/local/lib/tlsbootstrap.kubernetes"
KUBELET = "/var/lib/kubelet"
STAMP = r"\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d"


def link(target: str) -> Rule:
    """A link to what a pattern describes."""
    return ("link", target)


def identity(path: str, owner: str) -> dict[str, Rule]:
    """A certificate that everybody may read, its key for one user."""
    return {f"{path}.crt": ("0644", owner, owner), f"{path}.key": ("0600", owner, owner)}


def services(*names: str) -> dict[str, Rule]:
    """Units that start with the host, and what was noted when they were started last."""
    rules = {f"{UNITS}/{name}.service": PUBLIC for name in names}
    rules |= {f"{UNITS}/multi-user.target.wants/{name}.service": link(f"{UNITS}/{name}.service") for name in names}
    return rules | {f"{RECORDS}/{name}.service.json": PUBLIC for name in names}


def binaries(*names: str) -> dict[str, Rule]:
    """Programs, under the names of their components."""
    return {f"/usr/local/bin/{name}": link(rf"{STORE}/[\w.-]+-[0-9a-f]{{16}}") for name in names}


def serving_itself(component: str) -> dict[str, Rule]:
    """A component that serves on localhost with a certificate that it makes at each start."""
    own = ("0600", component, component)
    folder = f"/run/{component}"
    return {folder: ("0700", component, component), f"{folder}/{component}.crt": own, f"{folder}/{component}.key": own}


EVERY_HOST = {
    "/etc/kubernetes": FOLDER,
    PKI: FOLDER,
    f"{PKI}/.pending": PENDING,
    f"{PKI}/kubernetes-ca.crt": PUBLIC,
    "/etc/sysusers.d/tlsbootstrap-kubernetes.conf": PUBLIC,
    "/run/tlsbootstrap.kubernetes": FOLDER,
    RECORDS: FOLDER,
    STORE: FOLDER,
    f"{STORE}/.verified.json": PUBLIC,
}
CONTROL_PLANE = {
    "/etc/kubernetes/admin.conf": SECRET,
    "/etc/kubernetes/super-admin.conf": SECRET,
    "/etc/kubernetes/controller-manager.conf": ("0600", "kube-controller-manager", "kube-controller-manager"),
    "/etc/kubernetes/scheduler.conf": ("0600", "kube-scheduler", "kube-scheduler"),
    "/etc/kubernetes/csr-approver.conf": ("0600", "csr-approver", "csr-approver"),
    "/etc/kubernetes/csr-approver.json": PUBLIC,
    "/etc/kubernetes/audit-policy.yaml": PUBLIC,
    "/etc/kubernetes/authentication.yaml": PUBLIC,
    f"{PKI}/etcd": FOLDER,
    f"{PKI}/etcd/.pending": PENDING,
    f"{PKI}/signing": FOLDER,
    f"{PKI}/signing/.pending": PENDING,
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
    **serving_itself("kube-controller-manager"),
    **serving_itself("kube-scheduler"),
    **services("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "csr-approver"),
    **binaries("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"),
    # Who may write this decides who gets a certificate.
    "/usr/local/lib/tlsbootstrap": FOLDER,
    "/usr/local/lib/tlsbootstrap/csr-approver.pyz": PUBLIC,
    "/var/lib/etcd": ("0700", "etcd", "etcd"),
    "/var/log/kubernetes": ("0700", "kube-apiserver", "kube-apiserver"),
    "/var/log/kubernetes/kube-apiserver-audit.log": ("0600", "kube-apiserver", "kube-apiserver"),
}
NODE = {
    "/etc/kubernetes/.pending": PENDING,
    "/etc/kubernetes/kubelet.conf": SECRET,
    "/etc/kubernetes/kube-proxy.conf": ("0600", "kube-proxy", "kube-proxy"),
    "/etc/kubernetes/kube-proxy": FOLDER,
    "/etc/kubernetes/kube-proxy/config.yaml": PUBLIC,
    **identity(f"{PKI}/kube-proxy", "kube-proxy"),
    KUBELET: FOLDER,
    f"{KUBELET}/config.yaml": PUBLIC,
    f"{KUBELET}/pki": FOLDER,
    f"{KUBELET}/pki/kubelet-client-current.pem": link(rf"{KUBELET}/pki/kubelet-client-{STAMP}\.pem"),
    f"{KUBELET}/pki/kubelet-server-current.pem": link(rf"{KUBELET}/pki/kubelet-server-{STAMP}\.pem"),
    **services("kubelet", "kube-proxy"),
    **binaries("kubelet", "kube-proxy"),
}
EXPECTED = {"cp1": EVERY_HOST | CONTROL_PLANE | NODE, "w1": EVERY_HOST | NODE, "w2": EVERY_HOST | NODE}
# Names that are not known before.
KUBELET_PAIR = rf"{KUBELET}/pki/kubelet-(client|server)-{STAMP}\.pem"
PATTERNS = {
    KUBELET_PAIR: SECRET,
    # One file with all components, or one for each.
    rf"{STORE}/[\w.-]+-[0-9a-f]{{16}}": FOLDER,
    r"/var/lib/etcd/member(/snap|/wal)?": ("0700", "etcd", "etcd"),
    r"/var/lib/etcd/member/(snap/[\w.-]+|wal/[\w.-]+)": ("0600", "etcd", "etcd"),
    r"/var/log/kubernetes/kube-apiserver-audit-[\dT.-]+\.log": ("0600", "kube-apiserver", "kube-apiserver"),
}
# What the kubelet, systemd, sysusers and sshd keep for themselves, and folders of the image that have something new.
OTHERS = re.compile(
    "|".join(
        [
            rf"{KUBELET}/(checkpoints|(device-)?plugins|plugins_registry|pod-resources|pods|pods-api|image_manager)(/.+)?",
            rf"{KUBELET}/(cpu_manager|memory_manager|dra_manager|actuated_pods|allocated_pods)_state",
            r"/usr/libexec/kubernetes(/kubelet-plugins(/volume(/exec)?)?)?|/var/log/(containers|pods)",
            r"(/var)?/tmp/systemd-private-[0-9a-f]+-[\w-]+\.service-\w+(/tmp)?",
            r"/etc/(group|gshadow|passwd|shadow)-?|/run/(credentials|motd\.dynamic)|/root/\.(ansible|kube)(/.+)?",
            rf"/|/root|/run|(/var)?/tmp|/dev/shm|/etc|/etc/sysusers\.d|/etc/systemd|{UNITS}(/multi-user\.target\.wants)?",
            r"/usr|/usr/libexec|/usr/local(/bin|/lib)?|/var/lib|/var/log|/var/log/(wtmp|lastlog|btmp)",
        ]
    )
)
# All that came or changed since the first watcher was started, before the first playbook.
FIND = r"""
find / /run /tmp /dev/shm -xdev \( -path /run/proof -o -path /run/systemd \) -prune \
    -o -cnewer /run/systemd/transient/proof-watch-processes.service -printf '%y|%p|%#m|%u|%g|%l\n'
"""
CA_HOST = {
    ".": "0700",
    ".lock": "0600",
    ".pending": "0700",
    "ledger.jsonl": "0600",
    "published": "0700",
    **{f"published/{name}-ca@cp1.pem": "0644" for name in ("kubelet-client", "kubelet-serving")},
    **{f"published/{name}@cp1.pem": "0644" for name in ("service-account", "controller-manager-service-account")},
    **{f"{name}-ca.crt": "0644" for name in ("kubernetes", "etcd", "front-proxy")},
    **{f"{name}-ca.key": "0600" for name in ("kubernetes", "etcd", "front-proxy")},
}
# One key in each form that a file may have it in.
PLANT_KEYS = """
set -eu; umask 077; mkdir /dev/shm/proof; cd /dev/shm/proof
openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out pem
openssl pkey -in pem -outform DER -out der
echo "users: [{user: {client-key-data: $(base64 -w0 pem)}}]" >kubeconfig
"""


@pytest.fixture(scope="module")
def found(hosts: dict[str, Host]) -> dict[str, dict[str, Rule]]:
    """All that is new on each host, but for what others keep there."""
    result: dict[str, dict[str, Rule]] = {}
    for name, host in hosts.items():
        rows = [line.split("|") for line in host.run(FIND).stdout.splitlines()]
        result[name] = {
            path: ("link", target) if kind == "l" else (mode, owner, group)
            for kind, path, mode, owner, group, target in rows
            if not OTHERS.fullmatch(path)
        }
    return result


def rule_for(name: str, path: str) -> Rule | None:
    """Return what the lists say of a path."""
    return EXPECTED[name].get(path) or next((PATTERNS[key] for key in PATTERNS if re.fullmatch(key, path)), None)


def follows(rule: Rule | None, found: Rule) -> bool:
    """Whether something is as a list says."""
    if rule and rule[0] == "link":
        return found[0] == "link" and bool(re.fullmatch(rule[1], found[1]))
    return found == rule


@pytest.mark.parametrize("name", EXPECTED)
def test_everything_is_as_listed(found: dict[str, dict[str, Rule]], name: str) -> None:
    both = {path: (is_, rule_for(name, path)) for path, is_ in found[name].items()}
    assert {path: pair for path, pair in both.items() if not follows(pair[1], pair[0])} == {}


@pytest.mark.parametrize("name", EXPECTED)
def test_everything_listed_is_there(found: dict[str, dict[str, Rule]], name: str) -> None:
    assert EXPECTED[name].keys() - found[name].keys() == set()


def test_the_ca_host_has_what_is_listed() -> None:
    folder = RUN / "ca"
    modes = {path: f"{path.stat().st_mode & 0o7777:04o}" for path in (folder, *folder.rglob("*"))}
    assert {str(path.relative_to(folder)): mode for path, mode in modes.items()} == CA_HOST
    assert {path.owner() for path in modes} == {RUN.owner()}


@pytest.fixture(scope="module")
def keys(hosts: dict[str, Host]) -> dict[str, dict[str, list[str]]]:
    """The public key's hash of each private key that is anywhere: host, path, hashes."""
    result = {name: json.loads(host.output(f"/usr/bin/python3 {PROOF}/find_keys.py")) for name, host in hosts.items()}
    here = [sys.executable, "../shared/watchers/find_keys.py", str(RUN)]
    return result | {"CA host": json.loads(subprocess.run(here, check=True, capture_output=True).stdout)}


def test_the_search_finds_each_form(hosts: dict[str, Host]) -> None:
    host = hosts["w1"]
    try:
        host.output(PLANT_KEYS)
        planted = json.loads(host.output(f"/usr/bin/python3 {PROOF}/find_keys.py"))
    finally:
        host.output("rm -r /dev/shm/proof")
    found = [planted.get(f"/dev/shm/proof/{form}") for form in ("pem", "der", "kubeconfig")]
    assert found[0]
    assert found == [found[0]] * 3


def test_every_key_could_be_read(keys: dict[str, dict[str, list[str]]]) -> None:
    assert [host for host, paths in keys.items() for digests in paths.values() if "unreadable" in digests] == []


def test_no_key_is_in_two_places(keys: dict[str, dict[str, list[str]]]) -> None:
    places: dict[str, list[str]] = {}
    for host, paths in keys.items():
        for path, digests in paths.items():
            for digest in digests:
                places.setdefault(digest, []).append(f"{host}:{path}")
    assert [where for where in places.values() if len(where) > 1] == []


@pytest.mark.parametrize("name", EXPECTED)
def test_keys_are_where_they_belong(keys: dict[str, dict[str, list[str]]], name: str) -> None:
    listed = {path for path in EXPECTED[name] if path.endswith(".key")}
    pairs = {path for path in keys[name] if re.fullmatch(KUBELET_PAIR, path)}
    assert len(pairs) >= 2
    assert keys[name].keys() == listed | pairs


def test_keys_of_the_ca_host_are_where_they_belong(keys: dict[str, dict[str, list[str]]]) -> None:
    assert set(keys["CA host"]) == {str(RUN / "ca" / name) for name in CA_HOST if name.endswith(".key")}
