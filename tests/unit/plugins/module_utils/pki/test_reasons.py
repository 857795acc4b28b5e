# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each reason of the PKI: what causes it, that a check foretells it and touches nothing, that a run touches no more."""

from __future__ import annotations

import datetime
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import files, x509
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import pem
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.reasons import (
    CODES,
    PKI_CODES,
    Reason,
    diff_of,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.modules import ca, identities, sign

from .conftest import Cluster

# Where the collection keeps its own books.
BOOKS = {".pending", ".backup", ".lock", "ledger.jsonl"}
Damage = Callable[[Cluster], None]
DAMAGES: list[tuple[str, str, Damage]] = []


def snapshot(root: Path) -> dict[str, tuple[str, int, int, int]]:
    found = {}
    for path in root.rglob("*"):
        if not BOOKS & set(path.relative_to(root).parts):
            state = path.lstat()
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            found[str(path)] = (content, state.st_mode, state.st_uid, state.st_gid)
    return found


def everything(root: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path): (path.read_bytes() if path.is_file() else b"", path.lstat().st_mode)
        for path in root.rglob("*")
        if path.name != ".lock"
    }


def causes(code: str, subject: str = "admin") -> Callable[[Damage], Damage]:
    def keep(damage: Damage) -> Damage:
        DAMAGES.append((code, subject, damage))
        return damage

    return keep


def row(cluster: Cluster, name: str = "admin") -> dict[str, Any]:
    return cluster.find("cp1", name)


def path(cluster: Cluster, kind: str, name: str = "admin") -> Path:
    return Path(row(cluster, name)[f"{kind}_path"])


def forge(cluster: Cluster, **values: Any) -> None:
    """Another certificate of the same key, signed by the CA, that says something else."""
    folder = cluster.ca
    key = x509.load_private_key((folder / "kubernetes-ca.key").read_bytes(), "")
    (block,) = pem.certificates((folder / "kubernetes-ca.crt").read_bytes(), "")
    issuer = x509.load_certificate(block, "")
    live = x509.load_private_key(path(cluster, "key").read_bytes(), "")
    request = x509.load_request(x509.make_request(live, "x", ()).encode(), "")
    said: dict[str, Any] = {
        "common_name": "admin",
        "organizations": ("tlsbootstrap:cluster-admins",),
        "dns_names": (),
        "ip_addresses": (),
        "usages": ("client auth",),
        "not_before": cluster.now,
        "not_after": cluster.now + datetime.timedelta(days=365),
        **values,
    }
    path(cluster, "certificate").write_text(x509.issue(issuer, key, request, x509.Leaf(**said)).pem)


@causes("Missing")
def all_gone(cluster: Cluster) -> None:
    path(cluster, "key").unlink()
    path(cluster, "certificate").unlink()


@causes("Missing", "kubelet-client-ca")
def signing_ca_gone(cluster: Cluster) -> None:
    path(cluster, "key", "kubelet-client-ca").unlink()
    path(cluster, "certificate", "kubelet-client-ca").unlink()


@causes("Missing", "service-account")
def service_account_gone(cluster: Cluster) -> None:
    path(cluster, "key", "service-account").unlink()
    path(cluster, "public_key", "service-account").unlink()


@causes("Missing", "scheduler")
def embedded_gone(cluster: Cluster) -> None:
    Path(row(cluster, "scheduler")["kubeconfig"]["path"]).unlink()


@causes("KeyMissing")
def key_gone(cluster: Cluster) -> None:
    path(cluster, "key").unlink()


@causes("CertificateMissing")
def certificate_gone(cluster: Cluster) -> None:
    path(cluster, "certificate").unlink()


@causes("KeyUnreadable")
def key_damaged(cluster: Cluster) -> None:
    path(cluster, "key").write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")


@causes("CertificateUnreadable")
def certificate_cut_off(cluster: Cluster) -> None:
    data = path(cluster, "certificate").read_bytes()
    path(cluster, "certificate").write_bytes(data[: len(data) // 2])


@causes("KeyMismatch")
def key_of_another(cluster: Cluster) -> None:
    shutil.copy(path(cluster, "key", "kube-apiserver"), path(cluster, "key"))


@causes("KeyTypeChanged")
def other_curve(cluster: Cluster) -> None:
    row(cluster)["key_type"] = "ecdsa-p384"


@causes("IssuerChanged")
def other_issuer(cluster: Cluster) -> None:
    row(cluster)["issuer"] = "etcd-ca"


@causes("IssuerChanged", "kube-apiserver")
def same_name_other_key(cluster: Cluster) -> None:
    """The CA was made anew under its old name; what others trust comes with it."""
    for suffix in ("crt", "key"):
        (cluster.ca / f"kubernetes-ca.{suffix}").unlink()
    cluster.ensure()


@causes("SubjectChanged")
def other_group(cluster: Cluster) -> None:
    row(cluster)["organizations"] = ["others"]


@causes("SANsChanged", "kube-apiserver")
def one_name_more(cluster: Cluster) -> None:
    row(cluster, "kube-apiserver")["dns_names"].append("api.example.org")


@causes("UsagesChanged")
def server_too(cluster: Cluster) -> None:
    row(cluster).update(usages=["client auth", "server auth"], dns_names=["cp1"])


@causes("ConstraintsChanged")
def a_ca_in_its_place(cluster: Cluster) -> None:
    key = x509.load_private_key(path(cluster, "key").read_bytes(), "")
    end = cluster.now + datetime.timedelta(days=365)
    path(cluster, "certificate").write_text(x509.self_sign(key, "admin", cluster.now, end))


@causes("SignatureWeak")
def signed_with_sha1(cluster: Cluster) -> None:
    """cryptography signs with SHA-1 no more, openssl by the clock of the machine only."""
    extensions = cluster.root / "leaf.cnf"
    extensions.write_text(
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    openssl = ["faketime", "-f", cluster.now.strftime("@%Y-%m-%d %H:%M:%S"), "openssl"]
    subject = "/O=tlsbootstrap:cluster-admins/CN=admin"
    request = [*openssl, "req", "-new", "-key", str(path(cluster, "key")), "-subj", subject]
    wanted = subprocess.run(request, env={**os.environ, "TZ": "UTC"}, capture_output=True, check=True).stdout
    ca = [
        "-CA",
        str(cluster.ca / "kubernetes-ca.crt"),
        "-CAkey",
        str(cluster.ca / "kubernetes-ca.key"),
        "-set_serial",
        "7",
    ]
    command = [*openssl, "x509", "-req", *ca, "-days", "365", "-extfile", str(extensions), "-sha1"]
    done = subprocess.run(command, input=wanted, env={**os.environ, "TZ": "UTC"}, capture_output=True, check=True)
    path(cluster, "certificate").write_bytes(done.stdout)
    extensions.unlink()


@causes("OutlivesIssuer")
def longer_than_its_ca(cluster: Cluster) -> None:
    forge(cluster, not_after=cluster.now + datetime.timedelta(days=3651))


@causes("NotYetValid")
def from_tomorrow(cluster: Cluster) -> None:
    forge(cluster, not_before=cluster.now + datetime.timedelta(days=1))


@causes("Expiring")
def less_than_a_third(cluster: Cluster) -> None:
    cluster.now += datetime.timedelta(days=365 * 2 // 3 + 1)


@causes("Expired")
def a_year_later(cluster: Cluster) -> None:
    cluster.now += datetime.timedelta(days=366)


@causes("Forced")
def by_name(cluster: Cluster) -> None:
    cluster.force = ["admin"]


@causes("Forced", "kubelet-client-ca")
def signing_ca_by_name(cluster: Cluster) -> None:
    cluster.force = ["kubelet-client-ca"]


@causes("Interrupted")
def killed_before_the_pair_was_live(cluster: Cluster) -> None:
    real = files.write_atomic
    cluster.force = ["admin"]

    def dying(target: str, *arguments: Any, **options: Any) -> None:
        if target == str(path(cluster, "certificate")):
            raise KeyboardInterrupt
        real(target, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "write_atomic", dying)
        with pytest.raises(KeyboardInterrupt):
            cluster.run()
    cluster.force = []


@causes("FormatChanged")
def carriage_returns(cluster: Cluster) -> None:
    data = path(cluster, "certificate").read_bytes()
    path(cluster, "certificate").write_bytes(b"text\r\n" + data.replace(b"\n", b"\r\n").rstrip())


@causes("PublicKeyChanged", "service-account")
def other_public_key(cluster: Cluster) -> None:
    path(cluster, "public_key", "service-account").write_text(x509.generate_key("ecdsa-p256").public_pem())


@causes("KubeconfigMissing")
def kubeconfig_gone(cluster: Cluster) -> None:
    Path(row(cluster)["kubeconfig"]["path"]).unlink()


@causes("KubeconfigServerChanged")
def other_server(cluster: Cluster) -> None:
    row(cluster)["kubeconfig"]["server"] = "https://api.example.org:6443"


@causes("KubeconfigServerChanged", "scheduler")
def other_server_embedded(cluster: Cluster) -> None:
    row(cluster, "scheduler")["kubeconfig"]["server"] = "https://api.example.org:6443"


@causes("KubeconfigChanged")
def other_user(cluster: Cluster) -> None:
    row(cluster)["kubeconfig"]["user_name"] = "someone"


@causes("KubeconfigUnreadable")
def kubeconfig_damaged(cluster: Cluster) -> None:
    Path(row(cluster)["kubeconfig"]["path"]).write_text("{")


@causes("BundleMissing", "client")
def bundle_gone(cluster: Cluster) -> None:
    (cluster.pki("cp1") / "client-ca.crt").unlink()


@causes("BundleChanged", "client")
def bundle_short(cluster: Cluster) -> None:
    shutil.copy(cluster.ca / "kubernetes-ca.crt", cluster.pki("cp1") / "client-ca.crt")


@causes("PublishedChanged", "service-account@cp1")
def forgotten_by_the_ca_host(cluster: Cluster) -> None:
    (cluster.ca / "published" / "service-account@cp1.pem").unlink()


@causes("KeyNotEncrypted", "kubernetes-ca")
def a_passphrase_at_last(cluster: Cluster) -> None:
    cluster.passphrase = b"correct horse battery"


@causes("NotInLedger", "kubernetes-ca")
def recorded_by_nobody(cluster: Cluster) -> None:
    ledger = cluster.ca / "ledger.jsonl"
    ledger.write_text(
        "".join(line for line in ledger.read_text().splitlines(True) if '"ca": "kubernetes-ca"' not in line)
    )


@causes("Superseded")
def old_backup_of_the_host(cluster: Cluster) -> None:
    """A key that has leaked must not come back."""
    pair = [path(cluster, "key"), path(cluster, "certificate")]
    old = [half.read_bytes() for half in pair]
    cluster.now += datetime.timedelta(days=1)
    cluster.force = ["admin"]
    cluster.run()
    cluster.force = []
    for half, data in zip(pair, old):
        half.write_bytes(data)


@causes("OwnerChanged")
def other_owner(cluster: Cluster) -> None:
    os.chown(path(cluster, "key"), 12345, -1)


@causes("GroupChanged")
def other_unix_group(cluster: Cluster) -> None:
    os.chown(path(cluster, "certificate"), -1, 12345)


@causes("ModeChanged")
def open_key(cluster: Cluster) -> None:
    path(cluster, "key").chmod(0o644)


@causes("ModeChanged", "directory")
def open_folder(cluster: Cluster) -> None:
    cluster.pki("cp1").chmod(0o777)


@causes("Leftover")
def a_key_that_waits(cluster: Cluster) -> None:
    (cluster.pki("cp1") / ".pending" / "admin.key").write_bytes(x509.generate_key("ecdsa-p256").pem())


# A CA folder that is not there is tried below.
BELOW = {"DirectoryMissing"}
TESTS = Path(__file__).parents[5] / "tests"
# What others sign, and what is no PKI: the test that causes the reason.
SOURCES = ("ChainChanged", "Requested", "RequestChanged", "Answered")
ELSEWHERE = {
    **dict.fromkeys(SOURCES, "unit/plugins/module_utils/pki/test_sources.py"),
    "ContentChanged": "integration/targets/csr_approver/tasks/main.yml",
    "JoinsChanged": "integration/targets/join_window/tasks/main.yml",
    "NotJoined": "integration/targets/kubelet_identity/tasks/first.yml",
    "NodeNameChanged": "unit/plugins/module_utils/domain/test_kubelet_identity.py",
    "ObjectMissing": "integration/targets/cluster_objects/tasks/main.yml",
    "ObjectChanged": "integration/targets/cluster_objects/tasks/main.yml",
    "ObjectLeftover": "integration/targets/cluster_objects/tasks/main.yml",
    "PodEvicted": "integration/targets/nodes/tasks/drain.yml",
    "TokenWanted": "integration/targets/bootstrap_tokens/tasks/main.yml",
    "TokenLeftover": "integration/targets/bootstrap_tokens/tasks/main.yml",
    "RequestApproved": "integration/targets/csr_approval/tasks/main.yml",
    "RequestDenied": "integration/targets/csr_approval/tasks/main.yml",
    "UnitMissing": "integration/targets/unit/tasks/try.yml",
    "UnitChanged": "unit/plugins/module_utils/domain/test_units.py",
    "NotEnabled": "integration/targets/unit/tasks/try.yml",
    "NotDisabled": "integration/targets/unit/tasks/try.yml",
    "NotRunning": "integration/targets/unit/tasks/try.yml",
    "NotStopped": "integration/targets/unit/tasks/try.yml",
    "FilesNewer": "integration/targets/unit/tasks/try.yml",
}


def test_every_reason_has_its_cause_here() -> None:
    assert {code for code, _subject, _damage in DAMAGES} | BELOW == set(PKI_CODES) - set(SOURCES)


def test_every_other_reason_is_caused_where_it_belongs() -> None:
    assert set(ELSEWHERE) == set(CODES) - set(PKI_CODES) | set(SOURCES)
    texts = {code: (TESTS / name).read_text(encoding="utf-8") for code, name in ELSEWHERE.items()}
    assert [code for code, text in texts.items() if f'"{code}"' not in text and f"'{code}'" not in text] == []


def test_every_reason_is_given_by_something() -> None:
    code = [
        path.read_text(encoding="utf-8") for path in TESTS.parent.glob("plugins/**/*.py") if path.name != "reasons.py"
    ]
    assert [name for name in CODES if not any(f'"{name}"' in text for text in code)] == []


def documented() -> list[tuple[str, str, str]]:
    """Code, message and explanation of each example in the documentation of the modules."""
    found: list[tuple[str, list[str], list[str]]] = []
    for line in "\n".join(module.EXAMPLES for module in (identities, ca, sign)).splitlines():
        start = re.match(r"# [\w@.-]+: ([A-Z][A-Za-z]+)(?: \(|$)", line)
        if start:
            found.append((start[1], [line[2:]], []))
        elif found and line.startswith("#   "):
            found[-1][2].append(line[4:])
        elif found and line.startswith("# ") and not found[-1][2]:
            found[-1][1].append(line[2:])
    return [(code, " ".join(message), " ".join(meaning)) for code, message, meaning in found]


def steady(text: str) -> str:
    """Without what is another one in each run."""
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:]{8}Z", "INSTANT", re.sub(r"\b[0-9a-f]{16}\b", "HASH", text))


def reads_as_documented(cluster: Cluster, code: str, reasons: list[Reason]) -> bool:
    said = {steady(reason.text().replace(str(cluster.root / "cp1"), "/etc")) for reason in reasons}
    (message,) = (steady(message) for name, message, _meaning in documented() if name == code)
    assert message in said, said
    return True


def test_each_reason_has_an_example() -> None:
    assert sorted(code for code, _message, _meaning in documented()) == sorted(PKI_CODES)
    assert [code for code, _message, meaning in documented() if not meaning.endswith(".")] == []


def told(reasons: list[Reason]) -> set[tuple[str, str]]:
    return {(reason.code, reason.subject.split("@cp1", maxsplit=1)[0]) for reason in reasons}


def foretold(reasons: list[Reason]) -> set[str]:
    paths = {path for reason in reasons for path in reason.files or (reason.path,) if path}
    return {path for path in paths if not BOOKS & set(path.split("/"))}


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def alone(cluster: Cluster) -> Cluster:
    """One host, so that it is no matter what the other has to publish."""
    cluster.hosts_on = ["cp1"]
    cluster.members = {
        "kubernetes": ["kubernetes-ca"],
        "client": ["kubernetes-ca", "kubelet-client-ca@{own}"],
        "service_account": ["service-account@{own}"],
    }
    return cluster


ROOT_ALONE = pytest.mark.skipif(os.getuid() != 0, reason="root alone gives files away")


_PATH, _DATE, _MARK = r"/[\w./@-]+", r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\dZ)?", "[0-9a-f]{16}"
_NAME = r"CN=[a-z0-9-]+(?:, O=(?:tlsbootstrap:cluster-admins|others))?"
_USAGE = "(?:client auth|server auth|digital signature|cert sign|crl sign)"
# All that a diff may say: modes, owners, subjects, names, dates, fingerprints, types, places, and what was found wrong.
SAID = "|".join(
    (
        "0[0-7]{3}|root|12345|nothing|now|itself|in clear|encrypted|a new (?:key|certificate|pair)",
        f"{_DATE}(?:, after \\d+d)?|{_MARK} (?:of|until) {_DATE}|\\d+: {_MARK}(?:, {_MARK})*",
        f"{_NAME}(?: {_MARK})?|key {_MARK}(?:, certificate of key {_MARK})?|kubernetes-ca|kubernetes|admin",
        f"{_USAGE}(?:, {_USAGE})*|CA:(?:TRUE|FALSE)|ecdsa-p(?:256|384)|sha1|sha256|cp1|api.example.org",
        f"https://[a-z0-9.]+:6443|{_PATH}|(?:admin|someone)@kubernetes, CA {_PATH}, certificate {_PATH}",
        r"private key: the private key cannot be read \(damaged, unknown kind or wrong passphrase\)",
        "certificate: a PEM block is cut off; restore the file",
    )
)
MEANINGS = "|".join(map(re.escape, CODES.values()))
LINES = re.compile(
    rf"[a-z0-9@-]+|    (?:key|usages|subject|issuer|file|end|user|server|cluster|CA): (?:{SAID})"
    rf"|  (?:{'|'.join(PKI_CODES)})(?: {_PATH})?: (?:(?:{SAID}) -> (?:{SAID})|{MEANINGS})"
)


def odd_lines(reasons: list[Reason]) -> list[str]:
    diff = diff_of(reasons)
    return [line for text in diff.values() for line in text.splitlines() if not LINES.fullmatch(line)]


@pytest.mark.parametrize(
    "secret", ["0123456789abcdef", "abcdef.0123456789abcdef", "MIGHAgEAMBMGByqGSM49AgEG", "-----BEGIN"]
)
def test_a_secret_is_nothing_that_a_diff_may_say(secret: str) -> None:
    for place in ({"old": secret}, {"new": secret}, {"details": (("key", secret),)}, {"path": secret}):
        assert odd_lines([Reason("KeyTypeChanged", "admin", **{"old": "sha1", "new": "sha1", **place})])


@pytest.mark.parametrize(
    ("code", "subject", "damage"),
    [
        pytest.param(
            *case,
            id=f"{case[0]}-{case[2].__name__}",
            marks=ROOT_ALONE if case[0] in ("OwnerChanged", "GroupChanged") else (),
        )
        for case in DAMAGES
    ],
)
def test_a_check_foretells_the_run(cluster: Cluster, code: str, subject: str, damage: Damage) -> None:
    alone(cluster).run()
    damage(cluster)
    before, with_books = snapshot(cluster.root), everything(cluster.root)
    check = cluster.run(check=True)
    assert everything(cluster.root) == with_books, "a check touches nothing"
    assert (code, subject.split("@cp1", maxsplit=1)[0]) in told(check.reasons)
    assert odd_lines(check.reasons) == []
    if damage is next(shown for name, _subject, shown in DAMAGES if name == code):
        assert reads_as_documented(cluster, code, check.reasons)
    real = cluster.run()
    late = later(cluster, check.reasons)
    following = {(code, name) for code in ("PublishedChanged", "BundleChanged") for name in late}
    assert told(real.reasons) - following == told(check.reasons)
    assert changed(before, snapshot(cluster.root)) - set(late.values()) == foretold(check.reasons)
    cluster.force = []
    assert not cluster.run().changed


def later(cluster: Cluster, reasons: list[Reason]) -> dict[str, str]:
    """What a host makes for others is known when it is made: bundles and what is published follow in the run."""
    born = {reason.subject for reason in reasons if reason.code in ("Missing", "Forced")}
    follow = {
        "kubelet-client-ca": ("client", "client-ca.crt"),
        "service-account": ("service_account", "sa-trusted.pub"),
    }
    found = {}
    for name in born & set(follow):
        bundle, file = follow[name]
        found[bundle] = str(cluster.pki("cp1") / file)
        found[name] = str(cluster.ca / "published" / f"{name}@cp1.pem")
    return found


def test_a_ca_folder_is_foretold(cluster: Cluster) -> None:
    check = cluster.ensure(check=True)
    assert snapshot(cluster.root) == {}
    assert reads_as_documented(cluster, "DirectoryMissing", check.reasons)
    real = cluster.ensure()
    assert real.reasons == check.reasons
    assert changed({}, snapshot(cluster.root)) == foretold(check.reasons)


def test_a_day_before_renewal_nothing_is_due(cluster: Cluster) -> None:
    alone(cluster).run()
    start, before = cluster.now, everything(cluster.root)
    for name, days in (("kube-apiserver", 30), ("etcd-server", "10%")):
        row(cluster, name)["renew_before"] = days * 86400 if isinstance(days, int) else days
    due = {"admin": 365 * 2 / 3, "scheduler": 365 * 2 / 3, "kube-apiserver": 335, "etcd-server": 365 * 0.9}
    for name, days in due.items():
        cluster.now = start + datetime.timedelta(days=days - 1)
        assert name not in {reason.subject for reason in cluster.run(check=True).reasons}
        cluster.now = start + datetime.timedelta(days=days, seconds=1)
        assert ("Expiring", name) in told(cluster.run(check=True).reasons)
    assert everything(cluster.root) == before


def test_renewal_keeps_the_key_where_the_user_says_so(cluster: Cluster) -> None:
    alone(cluster)
    for name in ("admin", "scheduler"):
        row(cluster, name)["keep_key"] = True
    cluster.run()
    key = path(cluster, "key").read_bytes()
    cluster.now += datetime.timedelta(days=300)
    check, before = cluster.run(check=True), snapshot(cluster.root)
    cluster.run()
    assert changed(before, snapshot(cluster.root)) == foretold(check.reasons)
    assert path(cluster, "key").read_bytes() == key
    assert str(path(cluster, "key")) not in foretold(check.reasons)
    assert not cluster.run().changed
    cluster.force = ["admin"]
    cluster.run()
    assert path(cluster, "key").read_bytes() != key, "who asks by name gets a new key"


def test_the_list_is_documented() -> None:
    text = (Path(__file__).parents[5] / "docs" / "pki.md").read_text(encoding="utf-8")
    listed = text.split("<!-- reasons -->\n")[1].split("<!-- /reasons -->")[0].splitlines()[2:]
    assert listed == [f"| `{code}` | {meaning} |" for code, meaning in PKI_CODES.items()]
