# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and addresses, checked before they reach a certificate."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from typing import Union

from .errors import InputError

__all__ = [
    "Address",
    "Network",
    "address_at",
    "bracketed",
    "canonical_ip",
    "check_dns_name",
    "check_node_name",
    "first_addresses",
    "fit_common_name",
    "is_ip",
    "parse_endpoint",
    "parse_networks",
    "problem_of_name",
]

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

# RFC 1123 as Kubernetes reads it: k8s.io/apimachinery/pkg/util/validation, IsDNS1123Subdomain.
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?\Z", re.ASCII)
# Go reads such a name as an address, leading zeros and all (k8s.io/utils/net, ParseIPSloppy).
_ADDRESS = re.compile(r"[0-9]+(?:\.[0-9]+){3}\Z", re.ASCII)
_LEADING_ZERO = re.compile(r"(?:^|\.)0[0-9]", re.ASCII)
# ub-common-name of RFC 5280; the cryptography package refuses to build a longer one.
_COMMON_NAME_BYTES = 64
# The API server takes no larger range (cmd/kube-apiserver/app/options/validation.go, maxCIDRBits),
# and the tenth address, the DNS service's, has to exist.
_SERVICE_HOST_BITS = (4, 20)


def problem_of_name(name: str) -> str | None:
    """Why it is no DNS-1123 subdomain, as the names of Nodes are; None where it is one."""
    problems = {
        "it is empty": not name,
        "it has characters outside ASCII (write an internationalised name in its xn-- form)": not name.isascii(),
        "it has upper-case letters": name != name.lower(),
        "it has an underscore": "_" in name,
        "it ends with a dot": name.endswith("."),
        "it is longer than 253 characters": len(name) > 253,
        "a part of it is longer than 63 characters": any(len(label) > 63 for label in name.split(".")),
        "only a-z, 0-9, '-' and '.' are allowed, and each part starts and ends with a letter or digit": any(
            _LABEL.match(label) is None for label in name.split(".")
        ),
    }
    return next((problem for problem, applies in problems.items() if applies), None)


def check_dns_name(name: str, what: str = "DNS name", wildcard: bool = False) -> str:
    """The name itself, when it is a DNS-1123 subdomain and no address; ``*.`` may lead where wildcards are allowed."""
    text = str(name)
    if is_ip(text):
        raise InputError(f"{what} {text!r} is an IP address: give it as an IP address, not as a name")
    problem = problem_of_name(text[2:] if wildcard and text.startswith("*.") else text)
    if problem is not None:
        raise InputError(f"{what} {text!r} is not a valid DNS name: {problem}")
    return text


def check_node_name(name: str, host: str) -> str:
    """A Node's name. It may be an IPv4 address, as Kubernetes allows; its certificates then have no DNS name."""
    problem = problem_of_name(str(name))
    if problem is None and _ADDRESS.match(str(name)) and not is_ip(name):
        problem = "it looks like an IPv4 address, and is none in its one form"
    if problem is not None:
        raise InputError(
            f"host {host}: {str(name)!r} cannot be the name of a Node: {problem}; "
            "give the host a valid node_name in the inventory"
        )
    return str(name)


def is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(str(text))
    except ValueError:
        return False
    return True


def canonical_ip(text: str, what: str = "address") -> str:
    """The address in the one form of RFC 5952 (IPv6) or dotted decimal without leading zeros (IPv4)."""
    value = str(text).strip()
    if _LEADING_ZERO.search(value) and ":" not in value:
        raise InputError(f"{what} {value!r} has leading zeros, which some read as octal: write it without them")
    if "%" in value:
        raise InputError(f"{what} {value!r} has a zone: certificates know none, use an address without it")
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        raise InputError(f"{what} {value!r} is not an IP address") from None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        raise InputError(f"{what} {value!r} is an IPv4 address in IPv6 form: write {address.ipv4_mapped}")
    return str(address)


def bracketed(host: str) -> str:
    """The host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def parse_networks(text: str, what: str) -> list[Network]:
    """One CIDR, or two of different families with a comma between them."""
    found: list[Network] = []
    for part in str(text).split(","):
        value = part.strip()
        canonical_ip(value.partition("/")[0], what)
        try:
            network = ipaddress.ip_network(value, strict=False)
        except ValueError:
            raise InputError(f"{what}: {value!r} is not a network like 10.96.0.0/12") from None
        if "/" not in value:
            raise InputError(f"{what}: {value!r} has no prefix length: write it like 10.96.0.0/12")
        if str(network.network_address) != canonical_ip(value.partition("/")[0]):
            raise InputError(f"{what}: {value!r} has host bits set: did you mean {network}?")
        if network.is_loopback or network.is_multicast or network.is_link_local:
            raise InputError(
                f"{what}: {network} is of addresses that hosts do not reach one another by: choose another"
            )
        found.append(network)
    if len(found) > 2 or len({network.version for network in found}) != len(found):
        raise InputError(f"{what}: give one network, or one of IPv4 and one of IPv6 with a comma between them")
    return found


def address_at(network: Network, index: int) -> str:
    return str(network[index])


def first_addresses(cidr: str, what: str = "cluster_service_cidr") -> list[str]:
    """The first usable address of each service network: what the Service ``kubernetes`` gets."""
    smallest, largest = _SERVICE_HOST_BITS
    found = []
    for network in parse_networks(cidr, what):
        bits = network.max_prefixlen - network.prefixlen
        if not smallest <= bits <= largest:
            low, high = network.max_prefixlen - largest, network.max_prefixlen - smallest
            raise InputError(f"{what}: the prefix of {network} must be between /{low} and /{high}")
        found.append(address_at(network, 1))
    return found


def fit_common_name(name: str) -> str:
    """The name, or a shorter one with a hash of all of it, within what X.509 allows a common name."""
    if len(name.encode()) <= _COMMON_NAME_BYTES:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: _COMMON_NAME_BYTES - 13].rstrip('-.')}-{digest}"


_ENDPOINT = re.compile(r"https://(\[[0-9a-fA-F:.]+\]|[^\[\]:/?#@\s]+)(?::([0-9]{1,5}))?/?\Z", re.ASCII)


def parse_endpoint(url: str, what: str = "cluster_api_endpoint") -> tuple[str, int]:
    """Host (canonical, without brackets) and port of an https URL without a path."""
    match = _ENDPOINT.match(str(url))
    if match is None:
        raise InputError(f"{what}: {str(url)!r} is not of the form https://<name or address>:<port>")
    host, port = match.group(1).strip("[]"), int(match.group(2) or 443)
    if not 1 <= port <= 65535:
        raise InputError(f"{what}: {port} is not a port")
    if ":" in host or re.match(r"[0-9.]+\Z", host):
        return canonical_ip(host, what), port
    return check_dns_name(host, what), port
