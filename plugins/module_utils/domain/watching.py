# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the report says of the certificates of a cluster, and what somebody has to look at.

It compares what pki_info has read on the hosts, on the CA host and from the wire with the plan and the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from .csr import parse_time
from .durations import parse_duration, parse_share, time_left
from .errors import InputError
from .ledger import unreadable_text

__all__ = ["CODES", "LEVELS", "Limits", "Watch", "rows_of"]

OK, NOTE, WARNING, CRITICAL = LEVELS = ("ok", "note", "warning", "critical")
CODES = {
    "Expired": (CRITICAL, "it has ended"),
    "NotYetValid": (CRITICAL, "its validity lies in the future"),
    "NearEnd": (CRITICAL, "less time is left than report_critical"),
    "Ending": (WARNING, "less time is left than report_warning"),
    "Missing": (CRITICAL, "a certificate of the plan is not there; of a kubelet, which may not have joined, a warning"),
    "Unreadable": (CRITICAL, "the file cannot be read, or holds no certificate"),
    "KeyMismatch": (CRITICAL, "certificate and private key in the file or kubeconfig do not belong together"),
    "ServedDiffers": (WARNING, "the server shows another certificate than the one in its file: it was not restarted"),
    "NotServed": (NOTE, "the server does not answer, so nothing is known of what it serves"),
    "SigningEndsFirst": (WARNING, "the CA ends before what would be signed with it now, which is cut short"),
    "NotInLedger": (
        WARNING,
        "a host has a newer certificate than the ledger knows: the CA folder was restored from an older backup",
    ),
    "Superseded": (
        WARNING,
        "a host, or the CA folder, has an older one than the ledger knows: an old backup was restored",
    ),
    "NotHeld": (NOTE, "the ledger knows certificates that no host of the inventory holds, and that have not ended"),
    "LedgerEmpty": (WARNING, "there is no ledger beside the CAs: what was issued cannot be told"),
    "LedgerUnreadable": (WARNING, "lines of the ledger cannot be read: what they recorded is not known"),
    "CAHostNotReached": (CRITICAL, "the CAs and the ledger could not be read"),
}


# What to do where a certificate of the plan is not there. Of CAs none but the first is made without being told to.
_MAKE = "run the playbook pki"
_BRING_BACK = "bring it back from the backup of the CA folder, or run the playbook pki where there never was one"


@dataclass(frozen=True)
class Limits:
    """Durations, or shares of a certificate's lifetime. What is neither is refused at once."""

    warning: str
    critical: str

    def __post_init__(self) -> None:
        self.level(1, 0)

    def level(self, seconds_left: int, lifetime: int) -> str | None:
        """The code for what is left, or None."""
        if seconds_left <= 0:
            return "Expired"
        # Kubelets renew when a tenth is left at the latest.
        if seconds_left < _seconds(self.critical, lifetime, lifetime / 20, "report_critical"):
            return "NearEnd"
        limit = _seconds(self.warning, lifetime, lifetime / 10, "report_warning")
        return "Ending" if seconds_left < limit else None


def _seconds(limit: str, lifetime: int, most: float, what: str) -> float:
    share = parse_share(limit)
    if share is not None:
        return lifetime * share / 100
    try:
        return min(parse_duration(limit), most)
    except InputError as error:
        raise InputError(f"{what}: {error}, or a share of the lifetime like 10%") from None


def rows_of(files: Iterable[Mapping[str, Any]], host: str) -> list[dict[str, Any]]:
    """One row for each certificate; a file without one gets a row that says so."""
    return [row for file in files for row in _rows(file, host)]


def _rows(file: Mapping[str, Any], host: str) -> Iterator[dict[str, Any]]:
    path = file.get("address") or file["path"]
    found = file.get("certificates") or []
    for certificate in found:
        yield {
            "host": host,
            "path": path,
            "holder": certificate["common_name"],
            "organizations": certificate["organizations"],
            "issuer": certificate["issuer"].rpartition("CN=")[2],
            "not_after": certificate["not_after"],
            "seconds_left": certificate["seconds_left"],
            "left": time_left(certificate["seconds_left"]),
            "ends_at": int(parse_time(certificate["not_after"]).timestamp()),
            "state": OK,
            "certificate": certificate,
        }
    if not found:
        why = file.get("error") or ("no certificate in it" if file.get("exists") else "not there")
        yield {"host": host, "path": path, "seconds_left": 0, "left": why, "state": OK}


@dataclass
class Watch:
    """The hosts' plans and the CAs', and what was found; `report` is the outcome."""

    plans: Mapping[str, Mapping[str, Any]]
    authorities: Sequence[Mapping[str, Any]]
    limits: Limits
    # What the controller-manager signs lives as long as this, in seconds.
    signing_duration: int
    rows: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)

    def report(
        self, found: Mapping[str, Mapping[str, Any]], ca_host: str, at_ca_host: Mapping[str, Any], hosts: Sequence[str]
    ) -> dict[str, Any]:
        """`found` are the results of pki_info by host, `hosts` those that were to be asked."""
        ledger = at_ca_host.get("ledger") or {}
        for host, result in found.items():
            self._host(host, result, ledger)
        if "files" in at_ca_host:
            self._ca_host(ca_host, at_ca_host, ledger)
        else:
            self._note("CAHostNotReached", ca_host, "", "", "see whether it is on, and whether its folder may be read")
        rank = LEVELS.index
        status = max((finding["severity"] for finding in self.findings), key=rank, default=OK)
        return {
            "status": OK if status == NOTE else status,
            "certificates": sorted(self.rows, key=lambda row: int(row["seconds_left"])),
            "findings": sorted(self.findings, key=lambda finding: -rank(finding["severity"])),
            "hosts_not_reached": [host for host in hosts if host not in found],
        }

    # ---- hosts

    def _host(self, host: str, result: Mapping[str, Any], ledger: Mapping[str, Any]) -> None:
        identities = {_place(row): row for row in self.plans.get(host, {}).get("identities") or [] if _place(row)}
        for file in result["files"]:
            identity = identities.get(file["path"])
            rows = self._file(file, host, _MAKE if identity is not None else None)
            if identity is not None and file.get("certificates"):
                self._identity(host, identity, file, rows[0], ledger)
        for endpoint in result.get("endpoints") or []:
            self._endpoint(host, endpoint)

    def _file(self, file: Mapping[str, Any], host: str, remedy: str | None) -> list[dict[str, Any]]:
        rows = rows_of([file], host)
        self.rows += rows
        if not file.get("certificates"):
            self._nothing(file, rows[0], remedy)
            return rows
        for row in rows:
            self._time(row)
        if file.get("key_matches") is False:
            self._judge(rows[0], "KeyMismatch", "run the playbook pki, or let the kubelet join anew")
        return rows

    def _nothing(self, file: Mapping[str, Any], row: dict[str, Any], remedy: str | None) -> None:
        if file.get("exists"):
            self._judge(row, "Unreadable", file.get("error") or "it holds no certificate")
        elif remedy:
            self._judge(row, "Missing", remedy)
        else:
            self._judge(row, "Missing", "see whether the kubelet has joined", WARNING)

    def _time(self, row: dict[str, Any]) -> None:
        certificate = row["certificate"]
        starts, ends = parse_time(certificate["not_before"]), parse_time(certificate["not_after"])
        lifetime = int((ends - starts).total_seconds())
        code = self.limits.level(certificate["seconds_left"], lifetime)
        if code is not None:
            self._judge(row, code, f"{row['left']}, until {row['not_after']}")
        elif certificate["seconds_left"] > lifetime:
            self._judge(row, "NotYetValid", f"it begins at {certificate['not_before']}; see the host's clock")

    def _identity(
        self,
        host: str,
        identity: Mapping[str, Any],
        file: Mapping[str, Any],
        row: dict[str, Any],
        ledger: Mapping[str, Any],
    ) -> None:
        """One certificate of the plan against the ledger."""
        row["identity"] = identity["name"]
        certificate = file["certificates"][0]
        if identity["kind"] == "ca":
            self._signs(row, self.signing_duration)
        elif ledger.get("certificates") and identity.get("issuer") in {ca["name"] for ca in self.authorities}:
            entry = (ledger["certificates"].get(host) or {}).get(identity["name"])
            # What the ledger lacks and is older than its knowledge of the CA came along with a CA that was brought.
            since = (ledger.get("recorded") or {}).get(identity["issuer"], "")
            if certificate["not_before"] > (entry["not_before"] if entry else since):
                self._judge(
                    row,
                    "NotInLedger",
                    f"{host} has one from {certificate['not_before']}; to have it made anew, run the playbook site "
                    f"once with -e identities_force={identity['name']}",
                )
            elif entry and entry["sha256"] != certificate["fingerprint_sha256"]:
                self._judge(row, "Superseded", f"the newest is from {entry['not_before']}; run the playbook pki")

    def _endpoint(self, host: str, endpoint: Mapping[str, Any]) -> None:
        address = endpoint["address"]
        if not endpoint["answers"]:
            self._note("NotServed", host, "", address, str(endpoint.get("error")))
        elif endpoint.get("serves_file") is False:
            # What is served is as good as a file: it gets its row, and its end is looked at.
            rows = rows_of([endpoint], host)[:1]
            self.rows += rows
            self._time(rows[0])
            self._judge(rows[0], "ServedDiffers", f"its file is {endpoint['path']}; restart it")

    # ---- the CA host

    def _ca_host(self, host: str, result: Mapping[str, Any], ledger: Mapping[str, Any]) -> None:
        for file, authority in zip(result["files"], self.authorities):
            rows = self._file(file, host, _BRING_BACK)
            if not file.get("certificates"):
                continue
            rows[0]["identity"] = authority["name"]
            self._signs(rows[0], self._longest(authority["name"]))
            newest = (ledger.get("cas") or {}).get(authority["name"])
            if newest not in (None, rows[0]["certificate"]["fingerprint_sha256"]):
                self._judge(rows[0], "Superseded", f"the newest is {newest[:16]}")
        for endpoint in result.get("endpoints") or []:
            if endpoint["answers"]:
                rows = rows_of([endpoint], host)[:1]
                self.rows += rows
                self._time(rows[0])
            else:
                self._note("NotServed", host, "", endpoint["address"], str(endpoint.get("error")))
        certificates = ledger.get("certificates") or {}
        if not certificates and not ledger.get("cas"):
            self._note("LedgerEmpty", host, "", "", "restore it with the CA folder")
        if ledger.get("unreadable"):
            self._note("LedgerUnreadable", host, "", str(ledger.get("path", "")), unreadable_text(ledger["unreadable"]))
        self._not_held(certificates)

    def _longest(self, issuer: str) -> int:
        """The longest lifetime of what the plan has it sign."""
        identities = (row for plan in self.plans.values() for row in plan.get("identities") or [])
        return max((int(row["validity"]) for row in identities if row.get("issuer") == issuer), default=0)

    def _signs(self, row: dict[str, Any], lifetime: int) -> None:
        if 0 < row["seconds_left"] < lifetime:
            self._judge(
                row, "SigningEndsFirst", f"what it signs would last for {time_left(lifetime)}; plan its rotation"
            )

    def _not_held(self, certificates: Mapping[str, Mapping[str, Any]]) -> None:
        """One finding for each host: the more there were, the less anybody would read them."""
        for host, entries in certificates.items():
            plan = self.plans.get(host, {})
            # What is for a join is taken away again when it has served.
            rows = [*(plan.get("identities") or []), *(plan.get("joining") or {}).values()]
            planned = {row["name"] for row in rows}
            left = {name: entry for name, entry in entries.items() if name not in planned and entry["seconds_left"] > 0}
            if left:
                last = max(entry["not_after"] for entry in left.values())
                gone = "is not in the inventory" if host not in self.plans else "has no such identity any more"
                text = f"{', '.join(sorted(left))}: the host {gone}; the last of them ends at {last}"
                self._note("NotHeld", host, "", "", text)

    # ---- findings

    def _judge(self, row: dict[str, Any], code: str, text: str, severity: str | None = None) -> None:
        severity = severity or CODES[code][0]
        row["state"] = max(row["state"], severity, key=LEVELS.index)
        self._note(code, row["host"], str(row.get("holder", "")), row["path"], text, severity)

    def _note(self, code: str, host: str, holder: str, path: str, text: str, severity: str | None = None) -> None:
        level, meaning = CODES[code]
        where = " ".join(part for part in (host, path) if part)
        said = f"{where}{f' ({holder})' if holder else ''}: {meaning.partition(';')[0]}: {text}"
        finding = _Finding(severity or level, code, host, path, said)
        self.findings.append(asdict(finding))


@dataclass(frozen=True)
class _Finding:
    severity: str
    code: str
    host: str
    path: str
    message: str


def _place(identity: Mapping[str, Any]) -> str:
    """Where its certificate is: a file of its own, or a kubeconfig."""
    return identity.get("certificate_path") or (identity.get("kubeconfig") or {}).get("path") or ""
