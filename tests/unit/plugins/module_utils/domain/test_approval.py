# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.approval import (
    APPROVE,
    DENY,
    IGNORE,
    examine,
    read_policy,
    settle,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.csr import (
    CLIENT_SIGNER,
    SERVING_SIGNER,
    Request,
    RequestContent,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.tokens import JOIN_GROUP, node_group

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=timezone.utc)
POLICY = read_policy(
    {
        "nodes": {
            "w1": {"dns_names": ["w1"], "ip_addresses": ["10.0.0.1", "fd00::1"]},
            "cp1.example.com": {"dns_names": ["cp1.example.com"], "ip_addresses": ["10.0.0.9"]},
        }
    }
)
LEFT_TO_OTHERS = dataclasses.replace(POLICY, foreign_requests="ignore")


def content(node="w1", **changes):
    given = {
        "common_names": ("system:node:" + node,),
        "organizations": ("system:nodes",),
        "key_algorithm": "ecdsa",
        "key_size": 256,
        "signature_valid": True,
    }
    return RequestContent(**{**given, **changes})


def client(node="w1", token="abcdef", bound=None, seconds=0, **changes):
    """The request of a bootstrap token."""
    given = {
        "name": f"csr-{token}-{seconds}",
        "uid": f"{token}-{seconds}",
        "version": str(100 + seconds),
        "place": 100 + seconds,
        "created": NOW + timedelta(seconds=seconds),
        "signer": CLIENT_SIGNER,
        "username": "system:bootstrap:" + token,
        "groups": ("system:bootstrappers", JOIN_GROUP, node_group(bound or node), "system:authenticated"),
        "usages": frozenset({"digital signature", "client auth"}),
        "content": content(node),
    }
    return Request(**{**given, **changes})


def serving(node="w1", requester=None, names=None, **changes):
    names = {"dns_names": ("w1",), "ip_addresses": ("10.0.0.1",)} if names is None else names
    given = {
        "signer": SERVING_SIGNER,
        "username": "system:node:" + (requester or node),
        "groups": ("system:nodes", "system:authenticated"),
        "usages": frozenset({"digital signature", "server auth"}),
        "content": content(node, **names),
    }
    return client(node, **{**given, **changes})


def renewal(node="w1", **changes):
    return client(node, **{"username": "system:node:" + node, "groups": ("system:nodes",), **changes})


def verdict(request, policy=POLICY):
    found = examine(request, policy)
    return found.action, found.reason


@pytest.mark.parametrize(
    "request_",
    [
        client(),
        client("cp1.example.com"),
        client(usages=frozenset({"digital signature", "client auth", "key encipherment"})),
        client(content=content(key_algorithm="rsa", key_size=2048)),
        renewal(),
        # A join certificate has the node's name, but is not yet a node's.
        renewal(groups=(JOIN_GROUP, "system:authenticated")),
        serving(),
        serving(names={"ip_addresses": ("fd00::1",)}),
        serving(names={"dns_names": ("w1",)}),
        serving(usages=frozenset({"digital signature", "server auth", "key encipherment"})),
    ],
)
def test_what_keeps_the_rules_is_approved(request_):
    assert verdict(request_) == (APPROVE, "PolicyKept")


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (client("cp1.example.com", bound="w1"), "WrongNode"),
        (client("elsewhere", bound="w1"), "WrongNode"),
        (client(content=content(common_names=("system:node:w1", "system:node:w1"))), "WrongNode"),
        (client(content=content(common_names=("kubernetes-admin",))), "WrongNode"),
        (client(content=content(common_names=())), "WrongNode"),
        (client(content=content(organizations=("system:masters",))), "WrongSubject"),
        (client(content=content(organizations=("system:nodes", "system:masters"))), "WrongSubject"),
        (client(content=content(organizations=("system:nodes", "system:nodes"))), "WrongSubject"),
        (client(content=content(organizations=())), "WrongSubject"),
        (client(content=content(other_attributes=("2.5.4.11=x",))), "WrongSubject"),
        (client(content=content(dns_names=("w1",))), "SANsInClientRequest"),
        (client(content=content(other_names=1)), "SANsInClientRequest"),
        (client(usages=frozenset({"digital signature", "client auth", "server auth"})), "WrongUsages"),
        (client(usages=frozenset({"client auth"})), "WrongUsages"),
        (client(usages=frozenset()), "WrongUsages"),
        (client(content=content(key_algorithm="rsa", key_size=1024)), "WeakKey"),
        (client(content=content(key_size=192)), "WeakKey"),
        (client(content=content(signature_valid=False)), "BadSignature"),
        (serving(groups=(JOIN_GROUP,)), "ForeignRequester"),
        (renewal(groups=("system:authenticated",)), "ForeignRequester"),
        (client(token="../../x"), "TokenNotBound"),
        (client(content=content(key_algorithm="ed25519", key_size=0)), "WeakKey"),
        (client(content=None, problem="it cannot be read as a PKCS#10 request"), "Unreadable"),
        (client(groups=("system:bootstrappers", JOIN_GROUP)), "TokenNotBound"),
        (client(groups=(JOIN_GROUP, node_group("w1"), node_group("cp1.example.com"))), "TokenNotBound"),
        (client(signer=SERVING_SIGNER, content=content(dns_names=("w1",))), "ForeignRequester"),
        (client(username="kubernetes-admin", groups=("system:masters",)), "ForeignRequester"),
        (client(groups=("system:bootstrappers", node_group("w1"))), "ForeignRequester"),
        (renewal(username="system:node:cp1.example.com"), "WrongNode"),
        (renewal(content=content(ip_addresses=("10.0.0.1",))), "SANsInClientRequest"),
        (serving(requester="cp1.example.com"), "WrongNode"),
        (serving(names={"dns_names": ("w1", "kubernetes.default.svc")}), "ForeignSANs"),
        (serving(names={"dns_names": ("*",)}), "ForeignSANs"),
        (serving(names={"ip_addresses": ("10.96.0.1",)}), "ForeignSANs"),
        (serving(names={"ip_addresses": ("10.0.0.9",)}), "ForeignSANs"),
        (serving(names={"dns_names": ("w1",), "email_addresses": ("a@b",)}), "WrongSANs"),
        (serving(names={"dns_names": ("w1",), "uris": ("spiffe://x",)}), "WrongSANs"),
        (serving(names={"dns_names": ("w1",), "other_names": 1}), "WrongSANs"),
        (serving(names={}), "NoSANs"),
        (serving(names={"dns_names": tuple(f"h{number}" for number in range(1000))}), "TooManySANs"),
        (serving(usages=frozenset({"digital signature", "server auth", "client auth"})), "WrongUsages"),
        (serving(username="kubernetes-admin", groups=("system:masters",)), "ForeignRequester"),
    ],
)
def test_what_breaks_a_rule_is_denied_with_its_reason(request_, reason):
    assert verdict(request_) == (DENY, reason)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (client(signer="kubernetes.io/kube-apiserver-client"), "OtherSigner"),
        (client("elsewhere", username="kubernetes-admin", groups=()), "UnknownNode"),
        (renewal("elsewhere"), "UnknownNode"),
        (client("elsewhere"), "UnknownNode"),
        (serving("elsewhere"), "UnknownNode"),
        (client(content=None, problem="it cannot be read", username="somebody", groups=()), "UnknownNode"),
    ],
)
def test_what_is_no_business_of_ours_is_left_alone(request_, reason):
    assert verdict(request_) == (IGNORE, reason)


def test_requests_that_others_make_for_our_nodes_can_be_left_to_others():
    theirs = client(groups=("system:bootstrappers", "system:bootstrappers:kubeadm:default-node-token"))
    assert verdict(theirs) == (DENY, "ForeignRequester")
    assert verdict(theirs, LEFT_TO_OTHERS) == (IGNORE, "ForeignRequester")
    # Our own credential is never somebody else's business.
    mine = client(signer=SERVING_SIGNER, content=content(dns_names=("w1",)))
    assert verdict(mine, LEFT_TO_OTHERS) == (DENY, "ForeignRequester")


def settled(request, *siblings):
    everyone = [request, *siblings]
    found = settle(request, {one.uid: examine(one, POLICY) for one in everyone}, everyone)
    return found.action, found.reason


def test_a_token_is_good_for_one_request():
    first, second = client(approved=True, issued=True), client(seconds=60)
    assert settled(second, first) == (DENY, "TokenUsed")
    assert settled(client(seconds=60), client(denied=True)) == (APPROVE, "PolicyKept")


def test_a_renewal_is_not_the_use_of_a_token():
    assert settled(renewal(seconds=60), renewal(approved=True)) == (APPROVE, "PolicyKept")


def test_of_several_that_wait_the_newest_valid_one_is_approved():
    old, middle = client(), client(seconds=1)
    broken = client(seconds=2, content=content(dns_names=("w1",)))
    assert settled(old, middle, broken) == (DENY, "Superseded")
    assert settled(middle, old, broken) == (APPROVE, "PolicyKept")
    assert settled(broken, old, middle) == (DENY, "SANsInClientRequest")


def test_those_that_are_older_than_an_approved_one_are_denied():
    """Nobody has their keys any more."""
    assert settled(renewal(), renewal(seconds=1, approved=True)) == (DENY, "Superseded")
    assert settled(serving(), serving(seconds=1, approved=True)) == (DENY, "Superseded")
    assert settled(client(token="oldold"), client(token="newnew", seconds=1, approved=True)) == (DENY, "Superseded")
    assert settled(renewal(), renewal(seconds=1, denied=True)) == (APPROVE, "PolicyKept")


def test_within_a_second_the_resource_version_tells_which_is_newer():
    one, other = client(place=9, uid="a"), client(place=10, uid="b")
    assert settled(one, other) == (DENY, "Superseded")
    assert settled(other, one) == (APPROVE, "PolicyKept")


def test_messages_quote_strangers_briefly_and_on_one_line():
    nasty = client(content=content(common_names=("x\n\x1b[31m" + "y" * 5000,)))
    message = examine(nasty, POLICY).message
    assert len(message) <= 400
    assert message.isprintable()


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"nodes": []},
        {"nodes": {"w1": []}},
        {"nodes": {"w1": {"dns": []}}},
        {"nodes": {"w1": {"dns_names": "w1"}}},
        {"nodes": {"w1": {"ip_addresses": [1]}}},
        {"nodes": {}, "foreign_requests": "approve"},
        {"nodes": {}, "version": 2},
        {"nodes": {}, "decides": "client"},
        {"nodes": {}, "decides": ["bob"]},
    ],
)
def test_half_a_policy_is_refused(data):
    with pytest.raises(InputError):
        read_policy(data)
