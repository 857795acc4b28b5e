# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CAs that are not made here by themselves: below a root, here or elsewhere, brought, and brought without a key.

OpenSSL is the other side: it is the root, and it signs what is asked for.
"""

from __future__ import annotations

import datetime
import itertools
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import kubeconfigs, x509
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.authority import ensure_authorities
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.ca_folder import Folder
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import pem, plan
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError, given

from .conftest import DAY, Cluster, Result, codes, tree
from .test_counts import inventory
from .test_holding import Killed, plant
from .test_reasons import alone, changed, everything, foretold, reads_as_documented, snapshot

NO_AKI = "authorityKeyIdentifier=none\nsubjectKeyIdentifier=hash\n"
AKI = "authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"
CA = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n"
ANY_CA = "basicConstraints=critical,CA:TRUE"
PASSPHRASE = b"a root's passphrase"


def openssl(*arguments: str | Path, stdin: bytes | None = None) -> bytes:
    done = subprocess.run(["openssl", *map(str, arguments)], input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


class Root:
    """A CA of somebody else's, made and used by OpenSSL."""

    def __init__(self, folder: Path, name: str = "Example Root", days: int = 3650, extensions: str = "") -> None:
        folder.mkdir(exist_ok=True)
        stem = name.replace(" ", "-").lower()
        self.certificate, self.key = folder / f"{stem}.crt", folder / f"{stem}.key"
        self._extra = folder / f"{stem}.ext"
        bits = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key)
        said = [part for text in (extensions or ANY_CA).splitlines() for part in ("-addext", text)]
        openssl(
            "req", "-x509", *bits, "-days", str(days), "-subj", f"/O=Example/CN={name}", "-out", self.certificate,
            *said, "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )  # fmt: skip

    def sign(self, request: Path, answer: Path, *options: str, days: int = 90, extensions: str = AKI) -> None:
        self._extra.write_text(extensions)
        answer.parent.mkdir(parents=True, exist_ok=True)
        copied = () if "-copy_extensions" in options else ("-copy_extensions", "copyall")
        openssl(
            "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-days", str(days),
            *copied, "-extfile", self._extra, "-out", answer, *options,
        )  # fmt: skip

    def sign_all(self, cluster: Cluster) -> int:
        requests = sorted((cluster.ca / "requests").rglob("*.csr"))
        for path in requests:
            self.sign(path, answer_of(cluster, path))
        return len(requests)

    def sign_later(self, cluster: Cluster) -> None:
        """Dated by the cluster's clock, which OpenSSL's command does not know."""
        key = x509.load_private_key(self.key.read_bytes(), "")
        issuer = x509.load_certificate(pem.certificates(self.certificate.read_bytes(), "")[0], "")
        for path in (cluster.ca / "requests").rglob("*.csr"):
            name, host = path.stem.split("@")
            row = cluster.find(host, name)
            said = (
                row["common_name"],
                tuple(row["organizations"]),
                tuple(row["dns_names"]),
                tuple(row["ip_addresses"]),
            )
            end = cluster.now + datetime.timedelta(days=90)
            leaf = x509.Leaf(*said, tuple(row["usages"]), cluster.now, end)
            issued = x509.issue(issuer, key, x509.load_request(path.read_bytes(), ""), leaf)
            answer_of(cluster, path).write_text(issued.pem)


def answer_of(cluster: Cluster, request: Path) -> Path:
    return (cluster.ca / "signed" / request.relative_to(cluster.ca / "requests")).with_suffix(".crt")


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(tmp_path / "root")


@pytest.fixture
def cluster(cluster: Cluster) -> Cluster:
    """OpenSSL signs from now on, so it has to be now."""
    cluster.now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=60)
    return cluster


@pytest.fixture
def external(cluster: Cluster, root: Root) -> Cluster:
    cluster.ca.mkdir(mode=0o700)
    shutil.copy(root.certificate, cluster.ca / "kubernetes-ca.crt")
    cluster.come_from("kubernetes-ca", "external")
    return cluster


def waiting(result: Result) -> list[dict[str, str]]:
    return result.signed.result["waiting"] if result.signed else []


def settle(cluster: Cluster, root: Root) -> None:
    cluster.run()
    root.sign_all(cluster)
    cluster.run()
    assert not cluster.run().changed


def refused(cluster: Cluster, *messages: str) -> str:
    before = {name: state for name, state in tree(cluster.root).items() if not name.endswith(".lock")}
    for _attempt in range(2):
        with pytest.raises(InputError) as error:
            cluster.run()
        assert [message for message in messages if message not in str(error.value)] == []
    after = {name: state for name, state in tree(cluster.root).items() if not name.endswith(".lock")}
    assert after == before, "nothing is changed before it is refused"
    return str(error.value)


# ---- without a key: somebody else signs


def test_an_external_ca_is_asked_and_its_answers_are_taken_in(external: Cluster, root: Root) -> None:
    cluster = external
    first = cluster.run()
    asked = {f"{name}@{host}" for name in ("kube-apiserver", "admin", "scheduler") for host in ("cp1", "cp2")}
    assert {path.stem for path in (cluster.ca / "requests" / "kubernetes-ca").iterdir()} == asked
    assert {Path(entry["request"]).stem for entry in waiting(first)} == asked
    message = given(first.signed).result["waiting_message"]
    assert (
        f"6 requests have to be signed by somebody else first: 6 in {cluster.ca}/requests/kubernetes-ca by" in message
    )
    assert Path(cluster.find("cp1", "etcd-server")["certificate_path"]).exists(), "our own CA does not wait"
    assert not Path(cluster.find("cp1", "admin")["certificate_path"]).exists()

    before = tree(cluster.root)
    again = cluster.run()
    assert not again.changed
    assert len(waiting(again)) == 6, "who waits is told in every run"
    assert tree(cluster.root) == before, "the same key asks with the same request"

    assert root.sign_all(cluster) == 6
    check, files, books = cluster.run(check=True), snapshot(cluster.root), everything(cluster.root)
    assert everything(cluster.root) == books
    real = cluster.run()
    assert {reason.subject for reason in real.reasons if reason.code == "Answered"} == asked
    assert reads_as_documented(cluster, "Answered", real.reasons)
    assert changed(files, snapshot(cluster.root)) == foretold(check.reasons)
    assert not waiting(real)
    assert not list((cluster.ca / "requests").rglob("*.csr"))
    assert not cluster.run().changed
    path = cluster.find("cp1", "kube-apiserver")["certificate_path"]
    openssl(
        "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "cp1", "-CAfile", root.certificate, path
    )
    assert cluster.ensure().result["current"]["cp1"].keys() >= {"kube-apiserver", "admin", "scheduler"}


def test_a_request_asks_for_all_that_counts(external: Cluster) -> None:
    external.run()
    text = openssl(
        "req", "-verify", "-noout", "-text", "-in", external.ca / "requests/kubernetes-ca/kube-apiserver@cp1.csr"
    )
    for wanted in (b"DNS:cp1, DNS:kubernetes, DNS:localhost, IP Address:10.96.0.1", b"TLS Web Server Authentication",
                   b"CA:FALSE", b"Digital Signature", b"CN = kube-apiserver"):  # fmt: skip
        assert wanted in text


def test_a_check_tells_who_would_be_asked_and_writes_nothing(external: Cluster) -> None:
    cluster = alone(external)
    before, files = everything(cluster.root), snapshot(cluster.root)
    check = cluster.run(check=True)
    assert everything(cluster.root) == before
    assert len(waiting(check)) == 3
    assert codes(check.first["cp1"]).count("Requested") == 3
    real = cluster.run()
    assert {(r.code, r.subject) for r in real.reasons if r.code == "Requested"} == {
        (r.code, r.subject) for r in check.reasons if r.code == "Requested"
    }
    assert reads_as_documented(cluster, "Requested", real.reasons)
    admin = {str(cluster.pki("cp1") / f"admin.{suffix}") for suffix in ("crt", "key")}
    touched = changed(files, snapshot(cluster.root))
    assert not admin & touched
    assert not admin & foretold(check.reasons)
    requests = {path for path in touched if "/requests" in path or "/signed" in path}
    assert requests == {path for path in foretold(check.reasons) if "/requests" in path or "/signed" in path}
    assert len([path for path in requests if path.endswith(".csr")]) == 3


BOTH_USAGES = """basicConstraints=CA:FALSE
keyUsage=digitalSignature
extendedKeyUsage=serverAuth,clientAuth
subjectAltName=DNS:cp1,DNS:kubernetes,DNS:localhost,IP:10.96.0.1,IP:::1
"""
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("names", {"options": ("-copy_extensions", "none"), "extensions": AKI + "basicConstraints=CA:FALSE\n"
     "keyUsage=digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:cp1,DNS:evil.example\n"},
     "of its names evil.example was not asked for, and 10.96.0.1, ::1, kubernetes, localhost is missing"),
    ("usages", {"options": ("-copy_extensions", "none"), "extensions": AKI + BOTH_USAGES},
     "its usages are client auth, digital signature, server auth, asked was for digital signature, server auth"),
    ("constraints", {"options": ("-copy_extensions", "none"), "extensions": AKI + CA
     + "extendedKeyUsage=serverAuth\nsubjectAltName=DNS:cp1,DNS:kubernetes,DNS:localhost,IP:10.96.0.1,IP:::1\n"},
     "its basic constraints say CA:TRUE"),
    ("subject", {"options": ("-subj", "/CN=kube-apiserver/O=system:masters")}, "its subject is CN=kube-apiserver, O="),
    ("too long", {"days": 400}, "it lives for 400d, asked was for 365d at the most"),
    ("weak", {"options": ("-sha1",)}, "it is signed with sha1"),
    ("unknown", {"extensions": AKI + "1.2.3.4=critical,ASN1:NULL\n"}, "its critical extension 1.2.3.4 is unknown to"),
    ("no key identifier", {"extensions": NO_AKI}, "by signature and key identifier"),
    ("ended", {"days": -1}, "it ended at"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "message"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_an_answer_that_is_not_what_was_asked_for_is_refused(
    external: Cluster, root: Root, answer: dict[str, Any], message: str
) -> None:
    external.run()
    root.sign_all(external)
    request = external.ca / "requests" / "kubernetes-ca" / "kube-apiserver@cp1.csr"
    options = answer.pop("options", ())
    if answer.get("days") == -1:
        options, answer["days"] = (*options,), 1
        external.now += datetime.timedelta(days=2)
    root.sign(request, answer_of(external, request), *options, **answer)
    refused(external, str(answer_of(external, request)), message)


def test_all_that_is_wrong_is_said_at_once_and_nothing_is_installed(
    external: Cluster, root: Root, tmp_path: Path
) -> None:
    cluster = external
    cluster.run()
    root.sign_all(cluster)
    folder = cluster.ca / "signed" / "kubernetes-ca"
    shutil.copy(folder / "admin@cp1.crt", folder / "admin@cp2.crt")
    other = Root(tmp_path / "other", "Another Root")
    other.sign(cluster.ca / "requests/kubernetes-ca/scheduler@cp1.csr", folder / "scheduler@cp1.crt")
    (folder / "scheduler@cp2.crt").write_bytes(
        (folder / "scheduler@cp2.crt").read_bytes() + root.certificate.read_bytes()
    )
    openssl("x509", "-in", folder / "admin@cp1.crt", "-outform", "DER", "-out", folder / "admin@cp1.crt")
    message = refused(
        cluster,
        "4 findings:",
        "admin@cp2.crt is not the certificate that was asked for: its public key is not that of the request",
        "scheduler@cp1.crt is not the certificate that was asked for: it is not signed by CN=Example Root",
        "scheduler@cp2.crt: 2 certificates where the one that was asked for belongs",
        "admin@cp1.crt: no certificate in PEM found (it looks like DER; convert it to PEM)",
    )
    assert "kube-apiserver" not in message


def test_a_renewal_asks_anew_and_the_old_answer_is_known(external: Cluster, root: Root) -> None:
    cluster = external
    settle(cluster, root)
    cluster.now += datetime.timedelta(days=61)
    found = cluster.run()
    assert len(waiting(found)) == 6, "two thirds of the 90 days are over; what lies in signed/ is of the first time"
    before = tree(cluster.root)
    assert not cluster.run().changed
    assert tree(cluster.root) == before
    old = Path(cluster.find("cp1", "admin")["certificate_path"]).read_bytes()
    root.sign_later(cluster)
    cluster.run()
    assert Path(cluster.find("cp1", "admin")["certificate_path"]).read_bytes() != old
    assert not cluster.run().changed


def test_a_kept_key_is_not_answered_by_the_old_certificate(external: Cluster, root: Root) -> None:
    cluster = external
    for host in cluster.hosts:
        cluster.find(host, "admin")["keep_key"] = True
    settle(cluster, root)
    key = Path(cluster.find("cp1", "admin")["key_path"]).read_bytes()
    cluster.now += datetime.timedelta(days=61)
    assert "admin" in {Path(entry["request"]).stem.split("@")[0] for entry in waiting(cluster.run())}
    root.sign_later(cluster)
    cluster.run()
    assert Path(cluster.find("cp1", "admin")["key_path"]).read_bytes() == key


def test_what_was_taken_in_and_never_came_is_given_again(external: Cluster, root: Root) -> None:
    """The run was stopped after the ledger knew the certificates and before the hosts had them."""
    cluster = alone(external)
    cluster.run()
    root.sign_all(cluster)
    state = cluster.ensure().result
    assert cluster.sign([cluster.call("cp1", state).result], state["published"]) is not None
    lines = (cluster.ca / "ledger.jsonl").read_text()
    cluster.run()
    assert not cluster.run().changed
    assert (cluster.ca / "ledger.jsonl").read_text() == lines, "each is recorded once"


def test_a_row_that_changes_while_it_waits_asks_again(external: Cluster, root: Root) -> None:
    cluster = alone(external)
    cluster.run()
    root.sign_all(cluster)
    cluster.find("cp1", "kube-apiserver")["dns_names"].append("api.example.org")
    check = cluster.run(check=True)
    assert codes(check.first["cp1"]) == ["RequestChanged"]
    with pytest.raises(
        InputError, match=r"kube-apiserver@cp1\.crt.*nothing was not asked for, and api\.example\.org is missing"
    ):
        cluster.run()
    (cluster.ca / "signed/kubernetes-ca/kube-apiserver@cp1.crt").unlink()
    found = cluster.run()
    assert [reason.code for reason in found.reasons if reason.subject == "kube-apiserver@cp1"] == ["RequestChanged"]
    assert reads_as_documented(cluster, "RequestChanged", found.reasons)
    root.sign_all(cluster)
    cluster.run()
    assert not cluster.run().changed


def test_force_asks_an_external_ca_too(external: Cluster, root: Root) -> None:
    cluster = external
    settle(cluster, root)
    cluster.hosts_on, cluster.force = ["cp1"], ["admin"]
    assert [Path(entry["request"]).stem for entry in waiting(cluster.run())] == ["admin@cp1"]
    assert not cluster.run().changed
    root.sign_all(cluster)
    old = Path(cluster.find("cp1", "admin")["key_path"]).read_bytes()
    cluster.run()
    assert Path(cluster.find("cp1", "admin")["key_path"]).read_bytes() != old
    cluster.force = []
    assert not cluster.run().changed


def test_an_external_ca_has_no_key_here_and_is_brought(cluster: Cluster, root: Root) -> None:
    cluster.come_from("kubernetes-ca", "external")
    refused(
        cluster, "CA kubernetes-ca is not there", f"certificate to {cluster.ca / 'kubernetes-ca.crt'}, without its key"
    )
    cluster.ca.mkdir(mode=0o700)
    shutil.copy(root.certificate, cluster.ca / "kubernetes-ca.crt")
    shutil.copy(root.key, cluster.ca / "kubernetes-ca.key")
    refused(cluster, "its source is external, and its key", "kubernetes-ca.key is here")


# ---- brought, with its key


def test_a_ca_that_is_to_be_brought_is_never_made_here(cluster: Cluster, root: Root) -> None:
    cluster.come_from("kubernetes-ca", "imported")
    refused(cluster, f"and its key to {cluster.ca / 'kubernetes-ca.key'}")
    cluster.ca.mkdir(mode=0o700)
    shutil.copy(root.certificate, cluster.ca / "kubernetes-ca.crt")
    shutil.copy(root.key, cluster.ca / "kubernetes-ca.key")
    assert "NotInLedger" in codes(cluster.run().authorities)
    assert not cluster.run().changed
    openssl("verify", "-CAfile", root.certificate, cluster.find("cp1", "admin")["certificate_path"])


def test_all_cas_that_are_to_be_brought_are_named_at_once(cluster: Cluster) -> None:
    cluster.come_from("kubernetes-ca", "imported")
    cluster.come_from("etcd-ca", "external")
    refused(
        cluster,
        "2 findings:",
        f"its key to {cluster.ca / 'kubernetes-ca.key'}",
        f"certificate to {cluster.ca / 'etcd-ca.crt'}, without its key",
    )


def test_two_cas_with_one_key_are_refused(cluster: Cluster) -> None:
    cluster.run()
    for suffix in ("crt", "key"):
        shutil.copy(cluster.ca / f"kubernetes-ca.{suffix}", cluster.ca / f"etcd-ca.{suffix}")
    cluster.accepted = ("etcd-ca",)
    refused(cluster, "the CAs kubernetes-ca and etcd-ca have one and the same key")


PROFILES: dict[str, dict[str, Any]] = {
    "separated": {"cluster_join_credential": "certificate"},
    "kubeadm": {
        "cluster_profile": "kubeadm", "cluster_ca_host": "cp1", "cluster_ca_become": True,
        "cluster_ca_directory": "/etc/kubernetes/pki",
    },
}  # fmt: skip


@pytest.mark.parametrize("keys", ["with their keys", "without"])
@pytest.mark.parametrize("profile", PROFILES)
def test_no_ca_of_a_profile_serves_for_another(tmp_path: Path, profile: str, keys: str) -> None:
    """Refused in both: as the front proxy's, a client CA's holders could call themselves anybody; as etcd's, read all.

    It may have been brought without its key as well: one CA of a company for everything.
    """
    settings, groups, hosts = inventory(1)
    ours = tmp_path / "ours"
    rows = plan.build({**settings, **PROFILES[profile]}, groups, hosts)["cas"]
    # Groups of components are made on the hosts of a cluster.
    rows = [{**row, "key_group": ""} for row in rows]
    joins = ["join-ca"] if profile == "separated" else []
    assert [row["name"] for row in rows] == ["kubernetes-ca", "etcd-ca", "front-proxy-ca", *joins]
    now = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.timezone.utc)
    ensure_authorities(Folder(str(ours), "0700"), rows, now, False, 1)
    if keys == "without":
        rows = [{**row, "source": "external"} for row in rows]
        for row in rows:
            (ours / row["key_file"]).unlink()
    for first, second in itertools.combinations(rows, 2):
        shared = tmp_path / f"{first['name']}-{second['name']}"
        shutil.copytree(ours, shared)
        for file in ("certificate_file", "key_file") if keys == "with their keys" else ("certificate_file",):
            shutil.copy(shared / first[file], shared / second[file])
        before = everything(shared)
        for check in (True, False):
            with pytest.raises(InputError, match=f"the CAs {first['name']} and {second['name']} have one and the same"):
                ensure_authorities(Folder(str(shared), "0700", (second["name"],)), rows, now, check, 1)
        assert everything(shared) == before


# ---- below a root whose key lies here


def below(
    cluster: Cluster, root: Root, source: str = "root", names: tuple[str, ...] = ("kubernetes-ca", "etcd-ca")
) -> Cluster:
    key = {"root_key": str(root.key)} if source == "root" else {}
    for name in names:
        cluster.come_from(name, source, root_certificate=str(root.certificate), **key)
    return cluster


def judge_chain(cluster: Cluster, root: Root) -> None:
    """Leaf first, then the intermediate, never the root; the intermediate alone is what hosts trust."""
    leaf, anchor = cluster.find("cp1", "kube-apiserver")["certificate_path"], cluster.pki("cp1") / "kubernetes-ca.crt"
    served = pem.certificates(Path(leaf).read_bytes(), "")
    trusted = pem.certificates(anchor.read_bytes(), "")
    assert [block.fingerprint for block in served[1:]] == [block.fingerprint for block in trusted]
    assert len(trusted) == 1
    strict = ("verify", "-x509_strict", "-auth_level", "2", "-purpose", "sslserver", "-verify_hostname", "cp1")
    openssl(*strict, "-CAfile", root.certificate, "-untrusted", leaf, leaf)
    openssl(*strict, "-partial_chain", "-CAfile", anchor, leaf)
    openssl(*strict, "-CAfile", cluster.ca / "kubernetes-ca-chain.crt", leaf)
    text = openssl("x509", "-noout", "-text", "-in", cluster.ca / "kubernetes-ca.crt")
    assert b"CA:TRUE, pathlen:0" in text
    assert b"Issuer: O = Example, CN = Example Root" in text
    names = [block.fingerprint for block in pem.certificates((cluster.ca / "kubernetes-ca-chain.crt").read_bytes(), "")]
    assert names == [trusted[0].fingerprint, pem.certificates(root.certificate.read_bytes(), "")[0].fingerprint]


@pytest.mark.parametrize("source", ["root", "offline_root"])
def test_a_ca_of_the_cluster_is_no_root_of_another(cluster: Cluster, root: Root, source: str) -> None:
    """Whoever trusts the one would trust what the other signs."""
    cluster.ca.mkdir(mode=0o700)
    for suffix in ("crt", "key"):
        shutil.copy(root.certificate.with_suffix(f".{suffix}"), cluster.ca / f"kubernetes-ca.{suffix}")
    below(cluster, root, source, ("etcd-ca",))
    refused(cluster, "CA etcd-ca is below CA kubernetes-ca, so that whoever trusts kubernetes-ca would trust")


@pytest.mark.parametrize("between", [False, True], ids=["at once", "with one between"])
def test_a_ca_that_was_brought_is_below_no_other(cluster: Cluster, root: Root, tmp_path: Path, between: bool) -> None:
    cluster.ca.mkdir(mode=0o700)
    for suffix in ("crt", "key"):
        shutil.copy(root.certificate.with_suffix(f".{suffix}"), cluster.ca / f"kubernetes-ca.{suffix}")
    chain, issuer = root.certificate.read_text(), root
    for name in ["middle", "etcd-ca"] if between else ["etcd-ca"]:
        made = Root(tmp_path / name, name)
        request = tmp_path / f"{name}.csr"
        openssl("req", "-new", "-key", made.key, "-subj", f"/CN={name}", "-out", request)
        may = CA.replace(",pathlen:0", "") if name == "middle" else CA
        issuer.sign(request, made.certificate, extensions=AKI + may)
        chain, issuer = made.certificate.read_text() + chain, made
    for suffix in ("crt", "key"):
        shutil.copy(issuer.certificate.with_suffix(f".{suffix}"), cluster.ca / f"etcd-ca.{suffix}")
    (cluster.ca / "etcd-ca-chain.crt").write_text(chain)
    refused(cluster, "CA etcd-ca is below CA kubernetes-ca")


def test_a_ca_is_signed_by_a_root(cluster: Cluster, root: Root) -> None:
    below(cluster, root)
    check = cluster.ensure(check=True)
    assert "O=Example" in dict(check.reasons[1].details)["issuer"]
    before = snapshot(cluster.root)
    real = cluster.ensure()
    assert real.reasons == check.reasons
    assert changed(before, snapshot(cluster.root)) == foretold(check.reasons)
    cluster.run()
    assert not cluster.run().changed
    judge_chain(cluster, root)
    root.key.unlink()
    root.certificate.unlink()
    cluster.force = ["admin"]
    cluster.run()
    cluster.force = []
    assert not cluster.run().changed, "the root is needed to make a CA, and for nothing else"


def test_an_embedded_pair_has_its_chain_too(cluster: Cluster, root: Root) -> None:
    below(cluster, root).run()
    text = Path(cluster.find("cp1", "scheduler")["kubeconfig"]["path"]).read_text()
    assert text.count("client-certificate-data") == 1
    config = kubeconfigs.parse(text.encode(), "scheduler.conf")
    assert len(pem.certificates(config.certificate_data or b"", "")) == 2
    assert len(pem.certificates(config.ca_data or b"", "")) == 1


def test_another_chain_is_written_without_a_new_certificate(cluster: Cluster, root: Root) -> None:
    alone(below(cluster, root)).run()
    path = Path(cluster.find("cp1", "kube-apiserver")["certificate_path"])
    whole = path.read_bytes()
    (leaf, _intermediate) = pem.certificates(whole, "")
    path.write_text(leaf.text())
    check, before = cluster.run(check=True), snapshot(cluster.root)
    assert [(reason.code, reason.subject) for reason in check.reasons] == [("ChainChanged", "kube-apiserver")]
    assert reads_as_documented(cluster, "ChainChanged", check.reasons)
    real = cluster.run()
    assert real.reasons == check.reasons
    assert changed(before, snapshot(cluster.root)) == foretold(check.reasons) == {str(path)}
    assert path.read_bytes() == whole
    assert not cluster.run().changed


def test_a_root_that_ends_sooner_cuts_the_ca(cluster: Cluster, tmp_path: Path) -> None:
    root = Root(tmp_path / "root", days=100)
    found = below(cluster, root).run()
    assert [text for text in found.authorities.warnings if "ends with its root" in text]
    end = openssl("x509", "-noout", "-enddate", "-in", root.certificate)
    assert openssl("x509", "-noout", "-enddate", "-in", cluster.ca / "kubernetes-ca.crt") == end
    assert openssl("x509", "-noout", "-enddate", "-in", cluster.find("cp1", "admin")["certificate_path"]) == end


@pytest.mark.parametrize(
    ("extensions", "message"),
    [
        ("basicConstraints=critical,CA:TRUE,pathlen:0", "its path length 0 allows no CA below it"),
        ("basicConstraints=critical,CA:FALSE", "it has no basicConstraints CA:TRUE"),
        (f"{ANY_CA}\nnameConstraints=critical,permitted;DNS:example.org", "its extension nameConstraints narrows"),
        (f"{ANY_CA}\nextendedKeyUsage=serverAuth", "its extendedKeyUsage (server auth) lacks client auth"),
        (f"{ANY_CA}\n1.2.3.4=critical,ASN1:NULL", "its critical extension 1.2.3.4 is unknown"),
    ],
)
@pytest.mark.parametrize("source", ["root", "offline_root"])
def test_a_root_that_may_not_sign_a_ca_is_refused(
    cluster: Cluster, tmp_path: Path, source: str, extensions: str, message: str
) -> None:
    root = Root(tmp_path / "root", extensions=extensions)
    refused(below(cluster, root, source), str(root.certificate), message)
    assert not cluster.ca.exists()


def test_a_root_is_looked_at_like_any_ca(cluster: Cluster, root: Root, tmp_path: Path) -> None:
    other = Root(tmp_path / "other", "Another Root")
    below(cluster, root)
    cluster.sources["etcd-ca"]["root_key"] = str(other.key)
    refused(cluster, "certificate and private key do not belong together")
    cluster.sources["etcd-ca"]["root_key"] = str(tmp_path / "nothing")
    refused(cluster, f"{tmp_path / 'nothing'} is not there", "use the source offline_root")
    cluster.now += datetime.timedelta(days=4000)
    refused(cluster, "it expired at")


@pytest.mark.parametrize(
    "options", [("-scrypt",), ("-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256", "-iter", "600000")]
)
def test_the_root_s_key_may_be_encrypted(cluster: Cluster, root: Root, options: tuple[str, ...]) -> None:
    command = ("pkcs8", "-topk8", *options, "-in", root.key, "-passout", "stdin")
    root.key.write_bytes(openssl(*command, stdin=PASSPHRASE + b"\n"))
    below(cluster, root)
    refused(cluster, "is encrypted and no passphrase is given")
    cluster.passphrase = PASSPHRASE
    cluster.run()
    assert not cluster.run().changed
    judge_chain(cluster, root)


def test_an_intermediate_above_is_served_along(cluster: Cluster, root: Root, tmp_path: Path) -> None:
    """A root, a policy CA below it, and ours below that one: the path lengths have to leave room."""
    policy = Root(tmp_path / "policy", "Policy CA")
    request = tmp_path / "policy.csr"
    openssl("req", "-new", "-key", policy.key, "-subj", "/CN=Policy CA", "-out", request)
    extensions = AKI + "basicConstraints=critical,CA:TRUE,pathlen:1\nkeyUsage=critical,keyCertSign,cRLSign\n"
    root.sign(request, policy.certificate, days=1000, extensions=extensions)
    policy.certificate.write_bytes(policy.certificate.read_bytes() + root.certificate.read_bytes())
    below(cluster, policy).run()
    assert not cluster.run().changed
    leaf = cluster.find("cp1", "kube-apiserver")["certificate_path"]
    assert len(pem.certificates(Path(leaf).read_bytes(), "")) == 3
    openssl("verify", "-x509_strict", "-CAfile", root.certificate, "-untrusted", leaf, leaf)
    for name in ("kubernetes-ca", "etcd-ca"):
        for path in cluster.ca.glob(f"{name}*"):
            path.unlink()
    extensions = extensions.replace("pathlen:1", "pathlen:0")
    root.sign(request, policy.certificate, days=1000, extensions=extensions)
    refused(cluster, "its path length 0 allows no CA below it")
    # The same where the file holds those above it, too.
    policy.certificate.write_bytes(policy.certificate.read_bytes() + root.certificate.read_bytes())
    refused(cluster, "its path length 0 allows no CA below it")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (f"{ANY_CA},pathlen:0", "its path length 0 allows no CA below it"),
        (f"{ANY_CA},pathlen:1", "its path length 1 allows no chain with 2 CAs below it"),
        (f"{ANY_CA}\nnameConstraints=excluded;DNS:example.org", "its extension nameConstraints narrows"),
        (f"{ANY_CA}\nextendedKeyUsage=clientAuth", "its extendedKeyUsage (client auth) lacks server auth"),
    ],
)
@pytest.mark.parametrize("source", ["root", "offline_root", "imported"])
def test_who_is_above_the_root_of_a_file_of_several_is_looked_at_too(
    cluster: Cluster, tmp_path: Path, source: str, said: str, message: str
) -> None:
    top, policy, request = Root(tmp_path / "top", "Top", extensions=said), tmp_path / "policy.crt", tmp_path / "p.csr"
    below_it = Root(tmp_path / "policy", "Policy CA")
    openssl("req", "-new", "-key", below_it.key, "-subj", "/CN=Policy CA", "-out", request)
    extensions = f"{AKI}{ANY_CA}\nkeyUsage=critical,keyCertSign,cRLSign\n"
    top.sign(request, policy, days=1000, extensions=extensions)
    below_it.certificate.write_bytes(policy.read_bytes() + top.certificate.read_bytes())
    if source != "imported":
        refused(below(cluster, below_it, source), str(below_it.certificate), f"CN=Top,O=Example: {message}")
        assert not cluster.ca.exists()
        return
    # One that is brought, below these two.
    cluster.come_from("kubernetes-ca", "imported")
    cluster.ca.mkdir(mode=0o700)
    own, key = cluster.ca / "kubernetes-ca.crt", cluster.ca / "kubernetes-ca.key"
    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-subj", "/CN=k", "-out", request)
    below_it.sign(request, own, days=900, extensions=AKI + CA)
    chain = cluster.ca / "kubernetes-ca-chain.crt"
    chain.write_bytes(own.read_bytes() + below_it.certificate.read_bytes())
    refused(cluster, str(chain), f"CN=Top,O=Example: {message}")


def test_a_chain_that_does_not_lead_up_is_refused(cluster: Cluster, root: Root, tmp_path: Path) -> None:
    below(cluster, root).run()
    chain = cluster.ca / "kubernetes-ca-chain.crt"
    good = chain.read_bytes()
    chain.write_bytes(root.certificate.read_bytes())
    refused(cluster, f"{chain} does not begin with the CA's own certificate")
    other = Root(tmp_path / "other", "Another Root")
    chain.write_bytes((cluster.ca / "kubernetes-ca.crt").read_bytes() + other.certificate.read_bytes())
    refused(cluster, "is not signed by CN=Another Root")
    chain.write_bytes(good)
    assert not cluster.run().changed


# ---- below a root that is elsewhere


def test_an_offline_root_is_asked(cluster: Cluster, root: Root) -> None:
    below(cluster, root, "offline_root")
    before = snapshot(cluster.root)
    check = cluster.ensure(check=True)
    first = cluster.ensure()
    assert first.reasons == check.reasons
    assert changed(before, snapshot(cluster.root)) == foretold(check.reasons)
    assert {entry["name"] for entry in first.result["waiting"]} == {"kubernetes-ca", "etcd-ca"}
    assert "2 CA requests" in first.result["waiting_message"]
    assert first.result["certificates"] == {}
    settled = tree(cluster.root)
    assert codes(cluster.ensure()) == []
    assert {name: state for name, state in tree(cluster.root).items() if "lock" not in name} == {
        name: state for name, state in settled.items() if "lock" not in name
    }
    assert root.sign_all(cluster) == 2
    check, before = cluster.ensure(check=True), snapshot(cluster.root)
    assert codes(check) == ["Answered", "Answered"]
    assert cluster.ensure().reasons == check.reasons
    gone = {str(cluster.ca / "requests" / f"{name}.csr") for name in ("kubernetes-ca", "etcd-ca")}
    assert changed(before, snapshot(cluster.root)) - gone == foretold(check.reasons)
    cluster.run()
    assert not cluster.run().changed
    judge_chain(cluster, root)
    assert not list((cluster.ca / ".pending").iterdir())


@pytest.mark.parametrize(
    ("options", "values", "message"),
    [
        (("-copy_extensions", "none"), {"extensions": AKI}, "it has no basicConstraints CA:TRUE"),
        (
            ("-copy_extensions", "none"),
            {"extensions": AKI + CA + "nameConstraints=permitted;DNS:example.org\n"},
            "its extension nameConstraints narrows",
        ),
        (
            ("-copy_extensions", "none"),
            {"extensions": AKI + CA.replace(",pathlen:0", "")},
            "its path length is unlimited, asked was for 0",
        ),
        (
            ("-copy_extensions", "none"),
            {"extensions": AKI + CA.replace("keyCertSign,", "")},
            "its keyUsage is crl sign, asked was for cert sign, crl sign",
        ),
        (("-subj", "/CN=somebody"), {}, "its subject is CN=somebody, asked was for CN=kubernetes-ca"),
        ((), {"days": 4000}, "after its root"),
        (
            (),
            {"extensions": NO_AKI},
            "by signature and key identifier",
        ),
        ((), {"extensions": AKI + "extendedKeyUsage=serverAuth\n"}, "it is good for server auth alone"),
        (("-sha1",), {}, "it is signed with sha1"),
    ],
)
def test_what_the_root_signed_has_to_be_what_was_asked(
    cluster: Cluster, root: Root, options: tuple[str, ...], values: dict[str, Any], message: str
) -> None:
    below(cluster, root, "offline_root").ensure()
    request = cluster.ca / "requests" / "kubernetes-ca.csr"
    root.sign(request, answer_of(cluster, request), *options, **values)
    refused(cluster, str(answer_of(cluster, request)), message)


def test_the_answer_to_another_request_is_refused(cluster: Cluster, root: Root) -> None:
    below(cluster, root, "offline_root").ensure()
    root.sign_all(cluster)
    shutil.copy(cluster.ca / "signed" / "etcd-ca.crt", cluster.ca / "signed" / "kubernetes-ca.crt")
    refused(cluster, "its public key is not that of the request", "its subject is CN=etcd-ca")


def test_the_key_of_a_ca_that_waits_is_encrypted_too(cluster: Cluster, root: Root) -> None:
    cluster.passphrase = PASSPHRASE
    below(cluster, root, "offline_root").ensure()
    waiting_key = (cluster.ca / ".pending" / "kubernetes-ca.key").read_bytes()
    assert b"ENCRYPTED" in waiting_key
    root.sign_all(cluster)
    cluster.run()
    assert (cluster.ca / "kubernetes-ca.key").read_bytes() == waiting_key
    assert not cluster.run().changed


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"source": "lost"}, "source 'lost' is not allowed; choose one of self_signed, root"),
        ({"source": "root", "root_certificate": "/root.crt"}, "the source root needs root_key"),
        ({"source": "offline_root"}, "the source offline_root needs root_certificate"),
        (
            {"source": "offline_root", "root_certificate": "root.crt"},
            "root_certificate 'root.crt' is not an absolute path",
        ),
    ],
)
def test_sources_are_checked(cluster: Cluster, values: dict[str, str], message: str) -> None:
    cluster.sources["etcd-ca"] = values
    refused(cluster, message)


def test_nobody_is_served_the_root(cluster: Cluster, root: Root) -> None:
    below(cluster, root).run()
    own = pem.certificates(root.certificate.read_bytes(), "")[0].der
    for path in (cluster.root / "cp1").rglob("*.crt"):
        assert own not in [block.der for block in pem.blocks(path.read_bytes(), "")]


def test_life_is_asked_for_with_a_day_s_grace(external: Cluster, root: Root) -> None:
    external.run()
    for path in sorted((external.ca / "requests").rglob("*.csr")):
        root.sign(path, answer_of(external, path), days=365)
    external.run()
    assert not external.run().changed
    assert external.find("cp1", "admin")["validity"] == 365 * DAY
    x509.load_private_key(Path(external.find("cp1", "admin")["key_path"]).read_bytes(), "")


# ---- killed


def one_of_each(folder: Path, root: Root, source: str) -> Cluster:
    """One identity of a CA that comes from elsewhere, and one of a CA that is made here."""
    cluster = Cluster(folder)
    cluster.now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=60)
    cluster.hosts_on, cluster.members = ["cp1"], {"kubernetes": ["kubernetes-ca"]}
    cluster.hosts["cp1"] = [cluster.find("cp1", name) for name in ("admin", "etcd-server")]
    if source == "external":
        cluster.ca.mkdir(mode=0o700)
        shutil.copy(root.certificate, cluster.ca / "kubernetes-ca.crt")
        cluster.come_from("kubernetes-ca", "external")
    else:
        key = {"root_key": str(root.key)} if source == "root" else {}
        cluster.come_from("kubernetes-ca", source, root_certificate=str(root.certificate), **key)
    return cluster


def run_in_parts(cluster: Cluster) -> None:
    """As the roles do: where a CA waits for its root nothing more is done."""
    if not cluster.ensure().result["waiting"]:
        cluster.run()


@pytest.mark.parametrize(
    ("source", "answered"),
    [("root", False), ("offline_root", False), ("offline_root", True), ("external", False), ("external", True)],
)
def test_killed_anywhere_the_next_run_goes_on(tmp_path: Path, root: Root, source: str, answered: bool) -> None:
    number, finished = 0, False
    while not finished:
        number += 1
        folder = tmp_path / str(number)
        folder.mkdir()
        cluster = one_of_each(folder, root, source)
        if answered:
            run_in_parts(cluster)
            root.sign_all(cluster)
        with pytest.MonkeyPatch.context() as monkeypatch:
            plant(monkeypatch, number)
            try:
                run_in_parts(cluster)
                finished = True
            except Killed:
                pass
        asked = {path: path.read_bytes() for path in cluster.ca.rglob("requests/**/*.csr")}
        run_in_parts(cluster)
        if not answered:
            assert [path for path, data in asked.items() if path.read_bytes() != data] == []
            root.sign_all(cluster)
            run_in_parts(cluster)
        run_in_parts(cluster)
        assert not cluster.run().changed, f"not settled after a kill at call {number}"
        assert not list((cluster.ca / "requests").rglob("*.csr"))
        left = [path for path in folder.rglob("*") if ".tlsbootstrap-" in path.name or ".pending/" in str(path)]
        assert not left, f"left after a kill at call {number}"
        admin, chain = cluster.find("cp1", "admin")["certificate_path"], () if source == "external" else ("-untrusted",)
        openssl("verify", "-CAfile", root.certificate, *(part for option in chain for part in (option, admin)), admin)
    assert number > 20


# ---- what the page on the PKI tells people to type


def documented(name: str) -> str:
    page = (Path(__file__).parents[5] / "docs" / "pki.md").read_text(encoding="utf-8")
    return page.split(f"<!-- {name} -->\n```sh\n")[1].split("```")[0]


def typed(cluster: Cluster, name: str, root: Root, stem: str) -> None:
    """On another machine: requests go there, answers come back, and the key does not come near the CA folder."""
    elsewhere = cluster.ca.parent / "elsewhere"
    elsewhere.mkdir()
    for half, suffix in ((root.certificate, "crt"), (root.key, "key")):
        shutil.copy(half, elsewhere / f"{stem}.{suffix}")
    carried = ["tar", "-C", str(cluster.ca), "-cf", str(elsewhere / "requests.tar"), "requests"]
    subprocess.run(carried, check=True)
    subprocess.run(["tar", "-xf", "requests.tar"], cwd=elsewhere, check=True)
    done = subprocess.run(["bash", "-ec", documented(name)], cwd=elsewhere, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    back = ["tar", "-C", str(cluster.ca), "--no-same-owner", "-xf", str(elsewhere / "signed.tar")]
    subprocess.run(back, check=True)


def test_the_documented_commands_sign_leaves(external: Cluster, root: Root) -> None:
    external.run()
    typed(external, "sign-leaves", root, "corporate")
    external.run()
    assert not waiting(external.run())
    assert not external.run().changed


def test_the_documented_commands_sign_authorities(cluster: Cluster, root: Root) -> None:
    below(cluster, root, "offline_root").ensure()
    typed(cluster, "sign-authorities", root, "root")
    assert codes(cluster.ensure()) == ["Answered", "Answered"]
    assert codes(cluster.run().authorities) == []
