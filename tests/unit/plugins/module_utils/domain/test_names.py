# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and addresses that may stand in certificates, and those that may not."""

from __future__ import annotations

import ipaddress

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import names
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError

LONG = "n" * 64


@pytest.mark.parametrize("name", ["w1", "w1.example.org", "1w", "a" * 63, "10.0.0.1", ".".join(["a" * 61] * 4)])
def test_node_name(name: str) -> None:
    assert names.check_node_name(name, "h") == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("W1", "upper-case"),
        ("w_1", "underscore"),
        ("w1.", "ends with a dot"),
        (LONG, "longer than 63"),
        (".".join(["a" * 62] * 5), "longer than 253"),
        ("bücher", "outside ASCII"),
        ("-w", "starts and ends with"),
        ("w-", "starts and ends with"),
        ("a..b", "starts and ends with"),
        ("w 1", "only a-z"),
        # Go would take it for 10.0.0.1.
        ("010.0.0.1", "looks like an IPv4 address"),
        ("10.0.0.256", "looks like an IPv4 address"),
        ("w\n", "only a-z"),
        ("", "empty"),
    ],
)
def test_node_name_refused(name: str, why: str) -> None:
    with pytest.raises(InputError, match=why) as caught:
        names.check_node_name(name, "h7")
    assert "host h7" in str(caught.value)
    assert "valid node_name" in str(caught.value)


def test_dns_name_wildcards_and_addresses() -> None:
    assert names.check_dns_name("*.example.org", "name", wildcard=True) == "*.example.org"
    for bad in ("*.example.org", "10.0.0.1", "::1"):
        with pytest.raises(InputError):
            names.check_dns_name(bad)
    with pytest.raises(InputError):
        names.check_dns_name("a.*.example.org", "name", wildcard=True)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("2001:db8::0:1", "2001:db8::1"),
        ("::1", "::1"),
        ("2001:0db8::00ff", "2001:db8::ff"),
        ("0.0.0.0", "0.0.0.0"),
    ],
)
def test_canonical(text: str, canonical: str) -> None:
    assert names.canonical_ip(text) == canonical


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("192.0.2.01", "leading zeros"),
        ("010.0.2.1", "leading zeros"),
        ("fe80::1%eth0", "zone"),
        ("::ffff:192.0.2.1", "write 192.0.2.1"),
        ("192.0.2", "not an IP address"),
        ("w1", "not an IP address"),
        ("", "not an IP address"),
    ],
)
def test_address_refused(text: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        names.canonical_ip(text)


@pytest.mark.parametrize(
    ("cidr", "first"),
    [
        ("10.96.0.0/12", ["10.96.0.1"]),
        ("2001:DB8:96::/112", ["2001:db8:96::1"]),
        ("10.96.0.0/16,2001:db8:96::/108", ["10.96.0.1", "2001:db8:96::1"]),
        ("10.96.0.0/16, 2001:db8:96::/108", ["10.96.0.1", "2001:db8:96::1"]),
    ],
)
def test_first_addresses(cidr: str, first: list[str]) -> None:
    assert names.first_addresses(cidr) == first


@pytest.mark.parametrize(
    ("cidr", "why"),
    [
        ("10.96.0.1/12", "did you mean 10.96.0.0/12"),
        ("10.96.0.0", "no prefix length"),
        ("10.0.0.0/8", "between /12 and /28"),
        ("10.96.0.0/30", "between /12 and /28"),
        ("2001:db8::/64", "between /108 and /124"),
        ("10.096.0.0/12", "leading zeros"),
        ("10.96.0.0/33", "not a network"),
        ("10.96.0.0/16,10.97.0.0/16", "one of IPv4 and one of IPv6"),
        ("", "not an IP address"),
    ],
)
def test_service_networks_refused(cidr: str, why: str) -> None:
    with pytest.raises(InputError, match=why) as caught:
        names.first_addresses(cidr)
    assert "cluster_service_cidr" in str(caught.value)


def test_tenth_address() -> None:
    assert names.address_at(ipaddress.ip_network("10.96.0.0/12"), 10) == "10.96.0.10"
    assert names.address_at(ipaddress.ip_network("2001:db8::/112"), 10) == "2001:db8::a"


@pytest.mark.parametrize(
    ("url", "parsed"),
    [
        ("https://api.example.org:6443", ("api.example.org", 6443)),
        ("https://api.example.org/", ("api.example.org", 443)),
        ("https://192.0.2.10:6443", ("192.0.2.10", 6443)),
        ("https://[2001:DB8::1]:6443", ("2001:db8::1", 6443)),
    ],
)
def test_endpoint(url: str, parsed: tuple[str, int]) -> None:
    assert names.parse_endpoint(url) == parsed


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.org:6443",
        "api.example.org:6443",
        "https://",
        "https://user@api:6443",
        "https://api:6443/path",
        "https://api:6443?x=1",
        "https://api:99999",
        "https://2001:db8::1:6443",
        "https://API:6443",
        "https://192.0.2.010:6443",
        "https://192.0.2:6443",
    ],
)
def test_endpoint_refused(url: str) -> None:
    with pytest.raises(InputError, match="cluster_api_endpoint"):
        names.parse_endpoint(url)


def test_common_names_fit_and_stay_apart() -> None:
    assert names.fit_common_name("w1") == "w1"
    one, other = (names.fit_common_name(f"kubelet-client-ca-{'n' * 60}{end}") for end in "12")
    assert one != other
    assert len(one) <= 64
    assert len(other) <= 64
