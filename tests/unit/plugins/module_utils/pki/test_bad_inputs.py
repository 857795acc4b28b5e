# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CAs, keys and places that others have spoilt; openssl makes what our own code refuses to make."""

from __future__ import annotations

import base64
import concurrent.futures
import datetime
import json
import os
import pwd
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import x509
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.authority import ensure_authorities
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.ca_folder import Folder
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.holder import Task, hold

from .conftest import Cluster, tree
from .test_reasons import everything

ROOT = Path(__file__).resolve().parents[5]
AUTHORITIES: dict[str, Any] = {"certificates": {}, "published": {}}
MODULES = ROOT / "plugins" / "modules"
P256 = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
ROOT_MAKES_DEVICES = pytest.mark.skipif(os.getuid() != 0, reason="root alone makes devices")
CA = ("basicConstraints=critical,CA:TRUE,pathlen:0", "keyUsage=critical,keyCertSign,cRLSign")


def openssl(*arguments: str, **options: Any) -> bytes:
    done = subprocess.run(["openssl", *arguments], capture_output=True, check=False, **options)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def plant_ca(
    cluster: Cluster, *options: str, key: tuple[str, ...] = P256, extensions: tuple[str, ...] = CA
) -> tuple[Path, Path]:
    """A CA that the user has put into the folder."""
    cluster.ensure()
    certificate, key_path = cluster.ca / "kubernetes-ca.crt", cluster.ca / "kubernetes-ca.key"
    configuration = cluster.root / "openssl.cnf"
    configuration.write_text("[req]\ndistinguished_name=dn\n[dn]\n[none]\n")
    added = [part for extension in extensions for part in ("-addext", extension)]
    openssl(
        "req", "-x509", "-config", str(configuration), *key, "-nodes", "-days", "3650", "-subj", "/CN=kubernetes",
        *added, *options, "-keyout", str(key_path), "-out", str(certificate),
    )  # fmt: skip
    return certificate, key_path


def refused(cluster: Cluster, message: str) -> str:
    """Refused with the file and the remedy, before any change, and again."""
    before = {name: found for name, found in tree(cluster.root).items() if not name.endswith(".lock")}
    for _attempt in range(2):
        with pytest.raises(InputError, match=message) as error:
            cluster.run()
    after = {name: found for name, found in tree(cluster.root).items() if not name.endswith(".lock")}
    assert after == before
    assert str(cluster.root) in str(error.value), "the file or folder is named"
    return str(error.value)


# ---- keys

ALLOWED = "allowed are ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072, rsa-4096"


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (("-newkey", "rsa:1024"), "key is rsa-1024"),
        (("-newkey", "ed25519"), "key is ed25519"),
        (("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime192v1"), "key is ecdsa-secp192r1"),
        # No version of the library knows it.
        (("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime192v2"), "key cannot be read"),
        (("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"), "key is ecdsa-secp521r1"),
        # Only later versions of the library read it.
        (
            (*P256, "-pkeyopt", "ec_param_enc:explicit"),
            "key (cannot be read|is ecdsa-p256 with explicit parameters)",
        ),
    ],
)
def test_keys_that_others_reject_are_no_ca_s(cluster: Cluster, key: tuple[str, ...], message: str) -> None:
    plant_ca(cluster, key=key)
    refused(cluster, f"{message}, {ALLOWED}")


def test_a_pair_that_does_not_belong_together_is_no_ca(cluster: Cluster) -> None:
    _certificate, key = plant_ca(cluster)
    key.write_bytes(x509.generate_key("ecdsa-p256").pem())
    refused(cluster, "certificate and private key do not belong together; restore the pair")


def test_a_dsa_key_is_no_ca_s(cluster: Cluster) -> None:
    parameters = cluster.root / "dsa.pem"
    parameters.write_bytes(openssl("dsaparam", "1024"))
    plant_ca(cluster, key=("-newkey", f"dsa:{parameters}"))
    refused(cluster, f"key is dsa, {ALLOWED}")


# ---- certificates


@pytest.mark.parametrize(
    ("extensions", "message"),
    [
        (("keyUsage=critical,keyCertSign",), "no basicConstraints CA:TRUE"),
        (("basicConstraints=critical,CA:FALSE", "keyUsage=critical,keyCertSign"), "no basicConstraints CA:TRUE"),
        (("basicConstraints=critical,CA:TRUE", "keyUsage=critical,digitalSignature"), "no keyCertSign"),
        (("basicConstraints=critical,CA:TRUE",), "no keyCertSign"),
    ],
)
def test_what_may_not_sign_is_no_ca(cluster: Cluster, extensions: tuple[str, ...], message: str) -> None:
    plant_ca(cluster, extensions=extensions)
    refused(cluster, message)


BOTH = ("server", "client")
# What it has besides, how it is refused, and for which purposes OpenSSL refuses what it signs.
REFUSED: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "names": ("nameConstraints=critical,permitted;DNS:example.org", "nameConstraints .*without it", BOTH),
    "names, not critical": ("nameConstraints=permitted;DNS:example.org", "nameConstraints .*without it", BOTH),
    "servers alone": ("extendedKeyUsage=serverAuth", r"\(server auth\) lacks client auth.* bring a CA", ("client",)),
    "clients alone": ("extendedKeyUsage=clientAuth", r"\(client auth\) lacks server auth.* bring a CA", ("server",)),
    "any usage": ("extendedKeyUsage=anyExtendedKeyUsage", r"\(any\) lacks server auth, client auth", BOTH),
    "mail": ("extendedKeyUsage=critical,emailProtection", r"\(email protection\) lacks", BOTH),
    "unknown": ("1.2.3.4=critical,ASN1:NULL", "critical extension 1.2.3.4 .*without it", BOTH),
    "other name": ("issuerAltName=critical,DNS:ca.example", "critical extension 2.5.29.18", BOTH),
    # OpenSSL knows it where policies are asked for only; GnuTLS refuses it, and Go does in the middle of a chain.
    "policies": ("policyConstraints=critical,requireExplicitPolicy:0", "policyConstraints .*without it", ()),
}
TAKEN = {
    "both usages": "extendedKeyUsage=clientAuth,serverAuth",
    "usages, critical": "extendedKeyUsage=critical,serverAuth,clientAuth,codeSigning",
    "unknown, not critical": "1.2.3.4=ASN1:NULL",
    "policies of its own": "certificatePolicies=critical,1.2.3.4",
    "other names of its own": "subjectAltName=critical,DNS:ca.example",
    "list of what was revoked": "crlDistributionPoints=critical,URI:http://ca.example/list",
}


def openssl_refuses(certificate: Path, key: Path, folder: Path) -> tuple[str, ...]:
    """The purposes for which OpenSSL refuses a leaf that this CA has signed."""
    request, leaf, extensions = folder / "judged.csr", folder / "judged.crt", folder / "judged.ext"
    request.write_text(x509.make_request(x509.generate_key("ecdsa-p256"), "judged"))
    found = []
    for purpose in BOTH:
        extensions.write_text(
            f"basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage={purpose}Auth\n"
            "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\nsubjectAltName=DNS:kubernetes,IP:10.96.0.1\n"
        )
        openssl(
            "x509", "-req", "-in", str(request), "-CA", str(certificate), "-CAkey", str(key), "-days", "9",
            "-extfile", str(extensions), "-out", str(leaf),
        )  # fmt: skip
        asked = ("verify", "-x509_strict", "-auth_level", "2", "-purpose", f"ssl{purpose}", "-CAfile", str(certificate))
        done = subprocess.run(["openssl", *asked, str(leaf)], capture_output=True, check=False)
        found += [purpose] * (done.returncode != 0)
    for path in (request, leaf, extensions):
        path.unlink()
    return tuple(found)


@pytest.mark.parametrize(("extension", "message", "judged"), REFUSED.values(), ids=REFUSED)
def test_a_ca_whose_leaves_others_refuse_is_refused(
    cluster: Cluster, extension: str, message: str, judged: tuple[str, ...]
) -> None:
    certificate, key = plant_ca(cluster, extensions=(*CA, extension))
    assert openssl_refuses(certificate, key, cluster.root) == judged
    assert str(certificate) in refused(cluster, message)


@pytest.mark.parametrize("extension", TAKEN.values(), ids=TAKEN)
def test_a_ca_whose_leaves_others_take_is_taken(cluster: Cluster, extension: str) -> None:
    certificate, key = plant_ca(cluster, extensions=(*CA, extension))
    assert openssl_refuses(certificate, key, cluster.root) == ()
    cluster.now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=60)
    cluster.run()
    assert not cluster.run().changed
    for name, purpose in (("kube-apiserver", "sslserver"), ("admin", "sslclient")):
        path = cluster.find("cp1", name)["certificate_path"]
        openssl("verify", "-x509_strict", "-purpose", purpose, "-CAfile", str(certificate), path)


STRICT = {
    "no identifier": (CA, ("-addext", "subjectKeyIdentifier=none"), "it has no subject key identifier;"),
    "not critical": (
        ("basicConstraints=CA:TRUE,pathlen:0", "keyUsage=critical,keyCertSign,cRLSign"),
        (),
        "its basicConstraints are not critical;",
    ),
}


@pytest.mark.parametrize(("extensions", "options", "message"), STRICT.values(), ids=STRICT)
def test_a_ca_that_strict_readers_alone_refuse_is_taken_with_a_warning(
    cluster: Cluster, extensions: tuple[str, ...], options: tuple[str, ...], message: str
) -> None:
    certificate, _key = plant_ca(cluster, *options, extensions=extensions)
    cluster.now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=60)
    for _run in range(2):
        (warning,) = cluster.run().authorities.warnings
        assert warning.startswith(f"CA kubernetes-ca, CN=kubernetes: {message}")
        assert "-x509_strict" in warning
    assert not cluster.run().changed
    asked = ["verify", "-auth_level", "2", "-purpose", "sslclient", "-CAfile", str(certificate)]
    leaf = cluster.find("cp1", "admin")["certificate_path"]
    openssl(*asked, leaf)
    assert subprocess.run(["openssl", *asked, "-x509_strict", leaf], capture_output=True, check=False).returncode


def test_a_root_that_strict_readers_refuse_is_warned_of(cluster: Cluster) -> None:
    certificate, key = plant_ca(cluster, extensions=("basicConstraints=CA:TRUE", "keyUsage=critical,keyCertSign"))
    paths = {}
    for name, path in (("root_certificate", certificate), ("root_key", key)):
        paths[name] = str(path.rename(cluster.root / f"{name}.pem"))
    cluster.come_from("kubernetes-ca", "root", **paths)
    cluster.now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=60)
    (cluster.ca / "ledger.jsonl").unlink()
    warning, _sooner = cluster.run(check=True).authorities.warnings
    assert warning.startswith("the root of CA kubernetes-ca, CN=kubernetes: its basicConstraints are not critical;")


def test_a_ca_for_clients_alone_is_taken_for_clients_and_signs_no_server(cluster: Cluster) -> None:
    plant_ca(cluster, extensions=(*CA, "extendedKeyUsage=clientAuth"))
    cluster.now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=60)
    cluster.sources["kubernetes-ca"] = {"usages": ["client auth"]}
    before = tree(cluster.ca)
    with pytest.raises(InputError, match=r"kube-apiserver@cp1, CA kubernetes-ca: .*lacks server auth"):
        cluster.run()
    assert [name for name in tree(cluster.ca) if name not in before] == []
    for row in (row for rows in cluster.hosts.values() for row in rows if row["issuer"] == "kubernetes-ca"):
        row["usages"] = ["client auth"]
    cluster.run()
    assert not cluster.run().changed


# Later versions of cryptography do not read it at all.
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_a_ca_without_a_subject_or_with_a_negative_number_is_refused(cluster: Cluster) -> None:
    certificate, key = plant_ca(cluster, "-subj", "/")
    assert openssl_refuses(certificate, key, cluster.root) == BOTH
    refused(cluster, "it has no subject")
    for path in (certificate, key):
        path.unlink()
    plant_ca(cluster, "-set_serial", "-5")
    refused(cluster, "serial number is negative|cannot be read")


def test_an_x509_v1_certificate_is_no_ca(cluster: Cluster) -> None:
    certificate, key = plant_ca(cluster)
    request = openssl("req", "-new", "-key", str(key), "-subj", "/CN=kubernetes")
    certificate.write_bytes(openssl("x509", "-req", "-signkey", str(key), "-days", "9", input=request))
    refused(cluster, "X.509 v1")


def test_a_ca_signed_with_sha1_is_refused(cluster: Cluster) -> None:
    plant_ca(cluster, "-sha1")
    refused(cluster, "signed with sha1")


def _truncated(data: bytes, _key: bytes) -> bytes:
    return data[: len(data) // 2]


SPOILT: list[tuple[str, Callable[[bytes, bytes], bytes], str]] = [
    ("truncated", _truncated, "cut off"),
    ("empty", lambda _data, _key: b"", "the file is empty"),
    ("DER", lambda data, _key: openssl("x509", "-outform", "DER", input=data), "looks like DER"),
    ("a key", lambda _data, key: key, "holds .*PRIVATE KEY where only certificates belong"),
    ("several", lambda data, _key: data * 2, "2 certificates where the CA's own alone"),
    ("with its key", lambda data, key: data + key, "PRIVATE KEY where only certificates belong"),
]


@pytest.mark.parametrize(("spoil", "message"), [case[1:] for case in SPOILT], ids=[case[0] for case in SPOILT])
def test_a_spoilt_ca_is_refused_and_said_what_it_is(
    cluster: Cluster, spoil: Callable[[bytes, bytes], bytes], message: str
) -> None:
    certificate, key = plant_ca(cluster)
    certificate.write_bytes(spoil(certificate.read_bytes(), key.read_bytes()))
    text = refused(cluster, message)
    assert "-----BEGIN" not in text


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda _certificate, _key: b"", r"0 private keys .*\(the file is empty\)"),
        (lambda _certificate, key: openssl("pkey", "-outform", "DER", input=key), r"0 private keys .*looks like DER"),
        (lambda _certificate, key: _truncated(key, b""), "cut off"),
        (lambda certificate, _key: certificate, r"0 private keys .*\(it holds CERTIFICATE\)"),
        (lambda certificate, key: certificate + key + key, r"2 private keys .*\(it holds CERTIFICATE, PRIVATE KEY\)"),
    ],
    ids=["empty", "DER", "truncated", "a certificate", "several"],
)
def test_a_spoilt_ca_key_is_refused_and_said_what_it_is(
    cluster: Cluster, spoil: Callable[[bytes, bytes], bytes], message: str
) -> None:
    certificate, key = plant_ca(cluster)
    key.write_bytes(spoil(certificate.read_bytes(), key.read_bytes()))
    text = refused(cluster, rf"kubernetes-ca\.key: .*{message}")
    assert "-----BEGIN" not in text


TEN_THOUSAND = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" * 10_000
# What a file of the CA is, how that is refused, and how much of it is read at one time.
FLOODS: dict[str, tuple[Callable[[bytes], bytes], str, int]] = {
    "2 MB": (lambda data: data + b"x" * 2_000_000, "2000[0-9]{3} bytes, more than 1048576", 0),
    "10,000 as they are": (lambda data: data * 10_000, "[0-9]{7} bytes, more than 1048576", 0),
    "10,000 small ones": (lambda _data: TEN_THOUSAND, "more than 1000 PEM blocks", len(TEN_THOUSAND)),
}


@pytest.mark.parametrize(("flood", "message", "size"), FLOODS.values(), ids=FLOODS)
@pytest.mark.parametrize("half", [0, 1], ids=["certificate", "key"])
def test_a_flood_in_the_place_of_a_ca_is_not_looked_at(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, half: int, flood: Callable[[bytes], bytes], message: str,
    size: int,
) -> None:  # fmt: skip
    """Neither read past the cap, nor taken apart."""
    path = plant_ca(cluster)[half]
    path.write_bytes(flood(path.read_bytes()))
    inode, read, parsed = path.stat().st_ino, 0, 0
    real_read, real_decode = os.read, base64.b64decode

    def counted_read(descriptor: int, wanted: int) -> bytes:
        nonlocal read
        data = real_read(descriptor, wanted)
        read += len(data) if os.fstat(descriptor).st_ino == inode else 0
        return data

    def counted_decode(*arguments: Any, **options: Any) -> bytes:
        nonlocal parsed
        parsed += 1
        return real_decode(*arguments, **options)

    monkeypatch.setattr(os, "read", counted_read)
    monkeypatch.setattr(base64, "b64decode", counted_decode)
    started = time.monotonic()
    refused(cluster, f"{path}.*{message}")
    # Two refusals, each in some milliseconds on a machine that does nothing else.
    assert time.monotonic() - started < 20
    # A run may look before it takes the lock, and again.
    assert read <= 4 * size
    assert parsed <= 4 * half, "a certificate is read before its key, and alone"


def test_a_bundle_of_ten_thousand_is_answered_at_once(cluster: Cluster) -> None:
    cluster.run()
    path = cluster.pki("cp1") / "client-ca.crt"
    path.write_bytes(TEN_THOUSAND)
    started = time.monotonic()
    assert cluster.run().codes("cp1") == ["BundleChanged"]
    # A second on a machine that does nothing else.
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("kind", ["key_path", "certificate_path", "kubeconfig", "bundle"])
def test_two_megabytes_on_a_host_are_refused_at_once(cluster: Cluster, kind: str) -> None:
    cluster.run()
    row = cluster.find("cp1", "admin")
    places = {"kubeconfig": row["kubeconfig"]["path"], "bundle": cluster.pki("cp1") / "client-ca.crt"}
    path = Path(places.get(kind) or row[kind])
    block = x509.generate_key("ecdsa-p256").public_pem().encode()
    path.write_bytes(path.read_bytes() + block * (2_000_000 // len(block)))
    started = time.monotonic()
    refused(cluster, r"[0-9]{7} bytes, more than 1048576; is it the right file\?")
    # Two refusals, each in a second on a machine that does nothing else.
    assert time.monotonic() - started < 20


# ---- folders


@pytest.mark.parametrize("settled", [False, True], ids=["new", "settled"])
@pytest.mark.parametrize("place", ["ca", "ca/etcd", "cp1/kubernetes/pki", "cp1/kubernetes/pki/signing", "."])
def test_folders_of_somebody_else_are_refused(cluster: Cluster, place: str, settled: bool) -> None:
    """Above the folders of keys as well: whoever owns one can put another one into the place of those below."""
    cluster.sources["etcd-ca"] = {"certificate_file": "etcd/ca.crt", "key_file": "etcd/ca.key"}
    if settled:
        cluster.run()
    folder = cluster.root / place
    folder.mkdir(parents=True, exist_ok=True)
    os.chown(folder, 12345, -1)
    for check in (True, False):
        before = everything(cluster.root)
        with pytest.raises(InputError, match=f"the folder {folder} belongs to 12345, .*: give it to root"):
            # The CA folder comes first in a run; hosts are asked by themselves.
            cluster.run(check) if "ca" in place or place == "." else cluster.call("cp1", AUTHORITIES, None, check)
        assert everything(cluster.root) == before
    os.chown(folder, 0, -1)
    cluster.run()
    assert not cluster.run().changed


def test_signing_looks_at_the_folder_too(cluster: Cluster) -> None:
    state = cluster.ensure().result
    asked = [cluster.call("cp1", state).result]
    os.chown(cluster.ca, 12345, -1)
    before = everything(cluster.root)
    with pytest.raises(InputError, match=f"the folder {cluster.ca} belongs to 12345"):
        cluster.sign(asked, {})
    assert everything(cluster.root) == before


def test_a_user_may_own_the_folder_of_the_user_s_own_files(cluster: Cluster) -> None:
    cluster.run()
    alice = cluster.root / "alice" / ".kube"
    alice.mkdir(parents=True)
    for folder in (alice, alice.parent):
        os.chown(folder, 12345, 12345)
    row = cluster.find("cp1", "scheduler")
    row["kubeconfig"].update(path=str(alice / "config"), owner="12345", group="12345")
    cluster.run()
    assert not cluster.run().changed
    # The old one goes to a folder beside it.
    cluster.force, cluster.hosts_on = ["scheduler"], ["cp1"]
    cluster.run()
    cluster.find("cp1", "admin")["kubeconfig"]["path"] = str(alice / "admin.conf")
    refused(cluster, f"the folder {alice} belongs to 12345")


@pytest.mark.skipif(os.getuid() != 0, reason="root alone gives files away")
@pytest.mark.parametrize("encrypted", [False, True], ids=["in clear", "encrypted"])
def test_files_of_a_ca_that_belong_to_somebody_else_are_taken_back(cluster: Cluster, encrypted: bool) -> None:
    """Whoever owns them can write them, in a folder that others may enter."""
    cluster.passphrase = b"correct horse battery" if encrypted else None
    cluster.run()
    paths = [cluster.ca / "kubernetes-ca.key", cluster.ca / "kubernetes-ca.crt"]
    before = [path.read_bytes() for path in paths]
    for path in paths:
        os.chown(path, 12345, 12345)
    wanted = [("OwnerChanged", str(path), "12345", "root") for path in paths]
    checked = cluster.run(check=True).reasons
    assert [(reason.code, reason.path, reason.old, reason.new) for reason in checked] == wanted
    with paths[0].open("rb") as held:
        reasons = cluster.run().reasons
        assert os.fstat(held.fileno()).st_nlink == 0, "whoever holds the old file holds nothing of ours"
    assert [(reason.code, reason.path, reason.old, reason.new) for reason in reasons] == wanted
    assert [path.read_bytes() for path in paths] == before
    assert [(path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) for path in paths] == [(0, 0o600), (0, 0o644)]
    assert not cluster.run().changed


@pytest.mark.skipif(os.getuid() != 0, reason="root alone gives files away")
@pytest.mark.parametrize("name", ["ledger.jsonl", "published/service-account@cp1.pem", "kubernetes-ca-chain.crt"])
def test_what_is_believed_is_taken_back(cluster: Cluster, name: str) -> None:
    cluster.run()
    path = cluster.ca / name
    path.touch(0o644)
    before = path.read_bytes()
    os.chown(path, 12345, -1)
    checked = cluster.run(check=True).reasons
    assert [(reason.code, reason.path, reason.old, reason.new) for reason in checked] == [
        ("OwnerChanged", str(path), "12345", "root")
    ]
    assert path.stat().st_uid == 12345
    assert cluster.run().reasons == checked
    assert (path.stat().st_uid, path.read_bytes()) == (0, before)
    assert not cluster.run().changed


# ---- our own leaves


def test_a_leaf_with_a_weak_signature_is_made_anew(cluster: Cluster) -> None:
    cluster.run()
    row = cluster.find("cp1", "admin")
    key, certificate = Path(row["key_path"]), Path(row["certificate_path"])
    extensions = cluster.root / "leaf.cnf"
    extensions.write_text(
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    request = openssl("req", "-new", "-key", str(key), "-subj", "/O=tlsbootstrap:cluster-admins/CN=admin")
    ca = ["-CA", str(cluster.ca / "kubernetes-ca.crt"), "-CAkey", str(cluster.ca / "kubernetes-ca.key")]
    cluster.now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    signed = ["x509", "-req", *ca, "-days", "365", "-extfile", str(extensions), "-CAcreateserial"]
    certificate.write_bytes(openssl(*signed, "-sha1", input=request))
    found = [(r.code, r.old, r.new) for r in cluster.run(check=True).reasons if r.subject == "admin"]
    assert found == [("SignatureWeak", "sha1", "sha256")]
    # What somebody else has made serves as it is, where it says what is wanted.
    certificate.write_bytes(openssl(*signed, "-sha256", input=request))
    assert "admin" not in {reason.subject for reason in cluster.run().reasons}


# ---- times


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Asia/Kathmandu", "America/St_Johns"])
def test_dates_are_utc_in_every_zone(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        cluster.now = datetime.datetime(2049, 12, 31, 23, 59, 59, 999_999, tzinfo=datetime.timezone.utc)
        cluster.run()
        path = cluster.find("cp1", "admin")["certificate_path"]
        read = openssl("x509", "-noout", "-startdate", "-enddate", "-in", path).decode()
        cluster.now += datetime.timedelta(days=100)
        assert not cluster.run().changed
    finally:
        monkeypatch.undo()
        time.tzset()
    assert read.splitlines() == ["notBefore=Dec 31 23:54:59 2049 GMT", "notAfter=Dec 31 23:59:59 2050 GMT"]


def test_validity_ends_to_the_second(cluster: Cluster) -> None:
    cluster.hosts_on = ["cp1"]
    cluster.run()
    cluster.find("cp1", "admin")["renew_before"] = 3600
    end = cluster.now + datetime.timedelta(days=365)

    def due(at: datetime.datetime) -> list[str]:
        cluster.now = at
        return [reason.code for reason in cluster.run(check=True).reasons if reason.subject == "admin"]

    assert due(end - datetime.timedelta(seconds=3601)) == []
    assert due(end - datetime.timedelta(seconds=3600)) == ["Expiring"]
    assert due(end - datetime.timedelta(seconds=1)) == ["Expiring"]
    assert due(end) == ["Expired"]


# ---- places


@pytest.mark.parametrize(
    "kind", ["symlink", "directory", "fifo", "socket", pytest.param("device", marks=ROOT_MAKES_DEVICES)]
)
@pytest.mark.parametrize("file", ["key", "certificate", "kubeconfig", "bundle", "ca", "ca certificate", "ledger"])
def test_odd_places_are_refused_and_never_written_through(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, kind: str, file: str
) -> None:
    cluster.run()
    row = cluster.find("cp1", "admin")
    path = {
        "key": Path(row["key_path"]),
        "certificate": Path(row["certificate_path"]),
        "kubeconfig": Path(row["kubeconfig"]["path"]),
        "bundle": cluster.pki("cp1") / "client-ca.crt",
        "ca": cluster.ca / "kubernetes-ca.key",
        "ca certificate": cluster.ca / "kubernetes-ca.crt",
        "ledger": cluster.ca / "ledger.jsonl",
    }[file]
    aside = cluster.root / "aside"
    path.rename(aside)
    before = aside.read_bytes()
    if kind == "symlink":
        path.symlink_to(aside)
    elif kind == "directory":
        path.mkdir()
    elif kind == "socket":
        bound = socket.socket(socket.AF_UNIX)
        # The path itself is longer than a socket's may be.
        monkeypatch.chdir(path.parent)
        bound.bind(path.name)
        bound.close()
    elif kind == "device":
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    else:
        os.mkfifo(path)
    state = path.lstat()
    cluster.force = ["admin"]
    with pytest.raises(InputError, match=str(path)):
        cluster.run()
    assert aside.read_bytes() == before
    assert (path.lstat().st_ino, path.lstat().st_mode) == (state.st_ino, state.st_mode)


def test_a_ca_folder_that_is_a_symlink_is_refused(cluster: Cluster) -> None:
    real = cluster.root / "elsewhere"
    real.mkdir()
    cluster.ca.symlink_to(real)
    with pytest.raises(InputError, match="symlink"):
        cluster.run()
    assert not list(real.iterdir())


# ---- several at once, and odd surroundings: the module files themselves


def call(module: str, arguments: dict[str, Any], folder: Path, **options: Any) -> subprocess.Popen[str]:
    given = folder / f"{module}-{time.monotonic_ns()}.json"
    given.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
    given.chmod(0o644)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(
        [sys.executable, str(MODULES / f"{module}.py"), str(given)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment, **options.pop("env", {})},
        **options,
    )


def said(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, errors = process.communicate(timeout=300)
    assert output, errors
    found: dict[str, Any] = json.loads(output)
    return found


def test_two_controllers_make_one_ca(cluster: Cluster) -> None:
    arguments = {"directory": str(cluster.ca), "cas": cluster.cas, "lock_timeout": 120}
    found = [said(process) for process in [call("ca", arguments, cluster.root) for _number in range(3)]]
    assert not [result["msg"] for result in found if result.get("failed")]
    assert len({json.dumps(result["certificates"], sort_keys=True) for result in found}) == 1
    lines = (cluster.ca / "ledger.jsonl").read_text().splitlines()
    assert len(lines) == len(cluster.cas)


def test_a_second_controller_waits_while_the_first_makes_its_keys(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a lock both would come to where the first key is made, and each would go on with its own."""
    together = threading.Barrier(2)
    met = []
    real = x509.generate_key

    def generate(key_type: str) -> x509.PrivateKey:
        try:
            together.wait(2)
            met.append(key_type)
        except threading.BrokenBarrierError:
            pass
        return real(key_type)

    monkeypatch.setattr(x509, "generate_key", generate)

    def controller(_number: int) -> Any:
        return ensure_authorities(Folder(str(cluster.ca)), cluster.cas, cluster.now, False, 120).result["certificates"]

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        first, second = pool.map(controller, range(2))
    assert met == []
    assert first == second
    assert len((cluster.ca / "ledger.jsonl").read_text().splitlines()) == len(cluster.cas)


@pytest.mark.parametrize(
    "surroundings",
    [
        {"umask": 0},
        {"umask": 0o077},
        {"env": {"LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8"}},
        {"env": {"LC_ALL": "C", "PYTHONUTF8": "0", "TZ": "Pacific/Kiritimati"}},
    ],
    ids=["open umask", "closed umask", "Turkish", "C in an odd zone"],
)
def test_odd_surroundings(cluster: Cluster, surroundings: dict[str, Any]) -> None:
    arguments = {"directory": str(cluster.ca), "cas": cluster.cas}
    made = said(call("ca", arguments, cluster.root, **surroundings))
    assert made["changed"], made
    row = {**cluster.find("cp1", "kube-apiserver"), "issuer": "kubernetes-ca"}
    held = {"host": "cp1", "identities": [row], "issuers": made["certificates"], "force": []}
    asked = said(call("identities", held, cluster.root, **surroundings))
    requests = [{"host": "cp1", "identity": row, "request": asked["requests"][0]["request"]}]
    signed = said(call("sign", {**arguments, "requests": requests}, cluster.root, **surroundings))
    said(call("identities", {**held, "certificates": signed["certificates"]["cp1"]}, cluster.root, **surroundings))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in cluster.root.rglob("*") if path.is_file()}
    assert (modes["kube-apiserver.key"], modes["kubernetes-ca.key"], modes["ledger.jsonl"]) == (0o600,) * 3
    assert modes["kube-apiserver.crt"] == 0o644
    assert stat.S_IMODE(cluster.ca.stat().st_mode) == 0o700
    again = said(call("identities", held, cluster.root, **surroundings))
    assert not again["changed"], again


def as_somebody_else(action: Callable[[], Any]) -> str:
    """What a process of a user without rights says; it has all libraries loaded."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        nobody = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
        try:
            text = f"reasons {[reason.code for reason in action().reasons]}"
        except InputError as error:
            text = str(error)
        except BaseException as error:
            text = f"not refused but {error!r}"
        os.write(writer, text.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        text = stream.read()
    os.waitpid(child, 0)
    return text


@pytest.mark.skipif(os.getuid() != 0, reason="root alone becomes somebody else")
def test_who_is_not_root_is_told_what_is_missing(cluster: Cluster) -> None:
    cluster.run()
    # The folders of pytest are root's alone.
    folder = Path("/tmp") / f"tlsbootstrap-test-{os.getpid()}"
    folder.mkdir(mode=0o755)
    row = {
        **cluster.find("cp1", "service-account"), "owner": "root", "group": "root",
        "key_path": f"{folder}/sa.key", "public_key_path": f"{folder}/sa.pub",
    }  # fmt: skip

    def held(row: dict[str, Any]) -> Callable[[], Any]:
        return lambda: hold(Task("cp1", [row], [], {}, None, [], cluster.now))

    try:
        os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
        text = as_somebody_else(held(row))
        assert text.startswith(str(folder))
        assert "use become" in text
        assert not list(folder.iterdir())
        own = {**row, "owner": None, "group": None}
        assert as_somebody_else(held(own)) == "reasons ['Missing']"
        assert as_somebody_else(held(own)) == "reasons []"
        os.chown(folder / "sa.key", 0, 0)
        assert "sa.key cannot be read: Permission denied" in as_somebody_else(held(own))
    finally:
        shutil.rmtree(folder)


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.ec", None)
    x509._load.cache_clear()
    with pytest.raises(InputError, match="python3-cryptography"):
        x509.generate_key("ecdsa-p256")
