# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is decided without files: PEM, rows, CAs, clocks, kubeconfigs, what goes between calls."""

from __future__ import annotations

import base64
import datetime
import importlib
import json
import time
from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import documents, kubeconfigs, x509
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import flow, pem
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.ca import check_authority, lifetime
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.certificate import CertificateInfo
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.clock import check_clock
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.identity import USAGES, identity_of
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.reasons import (
    CODES,
    Reason,
    describe,
    diff_of,
)

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.timezone.utc)


def ca(common_name: str = "kubernetes", days: int = 3650, key_type: str = "ecdsa-p256") -> tuple[str, x509.PrivateKey]:
    key = x509.generate_key(key_type)
    return x509.self_sign(key, common_name, NOW, NOW + datetime.timedelta(days=days)), key


def info(text: str) -> CertificateInfo:
    return x509.certificate_info(x509.load_certificate(pem.blocks(text.encode(), "test")[0], "test"))


# ---- PEM


def test_bundles_are_normalised_and_each_member_comes_once() -> None:
    one, two = ca("one")[0], ca("two")[0]
    odd = "text\r\n" + one.replace("\n", "\r\n").rstrip() + "\r\nmore text\r\n"
    assert pem.bundle([odd, two, one, odd]) == one + two


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"\x30\x82\x01\x00", "DER"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB\n", "cut off"),
        (b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", "damaged"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "PRIVATE KEY where only certificates"),
    ],
)
def test_what_is_no_certificate_is_named(data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=f"ca.crt.*{message}"):
        pem.certificates(data, "ca.crt")


@pytest.mark.parametrize("count", [2_000, 40_000])
def test_floods_are_refused_at_once(count: int) -> None:
    flood = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" * count
    started = time.monotonic()
    with pytest.raises(InputError, match=r"ca.crt: (larger|more) than"):
        pem.blocks(flood, "ca.crt")
    assert time.monotonic() - started < 10


# ---- rows


def row(**values: Any) -> dict[str, Any]:
    return {
        "name": "admin", "kind": "certificate", "issuer": "kubernetes-ca", "common_name": "kubernetes-admin",
        "usages": ["client auth"], "key_type": "ecdsa-p256", "validity": 31536000,
        "certificate_path": "/p/admin.crt", "key_path": "/p/admin.key", **values,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "../x"}, "name"),
        ({"kind": "other"}, "kind"),
        ({"key_type": "ed25519"}, r"key_type 'ed25519' is not allowed; choose one of ecdsa-p256"),
        ({"key_type": "rsa-1024"}, "key_type"),
        ({"common_name": ""}, "1 to 64 bytes"),
        ({"common_name": "x" * 65}, "1 to 64 bytes"),
        ({"organizations": [""]}, "1 to 64 bytes"),
        ({"usages": []}, "usages"),
        ({"usages": ["code signing"]}, "usages"),
        ({"usages": ["server auth"]}, "without names"),
        ({"dns_names": ["10.0.0.1"]}, "IP address"),
        ({"dns_names": [""]}, "DNS name"),
        ({"dns_names": ["Upper.example.org"]}, "DNS name"),
        ({"dns_names": ["under_score"]}, "DNS name"),
        ({"ip_addresses": ["name"]}, "IP address"),
        ({"ip_addresses": ["010.0.0.1"]}, "leading zeros"),
        ({"dns_names": [f"n{i}.example.org" for i in range(5000)]}, "300 names"),
        ({"validity": 0}, "validity"),
        ({"renew_before": 31536000}, "every run"),
        ({"renew_before": "30d"}, "share"),
        ({"renew_before": "100%"}, "share"),
        ({"issuer": None}, "issuer"),
        ({"key_path": None}, "key_path"),
        ({"key_path": "relative"}, "absolute"),
        ({"key_mode": "rw"}, "mode"),
        ({"kubeconfig": {"path": "/p/x"}}, "lacks server"),
        ({"kind": "ca"}, "self-signed"),
    ],
)
def test_bad_rows_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        identity_of(row(**values))


def test_addresses_are_canonical() -> None:
    assert identity_of(row(ip_addresses=["FD00:0:0::1"])).ip_addresses == ("fd00::1",)


# ---- CAs and lifetimes


def test_lifetimes_are_back_dated_and_clamped() -> None:
    issuer = info(ca(days=10)[0])
    five = datetime.timedelta(minutes=5)
    assert lifetime(NOW, 86400) == (NOW - five, NOW + datetime.timedelta(days=1), False)
    assert lifetime(NOW, 86400 * 20, issuer) == (issuer.not_before, issuer.not_after, True)


def test_years_after_2050(tmp_path: object) -> None:
    text = ca(days=36500)[0]
    assert info(text).not_after == NOW + datetime.timedelta(days=36500)
    with pytest.raises(InputError, match="9999"):
        lifetime(NOW, 10**12)


def test_a_leaf_is_no_authority() -> None:
    text, key = ca()
    request = x509.load_request(x509.make_request(key, "x", ()).encode(), "x")
    leaf = x509.Leaf("x", (), (), (), ("client auth",), NOW, NOW + datetime.timedelta(days=1))
    issued = x509.issue(x509.load_certificate(pem.blocks(text.encode(), "")[0], ""), key, request, leaf)
    with pytest.raises(InputError, match=r"basicConstraints.*keyCertSign"):
        check_authority("CA x", info(issued.pem), None, NOW, USAGES)


def test_mismatch_expiry_and_clock_are_told_together() -> None:
    found, other = info(ca(days=1)[0]), ca()[1]
    with pytest.raises(InputError, match=r"do not belong together.*expired at 2026-11-23"):
        check_authority("CA x", found, other.info, NOW + datetime.timedelta(days=2), USAGES)
    with pytest.raises(InputError, match="clock"):
        check_authority("CA x", found, None, NOW - datetime.timedelta(days=1), USAGES)


def test_a_ca_is_known_by_its_signature_not_by_its_name() -> None:
    one, two = ca("kubernetes")[0], ca("kubernetes")[0]
    loaded = [x509.load_certificate(pem.blocks(text.encode(), "")[0], "") for text in (one, two)]
    assert x509.is_issued_by(loaded[0], loaded[0])
    assert not x509.is_issued_by(loaded[0], loaded[1])


@pytest.mark.parametrize("identifier", [None, b"another", "own"])
def test_a_ca_is_known_by_its_key_identifier_too(identifier: bytes | str | None) -> None:
    """What a reader cannot chain by its identifiers is not of this CA, although its key has signed it."""
    text, key = ca("kubernetes")
    issuer = x509.load_certificate(pem.blocks(text.encode(), "")[0], "")
    crypto = importlib.import_module("cryptography.x509")
    naive = NOW.replace(tzinfo=None)
    builder = crypto.CertificateBuilder().subject_name(issuer.subject).issuer_name(issuer.subject).serial_number(9)
    builder = builder.public_key(key.handle.public_key()).not_valid_before(naive)
    builder = builder.not_valid_after(naive + datetime.timedelta(days=1))
    if identifier is not None:
        own = bytes.fromhex(info(text).subject_key_id)
        wanted = own if identifier == "own" else identifier
        builder = builder.add_extension(crypto.AuthorityKeyIdentifier(wanted, None, None), critical=False)
    leaf = builder.sign(key.handle, importlib.import_module("cryptography.hazmat.primitives.hashes").SHA256())
    assert x509.is_issued_by(leaf, issuer) is (identifier == "own")


# ---- sealing, requests, keys


def test_a_sealed_message_opens_for_its_key_and_context_only() -> None:
    private, public = x509.new_one_time_key()
    sealed = x509.seal(public, b"canary", b"bootstrap-token:w1")
    assert x509.open_sealed(private, sealed, b"bootstrap-token:w1") == b"canary"
    assert "canary" not in str(sealed)
    assert base64.b64encode(b"canary").decode() not in str(sealed)
    assert x509.seal(public, b"canary", b"") != x509.seal(public, b"canary", b"")
    damaged = {**sealed, "ciphertext": base64.b64encode(b"x" * 30).decode()}
    for key, message, context in (
        (private, sealed, b"bootstrap-token:w2"),
        (x509.new_one_time_key()[0], sealed, b"bootstrap-token:w1"),
        (private, damaged, b"bootstrap-token:w1"),
        (private, {}, b"bootstrap-token:w1"),
    ):
        with pytest.raises(InputError, match="not for this host"):
            x509.open_sealed(key, message, context)
    with pytest.raises(InputError, match="P-256"):
        x509.seal(b"rubbish", b"", b"")


def test_a_request_with_a_foreign_signature_is_refused() -> None:
    text = x509.make_request(x509.generate_key("ecdsa-p256"), "x", ("o",))
    (block,) = pem.blocks(text.encode(), "")
    forged = pem.Block(block.label, block.der[:-1] + bytes([block.der[-1] ^ 1]))
    with pytest.raises(InputError, match="request"):
        x509.load_request(forged.text().encode(), "request of w1")


def test_a_private_key_is_not_in_its_text() -> None:
    key = x509.generate_key("ecdsa-p384")
    assert "ecdsa-p384" in repr(key)
    assert str(key.handle) not in repr(key)
    with pytest.raises(InputError, match="choose one of"):
        x509.generate_key("ed25519")


# ---- kubeconfigs


def test_kubeconfigs_survive_the_way_back() -> None:
    config = kubeconfigs.Kubeconfig(
        "https://[fd00::1]:6443", "k: #1", "system:node:w1", ca_data=b"ca", certificate_path="/a b", token="x.y",
        context_name="c",
    )  # fmt: skip
    assert kubeconfigs.parse(kubeconfigs.build(config), "test") == config
    assert "x.y" not in repr(config)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"kind: Config\n", b"kind: Config\ncontexts: 3\n", b"\x00: [canary", b"a: b: c"]
)
def test_what_is_no_kubeconfig_is_refused_without_quoting_it(data: bytes) -> None:
    with pytest.raises(InputError, match=r"admin\.conf") as refused:
        kubeconfigs.parse(data, "admin.conf")
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    "value",
    ["!!bool canary", '!!int ""', "!!float canary", "!!timestamp canary", "!!python/name:canary", "{[]: canary}"],
)
def test_a_value_that_does_not_fit_its_tag_is_an_error_that_quotes_nothing(value: str) -> None:
    with pytest.raises(InputError, match=r"^admin\.conf: not valid YAML$"):
        documents.load(f"x: {value}\n".encode(), "admin.conf")


@pytest.mark.parametrize(
    "token", [1234567, ["canary"], {"canary": 1}, "canary\n", "canary\r\nHost: x", "canary \u20ac"]
)
def test_a_token_that_no_header_can_carry_is_refused_and_not_shown(token: object) -> None:
    config = {
        "kind": "Config",
        "clusters": [{"name": "k", "cluster": {"server": "https://192.0.2.1:6443"}}],
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "users": [{"name": "u", "user": {"token": token}}],
    }
    with pytest.raises(InputError, match=r"^admin\.conf: the user's token is no text of printable ASCII") as refused:
        kubeconfigs.parse(json.dumps(config).encode(), "admin.conf")
    assert "canary" not in str(refused.value)
    assert "1234567" not in str(refused.value)


def test_a_password_in_the_address_of_a_server_is_refused_and_not_shown() -> None:
    data = kubeconfigs.build(kubeconfigs.Kubeconfig("https://admin:canary@192.0.2.1:6443", token="x"))
    with pytest.raises(InputError, match=r"^admin\.conf: the address of the server holds a user name") as refused:
        kubeconfigs.parse(data, "admin.conf")
    assert "canary" not in str(refused.value)


# ---- clocks


@pytest.mark.parametrize(("offset", "warned"), [(0, False), (60, False), (-60, False), (61, True), (-300, True)])
def test_clocks_that_are_near(offset: int, warned: bool) -> None:
    found, warning = check_clock("w1", NOW + datetime.timedelta(seconds=offset), NOW)
    assert (found, warning is not None) == (offset, warned)


@pytest.mark.parametrize("offset", [301, -7200])
def test_clocks_that_are_apart_are_refused_with_both_times(offset: int) -> None:
    with pytest.raises(InputError, match=r"clock of w1 says 2026-11-22T\S+, the controller's 2026-11-22T12:00:00Z"):
        check_clock("w1", NOW + datetime.timedelta(seconds=offset), NOW)


# ---- between the calls


def test_requests_take_the_plan_s_rows_whatever_hosts_say() -> None:
    hosts = {"w1": {"identities": [row(name="kube-proxy")]}}
    result = {"host": "w1", "requests": [{"identity": "kube-proxy", "request": "R", "reasons": [{"code": "Missing"}]}]}
    (found,) = flow.signing_requests([result], hosts)
    assert (found["host"], found["identity"]["name"], found["reasons"]) == ("w1", "kube-proxy", ["Missing"])
    result["requests"][0]["identity"] = "admin"
    with pytest.raises(InputError, match="w1 asks for the identity admin"):
        flow.signing_requests([result], hosts)


def test_a_host_publishes_for_itself_alone() -> None:
    result = {"host": "w1", "published": {"service-account@w1": "K"}}
    assert flow.published_parts([result], {}) == {"service-account@w1": "K"}
    assert flow.published_parts([result], {"service-account@w1": "K"}) == {}
    with pytest.raises(InputError, match="not its own"):
        flow.published_parts([{"host": "w1", "published": {"service-account@cp1": "K"}}], {})


# ---- reasons


def test_reasons_are_a_closed_list_and_say_the_same_everywhere() -> None:
    with pytest.raises(ValueError, match="unknown"):
        Reason("Whatever", "x")
    assert all(CODES.values())
    reasons = [Reason("ModeChanged", "admin", "/p/admin.key", "0644", "0600")]
    assert describe(reasons) == "admin: ModeChanged (0644 -> 0600)"
    assert describe([]) == "nothing to change"
    assert diff_of([]) == {"before": "", "after": ""}


def test_a_diff_has_a_block_for_each_subject_and_a_line_for_each_reason() -> None:
    found = diff_of(
        [
            Reason("Missing", "new", "/p/new.crt", details=(("end", "2027"),), files=("/p/new.key", "/p/new.crt")),
            Reason("SANsChanged", "old", "/p/old.crt", "a", "b"),
            Reason("Leftover", "new", "/p/x"),
        ]
    )
    assert found["before"] == "new\nold\n"
    assert found["after"].splitlines() == [
        "new",
        "  Missing: nothing of it is there yet",
        "    end: 2027",
        "    file: /p/new.key",
        "    file: /p/new.crt",
        "  Leftover /p/x: a file that is no longer wanted is there",
        "old",
        "  SANsChanged /p/old.crt: a -> b",
    ]
