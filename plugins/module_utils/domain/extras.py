# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Identities that users add, and what they change in ours, checked."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from . import durations, errors, inventory, names
from .certificate import KEY_TYPES
from .errors import InputError
from .findings import Findings, parse_each
from .profiles import CLIENT, PROFILES, SERVER, Kubeconfig, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Extra", "Override", "read_extra_identities", "read_overrides"]

_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\Z", re.ASCII)
_USER = re.compile(r"[a-z_][-a-z0-9_]{0,30}\Z", re.ASCII)
_MODE = re.compile(r"0[0-7]{3}\Z", re.ASCII)
_OVERRIDABLE = (
    "common_name",
    "organizations",
    "validity",
    "renew_before",
    "keep_key",
    "key_type",
    "dns_names",
    "ip_addresses",
    "certificate_path",
    "key_path",
    "public_key_path",
    "kubeconfig_path",
)
# What has nothing to change there would be passed over in silence.
_OF_KIND = {
    "certificate": tuple(option for option in _OVERRIDABLE if option != "public_key_path"),
    "ca": ("common_name", "validity", "key_type", "certificate_path", "key_path"),
    "service_account": ("key_type", "key_path", "public_key_path"),
}
_EXTRA_OPTIONS = (
    "name",
    "groups",
    "issuer",
    "usages",
    "owner",
    "group",
    "key_mode",
    "kubeconfig",
    *_OVERRIDABLE[:-2],
)


@dataclass(frozen=True)
class Override:
    """What a user changes in an identity; empty: nothing. ``names`` are added, never taken away."""

    common_name: str = ""
    # An empty one takes all of them away.
    organizations: tuple[str, ...] | None = None
    validity: int = 0
    renew_before: int | str | None = None
    keep_key: bool = False
    key_type: str = ""
    names: tuple[str, ...] = ()
    certificate_path: str = ""
    key_path: str = ""
    public_key_path: str = ""
    kubeconfig_path: str = ""


@dataclass(frozen=True)
class Extra:
    """An identity of the user's own, on the hosts of some groups."""

    row: Row
    groups: tuple[str, ...]
    validity: int = 0
    renew_before: int | str | None = None
    keep_key: bool = False
    key_type: str = ""
    certificate_path: str = ""
    key_path: str = ""


def _only(what: str, given: Any, allowed: Sequence[str]) -> None:
    if not hasattr(given, "items"):
        raise InputError(f"{what}: a dictionary is wanted")
    unknown = [repr(str(key)) for key in given if key not in allowed]
    if unknown:
        raise InputError(f"{what}: {', '.join(unknown)} is not an option; there are {', '.join(allowed)}")


def _common(what: str, given: Mapping[str, Any]) -> Override:
    """What an identity of ours and one of the user's have in common."""
    findings = Findings()

    def seconds(key: str) -> int:
        return findings.attempt(functools.partial(_seconds, f"{what}: {key}", given.get(key)), 0)

    def path(key: str) -> str:
        return findings.attempt(functools.partial(_path, f"{what}: {key}", given.get(key)), "")

    def several(read: Callable[[str, Mapping[str, Any]], list[str]]) -> list[str]:
        none: list[str] = []
        return findings.attempt(functools.partial(read, what, given), none)

    share = str(given.get("renew_before") or "")
    key_type = str(given.get("key_type") or "")
    if key_type and key_type not in KEY_TYPES:
        findings.add(f"{what}: key_type {key_type!r} is not one of {', '.join(KEY_TYPES)}")
    found = Override(
        common_name=findings.attempt(functools.partial(_common_name, what, given), ""),
        organizations=findings.attempt(functools.partial(_organizations, what, given), None),
        validity=seconds("validity"),
        renew_before=share if durations.parse_share(share) else seconds("renew_before") or None,
        keep_key=findings.attempt(functools.partial(_keep_key, what, given), False),
        key_type=key_type,
        names=tuple(name for names_of in (_dns_names, _ip_addresses) for name in several(names_of)),
        certificate_path=path("certificate_path"),
        key_path=path("key_path"),
        public_key_path=path("public_key_path"),
        kubeconfig_path=path("kubeconfig_path"),
    )
    findings.raise_any()
    return found


def _seconds(what: str, value: Any) -> int:
    if not value:
        return 0
    try:
        seconds = durations.parse_duration(value)
    except InputError as error:
        raise InputError(f"{what}: {error}") from None
    if seconds < 60:
        raise InputError(f"{what}: less than a minute")
    return seconds


def _path(what: str, value: Any) -> str:
    return inventory.host_path(what, value) if value else ""


def _common_name(what: str, given: Mapping[str, Any]) -> str:
    return _subject_part(f"{what}: common_name", given["common_name"]) if given.get("common_name") else ""


def _organizations(what: str, given: Mapping[str, Any]) -> tuple[str, ...] | None:
    if given.get("organizations") is None:
        return None
    what = f"{what}: organizations"
    return tuple(_subject_part(what, item) for item in inventory.as_list(what, given["organizations"]))


def _subject_part(what: str, value: Any) -> str:
    """Within the upper bounds of RFC 5280."""
    text = str(value)
    if not 0 < len(text.encode("utf-8")) <= 64 or "*" in text:
        raise InputError(f"{what}: {text!r} has to have 1 to 64 bytes and no wildcard")
    return text


def _keep_key(what: str, given: Mapping[str, Any]) -> bool:
    value = given.get("keep_key")
    if value is not None and not isinstance(value, bool):
        raise InputError(f"{what}: keep_key {value!r} is neither true nor false")
    return bool(value)


def _dns_names(what: str, given: Mapping[str, Any]) -> list[str]:
    def parse(name: Any) -> str:
        # A placeholder is filled with a name that was checked itself.
        filled = str(name).replace("{node_name}", "n").replace("{domain}", "d")
        names.check_dns_name(filled, f"{what}: dns_names:", True)
        return str(name)

    return parse_each(parse, inventory.as_list(f"{what}: dns_names", given.get("dns_names") or []))


def _ip_addresses(what: str, given: Mapping[str, Any]) -> list[str]:
    def parse(address: Any) -> str:
        is_own = str(address) == "{node_ip}"
        return "@node_ips" if is_own else names.canonical_ip(address, f"{what}: ip_addresses:")

    return parse_each(parse, inventory.as_list(f"{what}: ip_addresses", given.get("ip_addresses") or []))


def read_overrides(given: Any, known: Mapping[str, Row], findings: Findings) -> dict[str, Override]:
    found = {}
    if not hasattr(given, "items"):
        findings.add("cluster_identity_overrides: a dictionary from names of identities is wanted")
        return {}
    for name, options in given.items():
        if name not in known:
            findings.add(
                f"cluster_identity_overrides: there is no identity {str(name)!r}; there are {', '.join(sorted(known))}"
            )
            continue
        found[str(name)] = findings.attempt(functools.partial(_override, known[name], options), Override())
    return found


def _override(row: Row, options: Any) -> Override:
    what = f"cluster_identity_overrides: {row.name}"
    _only(what, options, [option for option in _OF_KIND[row.kind] if _has(row, option)])
    return _common(what, options)


def _has(row: Row, option: str) -> bool:
    """In the profile kubeadm some live in their kubeconfig alone, and many have none."""
    if option == "kubeconfig_path":
        return row.kubeconfig is not None
    return row.stem is not None or option not in ("certificate_path", "key_path")


def read_extra_identities(given: Any, settings: inventory.Settings, taken: set[str], findings: Findings) -> list[Extra]:
    found: list[Extra] = []
    names_seen = set(taken)
    for options in given if isinstance(given, (list, tuple)) else [given]:
        extra = findings.attempt(functools.partial(_extra, options, settings), None)
        if extra is None:
            continue
        if extra.row.name in names_seen:
            findings.add(
                f"cluster_extra_identities: there is an identity {extra.row.name!r} already: choose another name"
            )
        names_seen.add(extra.row.name)
        found.append(extra)
    return found


def _extra(options: Any, settings: inventory.Settings) -> Extra:
    _only("cluster_extra_identities", options, _EXTRA_OPTIONS)
    name = str(options.get("name") or "")
    if _NAME.match(name) is None:
        raise InputError(
            f"cluster_extra_identities: {name!r} cannot be a name: a-z, 0-9 and '-', at most 63 characters"
        )
    what = f"cluster_extra_identities: {name}"
    findings = Findings()
    common = findings.attempt(functools.partial(_common, what, options), None)
    row = findings.attempt(functools.partial(_row, what, name, options, settings), None)
    findings.raise_any()
    common, row = errors.given(common), errors.given(row)
    if SERVER in row.usages and not common.names:
        raise InputError(f"{what}: a server's certificate needs dns_names or ip_addresses")
    return Extra(
        row=replace(
            row,
            common_name=common.common_name or name,
            organizations=common.organizations or (),
            names=common.names,
        ),
        groups=tuple(str(group) for group in options.get("groups") or ["kube_control_plane"]),
        validity=common.validity,
        renew_before=common.renew_before,
        keep_key=common.keep_key,
        key_type=common.key_type,
        certificate_path=common.certificate_path,
        key_path=common.key_path,
    )


def _row(what: str, name: str, options: Mapping[str, Any], settings: inventory.Settings) -> Row:
    findings = Findings()
    owner = str(options.get("owner") or "root")
    group = str(options.get("group") or owner)
    row = Row(
        name=name,
        place="",
        stem=name,
        common_name=name,
        issuer=findings.attempt(functools.partial(_issuer, what, options, settings), None),
        usages=findings.attempt(functools.partial(_usages, what, options), ()),
        owner=findings.attempt(functools.partial(_user, what, owner), ""),
        group=findings.attempt(functools.partial(_user, what, group), ""),
        key_mode=findings.attempt(functools.partial(_key_mode, what, options.get("key_mode") or "0600"), ""),
        kubeconfig=findings.attempt(functools.partial(_kubeconfig, what, options), None),
    )
    findings.raise_any()
    return row


def _issuer(what: str, options: Mapping[str, Any], settings: inventory.Settings) -> str:
    issuer = str(options.get("issuer") or "kubernetes-ca")
    known = [ca.name for ca in PROFILES[settings.profile].cas]
    if issuer not in known:
        raise InputError(f"{what}: issuer {issuer!r} is not one of {', '.join(known)}")
    if issuer == "front-proxy-ca":
        # --requestheader-client-ca-file: whoever it signs may act as anybody.
        raise InputError(f"{what}: front-proxy-ca signs the front proxy's client alone: choose another issuer")
    return issuer


def _usages(what: str, options: Mapping[str, Any]) -> tuple[str, ...]:
    usages = tuple(str(item) for item in options.get("usages") or [CLIENT])
    if set(usages) - {CLIENT, SERVER}:
        raise InputError(f"{what}: usages are {CLIENT!r} and {SERVER!r}, nothing else")
    return usages


def _user(what: str, name: Any) -> str:
    if _USER.match(str(name)) is None:
        raise InputError(f"{what}: {str(name)!r} cannot be the name of a user or group")
    return str(name)


def _key_mode(what: str, mode: Any) -> str:
    if _MODE.match(str(mode)) is None or int(str(mode), 8) & 0o137:
        raise InputError(f'{what}: key_mode {str(mode)!r} is not "0600", "0640" or stricter')
    return str(mode)


def _kubeconfig(what: str, options: Mapping[str, Any]) -> Kubeconfig | None:
    given = options.get("kubeconfig")
    if not given:
        return None
    _only(f"{what}: kubeconfig", given, ("path", "server"))
    server = str(given.get("server") or "endpoint")
    if server not in ("endpoint", "local"):
        raise InputError(f"{what}: kubeconfig: server {server!r} is not endpoint or local")
    return Kubeconfig(inventory.host_path(f"{what}: kubeconfig: path", given.get("path") or ""), server)
