# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the report makes of what it was told: every finding, and what is none."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.tlsbootstrap.kubernetes.plugins.filter.report import report as report_filter
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.watching import (
    CODES,
    LEVELS,
    Limits,
    rows_of,
)

DAY = 86400
YEAR = 365 * DAY
NOW = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.timezone.utc)
CAS = [{"name": "kubernetes-ca"}]
KUBELET = "/var/lib/kubelet/pki/kubelet-client-current.pem"


def instant(seconds: int) -> str:
    return (NOW + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def certificate(left: int = 300 * DAY, lifetime: int = YEAR, name: str = "admin", sha256: str = "aa") -> dict[str, Any]:
    return {
        "common_name": name,
        "organizations": [],
        "issuer": "O=x,CN=kubernetes-ca",
        "not_before": instant(left - lifetime),
        "not_after": instant(left),
        "seconds_left": left,
        "fingerprint_sha256": sha256,
    }


def file(path: str, *certificates: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"path": path, "exists": True, "certificates": list(certificates), **more}


def entry(of: dict[str, Any]) -> dict[str, Any]:
    return {"sha256": of["fingerprint_sha256"], **{key: of[key] for key in ("not_before", "not_after", "seconds_left")}}


ADMIN = certificate()
AUTHORITY = certificate(9 * YEAR, 10 * YEAR, "kubernetes-ca", "ca")
PLANS = {
    "cp1": {
        "identities": [
            {
                "name": "admin",
                "kind": "certificate",
                "issuer": "kubernetes-ca",
                "validity": YEAR,
                "certificate_path": "/admin.crt",
            },
            {
                "name": "kubelet-client-ca",
                "kind": "ca",
                "issuer": None,
                "validity": 10 * YEAR,
                "certificate_path": "/signing.crt",
            },
            {
                "name": "proxy",
                "kind": "certificate",
                "issuer": "kubernetes-ca",
                "validity": DAY,
                "kubeconfig": {"path": "/proxy.conf"},
            },
            {"name": "service-account", "kind": "service_account", "certificate_path": None, "kubeconfig": None},
        ]
    }
}


class Case:
    """A cluster of one host that is as it should be, and what may be wrong with it."""

    def __init__(self, plans: dict[str, Any] | None = None) -> None:
        self.plans = plans or PLANS
        self.files = [
            file("/admin.crt", ADMIN),
            file("/signing.crt", certificate(9 * YEAR, 10 * YEAR, "signing", "bb")),
            file("/proxy.conf", certificate(name="proxy", sha256="cc"), key_matches=True),
            file(KUBELET, certificate(400, 480, "system:node:cp1", "dd"), key_matches=True),
        ]
        self.endpoints: list[dict[str, Any]] = []
        self.at_ca: dict[str, Any] = {
            "files": [file("/ca/kubernetes-ca.crt", AUTHORITY)],
            "endpoints": [],
            "ledger": {
                "cas": {"kubernetes-ca": "ca"},
                "certificates": {
                    "cp1": {"admin": entry(ADMIN), "proxy": entry(certificate(name="proxy", sha256="cc"))}
                },
            },
        }
        self.limits = {"warning": "30d", "critical": "7d", "signing_duration": "365d"}
        self.hosts = ["cp1"]

    def report(self) -> dict[str, Any]:
        found = {"cp1": {"files": self.files, "endpoints": self.endpoints}}
        return report_filter(found, self.hosts, self.plans, CAS, "localhost", self.at_ca, self.limits)

    def one(self) -> dict[str, Any]:
        """The only finding."""
        (finding,) = self.report()["findings"]
        return finding


def test_what_is_well_is_ok() -> None:
    said = Case().report()
    assert (said["status"], said["findings"], said["hosts_not_reached"]) == ("ok", [], [])
    assert said["certificates"][0]["path"] == KUBELET
    assert {row["state"] for row in said["certificates"]} == {"ok"}
    identities = {row["path"]: row.get("identity") for row in said["certificates"]}
    assert identities["/admin.crt"] == "admin"
    assert identities["/proxy.conf"] == "proxy"
    assert identities[KUBELET] is None


@pytest.mark.parametrize(
    ("left", "lifetime", "code"),
    [
        (30 * DAY, YEAR, None),
        (30 * DAY - 1, YEAR, "Ending"),
        (7 * DAY, YEAR, "Ending"),
        (7 * DAY - 1, YEAR, "NearEnd"),
        (1, YEAR, "NearEnd"),
        (0, YEAR, "Expired"),
        (-1, YEAR, "Expired"),
        # Of a short lifetime a tenth counts: kubelets renew when a tenth is left at the latest.
        (48, 480, None),
        (47, 480, "Ending"),
        (24, 480, "Ending"),
        (23, 480, "NearEnd"),
        (9 * DAY, 90 * DAY, None),
        (9 * DAY - 1, 90 * DAY, "Ending"),
    ],
)
def test_limits_to_the_second(left: int, lifetime: int, code: str | None) -> None:
    assert Limits("30d", "7d").level(left, lifetime) == code


def test_limits_as_shares_count_as_they_are() -> None:
    assert Limits("50%", "20%").level(49, 100) == "Ending"
    assert Limits("50%", "20%").level(50, 100) is None
    assert Limits("50%", "20%").level(19, 100) == "NearEnd"


@pytest.mark.parametrize("limits", [{"warning": "soon"}, {"critical": "7"}, {"critical": "100%"}])
def test_limits_that_are_none_are_refused(limits: dict[str, str]) -> None:
    case = Case()
    case.limits.update(limits)
    with pytest.raises(AnsibleFilterError, match=f"report_{next(iter(limits))}: .* share of the lifetime"):
        case.report()


def test_each_end_is_told() -> None:
    for left, code, severity in (
        (-5, "Expired", "critical"),
        (DAY, "NearEnd", "critical"),
        (20 * DAY, "Ending", "warning"),
    ):
        case = Case()
        case.files[3] = file(KUBELET, certificate(left, YEAR, "system:node:cp1"))
        finding = case.one()
        assert (finding["code"], finding["severity"], finding["path"]) == (code, severity, KUBELET)
        assert "system:node:cp1" in finding["message"]
        assert case.report()["status"] == severity


def test_a_clock_that_is_behind() -> None:
    case = Case()
    case.files[3] = file(KUBELET, certificate(YEAR + 60, YEAR))
    assert case.one()["code"] == "NotYetValid"


def test_files_that_are_not_there_or_no_certificates() -> None:
    case = Case()
    case.files[0] = {**file("/admin.crt"), "exists": False}
    assert (case.one()["code"], case.one()["severity"]) == ("Missing", "critical")
    case.files[0] = file("/admin.crt", error="/admin.crt: a PEM block is cut off")
    assert (case.one()["code"], "cut off" in case.one()["message"]) == ("Unreadable", True)
    case = Case()
    case.files[3] = {**file(KUBELET), "exists": False}
    assert (case.one()["code"], case.one()["severity"]) == ("Missing", "warning")
    case = Case()
    case.files[3] = file(KUBELET, certificate(400, 480), key_matches=False)
    assert case.one()["code"] == "KeyMismatch"


def test_the_ledger_and_the_hosts_know_different_things() -> None:
    case = Case()
    known = case.at_ca["ledger"]["certificates"]["cp1"]
    # The CA folder is older than the host.
    known["admin"] = {**entry(ADMIN), "sha256": "00", "not_before": instant(-YEAR)}
    assert case.one()["code"] == "NotInLedger"
    del known["admin"]
    assert case.one()["code"] == "NotInLedger"
    begins = case.files[0]["certificates"][0]["not_before"]
    case.at_ca["ledger"]["recorded"] = {"kubernetes-ca": instant(-YEAR)}
    assert case.one()["code"] == "NotInLedger"
    # It came along with a CA that was brought.
    case.at_ca["ledger"]["recorded"] = {"kubernetes-ca": begins}
    assert case.report()["findings"] == []
    # The host is older than the CA folder.
    known["admin"] = {**entry(ADMIN), "sha256": "00", "not_before": instant(-60)}
    assert case.one()["code"] == "Superseded"


def test_an_older_ca_and_no_ledger() -> None:
    case = Case()
    case.at_ca["ledger"]["cas"]["kubernetes-ca"] = "00"
    assert (case.one()["code"], case.one()["path"]) == ("Superseded", "/ca/kubernetes-ca.crt")
    case.at_ca["ledger"] = {"cas": {}, "certificates": {}, "unreadable": []}
    assert case.one()["code"] == "LedgerEmpty"


def test_lines_of_the_ledger_that_say_nothing_are_named() -> None:
    case = Case()
    case.at_ca["ledger"].update(path="/ca/ledger.jsonl", unreadable=[3])
    found = case.one()
    assert (found["code"], found["severity"], found["path"]) == ("LedgerUnreadable", "warning", "/ca/ledger.jsonl")
    assert "line 3 says nothing" in found["message"]
    case.at_ca["ledger"].update(unreadable=list(range(1, 2001)))
    assert "lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 1990 more say nothing" in case.one()["message"]


def test_certificates_that_nobody_holds() -> None:
    case = Case()
    known = case.at_ca["ledger"]["certificates"]
    known["gone"] = {"admin": entry(ADMIN), "ended": entry(certificate(-1))}
    known["cp1"]["dropped"] = entry(ADMIN)
    first, second = case.report()["findings"]
    assert (first["code"], first["host"], second["host"]) == ("NotHeld", "cp1", "gone")
    assert "dropped: the host has no such identity any more" in first["message"]
    assert "admin: the host is not in the inventory" in second["message"]
    assert "ended" not in second["message"].rpartition("ended: ")[2]
    # It is to be known, and nobody can do anything about it.
    assert case.report()["status"] == "ok"


def test_what_has_served_a_join_is_held_by_nobody_as_it_should_be() -> None:
    plans = {host: {**plan, "joining": {"probe": {"name": "join-probe"}}} for host, plan in PLANS.items()}
    case = Case(plans)
    known = case.at_ca["ledger"]["certificates"]
    known["cp1"]["join-probe"] = entry(ADMIN)
    assert case.report()["findings"] == []
    # Of a host that has left, whoever has it can use it until then.
    known["gone"] = {"join": entry(ADMIN)}
    assert "join: the host is not in the inventory" in case.one()["message"]


def test_cas_that_end_before_what_they_sign() -> None:
    case = Case()
    case.at_ca["files"] = [file("/ca/kubernetes-ca.crt", certificate(YEAR, 10 * YEAR, "kubernetes-ca", "ca"))]
    case.files[1] = file("/signing.crt", certificate(YEAR, 10 * YEAR))
    assert case.report()["findings"] == []
    case.at_ca["files"] = [file("/ca/kubernetes-ca.crt", certificate(YEAR - 1, 10 * YEAR, "kubernetes-ca", "ca"))]
    assert (case.one()["code"], case.one()["host"]) == ("SigningEndsFirst", "localhost")
    case = Case()
    case.files[1] = file("/signing.crt", certificate(YEAR - 1, 10 * YEAR))
    assert (case.one()["code"], case.one()["path"]) == ("SigningEndsFirst", "/signing.crt")


def served(*certificates: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"address": "192.0.2.11:6443", "answers": bool(certificates), "certificates": list(certificates), **more}


def test_what_is_served() -> None:
    case = Case()
    case.endpoints = [served(ADMIN, path="/admin.crt", serves_file=True)]
    assert case.report()["findings"] == []
    assert "192.0.2.11:6443" not in [row["path"] for row in case.report()["certificates"]]
    case.endpoints = [served(ADMIN, AUTHORITY, path="/admin.crt", serves_file=False)]
    assert (case.one()["code"], case.one()["path"]) == ("ServedDiffers", "192.0.2.11:6443")
    assert [row["path"] for row in case.report()["certificates"]].count("192.0.2.11:6443") == 1
    case.endpoints = [served(certificate(-1), path="/admin.crt", serves_file=False)]
    assert {finding["code"] for finding in case.report()["findings"]} == {"Expired", "ServedDiffers"}
    case.endpoints = [served(error="cannot be reached: Connection refused")]
    assert (case.one()["code"], case.report()["status"]) == ("NotServed", "ok")


def test_servers_asked_from_the_ca_host() -> None:
    case = Case()
    case.at_ca["endpoints"] = [served(certificate(DAY)), served(error="it is off")]
    first, second = case.report()["findings"]
    assert (first["code"], first["path"], second["code"]) == ("NearEnd", "192.0.2.11:6443", "NotServed")


def test_a_ca_host_and_hosts_that_could_not_be_asked() -> None:
    case = Case()
    case.at_ca, case.hosts = {"unreachable": True}, ["cp1", "w1"]
    said = case.report()
    assert [finding["code"] for finding in said["findings"]] == ["CAHostNotReached"]
    assert (said["status"], said["hosts_not_reached"]) == ("critical", ["w1"])


def test_a_file_without_a_certificate_has_a_row_that_says_so() -> None:
    files = [{"path": "/a", "exists": False}, file("/b", error="the file is empty"), file("/c")]
    assert [row["left"] for row in rows_of(files, "cp1")] == ["not there", "the file is empty", "no certificate in it"]


def test_the_page_on_the_report_has_every_finding() -> None:
    page = (Path(__file__).parents[5] / "docs/report.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+) \|$", page, re.MULTILINE)
    assert listed == [(code, severity, meaning) for code, (severity, meaning) in CODES.items()]
    assert {severity for severity, _meaning in CODES.values()} < set(LEVELS)
