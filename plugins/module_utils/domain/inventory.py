# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory says, read and checked: the cluster's settings and its hosts."""

from __future__ import annotations

import functools
import ipaddress
import posixpath
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from . import credentials, durations, names, token_file, tokens
from .ca import SOURCES
from .certificate import KEY_TYPES
from .errors import InputError
from .existing import read_pins
from .findings import parse_each
from .profiles import PROFILES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .findings import Findings

__all__ = [
    "GROUPS",
    "HOST_KEYS",
    "Host",
    "Settings",
    "as_list",
    "host_path",
    "members_of",
    "read_hosts",
    "read_settings",
]

# Group in the inventory -> its place in the profiles.
GROUPS = {"kube_control_plane": "control_plane", "etcd": "etcd", "kube_node": "node"}
# All that is read from the variables of a host.
HOST_KEYS = ("node_name", "node_ip", "ansible_host", "node_labels", "node_taints")

_SHOWN = 5
_MINUTE, _DAY = 60, 86400
_OLDEST_MINOR, _NEWEST_MINOR = 34, 37
_VERSION = re.compile(r"1\.([0-9]{1,3})\.[0-9]{1,3}(?:-[0-9a-z.]+)?\Z", re.ASCII)
_CLUSTER_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\Z", re.ASCII)
# k8s.io/apimachinery/pkg/util/validation: IsQualifiedName, IsValidLabelValue.
_LABEL_NAME = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)\Z", re.ASCII)
_TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
# Others mean something to systemd, to a shell, to Ansible, or to a flag that takes several values.
_HOST_PATH = re.compile(r"[A-Za-z0-9/._+@=:-]+\Z", re.ASCII)
_CONTROL_PLANE = "node-role.kubernetes.io/control-plane"


@dataclass
class Settings:
    """The variables of the role ``cluster`` that the plan needs, parsed."""

    name: str = "kubernetes"
    profile: str = "separated"
    version: str = ""
    minor: int = _NEWEST_MINOR
    domain: str = "cluster.local"
    service_networks: list[names.Network] = field(default_factory=list)
    service_ips: list[str] = field(default_factory=list)
    pod_networks: list[names.Network] = field(default_factory=list)
    api_port: int = 6443
    endpoint: tuple[str, int] | None = None
    extra_sans: list[str] = field(default_factory=list)
    ca_host: str = "localhost"
    ca_directory: str = ""
    # CA -> where it comes from; those that are not named are made here, self-signed.
    ca_sources: dict[str, str] = field(default_factory=dict)
    ca_root_certificate: str = ""
    ca_root_key: str = ""
    key_type: str = KEY_TYPES[0]
    ca_validity: int = 0
    certificate_validity: int = 0
    # Seconds, or a share of the lifetime like 25%.
    renew_before: int | str | None = None
    signing_duration: int = 0
    config_directory: str = ""
    pki_directory: str = ""
    # Of a cluster that somebody else has made: its administrator's kubeconfig, where that is, and the pins of its CAs.
    admin_kubeconfig: str = ""
    admin_host: str = "localhost"
    admin_become: bool = False
    ca_pins: list[str] = field(default_factory=list)
    choices: credentials.Choices = credentials.DEFAULT_CHOICES
    token_ttl: int = 0
    token_options: tokens.TokenOptions = tokens.DEFAULT_OPTIONS
    # Whether this run is to end with components that run, not with a PKI alone.
    installs: bool = False

    @property
    def existing(self) -> bool:
        """Whether the hosts join a cluster that somebody else has made."""
        return bool(self.admin_kubeconfig)


@dataclass(frozen=True)
class Host:
    """A host of the cluster; ``places`` are the profiles' words for its groups."""

    name: str
    node_name: str
    addresses: tuple[str, ...]
    groups: tuple[str, ...]
    places: tuple[str, ...]
    labels: dict[str, str]
    taints: list[dict[str, str]]


def _duration(variable: str, text: Any, at_least: int, at_most: int | None = None) -> int:
    try:
        seconds = durations.parse_duration(text)
    except InputError as error:
        raise InputError(f"{variable}: {error}") from None
    if seconds < at_least or (at_most is not None and seconds > at_most):
        bounds = f"at least {durations.format_duration(at_least)}"
        if at_most is not None:
            bounds += f" and at most {durations.format_duration(at_most)}"
        raise InputError(f"{variable}: {str(text)!r} is out of bounds: it has to be {bounds}")
    return seconds


def _choice(variable: str, value: Any, allowed: Sequence[str]) -> str:
    if str(value) not in allowed:
        raise InputError(f"{variable}: {str(value)!r} is not one of {', '.join(allowed)}")
    return str(value)


def absolute_path(variable: str, value: Any, home: bool = False) -> str:
    """A path that means the same on every host and whatever the working directory is."""
    text = str(value)
    begins = text.startswith("/") or (home and (text == "~" or text.startswith("~/")))
    if not begins or ".." in text.split("/") or text == "/" or not text.isprintable():
        raise InputError(f"{variable}: {text!r} is not an absolute path without '..'")
    return posixpath.normpath(text)


def host_path(variable: str, value: Any) -> str:
    """The same on a host of the cluster, where units, flags with lists and kubeconfigs hold it."""
    path = absolute_path(variable, value)
    if _HOST_PATH.match(path) is None:
        raise InputError(f"{variable}: {path!r} has more than letters, digits and /._-+@=: in it: choose another path")
    return path


def _version(variable: str, value: Any) -> int:
    match = _VERSION.match(str(value))
    if match is None:
        raise InputError(f"{variable}: {str(value)!r} is not a version like 1.{_NEWEST_MINOR}.2")
    if not _OLDEST_MINOR <= int(match.group(1)) <= _NEWEST_MINOR:
        raise InputError(f"{variable}: {value} is not supported: use 1.{_OLDEST_MINOR} to 1.{_NEWEST_MINOR}")
    return int(match.group(1))


def _cluster_name(variable: str, value: Any) -> str:
    if _CLUSTER_NAME.match(str(value)) is None:
        raise InputError(
            f"{variable}: {str(value)!r} has to be of a-z, 0-9 and '-', at most 63: it names folders and locks"
        )
    return str(value)


def check_san(value: Any, what: str) -> str:
    """A DNS name (a wildcard may lead) or an address, canonical."""
    text = str(value)
    if ":" in text or re.match(r"[0-9.]+\Z", text):
        return names.canonical_ip(text, what)
    return names.check_dns_name(text, what, wildcard=True)


def as_list(variable: str, value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise InputError(f"{variable}: a list is wanted")
    return list(value)


def _port(variable: str, value: Any) -> int:
    if not str(value).isdigit() or not 1 <= int(value) <= 65535:
        raise InputError(f"{variable}: {str(value)!r} is not a port")
    return int(value)


def _parsers() -> tuple[tuple[str, str, Callable[[str, Any], Any]], ...]:
    """Attribute of Settings, variable, and what makes the one from the other."""
    lifetime = functools.partial(_duration, at_least=_MINUTE)
    return (
        ("name", "cluster_name", _cluster_name),
        ("profile", "cluster_profile", functools.partial(_choice, allowed=tuple(PROFILES))),
        ("version", "cluster_kubernetes_version", lambda _, value: str(value)),
        ("minor", "cluster_kubernetes_version", _version),
        ("domain", "cluster_domain", lambda variable, value: names.check_dns_name(value, variable)),
        ("service_networks", "cluster_service_cidr", lambda variable, value: names.parse_networks(value, variable)),
        ("service_ips", "cluster_service_cidr", lambda variable, value: names.first_addresses(value, variable)),
        ("pod_networks", "cluster_pod_cidr", lambda variable, value: names.parse_networks(value, variable)),
        ("api_port", "cluster_api_port", _port),
        ("endpoint", "cluster_api_endpoint", _endpoint),
        ("extra_sans", "cluster_api_extra_sans", _extra_sans),
        ("ca_host", "cluster_ca_host", lambda _, value: str(value)),
        ("ca_directory", "cluster_ca_directory", functools.partial(absolute_path, home=True)),
        ("ca_sources", "cluster_ca_sources", _ca_sources),
        ("ca_root_certificate", "cluster_ca_root_certificate", _optional_path),
        ("ca_root_key", "cluster_ca_root_key", _optional_path),
        ("key_type", "cluster_key_type", functools.partial(_choice, allowed=KEY_TYPES)),
        ("ca_validity", "cluster_ca_validity", lifetime),
        ("certificate_validity", "cluster_certificate_validity", lifetime),
        ("signing_duration", "cluster_signing_duration", lifetime),
        ("renew_before", "cluster_renew_before", _renew_before),
        ("config_directory", "cluster_config_directory", host_path),
        ("pki_directory", "cluster_pki_directory", host_path),
        ("admin_kubeconfig", "cluster_admin_kubeconfig", functools.partial(_optional_path, home=True)),
        ("admin_host", "cluster_admin_host", lambda _, value: str(value)),
        ("admin_become", "cluster_admin_become", lambda _, value: bool(value)),
        ("ca_pins", "cluster_ca_pins", lambda variable, value: read_pins(as_list(variable, value), variable)),
        ("installs", "cluster_check_binaries", lambda _, value: bool(value)),
        # Bounds of our own: a token is for one join, which takes seconds.
        ("token_ttl", "cluster_join_token_ttl", functools.partial(_duration, at_least=_MINUTE, at_most=_DAY)),
    )


def read_settings(raw: Mapping[str, Any], findings: Findings) -> Settings:
    """Parse the variables of the role ``cluster``, of their argument spec's types; what is wrong becomes a finding."""
    settings = Settings()
    for attribute, variable, parse in _parsers():
        if variable not in raw:
            findings.add(f"{variable} is not set: the role tlsbootstrap.kubernetes.cluster has its default")
            continue
        parsed = findings.attempt(functools.partial(parse, variable, raw[variable]), None)
        if parsed is not None:
            setattr(settings, attribute, parsed)
    settings.choices = _choices(raw, findings)
    findings.attempt(lambda: _file_user(raw), None)
    settings.token_options = findings.attempt(lambda: _token_options(raw), settings.token_options)
    _check_together(settings, findings)
    return settings


def _choices(raw: Mapping[str, Any], findings: Findings) -> credentials.Choices:
    """Who approves what. Only what is valid one by one is looked at together."""
    wanted = {
        "credential": ("cluster_join_credential", credentials.CREDENTIALS),
        "approver": ("cluster_approver", credentials.APPROVERS),
        "client": ("cluster_client_approval", credentials.APPROVALS),
        "renewal": ("cluster_renewal_approval", credentials.APPROVALS),
        "serving": ("cluster_serving_approval", credentials.APPROVALS),
    }
    found = {}
    for name, (variable, allowed) in wanted.items():
        value = findings.attempt(functools.partial(_choice, variable, raw.get(variable), allowed), "")
        if value:
            found[name] = value
    choices = credentials.Choices(**found, kubeadm=bool(raw.get("cluster_kubeadm_join")))
    existing = bool(raw.get("cluster_admin_kubeconfig"))
    if existing:
        # There is no control plane of ours where the service could run.
        choices = replace(choices, approver=credentials.MODULE)
    if len(found) == len(wanted):
        for text in choices.problems():
            findings.add(
                f"with cluster_admin_kubeconfig the playbook approves, while it runs: {text}" if existing else text
            )
    return choices


def _file_user(raw: Mapping[str, Any]) -> token_file.FileUser:
    user, uid, groups = (raw.get(f"cluster_join_token_file_{name}") for name in ("user", "uid", "groups"))
    try:
        wanted = as_list("cluster_join_token_file_groups", groups)
        return token_file.read_user(str(user), str(uid), [str(group) for group in wanted])
    except InputError as error:
        raise InputError(f"cluster_join_token_file_*: {error}") from None


def _token_options(raw: Mapping[str, Any]) -> tokens.TokenOptions:
    names_of = [f"cluster_join_token_{name}" for name in ("description", "usages", "groups")]
    description, usages, groups = (raw.get(name) for name in names_of)
    try:
        return tokens.read_options(
            str(description or ""),
            [str(usage) for usage in as_list(names_of[1], usages)],
            [str(group) for group in as_list(names_of[2], groups)],
        )
    except InputError as error:
        raise InputError(f"cluster_join_token_*: {error}") from None


def _endpoint(variable: str, value: Any) -> tuple[str, int] | None:
    return names.parse_endpoint(value, variable) if str(value) else None


def _extra_sans(variable: str, value: Any) -> list[str]:
    return parse_each(lambda item: check_san(item, f"{variable}:"), as_list(variable, value))


def _renew_before(variable: str, value: Any) -> int | str | None:
    if durations.parse_share(value) is not None:
        return str(value)
    return _duration(variable, value, 1) if str(value or "") else None


def _optional_path(variable: str, value: Any, home: bool = False) -> str:
    return absolute_path(variable, value, home) if str(value or "") else ""


def _ca_sources(variable: str, value: Any) -> dict[str, str]:
    if not hasattr(value, "items"):
        raise InputError(f"{variable}: a dictionary from names of CAs is wanted")
    return {str(name): _choice(f"{variable}: {name}", source, SOURCES) for name, source in value.items()}


def _check_sources(settings: Settings, findings: Findings) -> None:
    profile = PROFILES.get(settings.profile)
    known = [ca.name for ca in profile.cas] if profile else []
    for name in settings.ca_sources:
        if name not in known:
            findings.add(f"cluster_ca_sources: there is no CA {name!r}; there are {', '.join(known)}")
    used = set(settings.ca_sources.values())
    needs = (
        ("cluster_ca_root_certificate", settings.ca_root_certificate, used & {"root", "offline_root"}),
        ("cluster_ca_root_key", settings.ca_root_key, used & {"root"}),
    )
    for variable, path, sources in needs:
        if sources and not path:
            findings.add(
                f"{variable} is not set: the source {', '.join(sorted(sources))} of cluster_ca_sources needs it, the "
                "path of a file on the CA host"
            )
        if path and not sources:
            findings.add(
                f"{variable} is set, and no CA of cluster_ca_sources comes from a root: name them, or take it away"
            )


def _check_existing(settings: Settings, findings: Findings) -> None:
    if settings.ca_pins and not settings.existing:
        findings.add(
            "cluster_ca_pins is set, and cluster_admin_kubeconfig is not: pins are for a cluster that this collection "
            "has not made; set both, or neither"
        )
    if not settings.existing:
        return
    if not settings.ca_pins:
        findings.add(
            "cluster_ca_pins names no CA: with cluster_admin_kubeconfig it says which cluster is meant; on its control "
            "plane `kubeadm token create --print-join-command` shows it after --discovery-token-ca-cert-hash"
        )
    if settings.choices.credential != credentials.TOKEN:
        findings.add(
            f"cluster_join_credential: {settings.choices.credential} with cluster_admin_kubeconfig: in a cluster that "
            f"this collection has not made nodes join with {credentials.TOKEN} alone"
        )
    if settings.choices.kubeadm:
        findings.add("cluster_kubeadm_join with cluster_admin_kubeconfig: how kubeadm joins is for that cluster to say")


def _check_together(settings: Settings, findings: Findings) -> None:
    _check_sources(settings, findings)
    _check_existing(settings, findings)
    for variable, seconds in (
        ("cluster_certificate_validity", settings.certificate_validity),
        ("cluster_signing_duration", settings.signing_duration),
    ):
        if settings.ca_validity and seconds > settings.ca_validity:
            findings.add(
                f"{variable} is longer than cluster_ca_validity: no certificate may outlive its CA; "
                "shorten it or lengthen cluster_ca_validity"
            )
    if (
        isinstance(settings.renew_before, int)
        and settings.certificate_validity
        and settings.renew_before >= settings.certificate_validity
    ):
        findings.add(
            "cluster_renew_before is not shorter than cluster_certificate_validity: every run would renew everything"
        )
    for service in settings.service_networks:
        for pod in settings.pod_networks:
            if service.version == pod.version and service.overlaps(pod):
                findings.add(
                    f"cluster_service_cidr {service} and cluster_pod_cidr {pod} overlap: choose separate networks"
                )
    services = {network.version for network in settings.service_networks}
    pods = {network.version for network in settings.pod_networks}
    if services and pods and services != pods:
        findings.add("cluster_service_cidr and cluster_pod_cidr are of different IP families: give both the same ones")


def members_of(groups: Mapping[str, Sequence[str]], group: str) -> list[str]:
    """The hosts of one of our groups; without a group etcd the control planes are its members."""
    hosts = groups.get(group) or (groups.get("kube_control_plane") if group == "etcd" else ()) or ()
    return [str(host) for host in hosts]


def read_hosts(
    settings: Settings,
    groups: Mapping[str, Sequence[str]],
    variables: Mapping[str, Mapping[str, Any]],
    findings: Findings,
) -> list[Host]:
    """The hosts of the three groups, control planes first, in the order of the inventory."""
    members = {group: members_of(groups, group) for group in GROUPS}
    if settings.existing:
        for group in ("kube_control_plane", "etcd"):
            if members[group]:
                findings.add(
                    f"the group {group} has hosts, and cluster_admin_kubeconfig is set, which is for nodes of a "
                    "cluster that this collection has not made: take one of them away"
                )
    elif not members["kube_control_plane"]:
        others = [name for name in groups if name not in GROUPS and name not in ("all", "ungrouped")][:_SHOWN]
        findings.add(
            "the group kube_control_plane has no host: put the hosts of the control plane into it "
            "(and the workers into kube_node), or set cluster_admin_kubeconfig to join nodes to a cluster that is there"
            f"{'; the inventory has ' if others else ''}{', '.join(others)}"
        )
    found: dict[str, list[str]] = {}
    for group, hosts in members.items():
        for host in hosts:
            found.setdefault(host, []).append(group)
    read = [_read_host(host, tuple(of), variables.get(host) or {}, findings) for host, of in found.items()]
    _check_clashes(read, findings)
    if not settings.existing:
        # Of another cluster they are not known.
        _check_networks(settings, read, findings)
    return read


def _read_host(host: str, groups: tuple[str, ...], variables: Mapping[str, Any], findings: Findings) -> Host:
    given = variables.get("node_name") or host
    return Host(
        name=host,
        node_name=findings.attempt(lambda: names.check_node_name(given, host), str(given)),
        addresses=findings.attempt(lambda: _addresses(host, variables), ()),
        groups=groups,
        places=tuple(GROUPS[group] for group in groups),
        labels=findings.attempt(lambda: _labels(host, groups, variables.get("node_labels") or {}), {}),
        taints=findings.attempt(lambda: _taints(host, groups, variables.get("node_taints")), []),
    )


def _addresses(host: str, variables: Mapping[str, Any]) -> tuple[str, ...]:
    given = variables.get("node_ip")
    if not given:
        # Where ansible_host is not set, Ansible connects to the inventory's own name.
        given = variables.get("ansible_host") or host
        if not names.is_ip(given):
            raise InputError(
                f"host {host}: its address is not known: give it node_ip (an address, or a list of one IPv4 and one "
                "IPv6 address) in the inventory, or an address as ansible_host; facts are not used, so that a run "
                "with --limit plans the same as a full one"
            )
    items = given if isinstance(given, (list, tuple)) else str(given).split(",")
    found = tuple(parse_each(lambda item: names.canonical_ip(item, f"host {host}: node_ip"), items))
    parsed = [ipaddress.ip_address(item) for item in found]
    if len(parsed) > 2 or len({address.version for address in parsed}) != len(parsed):
        raise InputError(f"host {host}: node_ip: give one address, or one of IPv4 and one of IPv6")
    for address in parsed:
        if address.is_loopback or address.is_unspecified or address.is_multicast or address.is_link_local:
            raise InputError(f"host {host}: node_ip {address} is not an address that other hosts can reach it by")
    return found


def _labels(host: str, groups: tuple[str, ...], given: Any) -> dict[str, str]:
    if not hasattr(given, "items"):
        raise InputError(f"host {host}: node_labels: a dictionary is wanted")
    labels = dict(parse_each(functools.partial(_label, f"host {host}: node_labels"), given.items()))
    if {"kube_control_plane", "kube_node"} <= set(groups):
        labels.setdefault(_CONTROL_PLANE, "")
    return labels


def _text(value: Any) -> str:
    """YAML makes numbers and booleans of what the API wants as text."""
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _label(what: str, label: tuple[Any, Any]) -> tuple[str, str]:
    key, value = label
    text = _text(value)
    _check_label_key(what, str(key))
    if text and _LABEL_NAME.match(text) is None:
        raise InputError(f"{what}: {text!r} cannot be the value of a label")
    return str(key), text


def _taints(host: str, groups: tuple[str, ...], given: Any) -> list[dict[str, str]]:
    """As with kubeadm: a control plane for which none are given has its taint, and an empty list takes it away."""
    if given is None:
        marked = {"kube_control_plane", "kube_node"} <= set(groups)
        return [{"key": _CONTROL_PLANE, "value": "", "effect": "NoSchedule"}] if marked else []
    what = f"host {host}: node_taints"
    taints = parse_each(functools.partial(_taint, what), as_list(what, given))
    known = [(taint["key"], taint["effect"]) for taint in taints]
    twice = sorted({f"{key}:{effect}" for key, effect in known if known.count((key, effect)) > 1})
    if twice:
        raise InputError(f"{what}: {', '.join(twice)} is there twice: a Node has a taint of a key and an effect once")
    return taints


def _taint(what: str, taint: Any) -> dict[str, str]:
    if not hasattr(taint, "get") or not set(taint) <= {"key", "value", "effect"}:
        raise InputError(f"{what}: each taint has key, value and effect, nothing else")
    key, value, effect = str(taint.get("key") or ""), _text(taint.get("value")), str(taint.get("effect") or "")
    _check_label_key(what, key)
    if value and _LABEL_NAME.match(value) is None:
        raise InputError(f"{what}: {value!r} cannot be the value of a taint")
    _choice(f"{what}: effect", effect, _TAINT_EFFECTS)
    return {"key": key, "value": value, "effect": effect}


def _check_label_key(what: str, key: str) -> None:
    prefix, slash, name = key.rpartition("/")
    if slash:
        names.check_dns_name(prefix, f"{what}: prefix of {key!r}")
    if _LABEL_NAME.match(name) is None:
        raise InputError(f"{what}: {key!r} cannot be a key: at most 63 of letters, digits, '-', '_' and '.'")


def _check_clashes(hosts: Sequence[Host], findings: Findings) -> None:
    by_name: dict[str, str] = {}
    by_address: dict[str, str] = {}
    addresses = {address: host.name for host in hosts for address in host.addresses}
    for host in hosts:
        # The kubelet would ask for a certificate with it as an address.
        other = addresses.get(host.node_name, host.name)
        if other != host.name:
            findings.add(
                f"host {host.name}: its node name {host.node_name} is the address of {other}, whose names its "
                "certificates would have: give it another node_name"
            )
    for host in hosts:
        other = by_name.setdefault(host.node_name.lower(), host.name)
        if other != host.name:
            findings.add(
                f"hosts {other} and {host.name} have one node name, {host.node_name!r}: give one another node_name"
            )
        for address in host.addresses:
            other = by_address.setdefault(address, host.name)
            if other != host.name:
                findings.add(
                    f"hosts {other} and {host.name} have one address, {address}: correct node_ip of one of them"
                )


def _check_networks(settings: Settings, hosts: Sequence[Host], findings: Findings) -> None:
    networks = [("cluster_service_cidr", network) for network in settings.service_networks]
    networks += [("cluster_pod_cidr", network) for network in settings.pod_networks]
    for host in hosts:
        for text in dict.fromkeys([*host.addresses, *([host.node_name] if names.is_ip(host.node_name) else [])]):
            address = ipaddress.ip_address(text)
            for variable, network in networks:
                if address.version == network.version and address in network:
                    findings.add(
                        f"host {host.name}: its address {text} lies in {variable} {network}: change one of them"
                    )
    family = settings.service_networks[0].version if settings.service_networks else None
    for host in hosts:
        first = host.addresses[0] if host.addresses else ""
        # The API server refuses to start (cmd/kube-apiserver/app/options/validation.go,
        # validatePublicIPServiceClusterIPRangeIPFamilies).
        if "control_plane" in host.places and first and family and ipaddress.ip_address(first).version != family:
            findings.add(
                f"host {host.name}: its first address {first} and the first network of cluster_service_cidr are of "
                "different IP families: change the order of one of them"
            )
