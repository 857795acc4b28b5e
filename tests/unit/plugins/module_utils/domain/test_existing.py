# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cluster is believed to be the one that is meant, and whether our hosts fit it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import existing, rights
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError

OURS, OTHER = "ab" * 32, "cd" * 32


def ca(digest: str) -> Any:
    return SimpleNamespace(key=SimpleNamespace(public_key_sha256=digest), subject=f"CN={digest[:2]}")


BUNDLE = [("ours", ca(OURS)), ("other", ca(OTHER))]


def test_pins_are_those_of_kubeadm() -> None:
    assert existing.read_pins([f"SHA256:{OURS.upper()} "], "pins") == [f"sha256:{OURS}"]


@pytest.mark.parametrize(
    "pin", ["", OURS, f"sha256:{OURS[1:]}", f"sha256:{OURS}0", f"sha512:{OURS}", "sha256:" + "g" * 64]
)
def test_what_is_no_pin_is_refused(pin: str) -> None:
    with pytest.raises(InputError, match=r"pins: .* is not a pin like sha256:"):
        existing.read_pins([pin], "pins")


def test_only_cas_that_a_pin_names_are_believed() -> None:
    assert existing.pinned(BUNDLE, [f"sha256:{OURS}"], "x") == (["ours"], [f"sha256:{OTHER} (CN=cd)"])
    assert existing.pinned(BUNDLE, [f"sha256:{OTHER}", f"sha256:{OURS}"], "x") == (["ours", "other"], [])


def test_what_a_client_trusts_has_to_be_named_wholly() -> None:
    assert existing.all_pinned(BUNDLE, [f"sha256:{OTHER}", f"sha256:{OURS}"], "x") == ["ours", "other"]
    with pytest.raises(InputError, match=rf"x trusts CAs that .* does not name: sha256:{OTHER} \(CN=cd\)\. .*add its"):
        existing.all_pinned(BUNDLE, [f"sha256:{OURS}"], "x")


def test_another_ca_is_refused_with_its_own_pin() -> None:
    with pytest.raises(InputError, match=rf"the CA of x is not the one .* sha256:{OTHER} \(CN=cd\)"):
        existing.pinned(BUNDLE[1:], [f"sha256:{OURS}"], "x")
    with pytest.raises(InputError, match="there is none"):
        existing.pinned([], [f"sha256:{OURS}"], "x")


@pytest.mark.parametrize("kubelet", ["1.37.2", "1.37.9", "1.36.0", "1.34.4"])
def test_kubelets_that_the_api_server_may_have(kubelet: str) -> None:
    existing.check_version("v1.37.2", kubelet)


@pytest.mark.parametrize(
    ("api", "kubelet", "said"), [("v1.36.3", "1.37.0", "newer than"), ("v1.38.0", "1.34.4", "3 minor")]
)
def test_kubelets_that_it_may_not_have(api: str, kubelet: str, said: str) -> None:
    with pytest.raises(InputError, match=rf"{said}.*Set cluster_kubernetes_version to {api[1:]}"):
        existing.check_version(api, kubelet)


def test_versions_of_other_forms_are_let_pass() -> None:
    existing.check_version("v1.36.3-gke.100", "1.36.0")
    existing.check_version("something", "1.36.0")


@pytest.mark.parametrize("server", ["https://127.0.0.1:6443", "https://localhost:6443", "https://[::1]:6443"])
def test_an_address_that_means_another_host_on_each_node_is_refused(server: str) -> None:
    with pytest.raises(InputError, match="set cluster_api_endpoint"):
        existing.check_server(server, "admin.conf")


def test_other_addresses_are_taken_as_they_are() -> None:
    assert existing.check_server("https://api.example.org:6443/", "x") == "https://api.example.org:6443"
    assert existing.check_server("https://[2001:db8::1]:6443", "x") == "https://[2001:db8::1]:6443"


@pytest.mark.parametrize(
    "server",
    [
        "https://[::1",
        "https://h:99999",
        "https://h:x",
        "https://h:0",
        "https://",
        "http://h",
        "https://u:canary@h:6443",
    ],
)
def test_what_is_no_address_of_a_server_is_refused_and_not_shown(server: str) -> None:
    with pytest.raises(InputError, match=r"^x: the address of the API server is not like") as refused:
        existing.check_server(server, "x")
    assert "canary" not in str(refused.value)


def test_dns_is_taken_as_far_as_the_cluster_says_it() -> None:
    assert existing.known_dns(["10.96.0.10"], "cluster.local") == {"dns_ips": ["10.96.0.10"], "domain": "cluster.local"}
    assert existing.known_dns([], "") == {}
    bad = ((["name"], ""), (["10.96.0.10"], "a b"), (5, ""), ({"10.96.0.10": 1}, ""), ([["10.96.0.10"]], ""), ([], 5))
    for addresses, domain in bad:
        with pytest.raises(InputError):
            existing.known_dns(addresses, domain)


def test_the_domain_is_the_first_zone_of_coredns() -> None:
    text = ".:53 {\n    errors\n    kubernetes example.org in-addr.arpa ip6.arpa {\n       pods insecure\n    }\n}\n"
    assert existing.domain_of_corefile(text) == "example.org"
    assert existing.domain_of_corefile(".:53 {\n  forward . /etc/resolv.conf\n}") == ""


def test_rights_are_asked_for_and_told_by_their_verbs() -> None:
    approval = next(right for right in rights.NEEDED if right.resource.endswith("/approval"))
    assert approval.attributes() == {
        "verb": "update",
        "resource": "certificatesigningrequests",
        "subresource": "approval",
        "group": "certificates.k8s.io",
    }
    texts = [right.text for right in rights.NEEDED]
    assert len(set(texts)) == len(texts)
    assert "create secrets in namespace kube-system" in texts
    assert "approve signers kubernetes.io/kubelet-serving" in texts
    said = rights.missing_rights(rights.NEEDED[:2], "the credentials of x")
    assert said.startswith("the credentials of x may not: get clusterrolebindings; create clusterrolebindings. ")
