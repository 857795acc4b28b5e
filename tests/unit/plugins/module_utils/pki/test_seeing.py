# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pki_info reads, made by openssl, and openssl as the judge of it."""

from __future__ import annotations

import base64
import datetime
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import served, x509
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.endpoints import endpoint_of
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.seeing import Sight

NOW = datetime.datetime.now(datetime.timezone.utc)
KEYS = {
    "ecdsa-p256": ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "ecdsa-p384": ("ec", "-pkeyopt", "ec_paramgen_curve:P-384"),
    "ecdsa-secp521r1": ("ec", "-pkeyopt", "ec_paramgen_curve:secp521r1"),
    "rsa-2048": ("rsa:2048",),
    "ed25519": ("ed25519",),
}
EXTENSIONS = {
    "ecdsa-p256": (
        "subjectAltName=DNS:a.example.org,IP:10.0.0.1,IP:2001:db8::1,email:a@example.org,URI:spiffe://a/b,RID:1.2.3",
        "keyUsage=critical,digitalSignature,keyAgreement,encipherOnly",
        "extendedKeyUsage=serverAuth,clientAuth,1.2.3.4",
    ),
    "ecdsa-p384": ("basicConstraints=critical,CA:TRUE,pathlen:0", "keyUsage=critical,keyCertSign,cRLSign"),
}
# What openssl quotes and escapes, a control character too.
SUBJECTS = {"ecdsa-p256": '/O=a,b/O=\xfc"\\\\x/CN=x\x07y', "rsa-2048": "/C=DE/OU=#a+CN=b"}
PASSPHRASE = "correct-horse-battery"
TIME_LEFT = re.compile(r" \((?:[0-9].* left|expired)\)$")


def openssl(*arguments: str, given: bytes | None = None) -> bytes:
    done = subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def make(folder: Path, key_type: str, *more: str, name: str = "it") -> bytes:
    """A certificate, or a request, and `name`.key."""
    arguments = ["req", "-new", "-newkey", *KEYS[key_type], "-nodes", "-keyout", str(folder / f"{name}.key")]
    subject = SUBJECTS.get(key_type, "/O=one/CN=somebody")
    extensions = [word for extension in EXTENSIONS.get(key_type, ()) for word in ("-addext", extension)]
    return openssl(*arguments, "-utf8", "-multivalue-rdn", "-subj", subject, *extensions, *more)


def lines(text: str) -> list[str]:
    """OpenSSL 3.2 and later write `CN=x`, 3.0 `CN = x`."""
    return [TIME_LEFT.sub("", re.sub(r" ?= ?", "=", line)).rstrip() for line in text.splitlines()]


def look(path: Path, text: bool = False) -> dict[str, Any]:
    (entry,) = Sight(NOW, text).files([str(path)], [])
    return entry


def public_hash(key: Path, *arguments: str) -> str:
    der = openssl("pkey", "-in", str(key), "-pubout", "-outform", "DER", *arguments)
    return openssl("dgst", "-sha256", "-r", given=der).decode().split()[0]


def shows_raw_keys() -> bool:
    """Since cryptography 40."""
    return int(version("cryptography").split(".", maxsplit=1)[0]) >= 40


@pytest.mark.parametrize("encoding", ["PEM", "DER"])
@pytest.mark.parametrize("key_type", KEYS)
def test_a_certificate_reads_as_openssl_reads_it(tmp_path: Path, key_type: str, encoding: str) -> None:
    pem = make(tmp_path, key_type, "-x509", "-days", "30")
    path = tmp_path / "certificate"
    path.write_bytes(openssl("x509", "-outform", encoding, given=pem))
    entry = look(path, text=True)
    assert entry["kind"] == "certificate"
    if key_type != "ed25519" or shows_raw_keys():
        assert lines(entry["text"]) == lines(openssl("x509", "-text", "-noout", given=pem).decode())
    assert re.search(r"Not After : .* GMT \((29|30) d \d+ h left\)\n", entry["text"])
    (certificate,) = entry["certificates"]
    assert certificate["key_type"] == key_type
    assert f"({certificate['time_left']} left)" in entry["text"]
    assert certificate["public_key_sha256"] == public_hash(tmp_path / "it.key")


@pytest.mark.parametrize("encoding", ["PEM", "DER"])
@pytest.mark.parametrize("key_type", ["ecdsa-p256", "ecdsa-p384"])
def test_a_request_reads_as_openssl_reads_it(tmp_path: Path, key_type: str, encoding: str) -> None:
    pem = make(tmp_path, key_type)
    path = tmp_path / "request"
    path.write_bytes(openssl("req", "-outform", encoding, given=pem))
    entry = look(path, text=True)
    assert entry["kind"] == "request"
    assert lines(entry["text"]) == lines(openssl("req", "-text", "-noout", given=pem).decode())
    (request,) = entry["requests"]
    assert request["signature_valid"]
    assert request["public_key_sha256"] == public_hash(tmp_path / "it.key")
    if key_type == "ecdsa-p256":
        assert (request["dns_names"], request["ip_addresses"]) == (["a.example.org"], ["10.0.0.1", "2001:db8::1"])
        assert (request["email_addresses"], request["other_names"]) == (["a@example.org"], 1)


def test_a_request_without_names_and_one_whose_signature_is_not_its_own(tmp_path: Path) -> None:
    arguments = ("-new", "-newkey", *KEYS["ecdsa-p256"], "-nodes", "-keyout", str(tmp_path / "k"), "-subj", "/CN=a")
    der = bytearray(openssl("req", *arguments, "-outform", "DER"))
    path = tmp_path / "a.csr"
    path.write_bytes(der)
    assert "            (none)" in look(path, text=True)["text"].splitlines()
    der[der.index(b"\x13\x01a" if b"\x13\x01a" in der else b"\x0c\x01a") + 2] = ord("b")
    path.write_bytes(der)
    (request,) = look(path)["requests"]
    assert (request["common_name"], request["signature_valid"]) == ("b", False)


@pytest.mark.parametrize("key_type", KEYS)
def test_keys_of_all_encodings(tmp_path: Path, key_type: str) -> None:
    make(tmp_path, key_type)
    key, path = tmp_path / "it.key", tmp_path / "key"
    wanted = {"key_type": key_type, "public_key_sha256": public_hash(key), "encrypted": False}
    forms = [("pkey",), ("pkey", "-outform", "DER")]
    forms += [] if key_type == "ed25519" else [("pkey", "-traditional"), ("pkey", "-traditional", "-outform", "DER")]
    for form in forms:
        path.write_bytes(openssl(*form, "-in", str(key)))
        entry = look(path, text=True)
        assert entry["kind"] == "key"
        (found,) = entry["private_keys"]
        assert {name: found[name] for name in wanted} == wanted, form
    for form in ((), ("-outform", "DER")):
        path.write_bytes(openssl("pkey", "-in", str(key), "-pubout", *form))
        (found,) = look(path)["public_keys"]
        assert found["public_key_sha256"] == wanted["public_key_sha256"]


ENCRYPTED = {
    "pkcs8": ("pkcs8", "-topk8", "-v2", "aes-256-cbc"),
    "pkcs8 in DER": ("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-outform", "DER"),
    "scrypt": ("pkcs8", "-topk8", "-scrypt"),
    "pkcs8 with PKCS#12's scheme": ("pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES"),
    "the old style": ("pkey", "-traditional", "-aes-256-cbc"),
}


@pytest.mark.parametrize("how", ENCRYPTED)
def test_encrypted_keys_say_so_and_no_more(tmp_path: Path, how: str) -> None:
    make(tmp_path, "rsa-2048")
    path = tmp_path / "key"
    path.write_bytes(openssl(*ENCRYPTED[how], "-in", str(tmp_path / "it.key"), "-passout", f"pass:{PASSPHRASE}"))
    entry = look(path, text=True)
    assert entry["private_keys"] == [{"key_type": None, "size": None, "public_key_sha256": None, "encrypted": True}]
    assert entry["text"].startswith("Private-Key: (encrypted)\n")


def test_pairs_say_whether_they_are_one(tmp_path: Path) -> None:
    one, other = (make(tmp_path, "ecdsa-p256", "-x509", name=name) for name in ("one", "other"))
    path = tmp_path / "pair.pem"
    for certificate, matches in ((one, True), (other, False)):
        path.write_bytes(certificate + (tmp_path / "one.key").read_bytes())
        assert look(path)["key_matches"] is matches
    path.write_bytes(one)
    assert "key_matches" not in look(path)


def test_kubeconfigs_embedded_and_by_path(tmp_path: Path) -> None:
    pem, key = make(tmp_path, "ecdsa-p256", "-x509"), (tmp_path / "it.key").read_bytes()
    (tmp_path / "it.crt").write_bytes(pem)
    coded, coded_key = (base64.b64encode(part).decode() for part in (pem, key))
    secret = "canary-token-0123456789"
    users = {
        "embedded": {"client-certificate-data": coded, "client-key-data": coded_key},
        # Relative paths are relative to the file, as client-go reads them.
        "by path": {"client-certificate": "it.crt", "client-key": str(tmp_path / "it.key")},
        "token": {"token": secret},
    }
    for name, user in users.items():
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "clusters": [
                {"name": "k", "cluster": {"server": "https://[2001:db8::1]:6443", "certificate-authority": "it.crt"}}
            ],
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
            "users": [{"name": "u", "user": user}],
        }
        path = tmp_path / "some.conf"
        path.write_text(json.dumps(config))
        entry = look(path, text=True)
        assert entry["kind"] == "kubeconfig"
        assert entry["kubeconfig"]["ca_fingerprints"] == [x509.certificate_info(loaded(pem)).fingerprint]
        assert entry["kubeconfig"]["token"] is (name == "token")
        assert entry["kubeconfig"]["embedded"] is (name == "embedded")
        if name != "token":
            assert entry["key_matches"]
            assert "X509v3 Subject Alternative Name" in entry["text"]
        said = json.dumps(entry)
        assert secret not in said
        assert "PRIVATE" not in said
        assert not any(line in said for line in key.decode().splitlines()[1:-1])


def loaded(pem: bytes) -> Any:
    body = b"".join(pem.splitlines()[1:-1])
    return x509.load_certificate(x509.Block("CERTIFICATE", base64.b64decode(body)), "it")


CONDITIONS = [{"type": "Approved", "status": "True", "reason": "PolicyKept", "message": "as wanted"}]


def signing_request(request: bytes, name: str, **status: Any) -> dict[str, Any]:
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name, "creationTimestamp": "2026-11-22T12:00:00Z"},
        "spec": {
            "signerName": "kubernetes.io/kubelet-serving",
            "username": "system:node:w1",
            "groups": ["system:nodes"],
            "usages": ["digital signature", "server auth"],
            "request": base64.b64encode(request).decode(),
            "extra": {"authentication.kubernetes.io/credential-id": ["X509SHA256=ab"]},
        },
        "status": status,
    }


def test_objects_of_the_api_in_json_yaml_and_lists(tmp_path: Path) -> None:
    request = make(tmp_path, "ecdsa-p256")
    certificate = base64.b64encode(make(tmp_path, "ecdsa-p256", "-x509")).decode()
    issued = signing_request(request, "csr-1", conditions=CONDITIONS, certificate=certificate)
    waiting = signing_request(request, "csr-2")
    denied = signing_request(request, "csr-3", conditions=[{"type": "Denied", "reason": "no"}])
    path = tmp_path / "requests.yaml"
    path.write_text(json.dumps(issued))
    (one,) = look(path)["signing_requests"]
    assert (one["state"], one["signer"], one["requester"]) == (
        "Issued",
        "kubernetes.io/kubelet-serving",
        "system:node:w1",
    )
    assert (one["conditions"][0]["reason"], one["credential_id"]) == ("PolicyKept", "X509SHA256=ab")
    assert one["requests"][0]["dns_names"] == ["a.example.org"]
    assert one["certificates"][0]["ip_addresses"] == ["10.0.0.1", "2001:db8::1"]
    path.write_text(yaml.safe_dump({"kind": "List", "items": [issued, waiting, denied]}))
    entry = look(path, text=True)
    assert [found["state"] for found in entry["signing_requests"]] == ["Issued", "Pending", "Denied"]
    assert (len(entry["requests"]), len(entry["certificates"])) == (3, 1)
    assert entry["text"].count("Certificate Request:") == 3
    # YAML makes a datetime of a time without quotes.
    path.write_text(yaml.safe_dump(issued).replace("'2026-11-22T12:00:00Z'", "2026-11-22T12:00:00Z"))
    assert look(path)["signing_requests"][0]["created"] == "2026-11-22T12:00:00Z"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no certificate, key or request"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB\n", "cut off"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "cannot be read"),
        (b"\x30\x03\x02\x01\x05", "is it damaged"),
        (b"kind: Config\nusers: [", "not valid YAML"),
        (b"kind: CertificateSigningRequest\n", "no CertificateSigningRequest with a spec"),
        (b'{"kind": "CertificateSigningRequest", "spec": {"request": "*"}}', "no base64"),
        (b'{"kind": "List", "items": 3}', "not a list"),
        (b'{"kind": "Config", "users": ' + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "it.pem"
    path.write_bytes(content)
    assert says in look(path)["error"]


def test_size_caps_answer_at_once(tmp_path: Path) -> None:
    pem = make(tmp_path, "ecdsa-p256", "-x509")
    large, many, old = tmp_path / "large.pem", tmp_path / "many.pem", tmp_path / "old.pem"
    large.write_bytes(pem + b"#" * (2 * 1024 * 1024))
    many.write_bytes(b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n" * 10_000)
    old.write_bytes(b"-----BEGIN PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n" * 19_000)
    started = time.monotonic()
    assert "bytes, more than" in look(large)["error"]
    assert "more than 1000 PEM blocks" in look(old)["error"]
    assert "more than 1000 PEM blocks" in look(many)["error"]
    # Ten times the goal.
    assert time.monotonic() - started < 10


def test_a_folder_is_told_by_what_is_in_it(tmp_path: Path) -> None:
    pem = make(tmp_path, "ecdsa-p256", "-x509")
    (tmp_path / "etcd").mkdir()
    (tmp_path / ".backup").mkdir()
    for name in ("b.crt", "etcd/without-suffix", ".backup/old.crt"):
        (tmp_path / name).write_bytes(pem)
    (tmp_path / "ca.der").write_bytes(openssl("x509", "-outform", "DER", given=pem))
    (tmp_path / "kubelet-current.pem").symlink_to("b.crt")
    (tmp_path / "broken.crt").write_bytes(b"no certificate")
    (tmp_path / "manifest.yaml").write_text("kind: Pod\n")
    (tmp_path / "data.bin").write_bytes(bytes(2 * 1024 * 1024))
    os.mkfifo(tmp_path / "fifo.pem")
    found = Sight(NOW).files([], [str(tmp_path), str(tmp_path / "none")])
    names = [os.path.relpath(entry["path"], tmp_path) for entry in found]
    assert names == ["b.crt", "broken.crt", "ca.der", "it.key", "kubelet-current.pem", "etcd/without-suffix", "none"]
    assert [entry["kind"] for entry in found] == [
        "certificate",
        None,
        "certificate",
        "key",
        "certificate",
        "certificate",
        None,
    ]
    assert "error" in found[1]
    assert "No such file" in found[-1]["error"]
    assert found[4]["mode"] == f"{(tmp_path / 'b.crt').stat().st_mode & 0o7777:04o}"


# ---- servers


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Three that serve a chain of two, IPv6 and one that wants clients' certificates too; one that says nothing."""
    folder = tmp_path_factory.mktemp("servers")
    # 1024 bits: what nobody would trust is to be seen all the same.
    openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:1024",
        "-nodes",
        "-keyout",
        f"{folder}/leaf.key",
        "-out",
        f"{folder}/leaf.crt",
        "-subj",
        "/CN=leaf",
    )
    (folder / "ca.crt").write_bytes(make(folder, "ecdsa-p384", "-x509"))
    kinds = {"plain": [], "wants clients": ["-tls1_2", "-Verify", "1"], "ipv6": ["-6"]}
    found, running = {}, []
    for kind, more in kinds.items():
        port = free_port(socket.AF_INET6 if kind == "ipv6" else socket.AF_INET)
        command = ["openssl", "s_server", "-cert", "leaf.crt", "-key", "leaf.key", "-cert_chain", "ca.crt"]
        host = "[::1]" if kind == "ipv6" else "127.0.0.1"
        command += ["-cipher", "ALL:@SECLEVEL=0", "-accept", f"{host}:{port}", "-quiet", *more]
        running.append(
            subprocess.Popen(
                command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        )
        found[kind] = f"{host}:{port}"
    wait_for(found.values())
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found["silent"] = f"127.0.0.1:{silent.getsockname()[1]}"
        yield found
    for process in running:
        process.kill()
        process.wait()
        if process.stdin:
            process.stdin.close()


def free_port(family: int) -> int:
    with socket.socket(family) as one:
        one.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(addresses: Any) -> None:
    for address in addresses:
        endpoint = endpoint_of({"address": address})
        for _attempt in range(200):
            try:
                socket.create_connection((endpoint.host, endpoint.port), 1).close()
                break
            except OSError:
                time.sleep(0.05)


def test_chains_are_read_as_they_are_sent(servers: dict[str, str]) -> None:
    rows = [{"address": servers[kind]} for kind in ("plain", "wants clients", "ipv6")]
    found = Sight(NOW, text=True).endpoints([*rows, {"address": servers["plain"], "server_name": "a.example.org"}], 10)
    if sys.version_info < (3, 10):
        assert [(len(entry["certificates"]), entry["whole_chain"]) for entry in found] == [
            (1, False),
            (0, True),
            (1, False),
            (1, False),
        ]
        return
    for entry in found:
        assert [one["subject"] for one in entry["certificates"]] == ["CN=leaf", "CN=somebody,O=one"]
        assert (entry["answers"], entry["whole_chain"]) == (True, True)
        assert "error" not in entry
        assert entry["text"].count("Certificate:\n") == 2
    assert [entry["protocol"] for entry in found] == ["TLSv1.3", "", "TLSv1.3", "TLSv1.3"]
    assert found[3]["server_name"] == "a.example.org"
    shown = openssl("s_client", "-connect", servers["plain"], "-showcerts", given=b"").decode()
    served_by_name = re.findall(r"-----BEGIN CERTIFICATE-----\n(.+?)-----END", shown, re.DOTALL)
    wanted = [
        openssl("dgst", "-sha256", "-r", given=base64.b64decode(body)).decode().split()[0] for body in served_by_name
    ]
    assert [one["fingerprint_sha256"] for one in found[0]["certificates"]] == wanted


def answer_in_clear(plain: socket.socket) -> None:
    connection, _peer = plain.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_servers_that_do_not_serve_say_why_in_time(servers: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        port = plain.getsockname()[1]
        threading.Thread(target=answer_in_clear, args=(plain,), daemon=True).start()
        cases = {
            servers["silent"]: "no answer within 1 s",
            f"127.0.0.1:{free_port(socket.AF_INET)}": "cannot be reached",
            f"127.0.0.1:{port}": "no TLS",
            "nothing.invalid:443": "does not resolve",
        }
        started = time.monotonic()
        found = Sight(NOW).endpoints([{"address": address} for address in cases], 1)
    assert time.monotonic() - started < 10
    for entry, says in zip(found, cases.values()):
        assert says in entry["error"]
        assert (entry["answers"], entry["certificates"]) == (False, [])


def test_a_resolver_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = threading.Event()

    def hang(*_: object) -> None:
        hanging.wait(60)
        raise OSError

    monkeypatch.setattr(served.socket, "create_connection", hang)
    (seen,) = served.read_served([endpoint_of({"address": "a.example.org:443"})], 0.2)
    hanging.set()
    assert seen.problem == "no answer within 0.2 s"


class OldSocket:
    """That of Python 3.9."""

    def getpeercert(self, binary_form: bool) -> bytes:
        assert binary_form
        return b"leaf"


def test_an_old_python_says_that_it_is_not_all() -> None:
    assert served._chain(OldSocket()) == ((b"leaf",), False)


NO_ADDRESSES = [
    "",
    "a",
    "a:",
    "a:0",
    "a:65536",
    "::1:443",
    "[::1]",
    "[xy]:1",
    "https://a:1",
    "a b:1",
    "a:1\n2",
    "a:\u0661",
]


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(InputError, match="is not host:port"):
        endpoint_of({"address": address})


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [("a-b.c:1", "a-b.c", 1), ("[fe80::1%eth0]:65535", "fe80::1%eth0", 65535), ("10.0.0.1:443", "10.0.0.1", 443)],
)
def test_addresses(address: str, host: str, port: int) -> None:
    endpoint = endpoint_of({"address": address, "server_name": None})
    assert (endpoint.host, endpoint.port, endpoint.server_name) == (host, port, host)


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{number}: &a{number} [{','.join([f'*a{number - 1}'] * 9)}]\n" for number in range(1, 10)
)
CONFIG = """kind: Config
current-context: c
clusters: [{{name: k, cluster: {{server: {server}, certificate-authority: {ca}}}}}]
contexts: [{{name: c, context: {{cluster: k, user: u}}}}]
users: [{{name: u, user: {{client-certificate: {certificate}}}}}]
"""
ASKED = "kind: CertificateSigningRequest\nmetadata: {{name: {name}}}\nspec: {{request: {request}, usages: {usages}}}\n"
NO_CONFIG, NO_ASKED = "not a kubeconfig with a current context", "is of another kind than the API's"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (BOMB + CONFIG.format(server="*a9", ca="ca.crt", certificate="a.crt"), NO_CONFIG),
        (CONFIG.format(server="h", ca="123", certificate="a.crt"), NO_CONFIG),
        (CONFIG.format(server="h", ca="ca.crt", certificate="[a]"), NO_CONFIG),
        (CONFIG.format(server="h", ca='"a\\0b"', certificate="a.crt"), NO_CONFIG),
        (BOMB + ASKED.format(name="*a9", request="aGk=", usages="[]"), NO_ASKED),
        (ASKED.format(name="n", request="aGk=", usages="3"), NO_ASKED),
        (BOMB + ASKED.format(name="n", request="*a9", usages="[]"), "is no base64"),
    ],
    ids=["server", "number", "list", "null byte", "name", "usages", "request"],
)
def test_what_is_meant_to_hurt_is_an_error_of_its_file_alone(tmp_path: Path, content: str, says: str) -> None:
    hostile, other = tmp_path / "hostile.conf", tmp_path / "nothing.conf"
    hostile.write_text(content)
    found, beside = Sight(NOW, text=True).files([str(hostile), str(other)], [])
    assert says in found["error"]
    assert beside["exists"] is False
