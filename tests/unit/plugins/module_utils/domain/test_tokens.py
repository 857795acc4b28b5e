# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import secrets
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import tokens
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError

NOW = datetime(2026, 11, 22, 15, 0, 0, 123456, tzinfo=timezone.utc)
STRONG = "k3u8zq1x9v0m5c7p"


def test_generated_tokens_are_well_formed_strong_and_different():
    made = {tokens.generate(secrets.choice).text for unused in range(2000)}
    assert len(made) == 2000
    for text in made:
        tokens.parse_token(text)


def test_a_generated_secret_that_could_be_guessed_is_drawn_again():
    drawn = iter("aaaaaa" + "0123456789abcdef" + "bbbbbb" + STRONG)
    assert tokens.generate(lambda alphabet: next(drawn)).text == "bbbbbb." + STRONG


@pytest.mark.parametrize(
    "text",
    [
        "ABCDEF." + STRONG,
        "abcdef." + STRONG.upper(),
        "abcdef." + STRONG[:15],
        "abcdef." + STRONG + "x",
        "abcdef" + STRONG,
        "abcdef." + STRONG + "\n",
        "abcde." + STRONG,
        "",
        "ábcdef." + STRONG,
    ],
)
def test_malformed_tokens_are_refused_and_the_secret_is_not_shown(text):
    with pytest.raises(InputError) as refused:
        tokens.parse_token(text)
    assert STRONG[:8] not in str(refused.value).lower()
    assert "16 characters" in str(refused.value)


@pytest.mark.parametrize(
    "secret",
    [
        "0123456789abcdef",
        "fedcba9876543210",
        "aaaaaaaaaaaaaaaa",
        "abababababababab",
        "k3u8k3u8k3u8k3u8",
        "k3u8zq1xk3u8zq1x",
        "abcdefghijklmnop",
        "1111222233334444",
    ],
)
def test_weak_secrets_are_refused_unless_allowed(secret):
    with pytest.raises(InputError) as refused:
        tokens.parse_token("abcdef." + secret)
    assert "abcdef" in str(refused.value)
    assert secret not in str(refused.value)
    assert tokens.parse_token("abcdef." + secret, allow_weak=True).secret == secret


def test_a_token_shows_its_id_alone():
    token = tokens.parse_token("abcdef." + STRONG)
    assert repr(token) == str(token) == "Token(abcdef)"


@pytest.mark.parametrize("seconds", [0, -1, 59, 24 * 3600 + 1])
def test_lifetimes_out_of_bounds_are_refused(seconds):
    with pytest.raises(InputError, match="24 hours"):
        tokens.check_ttl(seconds, "w1")


@pytest.mark.parametrize("seconds", [60, 900, 24 * 3600])
def test_lifetimes_within_bounds(seconds):
    assert tokens.check_ttl(seconds, "w1") == seconds


def test_groups_of_dotted_names_are_valid_and_lead_back():
    group = tokens.node_group("w1.eu-1.example.com")
    assert group == "system:bootstrappers:tlsbootstrap:node:w1:eu-1:example:com"
    assert tokens.nodes_of_groups(["system:bootstrappers", tokens.JOIN_GROUP, group]) == ["w1.eu-1.example.com"]


@pytest.mark.parametrize("name", ["W1", "w_1", "w1,system:masters", "a" * 250, "w1\n", "w1-"])
def test_names_that_would_spoil_the_token_are_refused(name):
    with pytest.raises(InputError):
        tokens.node_group(name)


def test_the_secret_is_what_the_api_server_wants():
    token = tokens.parse_token("abcdef." + STRONG)
    manifest = tokens.secret_manifest(token, "w1", tokens.expiration_of(NOW, 900))
    data = {key: base64.b64decode(value).decode() for key, value in manifest["data"].items()}
    assert manifest["metadata"]["name"] == "bootstrap-token-abcdef"
    assert manifest["metadata"]["namespace"] == "kube-system"
    assert manifest["type"] == "bootstrap.kubernetes.io/token"
    assert "stringData" not in manifest
    assert data["expiration"] == "2026-11-22T15:15:00Z"
    assert data["usage-bootstrap-authentication"] == "true"
    assert "usage-bootstrap-signing" not in data
    assert " " not in data["auth-extra-groups"]
    assert data["auth-extra-groups"].split(",") == [tokens.JOIN_GROUP, tokens.JOIN_GROUP + ":node:w1"]


def test_options_reach_the_secret():
    options = tokens.read_options(
        "{node_name} for rack {7}", ["signing", "authentication"], ["system:bootstrappers:a:b"]
    )
    manifest = tokens.secret_manifest(tokens.Token("abcdef", STRONG), "w1", NOW, options)
    data = {key: base64.b64decode(value).decode() for key, value in manifest["data"].items()}
    assert data["description"] == "w1 for rack {7}"
    assert (data["usage-bootstrap-authentication"], data["usage-bootstrap-signing"]) == ("true", "true")
    assert data["auth-extra-groups"].split(",")[2:] == ["system:bootstrappers:a:b"]


@pytest.mark.parametrize(
    ("description", "usages", "groups", "says"),
    [
        ("two\nlines", ["authentication"], [], "one line"),
        ("x" * 201, ["authentication"], [], "at most 200"),
        ("", ["signing"], [], "no node can join"),
        ("", [], [], "no node can join"),
        ("", ["authentication", "encryption"], [], "'encryption' is none"),
        ("", ["authentication"], ["system:bootstrappers"], "cannot be a group"),
        ("", ["authentication"], ["system:masters"], "cannot be a group"),
        ("", ["authentication"], ["system:bootstrappers:a,system:masters"], "cannot be a group"),
        ("", ["authentication"], ["system:bootstrappers:A"], "cannot be a group"),
        ("", ["authentication"], ["system:bootstrappers:a:"], "cannot be a group"),
        ("", ["authentication"], ["system:bootstrappers:" + "a" * 257], "cannot be a group"),
        ("", ["authentication"], [tokens.JOIN_GROUP], "begin otherwise"),
        ("", ["authentication"], [tokens.JOIN_GROUP + ":node:cp1"], "begin otherwise"),
    ],
)
def test_options_that_would_spoil_the_token_are_refused(description, usages, groups, says):
    with pytest.raises(InputError, match=says):
        tokens.read_options(description, usages, groups)


def test_a_group_that_only_begins_like_ours_is_the_users():
    assert tokens.read_options("", ["authentication"], [tokens.JOIN_GROUP + "2"]).extra_groups


def test_expiration_is_utc_whatever_the_zone():
    zone = timezone(timedelta(hours=14))
    manifest = tokens.secret_manifest(tokens.Token("abcdef", STRONG), "w1", NOW.astimezone(zone))
    assert base64.b64decode(manifest["data"]["expiration"]) == b"2026-11-22T15:00:00Z"


def stored(**changes):
    token = tokens.Token("abcdef", STRONG)
    return {**tokens.secret_manifest(token, "w1", NOW + timedelta(minutes=1)), **changes}


def test_ours_are_told_from_those_of_others():
    found = tokens.own_token(stored())
    assert found is not None
    assert (found.id, found.node, found.name) == ("abcdef", "w1", "bootstrap-token-abcdef")
    assert tokens.own_token(stored(type="Opaque")) is None
    assert tokens.own_token(stored(metadata={"name": "bootstrap-token-abcdef"})) is None


@pytest.mark.parametrize(
    ("expiration", "expired"),
    [("2026-11-22T15:00:01Z", False), ("2026-11-22T15:00:00Z", True), ("tomorrow", True), ("", True)],
)
def test_an_end_that_cannot_be_read_is_an_end(expiration, expired):
    found = tokens.own_token(stored(data={"expiration": base64.b64encode(expiration.encode()).decode()}))
    assert found is not None
    assert found.expired(NOW) is expired


def test_a_shared_token_has_a_group_of_its_own_and_no_node():
    token = tokens.Token("abcdef", STRONG)
    manifest = tokens.shared_manifest(token, NOW + timedelta(minutes=5))
    data = {key: base64.b64decode(value).decode() for key, value in manifest["data"].items()}
    # Not in the group of the others: a binding of nodeclient to its own makes no other token any node.
    assert data["auth-extra-groups"] == "system:bootstrappers:tlsbootstrap:shared"
    assert tokens.nodes_of_groups([data["auth-extra-groups"]]) == []
    assert "{node_name}" not in data["description"]
    found = tokens.own_token({**manifest, "metadata": {**manifest["metadata"], "uid": "1"}})
    assert (found.node, found.shared) == ("", True)
    assert found.serves("w1")
    assert found.lasts(NOW)
    assert not found.lasts(NOW + timedelta(minutes=4, seconds=30))
    assert tokens.token_of(manifest) == token


@pytest.mark.parametrize("data", [{}, {"token-id": "YWJjZGVm"}, {"token-id": "YWJjZGVm", "token-secret": "YQ=="}])
def test_a_malformed_token_of_the_cluster_is_none(data):
    assert tokens.token_of({"data": data}) is None
