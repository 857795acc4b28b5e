# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks pki and report on one control plane: backups that come back, servers that were not restarted.

Usage: unshare --mount --net drill.py FOLDER: what is done to /etc and the network is done in these namespaces.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.holding import users

ADDRESS = "192.0.2.11"
USERS = ("csr-approver", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
FINE = {"NotServed"}
OPENSSL = ("openssl", "x509", "-noout", "-fingerprint", "-sha256", "-enddate", "-dateopt", "iso_8601", "-in")


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def private_machine(folder):
    """A copy of /etc with the users in it, and an address."""
    etc = folder / "etc"
    shutil.copytree("/etc", etc, symlinks=True)
    for number, user in enumerate(USERS, 950):
        for name, line in (
            ("passwd", f"{user}:x:{number}:{number}::/:/usr/sbin/nologin\n"),
            ("group", f"{user}:x:{number}:\n"),
        ):
            with (etc / name).open("a") as stream:
                stream.write(line)
    (etc / "sysusers.d").mkdir(exist_ok=True)
    (etc / "sysusers.d/tlsbootstrap-kubernetes.conf").write_bytes(users._content(USERS, None))
    run("mount", "--make-rprivate", "/")
    run("mount", "--bind", str(etc), "/etc")
    run("ip", "link", "set", "lo", "up")
    run("ip", "address", "add", f"{ADDRESS}/32", "dev", "lo")


class Drill:
    def __init__(self, folder):
        self.folder = folder
        self.ca, self.pki, self.json, self.metrics = (
            folder / name for name in ("ca", "pki", "report.json", "report.prom")
        )
        self.inventory = folder / "inventory.json"
        # Closed: a host that cannot be reached says so at once.
        self.lost = {"ansible_connection": "ssh", "ansible_host": ADDRESS, "ansible_port": 9, "node_ip": "192.0.2.31"}
        self.local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "node_ip": ADDRESS}
        self.write()

    def write(self, nodes=None, **variables):
        settings = {
            "cluster_name": "drill",
            "cluster_ca_directory": str(self.ca),
            "cluster_config_directory": str(self.folder / "kubernetes"),
            "cluster_pki_directory": str(self.pki),
            # 92 % of it is left, for it begins five minutes before.
            "cluster_certificate_validity": "1h",
            "report_file": str(self.json),
            "report_metrics_file": str(self.metrics),
            **variables,
        }
        groups = {
            "kube_control_plane": {"hosts": {"cp1": self.local}},
            "kube_node": {"hosts": nodes or {}},
            "all": {"vars": settings},
        }
        self.inventory.write_text(json.dumps(groups))

    def play(self, name, status=0, **variables):
        for path in (self.json, self.metrics):
            path.unlink(missing_ok=True)
        command = ["ansible-playbook", "-i", str(self.inventory), f"tlsbootstrap.kubernetes.{name}"]
        command += ["--extra-vars", json.dumps(variables)]
        env = {
            key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_") or "COLLECTIONS" in key
        }
        env["ANSIBLE_NOCOLOR"] = "1"
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=env, cwd=self.folder)
        assert done.returncode == status, f"{name}: {done.returncode}, not {status}\n{done.stdout}{done.stderr}"
        return done.stdout

    def report(self, status=0, **variables):
        """The report, and its findings but for those that are always there."""
        self.said = self.play("report", status, **variables)
        report = json.loads(self.json.read_text())
        return report, sorted({finding["code"] for finding in report["findings"]} - FINE)

    def expect(self, title, codes, status=0, verdict="ok", **variables):
        report, found = self.report(status, **variables)
        assert (found, report["status"]) == (codes, verdict), (title, found, report["status"], report["findings"])
        assert all(
            finding["message"] in self.said.replace("\n", " ") or status == 0 for finding in report["findings"][:1]
        )
        print(f"{title}: exit status {status}, {verdict}, {', '.join(codes) or 'nothing'}")
        return report


def judge(report, drill):
    """Each row is what openssl says of the file, and every certificate that lies there has one."""
    there = {str(path) for path in drill.pki.rglob("*.crt") if ".backup" not in path.parts}
    # Bundles of what is trusted are not held.
    held = {path for path in there if not re.search(r"(?:-ca|/ca)\.crt$", path)}
    rows = {row["path"]: row for row in report["certificates"]}
    assert held | {str(path) for path in drill.ca.glob("*.crt")} == set(rows)
    for path, row in rows.items():
        fingerprint, end = (line.partition("=")[2] for line in run(*OPENSSL, path).splitlines())
        assert row["certificate"]["fingerprint_sha256"] == fingerprint.replace(":", "").lower()
        assert row["not_after"] == end.replace(" ", "T")
        assert f'path="{path}"' in drill.metrics.read_text()


def backups(drill):
    """The CA folder comes back from yesterday, and a host from the day before."""
    old = drill.folder / "yesterday"
    shutil.copytree(drill.ca, old)
    admin = {name: (drill.pki / name).read_bytes() for name in ("admin.crt", "admin.key")}
    drill.play("pki", identities_force=["admin"])
    newer = {name: (drill.pki / name).read_bytes() for name in admin}
    assert newer != admin
    shutil.rmtree(drill.ca)
    shutil.copytree(old, drill.ca)
    report = drill.expect("the CA folder is yesterday's", ["NotInLedger"], 2, "warning", report_fail_at="warning")
    finding = next(finding for finding in report["findings"] if finding["code"] == "NotInLedger")
    assert finding["path"] == str(drill.pki / "admin.crt")
    # As -e identities_force=admin has it.
    drill.play("pki", identities_force="admin")
    for name, data in admin.items():
        (drill.pki / name).write_bytes(data)
    drill.expect("it was made anew, and the host is of the day before", ["Superseded"], verdict="warning")
    drill.play("pki")
    drill.expect("the playbook pki mends it", [])


def servers(drill):
    """What is served is read from the wire; the file was renewed since."""
    certificate, key = drill.pki / "apiserver.crt", drill.pki / "apiserver.key"
    old = [drill.folder / "old.crt", drill.folder / "old.key"]
    shutil.copy(certificate, old[0])
    shutil.copy(key, old[1])
    command = ["openssl", "s_server", "-quiet", "-accept", f"{ADDRESS}:6443", "-cert", str(old[0]), "-key", str(old[1])]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            time.sleep(1)
            report = drill.expect("the server shows its file", [])
            silent = {finding["path"] for finding in report["findings"] if finding["code"] == "NotServed"}
            assert silent == {f"{ADDRESS}:2379", f"{ADDRESS}:2380"}
            drill.play("pki", identities_force=["kube-apiserver"])
            balancer = {"report_extra_endpoints": [{"address": f"{ADDRESS}:6443", "server_name": "kubernetes"}]}
            report = drill.expect("the server was not restarted", ["ServedDiffers"], verdict="warning", **balancer)
            asked = [row["host"] for row in report["certificates"] if row["path"] == f"{ADDRESS}:6443"]
            assert sorted(asked) == ["cp1", "localhost"]
            shown = {row["path"]: row["certificate"]["serial"] for row in report["certificates"]}
            serial = run("openssl", "x509", "-noout", "-serial", "-in", str(old[0])).strip().partition("=")[2].lower()
            assert int(shown[f"{ADDRESS}:6443"], 16) == int(serial, 16) != int(shown[str(certificate)], 16)
        finally:
            server.kill()


def ends(drill):
    drill.expect("certificates that are to end", ["NearEnd"], 2, "critical", report_critical="99%")
    drill.write(nodes={"w1": {**drill.local, "node_ip": "192.0.2.31"}})
    said = drill.play("report", 2, report_warning="soon")
    drill.write()
    assert "report_warning: 'soon' is not a duration" in said.replace("\n", " ")
    refused_once(said, "cp1")
    no_folder = drill.folder / "no" / "report.json"
    refused_once(drill.play("report", 2, report_file=str(no_folder)), str(no_folder.parent))
    drill.play("report", report_file="here.json", report_metrics_file="./here.prom")
    assert json.loads((drill.folder / "here.json").read_text())["cluster"] == "drill"
    assert "tlsbootstrap" in (drill.folder / "here.prom").read_text()


def refused_once(said, what):
    """Before any host is asked, and of one of them."""
    assert what in said
    assert (said.count("FAILED!"), "undefined" in said, "Read what" in said) == (1, False, False), said


def hosts(drill):
    drill.write({"w1": drill.lost})
    report = drill.expect("a host is lost", [], 4)
    assert report["hosts_not_reached"] == ["w1"]
    assert "could not be reached: w1" in drill.said
    drill.write({"ca": {**drill.lost, "node_ip": "192.0.2.99"}}, cluster_ca_host="ca")
    report, found = drill.report(4)
    assert "CAHostNotReached" in found, found
    assert report["status"] == "critical"


def main(folder):
    work = Path(folder) / "drill"
    work.mkdir()
    private_machine(work)
    drill = Drill(work)
    drill.play("pki")
    judge(drill.expect("a new PKI", []), drill)
    before = {path: path.stat().st_mtime_ns for path in [*drill.pki.rglob("*"), *drill.ca.rglob("*")]}
    ends(drill)
    assert before == {path: path.stat().st_mtime_ns for path in [*drill.pki.rglob("*"), *drill.ca.rglob("*")]}
    backups(drill)
    servers(drill)
    hosts(drill)


main(*sys.argv[1:])
