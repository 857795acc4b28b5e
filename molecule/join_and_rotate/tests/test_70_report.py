"""The playbook report says of every certificate what openssl says."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from typing import Any

import pytest
from proofs import samples
from proofs.ansible import Run, run
from proofs.hosts import PKI, RUN, Host

CONTROL_PLANE = (
    "admin",
    "apiserver",
    "apiserver-etcd-client",
    "apiserver-kubelet-client",
    "controller-manager",
    "csr-approver",
    "etcd/healthcheck-client",
    "etcd/peer",
    "etcd/server",
    "front-proxy-client",
    "kube-proxy",
    "scheduler",
    "signing/kubelet-client",
    "signing/kubelet-serving",
    "super-admin",
)
CERTIFICATES = {"cp1": CONTROL_PLANE, "w1": ("kube-proxy",), "w2": ("kube-proxy",)}
KUBELET = {kind: f"/var/lib/kubelet/pki/kubelet-{kind}-current.pem" for kind in ("client", "server")}
CAS = {str(RUN / "ca" / f"{name}.crt") for name in ("kubernetes-ca", "etcd-ca", "front-proxy-ca")}
OPENSSL = "openssl x509 -noout -fingerprint -sha256 -enddate -dateopt iso_8601 -in"
# A line of the table, as Ansible prints the text of a list.
LINE = re.compile(r'^ +"((?:HOST|cp1|w1|w2|localhost) .+)",?$', re.MULTILINE)


@dataclass(frozen=True)
class Report:
    """One report, as people and as programs read it."""

    made: Run
    rows: list[dict[str, Any]]
    findings: list[dict[str, Any]]

    @property
    def lines(self) -> list[list[str]]:
        """The cells of the table."""
        return [re.split(r" {2,}", line) for line in LINE.findall(self.made.output)]


@pytest.fixture(scope="module")
def report() -> Report:
    path = RUN / "report.json"
    path.unlink(missing_ok=True)
    made = run("report", "--extra-vars", f"report_file={path}", "-vvvv")
    said = json.loads(path.read_text()) if path.exists() else {"certificates": [], "findings": []}
    return Report(made, said["certificates"], said["findings"])


def test_nobody_has_to_look(report: Report) -> None:
    """Every server answers and shows its file, and the ledger knows what the hosts hold."""
    assert report.rows
    assert report.findings == []


def facts(row: dict[str, Any]) -> tuple[str, str]:
    return row["certificate"]["fingerprint_sha256"], row["not_after"]


def judged(said: str) -> tuple[str, str]:
    """Return fingerprint and end as openssl says them."""
    fingerprint, end = (line.partition("=")[2] for line in said.splitlines())
    return fingerprint.replace(":", "").lower(), end.replace(" ", "T")


def test_it_changes_nothing_but_its_own_file(report: Report) -> None:
    assert (report.made.code, report.made.failures) == (0, "")
    assert [task["task"].rpartition(" : ")[2] for task in report.made.changes] == ["Write the report as JSON"]


def test_it_has_every_certificate(report: Report) -> None:
    found = sorted((row["host"], row["path"]) for row in report.rows)
    listed = [(name, f"{PKI}/{stem}.crt") for name, stems in CERTIFICATES.items() for stem in stems]
    kubelets = [(name, path) for name in CERTIFICATES for path in KUBELET.values()]
    assert found == sorted([*listed, *kubelets, *(("localhost", path) for path in CAS)])


@pytest.mark.parametrize("name", CERTIFICATES)
def test_openssl_says_the_same(hosts: dict[str, Host], report: Report, name: str) -> None:
    rows = {row["path"]: facts(row) for row in report.rows if row["host"] == name}
    for path in (f"{PKI}/{stem}.crt" for stem in CERTIFICATES[name]):
        assert rows[path] == judged(hosts[name].output(f"{OPENSSL} %s", path)), path
    # Those of the kubelet may be others by now.
    for kind, path in KUBELET.items():
        assert rows[path][0] in {seen.certificate.fingerprint for seen in samples.certificates(hosts[name], kind)}


def test_openssl_says_the_same_of_the_cas(report: Report) -> None:
    for row in (row for row in report.rows if row["path"] in CAS):
        command = [*OPENSSL.split(), row["path"]]
        assert facts(row) == judged(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_the_table_says_the_same(report: Report) -> None:
    heading, *lines = report.lines
    assert heading == ["HOST", "HOLDER", "ISSUER", "END", "TIME LEFT", "STATE", "FILE"]
    cells = ("host", "holder", "issuer", "not_after", "left", "state", "path")
    assert sorted(lines) == sorted([str(row[cell]) for cell in cells] for row in report.rows)
    ends = [line[3] for line in lines]
    assert ends == sorted(ends)
