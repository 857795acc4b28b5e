# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a node has joined, and what is in the way of a join."""

from __future__ import annotations

import dataclasses
import datetime

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.certificate import (
    CertificateInfo,
    KeyInfo,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.kubelet_identity import (
    Found,
    assess,
    is_known,
    pointed_at,
)

NOW = datetime.datetime(2051, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
SECOND = datetime.timedelta(seconds=1)
KEY = KeyInfo("ecdsa-p256", "ab" * 32)


def certificate(
    name: str = "w1", not_after: datetime.datetime = NOW + SECOND, groups: str = "system:nodes"
) -> CertificateInfo:
    return CertificateInfo(
        common_name=f"system:node:{name}",
        organizations=tuple(groups.split(",")) if groups else (),
        other_subject=False,
        subject="",
        issuer="CN=kubelet-client-ca-cp1",
        dns_names=(),
        ip_addresses=(),
        other_names=0,
        usages=("client auth",),
        key_usages=(),
        is_ca=False,
        path_length=None,
        not_before=NOW - SECOND,
        not_after=not_after,
        serial=1,
        key=KEY,
        subject_key_id="",
        authority_key_id="",
        fingerprint="cd" * 32,
        signature_hash="sha256",
        version=3,
    )


JOINED = Found(
    kubeconfig="/kubelet.conf",
    kubeconfig_there=True,
    kubeconfig_readable=True,
    certificate_path="/current.pem",
    certificate_there=True,
    certificate=certificate(),
    key_sha256=KEY.public_key_sha256,
)


def found(**changes: object) -> Found:
    return dataclasses.replace(JOINED, **changes)


def test_a_good_certificate_with_its_key_is_an_identity() -> None:
    verdict = assess("w1", JOINED, NOW)
    assert verdict.joined
    assert not verdict.kubeconfig_unusable
    assert not verdict.certificate_unusable
    assert assess("w1", found(trusted=True), NOW).joined


def test_nothing_there_is_a_first_join_and_nothing_is_in_its_way() -> None:
    verdict = assess("w1", Found("/kubelet.conf"), NOW)
    assert [reason.code for reason in verdict.reasons] == ["NotJoined"]
    assert not verdict.kubeconfig_unusable
    assert not verdict.certificate_unusable


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"certificate": certificate(not_after=NOW)}, ["Expired"]),
        ({"certificate": certificate("w2")}, ["NodeNameChanged"]),
        ({"certificate": certificate(groups="")}, ["NodeNameChanged"]),
        ({"certificate": certificate(groups="system:nodes,system:masters")}, ["NodeNameChanged"]),
        ({"key_sha256": "00" * 32}, ["KeyMismatch"]),
        ({"key_sha256": None}, ["KeyMissing"]),
        ({"trusted": False}, ["IssuerChanged"]),
        ({"certificate": None}, ["CertificateUnreadable"]),
        ({"certificate": None, "certificate_there": False}, ["CertificateMissing"]),
        ({"certificate": certificate("w2", NOW), "key_sha256": None}, ["NodeNameChanged", "Expired", "KeyMissing"]),
    ],
)
def test_an_unusable_certificate_is_in_the_way_with_the_kubeconfig(
    changes: dict[str, object], codes: list[str]
) -> None:
    verdict = assess("w1", found(**changes), NOW)
    assert [reason.code for reason in verdict.reasons] == codes
    assert verdict.kubeconfig_unusable
    assert verdict.certificate_unusable


@pytest.mark.parametrize(
    ("changes", "code", "in_the_way"),
    [
        ({"kubeconfig_there": False, "kubeconfig_readable": False}, "KubeconfigMissing", False),
        ({"kubeconfig_readable": False}, "KubeconfigUnreadable", True),
    ],
)
def test_a_good_certificate_stays_when_the_kubeconfig_is_lost(
    changes: dict[str, object], code: str, in_the_way: bool
) -> None:
    verdict = assess("w1", found(**changes), NOW)
    assert [reason.code for reason in verdict.reasons] == [code]
    assert verdict.kubeconfig_unusable is in_the_way
    assert not verdict.certificate_unusable


def test_a_host_was_a_node_when_it_has_its_certificate_and_key() -> None:
    assert is_known("w1", JOINED)
    assert is_known("w1", found(certificate=certificate(not_after=NOW - SECOND), trusted=False))
    assert not is_known("w2", JOINED)
    assert not is_known("w1", found(key_sha256=None))
    assert not is_known("w1", found(key_sha256="ef" * 32))
    assert not is_known("w1", Found("/kubelet.conf"))


def test_the_end_is_to_the_second() -> None:
    assert assess("w1", found(certificate=certificate(not_after=NOW + SECOND)), NOW).joined
    assert not assess("w1", found(certificate=certificate(not_after=NOW)), NOW).joined


KUBECONFIG = """\
apiVersion: v1
clusters:
- cluster:
    certificate-authority: /pki/ca.crt
    server: https://10.0.0.1:6443
  name: default-cluster
kind: Config
users:
- name: default-auth
  user:
    client-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem
"""


def test_a_kubeconfig_is_pointed_at_another_server_and_nothing_else_is_touched() -> None:
    found = pointed_at(KUBECONFIG, "https://[fd00::1]:6443", "/pki/other.crt")
    assert found is not None
    wanted = KUBECONFIG.replace("https://10.0.0.1:6443", "https://[fd00::1]:6443").replace(
        "/pki/ca.crt", "/pki/other.crt"
    )
    assert found[0] == wanted
    assert found[1:] == ("https://10.0.0.1:6443 CA /pki/ca.crt", "https://[fd00::1]:6443 CA /pki/other.crt")


@pytest.mark.parametrize("quoted", ["https://10.0.0.1:6443", '"https://10.0.0.1:6443"', "https://10.0.0.1:6443/"])
def test_a_kubeconfig_that_is_right_stays(quoted: str) -> None:
    text = KUBECONFIG.replace("https://10.0.0.1:6443", quoted)
    found = pointed_at(text, "https://10.0.0.1:6443", "/pki/ca.crt")
    assert found is not None
    assert found[0] == text


def test_an_embedded_ca_becomes_the_path() -> None:
    text = KUBECONFIG.replace("certificate-authority: /pki/ca.crt", "certificate-authority-data: LS0tLS1=")
    assert pointed_at(text, "https://10.0.0.1:6443", "/pki/ca.crt") == (
        KUBECONFIG,
        "https://10.0.0.1:6443 CA embedded",
        "https://10.0.0.1:6443 CA /pki/ca.crt",
    )


@pytest.mark.parametrize(
    "text", ["", "{}", KUBECONFIG + KUBECONFIG, KUBECONFIG.replace("    server:", "    # server:")]
)
def test_what_a_kubelet_does_not_write_is_left_alone(text: str) -> None:
    assert pointed_at(text, "https://10.0.0.2:6443", "/pki/ca.crt") is None
