# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the inventory and a profile to the list of identities, trust files and the approval policy.

A pure function of the variables of all hosts, linear in their number, so that a run with ``--limit`` plans the same
as a full one.
"""

from __future__ import annotations

import functools
import ipaddress
from typing import TYPE_CHECKING, Any

from . import extras, names
from .ca import SOURCES
from .credentials import CERTIFICATE, INVENTORY
from .csr import NODE_PREFIX
from .errors import InputError
from .findings import Findings
from .groups import missing_groups, misspelt_groups
from .inventory import GROUPS, HOST_KEYS, Host, Settings, members_of, read_hosts, read_settings
from .profiles import CLIENT, COMPONENTS, EXISTING, JOIN_CA, PROFILES, SYSTEM_USERS, UNITS, Profile, Row, Trust
from .tokens import JOIN_GROUP

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["build", "components_by_host", "planned_hosts", "select"]

_ETCD_CLIENT_PORT, _ETCD_PEER_PORT = 2379, 2380
# 300 names work with every reader of certificates that was tried, 5,000 break the handshake in some.
_MOST_NAMES = 300
_SYSTEM_MASTERS = "system:masters"
# Nothing revokes them.
_JOIN_VALIDITY, _PROBE_VALIDITY = 3600, 300
# Of every control plane, in both profiles.
_ADMIN_KUBECONFIG = "admin.conf"
# Where somebody else has made the cluster, it runs in Pods.
_NOT_EXISTING = ("kube-proxy",)


def planned_hosts(groups: Mapping[str, Sequence[str]]) -> list[str]:
    """The hosts whose variables the plan needs."""
    return list(dict.fromkeys(str(host) for group in GROUPS for host in groups.get(group) or ()))


def components_by_host(groups: Mapping[str, Sequence[str]], existing: bool = False) -> dict[str, list[str]]:
    """The binaries that each host needs; ``existing``: somebody else has made the cluster."""
    found: dict[str, list[str]] = {}
    for group, place in GROUPS.items():
        for host in members_of(groups, group):
            found.setdefault(host, []).extend(_wanted(COMPONENTS[place], existing))
    return found


def _wanted(names_of: Iterable[str], existing: bool) -> list[str]:
    return [name for name in names_of if not existing or name not in _NOT_EXISTING]


def select(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The few variables of a host that the plan reads: looking at all of them would template them all."""
    return {key: variables[key] for key in HOST_KEYS if key in variables}


def build(
    settings: Mapping[str, Any],
    groups: Mapping[str, Sequence[str]],
    variables: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """The plan, or one InputError that names everything that is wrong."""
    findings = Findings()
    parsed = read_settings(settings, findings)
    hosts = read_hosts(parsed, groups, variables, findings)
    profile = EXISTING if parsed.existing else PROFILES[parsed.profile]
    known = {row.name: row for row in profile.rows}
    added = extras.read_extra_identities(settings.get("cluster_extra_identities") or [], parsed, {*known}, findings)
    known.update({extra.row.name: extra.row for extra in added})
    overrides = extras.read_overrides(settings.get("cluster_identity_overrides") or {}, known, findings)
    ignored = [str(pattern) for pattern in settings.get("cluster_ignored_variables") or []]
    needed = [str(group) for group in settings.get("cluster_needed_groups") or []]
    for text in misspelt_groups(groups, ignored) or missing_groups(groups, needed):
        findings.add(text)
    _check_passphrase(settings, parsed, findings)
    _check_ca_host(parsed, hosts, groups, findings)
    _check_existing(settings, parsed, groups, findings)
    _check_groups(added, groups, findings)
    _check_api_names(parsed, hosts, findings)
    findings.raise_any()
    planner = _Planner(parsed, profile, hosts, added, overrides)
    plan = planner.plan(groups, findings)
    findings.raise_any()
    return plan


def _check_passphrase(settings: Mapping[str, Any], parsed: Settings, findings: Findings) -> None:
    """None of the values is shown."""
    variables = ("cluster_ca_passphrase", "cluster_ca_passphrase_file", "cluster_ca_passphrase_prompt")
    given = [variable for variable in variables if settings.get(variable)]
    if len(given) > 1:
        findings.add(f"{' and '.join(given)} are both set: one of them says where the passphrase comes from")
    if given and parsed.profile == "kubeadm":
        findings.add(
            f"{given[0]}: in the profile kubeadm components read the keys of the CAs, and know no passphrase: take it "
            "away, or use cluster_profile separated"
        )
    if settings.get("cluster_ca_passphrase_prompt") and parsed.choices.credential == "certificate":
        findings.add(
            "cluster_ca_passphrase_prompt: with join certificates whatever run comes next closes the joins, which "
            "takes the passphrase, and nobody may sit at its terminal: use cluster_ca_passphrase or "
            "cluster_ca_passphrase_file with cluster_join_credential certificate"
        )


def _check_ca_host(
    settings: Settings, hosts: Sequence[Host], groups: Mapping[str, Sequence[str]], findings: Findings
) -> None:
    control_planes = [host.name for host in hosts if "control_plane" in host.places]
    if not control_planes:
        return
    if settings.profile == "kubeadm":
        if settings.choices.credential == CERTIFICATE:
            findings.add(
                f"cluster_join_credential: {CERTIFICATE} with cluster_profile kubeadm: there one file says which "
                "clients and which servers are trusted, and a CA of joins would vouch for servers too; join with tokens"
            )
        if len(control_planes) > 1:
            findings.add(
                f"cluster_profile kubeadm with {len(control_planes)} control planes: sharing CA keys between control "
                "planes is not offered yet; use one control plane, or cluster_profile separated"
            )
        elif settings.ca_host != control_planes[0] or settings.ca_directory != settings.pki_directory:
            findings.add(
                "cluster_profile kubeadm keeps its CAs where they are used: set "
                f"cluster_ca_host: {control_planes[0]}, cluster_ca_directory: {settings.pki_directory} and, where the "
                "connection is not root's, cluster_ca_become: true"
            )
        return
    known = set(groups.get("all") or ()) | {host.name for host in hosts} | {"localhost"}
    if settings.ca_host not in known:
        findings.add(f"cluster_ca_host: {settings.ca_host!r} is neither localhost nor a host of the inventory")
    inside = f"{settings.ca_directory}/".startswith(f"{settings.pki_directory}/")
    if inside and settings.ca_directory and settings.pki_directory:
        findings.add(
            f"cluster_ca_directory {settings.ca_directory} lies in cluster_pki_directory: the CAs' keys need a folder "
            "of their own"
        )


def _check_existing(
    raw: Mapping[str, Any], settings: Settings, groups: Mapping[str, Sequence[str]], findings: Findings
) -> None:
    if not settings.existing:
        return
    if not raw.get("cluster_allow_existing"):
        findings.add(
            "this playbook is for clusters that this collection makes, and cluster_admin_kubeconfig is for another "
            "one: there are the playbooks join, approve and remove_node for it"
        )
    if settings.admin_host != "localhost" and settings.admin_host not in (groups.get("all") or ()):
        findings.add(f"cluster_admin_host: {settings.admin_host!r} is neither localhost nor a host of the inventory")
    if raw.get("cluster_extra_identities"):
        findings.add(
            "cluster_extra_identities with cluster_admin_kubeconfig: no CA is here that could sign them: take one of "
            "them away"
        )


def _check_groups(added: Sequence[extras.Extra], groups: Mapping[str, Sequence[str]], findings: Findings) -> None:
    for extra in added:
        unknown = [group for group in extra.groups if group not in GROUPS and group not in groups]
        if unknown:
            findings.add(
                f"cluster_extra_identities: {extra.row.name}: the inventory has no group {', '.join(unknown)}: correct "
                "its groups"
            )


def _check_api_names(settings: Settings, hosts: Sequence[Host], findings: Findings) -> None:
    """A kubelet's certificate has the names of its host, so no host but a control plane may be called like the API."""
    services = ("kubernetes", "kubernetes.default", "kubernetes.default.svc")
    taken = {*services, f"kubernetes.default.svc.{settings.domain}", "localhost", *settings.service_ips}
    ours = {*settings.extra_sans, *([settings.endpoint[0]] if settings.endpoint else [])}
    for host in hosts:
        wanted = [host.node_name, *host.addresses]
        clash = [name for name in wanted if name in taken or (name in ours and "control_plane" not in host.places)]
        for name in clash:
            findings.add(
                f"host {host.name}: {name} is a name of the API server, and the certificate of the kubelet would have "
                "it too: give the host another node_name or node_ip, or take it from cluster_api_endpoint and "
                "cluster_api_extra_sans"
            )


_UNATTENDED = (
    "the playbook approves the serving certificate that each node asks for when it joins, and in this cluster nobody "
    "approves the next ones: after its end kubectl logs and exec and the metrics of the node fail. Run the playbook "
    "approve when they wait, or have an approver in that cluster, such as csr-approver"
)


class _Planner:
    """What is the same for all hosts, and how one host is planned."""

    def __init__(
        self,
        settings: Settings,
        profile: Profile,
        hosts: Sequence[Host],
        added: Sequence[extras.Extra],
        overrides: Mapping[str, extras.Override],
    ) -> None:
        self.settings = settings
        self.profile = profile
        self.hosts = hosts
        self.added = added
        self.overrides = overrides
        self.control_planes = [host for host in hosts if "control_plane" in host.places]
        self.etcd_hosts = [host for host in hosts if "etcd" in host.places]
        self.nodes = [host for host in hosts if "node" in host.places]
        chosen = ("", settings.choices.credential)
        self.cas_by_name = {ca.name: ca for ca in profile.cas if ca.credential in chosen}
        self.first = self.control_planes[0].name if self.control_planes else ""
        # Of a cluster that somebody else has made its kubeconfig says it, where the user does not.
        address = self.control_planes[0].addresses[0] if self.control_planes else ""
        self.endpoint_host, port = settings.endpoint or (address, settings.api_port)
        self.endpoint = f"https://{names.bracketed(self.endpoint_host)}:{port}" if self.endpoint_host else ""

    # -- the whole

    def plan(self, groups: Mapping[str, Sequence[str]], findings: Findings) -> dict[str, Any]:
        planned = {host.name: self._host(host, groups, findings) for host in self.hosts}
        return {
            "cluster": self._cluster(),
            "cas": [self._ca(name, planned) for name in self.cas_by_name],
            "hosts": planned,
            "policy": {
                "nodes": {host.node_name: self._policy(host) for host in self.nodes},
                "decides": self.settings.choices.decides,
            },
            "warnings": self._warnings(),
        }

    def _cluster(self) -> dict[str, Any]:
        settings = self.settings
        return {
            "name": settings.name,
            "profile": settings.profile,
            "version": settings.version,
            "domain": settings.domain,
            "api_endpoint": self.endpoint,
            "api_host": self.endpoint_host,
            "api_port": settings.api_port,
            "service_cidrs": [str(network) for network in settings.service_networks],
            "service_ips": list(settings.service_ips),
            "dns_ips": [names.address_at(network, 10) for network in settings.service_networks],
            "pod_cidrs": [str(network) for network in settings.pod_networks],
            "first_control_plane": self.first,
            "control_planes": [host.name for host in self.control_planes],
            "etcd_hosts": [host.name for host in self.etcd_hosts],
            "etcd_endpoints": [_url(host, _ETCD_CLIENT_PORT) for host in self.etcd_hosts],
            "etcd_initial_cluster": ",".join(
                f"{host.node_name}={_url(host, _ETCD_PEER_PORT)}" for host in self.etcd_hosts
            ),
            "existing": settings.existing,
            # Who asks the API server, where, and whether as root.
            "admin_kubeconfig": settings.admin_kubeconfig or self._kubeconfig_path("admin", _ADMIN_KUBECONFIG),
            "admin_host": settings.admin_host if settings.existing else self.first,
            "admin_become": settings.admin_become if settings.existing else True,
            "approval": {
                "client": settings.choices.client,
                "renewal": settings.choices.renewal,
                "serving": settings.choices.serving,
                "service": settings.choices.service,
                "module": settings.choices.module,
            },
            "ca_directory_mode": "0755" if self.profile.cas_in_place else "0700",
        }

    def _ca(self, name: str, planned: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        ca = self.cas_by_name[name]
        rows = [row for host in planned.values() for row in [*host["identities"], *host["joining"].values()]]
        return {
            "name": ca.name,
            "common_name": ca.common_name,
            "key_type": self.settings.key_type,
            "validity": self.settings.ca_validity,
            "certificate_file": f"{ca.stem}.crt",
            "key_file": f"{ca.stem}.key",
            "key_group": ca.key_group,
            "key_mode": ca.key_mode,
            "certificate_mode": "0644",
            "source": self.settings.ca_sources.get(ca.name, SOURCES[0]),
            "root_certificate": self.settings.ca_root_certificate,
            "root_key": self.settings.ca_root_key,
            "usages": sorted({usage for row in rows if row["issuer"] == name for usage in row["usages"]}),
        }

    def _policy(self, host: Host) -> dict[str, list[str]]:
        dns_names, addresses = _split([host.node_name, *host.addresses])
        return {"dns_names": dns_names, "ip_addresses": addresses}

    def _warnings(self) -> list[str]:
        if self.settings.existing:
            return [_UNATTENDED] if self.settings.choices.serving == INVENTORY else []
        found = []
        if self.settings.endpoint is None and len(self.control_planes) > 1:
            found.append(
                f"cluster_api_endpoint is not set: all nodes depend on {self.first} alone; "
                "give the address of a load balancer or a virtual address"
            )
        if len(self.etcd_hosts) % 2 == 0:
            found.append(
                f"etcd has {len(self.etcd_hosts)} members: an even number tolerates no more failures than one less"
            )
        if self._signs_nothing():
            found.append(
                "cluster_ca_sources: kubernetes-ca is external: in the profile kubeadm the controller-manager then "
                "signs nothing, and no kubelet gets a certificate by its bootstrap; cluster_profile separated gives it"
            )
        if not self.nodes and self.settings.installs:
            found.append("the group kube_node has no host: nothing will run Pods")
        if not self.settings.choices.renews_serving:
            found.append(
                "nobody approves the next serving certificates of kubelets by itself "
                f"({self.settings.choices.serving_approver}): they end at their first renewal, and logs, exec and "
                "metrics of their Pods with them, where nobody approves each in time (playbook approve); "
                "cluster_approver: service with cluster_serving_approval: inventory does"
            )
        found.extend(
            f"cluster_extra_identities: {extra.row.name} is in {_SYSTEM_MASTERS}: only its end revokes it"
            for extra in self.added
            if _SYSTEM_MASTERS in extra.row.organizations
        )
        found.extend(
            f"cluster_identity_overrides: {name} is in {_SYSTEM_MASTERS}: only its end revokes it"
            for name, override in self.overrides.items()
            if _SYSTEM_MASTERS in (override.organizations or ())
        )
        return found

    # -- one host

    def _host(self, host: Host, groups: Mapping[str, Sequence[str]], findings: Findings) -> dict[str, Any]:
        identities: list[dict[str, Any]] = []
        for row, extra in self._rows(host, groups):
            attempt = functools.partial(self._identity, host, row, extra)
            identity: dict[str, Any] | None = findings.attempt(attempt, None)
            identities += [identity] if identity else []
        units = self._units(host)
        _check_paths(host, identities, findings)
        trust = {item.name: self._path(item.file) for item in self._trust(host)}
        nothing: dict[str, dict[str, Any]] = {}
        joining = findings.attempt(functools.partial(self._joining, host), nothing)
        bundles = [self._bundle(host, item, units) for item in self._trust(host) if self._written(host, item)]
        return {
            "node_name": host.node_name,
            "addresses": list(host.addresses),
            "groups": list(host.groups),
            "labels": dict(host.labels),
            "taints": list(host.taints),
            "units": units,
            "components": self._components(host),
            "local_api_endpoint": self._local_api(host) if "control_plane" in host.places else None,
            "identities": identities,
            "users": _users(identities),
            "bundles": bundles,
            "certs": {identity["name"]: _paths(identity) for identity in identities},
            "trust": trust,
            "signing": self._signing() if "control_plane" in host.places else {},
            "restart_files": self._restart_files(host, identities, units),
            "joining": joining,
        }

    def _joining(self, host: Host) -> dict[str, dict[str, Any]]:
        """What the CA of joins signs: a node's first credential, and what a control plane proves its trust with."""
        if JOIN_CA not in self.cas_by_name:
            return {}
        rows: dict[str, dict[str, Any]] = {}
        if "node" in host.places:
            name = NODE_PREFIX + host.node_name
            if names.fit_common_name(name) != name:
                raise InputError(
                    f"host {host.name}: {host.node_name} is too long for a join certificate, whose common name has "
                    "64 characters at the most: give it a shorter node_name, or join with tokens"
                )
            rows["node"] = self._joining_row("join", name, [JOIN_GROUP], _JOIN_VALIDITY)
        if "control_plane" in host.places:
            rows["probe"] = self._joining_row("join-probe", "tlsbootstrap:join-probe", [], _PROBE_VALIDITY)
        return rows

    def _joining_row(self, name: str, common_name: str, organizations: list[str], validity: int) -> dict[str, Any]:
        return {
            "name": name,
            "kind": "certificate",
            "issuer": JOIN_CA,
            "common_name": common_name,
            "organizations": organizations,
            "usages": [CLIENT],
            "key_type": "ecdsa-p256",
            "validity": validity,
            "certificate_path": self._path(f".pending/{name}.crt"),
            "key_path": self._path(f".pending/{name}.key"),
        }

    def _rows(self, host: Host, groups: Mapping[str, Sequence[str]]) -> Iterable[tuple[Row, extras.Extra | None]]:
        for row in self.profile.rows:
            wanted = row.name != "csr-approver" or self.settings.choices.service
            if row.place in host.places and wanted:
                yield row, None
        for extra in self.added:
            # A group that is not in the inventory stands for its default, as etcd for the control planes.
            if any(group in host.groups or host.name in (groups.get(group) or ()) for group in extra.groups):
                yield extra.row, extra

    def _units(self, host: Host) -> list[str]:
        found = [unit for place in ("etcd", "control_plane", "node") if place in host.places for unit in UNITS[place]]
        found = _wanted(found, self.settings.existing)
        return [unit for unit in found if unit != "csr-approver" or self.settings.choices.service]

    def _components(self, host: Host) -> dict[str, list[str]]:
        """The binaries that the host needs, by the play that installs them: etcd comes with the control planes."""
        found: dict[str, list[str]] = {"control_plane": [], "node": []}
        for place in ("etcd", "control_plane", "node"):
            if place in host.places:
                found["node" if place == "node" else "control_plane"] += _wanted(
                    COMPONENTS[place], self.settings.existing
                )
        return found

    def _path(self, file: str) -> str:
        return f"{self.settings.pki_directory}/{file}"

    def _local_api(self, host: Host) -> str:
        address = host.addresses[0]
        if self.profile.local_by_loopback:
            address = "::1" if ":" in address else "127.0.0.1"
        return f"https://{names.bracketed(address)}:{self.settings.api_port}"

    def _signs_nothing(self) -> bool:
        """As kubeadm has it: without the key of its CA the controller-manager signs for nobody."""
        return "all" in self.profile.signing and self.settings.ca_sources.get("kubernetes-ca") == "external"

    def _signing(self) -> dict[str, dict[str, str]]:
        if self._signs_nothing():
            return {}
        overrides = {row.stem: self.overrides.get(row.name) for row in self.profile.rows if row.kind == "ca"}
        found = {}
        for name, stem in self.profile.signing.items():
            override = overrides.get(stem) or extras.Override()
            found[name] = {
                "certificate": override.certificate_path or self._path(f"{stem}.crt"),
                "key": override.key_path or self._path(f"{stem}.key"),
            }
        return found

    def _identity(self, host: Host, row: Row, extra: extras.Extra | None) -> dict[str, Any]:
        override = self.overrides.get(row.name) or extras.Override()
        settings = self.settings
        dns_names, addresses = _split([*self._names(host, row.names), *self._names(host, override.names)])
        if len(dns_names) + len(addresses) > _MOST_NAMES:
            raise InputError(
                f"host {host.name}: {row.name} has {len(dns_names) + len(addresses)} names, more than {_MOST_NAMES}: "
                "readers of certificates fail at some number"
            )
        validity = override.validity or (extra.validity if extra else 0)
        validity = validity or (settings.ca_validity if row.kind == "ca" else settings.certificate_validity)
        renew_before = override.renew_before or (extra.renew_before if extra else None) or settings.renew_before
        self._check_lifetime(row, validity, renew_before)
        identity: dict[str, Any] = {
            "name": row.name,
            "kind": row.kind,
            "issuer": row.issuer,
            "common_name": names.fit_common_name(self._text(host, override.common_name or row.common_name)),
            "organizations": list(row.organizations if override.organizations is None else override.organizations),
            "dns_names": dns_names,
            "ip_addresses": addresses,
            "usages": list(row.usages),
            "key_type": override.key_type or (extra.key_type if extra else "") or settings.key_type,
            "validity": validity,
            "renew_before": renew_before,
            "keep_key": override.keep_key or (extra is not None and extra.keep_key),
            "external": settings.ca_sources.get(str(row.issuer)) == "external",
            "owner": row.owner,
            "group": row.group or row.owner,
            "key_mode": row.key_mode,
            "certificate_mode": "0644",
            "restarts": [unit for unit in row.restarts if unit in self._units(host)],
        }
        identity.update(self._files(row, override, extra))
        identity["kubeconfig"] = self._kubeconfig(host, row, identity)
        return identity

    def _check_lifetime(self, row: Row, validity: int, renew_before: int | str | None) -> None:
        if row.kind == "certificate" and validity > self.settings.ca_validity:
            raise InputError(
                f"identity {row.name}: its validity is longer than cluster_ca_validity: none may outlive its CA"
            )
        if isinstance(renew_before, int) and row.kind == "certificate" and renew_before >= validity:
            raise InputError(
                f"identity {row.name}: renew_before is not shorter than its validity: every run would renew it"
            )

    def _files(self, row: Row, override: extras.Override, extra: extras.Extra | None) -> dict[str, str | None]:
        if row.stem is None:
            return {"certificate_path": None, "key_path": None, "public_key_path": None}
        bare = row.kind == "service_account"
        certificate = override.certificate_path or (extra.certificate_path if extra else "")
        key = override.key_path or (extra.key_path if extra else "")
        return {
            "certificate_path": None if bare else certificate or self._path(f"{row.stem}.crt"),
            "key_path": key or self._path(f"{row.stem}.key"),
            "public_key_path": (override.public_key_path or self._path(f"{row.stem}.pub")) if bare else None,
        }

    def _kubeconfig(self, host: Host, row: Row, identity: Mapping[str, Any]) -> dict[str, Any] | None:
        if row.kubeconfig is None:
            return None
        return {
            "path": self._kubeconfig_path(row.name, row.kubeconfig.file),
            "owner": identity["owner"],
            "group": identity["group"],
            "mode": "0600",
            "server": self._local_api(host) if row.kubeconfig.server == "local" else self.endpoint,
            "cluster_name": self.settings.name,
            "user_name": identity["common_name"],
            "ca_path": self._path(next(item.file for item in self.profile.trust if item.name == "kubernetes")),
            "embed": row.stem is None,
        }

    def _kubeconfig_path(self, name: str, file: str) -> str:
        override = self.overrides.get(name) or extras.Override()
        return override.kubeconfig_path or (
            file if file.startswith("/") else f"{self.settings.config_directory}/{file}"
        )

    def _text(self, host: Host, text: str) -> str:
        # Not str.format: the text may be the user's own.
        return text.replace("{node_name}", host.node_name).replace("{domain}", self.settings.domain)

    def _names(self, host: Host, wanted: Iterable[str]) -> Iterable[str]:
        several = {
            "@node_ips": list(host.addresses),
            "@service_ips": self.settings.service_ips,
            "@endpoint": [self.endpoint_host],
            "@extra_sans": self.settings.extra_sans,
            "@loopback": ["127.0.0.1", "::1"] if any(":" in address for address in host.addresses) else ["127.0.0.1"],
        }
        for word in wanted:
            yield from several[word] if word in several else [self._text(host, word)]

    # -- trust

    def _trust(self, host: Host) -> list[Trust]:
        return [item for item in self.profile.trust if set(item.places) & set(host.places)]

    def _written(self, host: Host, item: Trust) -> bool:
        in_place = self.profile.cas_in_place and host.name == self.settings.ca_host
        return bool(item.members) and not in_place

    def _bundle(self, host: Host, item: Trust, units: Sequence[str]) -> dict[str, Any]:
        ordered = [host, *[other for other in self.control_planes if other is not host]]
        ordered = ordered if "control_plane" in host.places else self.control_planes
        members = []
        for member in item.members:
            if member.startswith("@"):
                members += [f"{member[1:]}@{other.name}" for other in ordered]
            elif member.startswith("?"):
                members += [member] if member[1:] in self.cas_by_name else []
            else:
                members.append(member)
        return {
            "name": item.name,
            "path": self._path(item.file),
            "kind": item.kind,
            "members": members,
            "owner": "root",
            "group": "root",
            "mode": "0644",
            "restarts": self._restarted(item.restarts, units),
        }

    def _restarted(self, restarts: Iterable[str], units: Sequence[str]) -> list[str]:
        found = []
        for entry in restarts:
            unit, _unused, before = entry.partition("<1.")
            if unit in units and (not before or self.settings.minor < int(before)):
                found.append(unit)
        return found

    def _restart_files(
        self, host: Host, identities: Iterable[Mapping[str, Any]], units: Sequence[str]
    ) -> dict[str, list[str]]:
        found: dict[str, dict[str, None]] = {unit: {} for unit in units}
        rows = {row.name: row for row in self.profile.rows}
        for identity in identities:
            for unit in identity["restarts"]:
                for key in ("certificate_path", "key_path", "public_key_path"):
                    if identity[key]:
                        found[unit].setdefault(identity[key])
            row = rows.get(identity["name"])
            for unit in row.kubeconfig.restarts if row and row.kubeconfig else ():
                if unit in found and identity["kubeconfig"]:
                    found[unit].setdefault(identity["kubeconfig"]["path"])
        for item in self._trust(host):
            for unit in self._restarted(item.restarts, units):
                found[unit].setdefault(self._path(item.file))
        return {unit: list(paths) for unit, paths in found.items()}


def _url(host: Host, port: int) -> str:
    return f"https://{names.bracketed(host.addresses[0])}:{port}"


def _split(found: Iterable[str]) -> tuple[list[str], list[str]]:
    """Names and addresses, each once, in the order given."""
    dns_names: dict[str, None] = {}
    addresses: dict[str, None] = {}
    for name in found:
        if names.is_ip(name):
            addresses.setdefault(str(ipaddress.ip_address(name)))
        else:
            dns_names.setdefault(name)
    return list(dns_names), list(addresses)


def _users(identities: Iterable[Mapping[str, Any]]) -> list[str]:
    wanted = {user for identity in identities for user in (identity["owner"], identity["group"])}
    return sorted(wanted & set(SYSTEM_USERS))


def _paths(identity: Mapping[str, Any]) -> dict[str, str | None]:
    kubeconfig = identity["kubeconfig"]
    return {
        "certificate": identity["certificate_path"],
        "key": identity["key_path"],
        "public_key": identity["public_key_path"],
        "kubeconfig": kubeconfig["path"] if kubeconfig else None,
    }


def _check_paths(host: Host, identities: Iterable[Mapping[str, Any]], findings: Findings) -> None:
    seen: dict[str, str] = {}
    for identity in identities:
        for path in _paths(identity).values():
            if path is None:
                continue
            other = seen.setdefault(path, identity["name"])
            if other != identity["name"]:
                findings.add(f"host {host.name}: {other} and {identity['name']} have one file, {path}: change a path")
