# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of CAs that a passphrase encrypts: how they lie there, who opens them, and what is said of the passphrase."""

from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import x509
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.ca_folder import passphrase_of
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError

from .conftest import Cluster, codes, tree

CANARY = b"canary-passphrase-7f3a"
MODULES = Path(__file__).resolve().parents[5] / "plugins" / "modules"


def key_files(cluster: Cluster) -> list[Path]:
    return sorted(cluster.ca.glob("*.key"))


@pytest.mark.parametrize("key_type", ["ecdsa-p256", "ecdsa-p384", "rsa-2048"])
def test_openssl_opens_what_we_encrypt(tmp_path: Path, key_type: str) -> None:
    key = x509.generate_key(key_type)
    path = tmp_path / "ca.key"
    path.write_bytes(key.pem(CANARY))
    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    command = ["openssl", "pkey", "-in", str(path), "-passin", "stdin", "-pubout"]
    done = subprocess.run(command, input=CANARY + b"\n", capture_output=True, check=True)
    assert done.stdout.decode() == key.public_pem()
    assert x509.load_private_key(path.read_bytes(), "ca.key", CANARY).info == key.info
    assert key.pem(CANARY) != key.pem(CANARY), "a salt of its own each time"


@pytest.mark.parametrize(
    "options", [("-scrypt",), ("-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256", "-iter", "600000")]
)
def test_we_open_what_openssl_encrypts(cluster: Cluster, options: tuple[str, ...]) -> None:
    cluster.run()
    for path in key_files(cluster):
        command = ["openssl", "pkcs8", "-topk8", *options, "-in", str(path), "-passout", "stdin"]
        path.write_bytes(subprocess.run(command, input=CANARY + b"\n", capture_output=True, check=True).stdout)
    cluster.passphrase = CANARY
    assert not cluster.run().changed


def test_keys_are_born_encrypted_and_sign(cluster: Cluster) -> None:
    cluster.passphrase = CANARY
    cluster.run()
    assert not cluster.run().changed
    assert len(key_files(cluster)) == 2
    for path in [*key_files(cluster), *cluster.ca.rglob(".*/*")]:
        assert b"BEGIN PRIVATE KEY" not in path.read_bytes()


def test_a_key_in_clear_is_encrypted_and_nowhere_kept(cluster: Cluster) -> None:
    cluster.run()
    clear = [path.read_bytes() for path in key_files(cluster)]
    cluster.passphrase = CANARY
    assert codes(cluster.ensure()) == ["KeyNotEncrypted", "KeyNotEncrypted"]
    assert codes(cluster.ensure()) == []
    kept = [path.read_bytes() for path in cluster.ca.rglob("*") if path.is_file()]
    assert not [data for data in clear if data in kept]
    assert {path.stat().st_mode & 0o777 for path in key_files(cluster)} == {0o600}


@pytest.mark.parametrize(
    ("passphrase", "message"), [(None, "no passphrase is given"), (b"another passphrase", "wrong passphrase")]
)
def test_without_the_passphrase_nothing_is_done(cluster: Cluster, passphrase: bytes | None, message: str) -> None:
    cluster.passphrase = CANARY
    cluster.run()
    cluster.passphrase = passphrase
    cluster.force = ["admin"]
    before = tree(cluster.root)
    with pytest.raises(InputError, match=rf"etcd-ca\.key|kubernetes-ca\.key.*{message}") as refused:
        cluster.run()
    assert "passphrase" in str(refused.value)
    assert "another" not in str(refused.value)
    after = tree(cluster.root)
    del before["ca/.lock"], after["ca/.lock"]
    assert after == before


def test_a_short_passphrase_and_a_shared_key_are_refused(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.passphrase = b"short"
    with pytest.raises(InputError, match="less than 12 bytes"):
        cluster.run()
    cluster.passphrase = CANARY
    rows = [{**row, "key_group": "kube-controller-manager"} for row in cluster.cas]
    monkeypatch.setattr(Cluster, "cas", rows)
    with pytest.raises(InputError, match="knows no passphrase"):
        cluster.run()
    assert tree(cluster.root) == {}


def test_the_passphrase_may_lie_in_a_file_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "passphrase"
    path.write_bytes(CANARY + b"\n")
    path.chmod(0o600)
    assert passphrase_of(None, str(path)) == CANARY
    assert passphrase_of("", "") is None
    path.chmod(0o640)
    with pytest.raises(InputError, match="mode 0600"):
        passphrase_of(None, str(path))
    with pytest.raises(InputError, match="give one of them"):
        passphrase_of("x", str(path))
    with pytest.raises(InputError, match="is not there"):
        passphrase_of(None, str(tmp_path / "nothing"))
    path.chmod(0o600)
    path.write_bytes(b"\n")
    with pytest.raises(InputError, match="is empty"):
        passphrase_of(None, str(path))


def module(name: str, arguments: dict[str, Any], folder: Path) -> str:
    """All that a module says, also to a debugger of Ansible."""
    given = folder / "arguments.json"
    given.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": {**arguments, "_ansible_verbosity": 4, "_ansible_diff": True}}))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, str(MODULES / f"{name}.py"), str(given)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    given.unlink()
    return done.stdout + done.stderr


def test_a_canary_sings_nowhere(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    """Passphrase and key, whole, in halves, in base64 and in hex: in what modules say, and in files but keys."""
    caplog.set_level(logging.DEBUG)
    arguments = {"directory": str(cluster.ca), "cas": cluster.cas, "passphrase": CANARY.decode()}
    output = module("ca", arguments, cluster.root)
    assert json.loads(output)["changed"]
    row = {**cluster.find("cp1", "admin"), "kubeconfig": None}
    issuers = json.loads(output)["certificates"]
    asked = module("identities", {"host": "cp1", "identities": [row], "issuers": issuers}, cluster.root)
    requests = [{"host": "cp1", "identity": row, "request": json.loads(asked)["requests"][0]["request"]}]
    signed = module("sign", {**arguments, "requests": requests}, cluster.root)
    assert json.loads(signed)["certificates"]["cp1"]["admin"]
    output += asked + signed
    output += module(
        "sign", {**arguments, "requests": requests, "passphrase": CANARY.decode() + "-wrong"}, cluster.root
    )
    output += module("ca", {**arguments, "cas": [{**cluster.cas[0], "key_type": "no"}]}, cluster.root)
    assert output.count('"failed": true') == 2
    key = (cluster.pki("cp1") / ".pending" / "admin.key").read_text().splitlines()[1]
    secrets = [CANARY, CANARY[:11], CANARY[11:], base64.b64encode(CANARY), CANARY.hex().encode(), key.encode()]
    files = b"".join(path.read_bytes() for path in cluster.root.rglob("*") if path.is_file() and path.suffix != ".key")
    for secret in secrets:
        assert secret.decode() not in output
        assert secret not in files
        assert secret.decode() not in caplog.text
