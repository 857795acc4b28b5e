# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts and their CA host over runs: what changes, why, and what stays."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import files, kubeconfigs, x509
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import pem
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.certificate import CertificateInfo
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError

from .conftest import DAY, Cluster, codes, tree


def info(path: str | Path) -> CertificateInfo:
    (block,) = pem.certificates(Path(path).read_bytes(), str(path))
    return x509.certificate_info(x509.load_certificate(block, str(path)))


def key_of(path: str | Path) -> str:
    return x509.load_private_key(Path(path).read_bytes(), str(path)).info.public_key_sha256


def test_first_run_makes_everything_and_the_second_changes_nothing(cluster: Cluster) -> None:
    assert cluster.run().changed
    before = tree(cluster.root)
    again = cluster.run()
    assert not again.changed
    assert not again.second, "a settled host costs one call"
    assert tree(cluster.root) == before
    assert not list(cluster.root.rglob(".pending/*"))


def test_check_mode_on_a_first_run_writes_nothing_and_tells_all(cluster: Cluster) -> None:
    found = cluster.run(check=True)
    assert codes(found.authorities) == ["DirectoryMissing", "Missing", "Missing"]
    assert found.codes("cp1").count("Missing") == 6
    assert found.codes("cp1").count("BundleMissing") == 3
    assert found.codes("cp1").count("KubeconfigMissing") == 1
    assert tree(cluster.root) == {}


def test_check_mode_on_a_settled_host_writes_nothing(cluster: Cluster) -> None:
    cluster.run()
    before = tree(cluster.root)
    cluster.find("cp1", "kube-apiserver")["dns_names"].append("api.example.org")
    found = cluster.run(check=True)
    assert found.codes("cp1") == ["SANsChanged"]
    assert found.first["cp1"].reasons[0].new == "api.example.org"
    assert tree(cluster.root) == before


def test_reasons_of_the_check_are_those_of_the_run(cluster: Cluster) -> None:
    cluster.run()
    cluster.find("cp1", "admin")["organizations"] = ["others"]
    predicted = cluster.run(check=True).first["cp1"].reasons
    assert cluster.run().first["cp1"].reasons == predicted


def test_certificates_say_what_the_rows_say(cluster: Cluster) -> None:
    cluster.run()
    found = info(cluster.find("cp1", "kube-apiserver")["certificate_path"])
    assert set(found.dns_names) == {"cp1", "kubernetes", "localhost"}
    assert set(found.ip_addresses) == {"10.96.0.1", "::1"}
    assert found.usages == ("server auth",)
    assert found.not_before == cluster.now - datetime.timedelta(minutes=5)
    assert found.not_after == cluster.now + datetime.timedelta(days=365)
    assert found.serial.bit_length() >= 64
    assert found.is_ca is False
    assert found.subject_key_id
    assert found.authority_key_id == info(cluster.ca / "kubernetes-ca.crt").subject_key_id


@pytest.mark.parametrize(
    "spoil",
    [
        lambda normal: b"made by hand\r\n" + normal.replace(b"\n", b"\r\n"),
        lambda normal: normal.rstrip(b"\n"),
        lambda normal: normal + b"\nsubject=CN = etcd-ca\n",
    ],
    ids=["line ends", "no last line end", "text after it"],
)
def test_a_ca_with_odd_bytes_is_written_normalised_once(cluster: Cluster, spoil: Callable[[bytes], bytes]) -> None:
    cluster.run()
    path = cluster.ca / "etcd-ca.crt"
    normal = path.read_bytes()
    path.write_bytes(spoil(normal))
    assert codes(cluster.ensure(check=True)) == ["FormatChanged"]
    assert path.read_bytes() != normal
    assert codes(cluster.ensure()) == ["FormatChanged"]
    assert path.read_bytes() == normal
    assert codes(cluster.ensure()) == []


def test_authorities_may_sign_leaves_only(cluster: Cluster) -> None:
    cluster.run()
    for path in (cluster.ca / "etcd-ca.crt", cluster.find("cp1", "kubelet-client-ca")["certificate_path"]):
        found = info(path)
        assert (found.is_ca, found.path_length) == (True, 0)
        assert found.key_usages == ("cert sign", "crl sign")
        assert found.subject_key_id == found.authority_key_id


def test_openssl_accepts_every_certificate(cluster: Cluster) -> None:
    cluster.now = datetime.datetime.now(datetime.timezone.utc)
    cluster.run()
    for host in cluster.hosts:
        for row in cluster.hosts[host]:
            if row["kind"] == "certificate" and row["certificate_path"]:
                for usage in row["usages"]:
                    purpose = {"server auth": "sslserver", "client auth": "sslclient"}[usage]
                    command = [
                        "openssl", "verify", "-x509_strict", "-auth_level", "2", "-purpose", purpose,
                        "-CAfile", str(cluster.ca / f"{row['issuer']}.crt"), row["certificate_path"],
                    ]  # fmt: skip
                    done = subprocess.run(command, capture_output=True, text=True, check=False)
                    assert done.returncode == 0, done.stderr


def test_no_key_is_on_two_hosts_and_none_leaves_its_own(cluster: Cluster) -> None:
    found = cluster.run()
    keys = [key_of(path) for path in cluster.root.rglob("*.key")]
    assert len(keys) == len(set(keys)) == 2 + 2 * 5
    said = json.dumps([[o.result for o in found.first.values()], found.signed and found.signed.result])
    assert "PRIVATE" not in said
    assert all("PRIVATE" not in reason.text() for o in found.first.values() for reason in o.reasons)


def test_modes(cluster: Cluster) -> None:
    cluster.run()
    assert cluster.ca.stat().st_mode & 0o7777 == 0o700
    for path in cluster.root.rglob("*.key"):
        assert path.stat().st_mode & 0o7777 == 0o600, path
    for path in cluster.root.rglob("*.crt"):
        assert path.stat().st_mode & 0o7777 == 0o644, path
    assert (cluster.pki("cp1") / ".pending").stat().st_mode & 0o7777 == 0o700


def test_kubeconfigs_by_path_and_embedded(cluster: Cluster) -> None:
    cluster.run()
    by_path = kubeconfigs.parse((cluster.root / "cp1/kubernetes/admin.conf").read_bytes(), "admin.conf")
    assert by_path.key_path == cluster.find("cp1", "admin")["key_path"]
    assert by_path.key_data is None
    assert by_path.ca_path == str(cluster.pki("cp1") / "kubernetes-ca.crt")
    embedded = kubeconfigs.parse((cluster.root / "cp1/kubernetes/scheduler.conf").read_bytes(), "scheduler.conf")
    assert embedded.key_data is not None
    assert embedded.key_data.startswith(b"-----BEGIN PRIVATE KEY")
    assert embedded.ca_data == (cluster.ca / "kubernetes-ca.crt").read_bytes()


def test_a_changed_server_rewrites_kubeconfigs_and_asks_for_nothing(cluster: Cluster) -> None:
    cluster.run()
    for name in ("admin", "scheduler"):
        cluster.find("cp1", name)["kubeconfig"]["server"] = "https://api.example.org:6443"
    found = cluster.run()
    assert found.codes("cp1") == ["KubeconfigServerChanged", "KubeconfigServerChanged"]
    assert found.signed is None
    assert not cluster.run().changed


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"common_name": "another"}, "SubjectChanged"),
        ({"organizations": ["o1", "o2"]}, "SubjectChanged"),
        ({"dns_names": ["a.example.org"]}, "SANsChanged"),
        ({"ip_addresses": ["fd00::1"]}, "SANsChanged"),
        ({"usages": ["client auth", "server auth"], "dns_names": ["cp1"]}, "UsagesChanged"),
        ({"key_type": "ecdsa-p384"}, "KeyTypeChanged"),
        ({"issuer": "etcd-ca"}, "IssuerChanged"),
    ],
)
@pytest.mark.parametrize("name", ["admin", "scheduler"])
def test_a_changed_row_is_a_reason(cluster: Cluster, name: str, change: dict[str, Any], code: str) -> None:
    cluster.run()
    cluster.find("cp1", name).update(change)
    found = cluster.run()
    assert code in found.codes("cp1")
    assert found.codes("cp2") == []
    assert not cluster.run().changed


def test_renewal_at_a_third_of_the_lifetime_with_a_new_key(cluster: Cluster) -> None:
    cluster.run()
    path = cluster.find("cp1", "admin")["key_path"]
    old, start = key_of(path), cluster.now
    cluster.now = start + datetime.timedelta(days=243)
    assert not cluster.run().changed
    cluster.now = start + datetime.timedelta(days=244)
    assert set(cluster.run().codes("cp1")) == {"Expiring"}
    assert key_of(path) != old
    assert not cluster.run().changed
    cluster.now = start + datetime.timedelta(days=244 + 366)
    assert set(cluster.run().codes("cp1")) == {"Expired"}


def test_renew_before_as_a_duration(cluster: Cluster) -> None:
    cluster.find("cp1", "admin")["renew_before"] = 30 * DAY
    cluster.run()
    start = cluster.now
    cluster.now = start + datetime.timedelta(days=334)
    assert "admin" not in [reason.subject for reason in cluster.run().first["cp1"].reasons]
    cluster.now = start + datetime.timedelta(days=336)
    assert "admin" in [reason.subject for reason in cluster.run().first["cp1"].reasons]


def test_a_leaf_never_outlives_its_ca(cluster: Cluster) -> None:
    cluster.run()
    cluster.now += datetime.timedelta(days=3640)
    found = cluster.run()
    assert found.signed is not None
    assert any("sooner than asked for" in warning for warning in found.signed.warnings)
    leaf = info(cluster.find("cp1", "admin")["certificate_path"])
    assert leaf.not_after == info(cluster.ca / "kubernetes-ca.crt").not_after
    assert not cluster.run().changed, "a new one would end with the CA as well"


def test_an_expired_ca_is_refused(cluster: Cluster) -> None:
    cluster.run()
    before = tree(cluster.root)
    cluster.now += datetime.timedelta(days=3651)
    with pytest.raises(InputError, match=r"kubernetes-ca.* expired at .* rotation"):
        cluster.run()
    after = tree(cluster.root)
    # The lock's file says who has looked last.
    del before["ca/.lock"], after["ca/.lock"]
    assert after == before


def test_force_by_name_makes_one_anew_and_one_alone(cluster: Cluster) -> None:
    cluster.run()
    old = key_of(cluster.find("cp1", "admin")["key_path"])
    others = key_of(cluster.find("cp1", "kube-apiserver")["key_path"])
    cluster.force, cluster.hosts_on = ["admin"], ["cp1"]
    assert cluster.run().codes("cp1") == ["Forced"]
    assert key_of(cluster.find("cp1", "admin")["key_path"]) != old
    assert key_of(cluster.find("cp1", "kube-apiserver")["key_path"]) == others


def test_force_makes_a_new_signing_ca_once_in_a_run(cluster: Cluster) -> None:
    cluster.run()
    old = key_of(cluster.find("cp1", "kubelet-client-ca")["key_path"])
    cluster.force = ["kubelet-client-ca"]
    first = cluster.run()
    new = key_of(cluster.find("cp1", "kubelet-client-ca")["key_path"])
    assert new != old
    assert "Forced" in first.codes("cp1")
    trusted = (cluster.pki("cp1") / "client-ca.crt").read_text()
    assert Path(cluster.find("cp1", "kubelet-client-ca")["certificate_path"]).read_text() in trusted


def test_force_of_an_unknown_identity_is_refused(cluster: Cluster) -> None:
    cluster.force = ["admn"]
    with pytest.raises(InputError, match="admn"):
        cluster.run()


def test_bundles_have_the_own_ca_first_after_the_cluster_s(cluster: Cluster) -> None:
    cluster.run()
    found = pem.certificates((cluster.pki("cp2") / "client-ca.crt").read_bytes(), "bundle")
    names = [x509.certificate_info(x509.load_certificate(block, "")).common_name for block in found]
    assert names == ["kubernetes-ca", "kubelet-client-ca-cp2", "kubelet-client-ca-cp1"]
    keys = (cluster.pki("cp2") / "sa-trusted.pub").read_text()
    assert keys.startswith(Path(cluster.find("cp2", "service-account")["public_key_path"]).read_text())
    assert keys.count("BEGIN PUBLIC KEY") == 2


def test_with_one_host_alone_nothing_of_the_others_is_lost(cluster: Cluster) -> None:
    cluster.hosts_on = ["cp1"]
    cluster.run()
    cluster.hosts_on = ["cp2"]
    cluster.run()
    assert (cluster.pki("cp2") / "client-ca.crt").read_text().count("BEGIN") == 3
    cluster.hosts_on = ["cp1", "cp2"]
    assert set(cluster.run().codes("cp1")) == {"BundleChanged"}
    assert (cluster.pki("cp1") / "client-ca.crt").read_text().count("BEGIN") == 3
    assert not cluster.run().changed


def test_a_lost_published_folder_drops_no_trust(cluster: Cluster) -> None:
    cluster.run()
    for path in (cluster.ca / "published").iterdir():
        path.unlink()
    before = (cluster.pki("cp1") / "client-ca.crt").read_bytes()
    cluster.hosts_on = ["cp1"]
    cluster.run()
    after = (cluster.pki("cp1") / "client-ca.crt").read_bytes()
    assert {b.der for b in pem.blocks(before, "")} == {b.der for b in pem.blocks(after, "")}


def test_a_control_plane_that_is_gone_is_no_member_any_more(cluster: Cluster) -> None:
    cluster.run()
    cluster.hosts_on = ["cp1"]
    cluster.members["client"] = ["kubernetes-ca", "kubelet-client-ca@{own}"]
    assert cluster.run().codes("cp1") == ["BundleChanged"]
    assert (cluster.pki("cp1") / "client-ca.crt").read_text().count("BEGIN") == 2
    assert not cluster.run().changed


def test_the_ledger_knows_every_certificate(cluster: Cluster) -> None:
    cluster.run()
    lines = [json.loads(line) for line in (cluster.ca / "ledger.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["ca"] * 2 + ["certificate"] * 8
    path = cluster.find("cp1", "kube-apiserver")["certificate_path"]
    (entry,) = [line for line in lines if line.get("identity") == "kube-apiserver" and line["holder"] == "cp1"]
    assert entry["sha256"] == info(path).fingerprint
    assert entry["reasons"] == ["Missing"]
    assert "PRIVATE" not in json.dumps(lines)


def test_owner_and_modes_are_mended(cluster: Cluster) -> None:
    cluster.run()
    key = Path(cluster.find("cp1", "admin")["key_path"])
    inode = key.stat().st_ino
    key.chmod(0o644)
    cluster.pki("cp1").chmod(0o777)
    (cluster.ca / "kubernetes-ca.key").chmod(0o640)
    found = cluster.run()
    assert [(r.code, r.old, r.new) for r in found.first["cp1"].reasons] == [
        ("ModeChanged", "0777", "0755"),
        ("ModeChanged", "0644", "0600"),
    ]
    assert codes(found.authorities) == ["ModeChanged"]
    assert (key.stat().st_ino, key.stat().st_mode & 0o777) == (inode, 0o600)
    assert not cluster.run().changed


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_a_wrong_owner_is_mended(cluster: Cluster) -> None:
    cluster.run()
    key = Path(cluster.find("cp1", "admin")["key_path"])
    os.chown(key, 12345, 12345)
    assert cluster.run().codes("cp1") == ["OwnerChanged", "GroupChanged"]
    assert key.stat().st_uid == 0
    assert not cluster.run().changed


def test_crlf_and_text_around_a_certificate_are_normalised_once(cluster: Cluster) -> None:
    cluster.run()
    path = Path(cluster.find("cp1", "admin")["certificate_path"])
    clean = path.read_bytes()
    path.write_bytes(b"Certificate:\r\n" + clean.replace(b"\n", b"\r\n").rstrip())
    assert cluster.run().codes("cp1") == ["FormatChanged"]
    assert path.read_bytes() == clean
    assert not cluster.run().changed


@pytest.mark.parametrize("odd", [lambda key: key.replace(b"\n", b"\r\n"), lambda key: b"Key:\n" + key.rstrip()])
def test_keys_with_odd_bytes_are_the_same_keys(cluster: Cluster, odd: Callable[[bytes], bytes]) -> None:
    cluster.run()
    for path in (Path(cluster.find("cp1", "admin")["key_path"]), cluster.ca / "etcd-ca.key"):
        path.write_bytes(odd(path.read_bytes()))
    made = cluster.run()
    assert not {"KeyUnreadable", "KeyMismatch", "KeyMissing"} & set(made.codes("cp1"))
    assert not cluster.run().changed


@pytest.mark.parametrize(
    ("half", "data", "code"),
    [
        ("certificate_path", b"", "CertificateUnreadable"),
        ("certificate_path", b"-----BEGIN CERTIFICATE-----\nMIIB\n", "CertificateUnreadable"),
        ("certificate_path", b"\x30\x82\x01\x00rubbish", "CertificateUnreadable"),
        (
            "certificate_path",
            b"-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----",
            "CertificateUnreadable",
        ),
        ("certificate_path", None, "CertificateMissing"),
        ("key_path", None, "KeyMissing"),
        ("key_path", b"rubbish", "KeyUnreadable"),
    ],
)
def test_a_damaged_pair_is_made_anew(cluster: Cluster, half: str, data: bytes | None, code: str) -> None:
    cluster.run()
    path = Path(cluster.find("cp1", "admin")[half])
    if data is None:
        path.unlink()
    else:
        path.write_bytes(data)
    assert code in cluster.run().codes("cp1")
    assert not cluster.run().changed
    if data:
        kept = list((path.parent / ".backup").glob(path.name + ".*"))
        assert data in [entry.read_bytes() for entry in kept], "old bytes are kept"


def test_two_certificates_in_a_leaf_s_file_and_a_foreign_key(cluster: Cluster) -> None:
    cluster.run()
    admin, server = cluster.find("cp1", "admin"), cluster.find("cp1", "kube-apiserver")
    text = Path(admin["certificate_path"]).read_text()
    path = Path(admin["certificate_path"])
    path.write_text(text + text)
    Path(server["key_path"]).write_bytes(Path(admin["key_path"]).read_bytes())
    assert sorted(cluster.run().codes("cp1")) == ["CertificateUnreadable", "KeyMismatch"]
    assert not cluster.run().changed
    kept = [entry.read_text() for entry in (path.parent / ".backup").glob(path.name + ".*")]
    assert text + text in kept


@pytest.mark.parametrize("name", ["kubelet-client-ca", "service-account"])
def test_half_of_what_others_trust_is_refused(cluster: Cluster, name: str) -> None:
    cluster.run()
    Path(cluster.find("cp1", name)["key_path"]).unlink()
    before = tree(cluster.root)
    with pytest.raises(InputError, match=f"{name}.*force"):
        cluster.run()
    assert tree(cluster.root) == before


def test_a_lost_public_key_is_written_again(cluster: Cluster) -> None:
    cluster.run()
    path = Path(cluster.find("cp1", "service-account")["public_key_path"])
    data = path.read_bytes()
    path.unlink()
    assert cluster.run().codes("cp1") == ["PublicKeyChanged"]
    assert path.read_bytes() == data


def test_symlinks_are_never_written_through(cluster: Cluster, tmp_path: Path) -> None:
    cluster.run()
    path = Path(cluster.find("cp1", "admin")["certificate_path"])
    aside = tmp_path / "aside"
    path.rename(aside)
    path.symlink_to(aside)
    with pytest.raises(InputError, match="symlink"):
        cluster.run()
    assert path.is_symlink()


def test_the_same_request_is_asked_again_until_its_certificate_comes(cluster: Cluster) -> None:
    authorities = cluster.ensure().result
    first = cluster.call("cp1", authorities)
    second = cluster.call("cp1", authorities)
    assert [r["request"] for r in first.result["requests"]] == [r["request"] for r in second.result["requests"]]
    assert not Path(cluster.find("cp1", "admin")["key_path"]).exists()
    pending = cluster.pki("cp1") / ".pending" / "admin.key"
    assert pending.stat().st_mode & 0o777 == 0o600
    key = key_of(pending)
    cluster.run()
    assert key_of(cluster.find("cp1", "admin")["key_path"]) == key


def test_a_pending_key_that_nobody_wants_is_removed(cluster: Cluster) -> None:
    cluster.run()
    names = cluster.find("cp1", "kube-apiserver")["dns_names"]
    names.append("api.example.org")
    cluster.call("cp1", cluster.ensure().result)
    names.remove("api.example.org")
    assert cluster.run().codes("cp1") == ["Leftover"]
    assert not cluster.run().changed


def test_a_certificate_for_another_row_is_not_installed(cluster: Cluster) -> None:
    authorities = cluster.ensure().result
    held = cluster.call("cp1", authorities)
    signed = cluster.sign([held.result], {})
    assert signed is not None
    certificates = signed.result["certificates"]["cp1"]
    swapped = {**certificates, "admin": certificates["scheduler"]}
    with pytest.raises(InputError, match=r"admin is not the one asked for.*(KeyMismatch|SubjectChanged)"):
        cluster.call("cp1", authorities, swapped)
    assert not Path(cluster.find("cp1", "admin")["key_path"]).exists()


class Killed(BaseException):
    """Stands for kill -9: nothing may catch and mend it."""


def plant(monkeypatch: pytest.MonkeyPatch, number: int) -> list[str]:
    """Die before the n-th call that changes what a reader sees."""
    calls: list[str] = []
    for name in ("replace", "unlink", "fsync", "mkdir", "fchmod"):
        real = getattr(os, name)

        def dying(*arguments: Any, _real: Any = real, _name: str = name, **options: Any) -> Any:
            calls.append(_name)
            if len(calls) == number:
                raise Killed
            if len(calls) > number:
                # The dead do not clean up.
                return None
            return _real(*arguments, **options)

        monkeypatch.setattr(files.os, name, dying)
    return calls


def one_host(root: Path) -> Cluster:
    cluster = Cluster(root)
    cluster.hosts_on = ["cp1"]
    cluster.hosts["cp1"] = [
        row
        for row in cluster.hosts["cp1"]
        if row["name"] in ("admin", "scheduler", "kubelet-client-ca", "service-account")
    ]
    cluster.members = {"client": ["kubernetes-ca", "kubelet-client-ca@{own}"]}
    return cluster


@pytest.mark.parametrize("renewing", [False, True])
def test_killed_anywhere_the_next_run_goes_on(tmp_path: Path, renewing: bool) -> None:
    number, finished = 0, False
    while not finished:
        number += 1
        root = tmp_path / str(number)
        root.mkdir()
        cluster = one_host(root)
        if renewing:
            cluster.run()
            cluster.now += datetime.timedelta(days=300)
        with pytest.MonkeyPatch.context() as monkeypatch:
            plant(monkeypatch, number)
            try:
                cluster.run()
                finished = True
            except Killed:
                pass
        ca_key = cluster.ca / "kubernetes-ca.key"
        published = key_of(ca_key) if ca_key.exists() and (cluster.ca / "kubernetes-ca.crt").exists() else None
        cluster.run()
        assert not cluster.run().changed, f"not settled after a kill at call {number}"
        assert published in (None, key_of(ca_key)), "a CA that was there was replaced"
        for row in cluster.hosts["cp1"]:
            if row["certificate_path"]:
                assert info(row["certificate_path"]).key.public_key_sha256 == key_of(row["key_path"])
        left = [path for path in root.rglob("*") if ".tlsbootstrap-" in path.name or ".pending/" in str(path)]
        assert not left, f"left after a kill at call {number}"
    assert number > 40
