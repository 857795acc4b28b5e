# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `ansible-playbook --check --diff` says of the playbook pki, and what a run then does.

A first run, a settled host, one name more, the day before a renewal and the day of it. A check touches nothing; the
run has its reasons and touches its files, and no others.
Usage: foretold.py FOLDER, as root, in a mount namespace of its own (unshare --mount --propagation private).
"""

from __future__ import annotations

import sys
from pathlib import Path

from machine import BOOKS, CONFIG, Machine, touched

PKI = CONFIG / "pki"
FIRST = {"DirectoryMissing", "Missing", "KubeconfigMissing", "BundleMissing"}
# On the controller: one plan for all, and what a host is handed of it.
PLANNED = {"cluster_plan": 1 + 1}
# A third of a year is left after 243 days and 8 hours.
EARLY, LATE = "+242d", "+244d"
LEAVES = {
    "admin",
    "apiserver-etcd-client",
    "controller-manager",
    "csr-approver",
    "etcd-healthcheck-client",
    "etcd-peer",
    "etcd-server",
    "front-proxy-client",
    "kube-apiserver",
    "kube-apiserver-kubelet-client",
    "kube-proxy",
    "scheduler",
    "super-admin",
}


def told(run):
    """What the CA host signs is told of the identity of the host."""
    return {(reason["code"], reason["subject"].split("@cp1")[0]) for reason in run.reasons}


def files_of(run):
    named = {path for reason in run.reasons for path in reason.get("files") or [reason["path"]] if path}
    return {path for path in named if not BOOKS & set(Path(path).parts)}


def foretell(machine, after="", **variables):
    """Check, run, run again, check again."""
    clock = ("faketime", "-f", after) if after else ()
    untouched = machine.files()
    check = machine.play("pki", "--check", "--diff", before=clock, **variables)
    assert check.code == 0, check.output
    assert machine.files() == untouched, touched(untouched, machine.files())
    before = machine.files(books=False)
    run = machine.play("pki", "--diff", before=clock, **variables)
    assert run.code == 0, run.output
    return check, run, touched(before, machine.files(books=False))


def settled(machine, after="", **variables):
    before = machine.files()
    check, run, files = foretell(machine, after, **variables)
    assert (check.reasons, run.reasons, check.changed, run.changed) == ([], [], [], []), run.output
    assert files == set()
    # A host that needs nothing costs one call, and its CA host another.
    assert check.calls == run.calls == {**PLANNED, "ca": 1, "identities": 1}, run.calls
    assert touched(before, machine.files()) == set()


def first_run(machine):
    check, run, files = foretell(machine)
    assert {code for code, _subject in told(check)} == FIRST, told(check)
    assert {subject for code, subject in told(check) if code == "Missing"} >= LEAVES
    # What hosts publish is born in the run: its copies on the CA host and its bundles follow.
    later = told(run) - told(check)
    assert {code for code, _subject in later} == {"PublishedChanged"}, later
    assert told(check) <= told(run)
    published = {path for path in files if path.startswith(f"{machine.ca}/published")}
    # Folders that are not there come with their files.
    folders = {str(folder) for path in files_of(check) for folder in Path(path).parents}
    assert files - published - folders == files_of(check) - folders, (files ^ files_of(check)) - published
    assert len(published) == 1 + len(later), published
    # Before the first CAs are made the hosts are asked whether they have certificates of others.
    assert run.calls == {**PLANNED, "ca": 2, "pki_info": 1, "identities": 2, "sign": 1}, run.calls


def one_name_more(machine):
    check, run, files = foretell(machine, cluster_api_extra_sans=["api.example.org"])
    assert told(check) == told(run) == {("SANsChanged", "kube-apiserver")}
    assert files == files_of(check) == {str(PKI / "apiserver.crt"), str(PKI / "apiserver.key")}
    (reason,) = check.reasons
    assert (reason["old"], reason["new"]) == ("", "api.example.org"), reason
    assert "SANsChanged" in check.output
    assert "api.example.org" in check.output
    settled(machine, cluster_api_extra_sans=["api.example.org"])


def renewal(machine):
    variables = {"cluster_api_extra_sans": ["api.example.org"]}
    settled(machine, EARLY, **variables)
    check, run, files = foretell(machine, LATE, **variables)
    assert told(check) == told(run) == {("Expiring", name) for name in LEAVES}
    assert files == files_of(check)
    assert len(files) == 2 * len(LEAVES)


def main(folder):
    work = Path(folder) / "foretold"
    work.mkdir()
    machine = Machine(work)
    for state in (first_run, settled, one_name_more, renewal):
        state(machine)
        print(state.__name__, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
