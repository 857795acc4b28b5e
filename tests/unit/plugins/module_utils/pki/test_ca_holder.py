# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CA host that holds identities itself: one call leaves what four calls leave."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import files
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.ca_holder import keep
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.holder import Task
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import Outcome
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.signing import sign_requests

from .conftest import Cluster, codes, tree


def kept(cluster: Cluster, check: bool = False, **options: Any) -> Outcome:
    """The CA host is cp1, and cp2 is not there."""
    task = Task("cp1", cluster.hosts["cp1"], [], {}, None, [], cluster.now, check, **options)

    def sign(requests: list[dict[str, Any]], publish: dict[str, str]) -> Outcome:
        return sign_requests(str(cluster.ca), cluster.cas, requests, publish, cluster.now, check, 1)

    return keep(task, cluster.bundles("cp1"), lambda: cluster.ensure(check), sign)


@pytest.fixture
def alone(tmp_path: Path) -> Cluster:
    cluster = Cluster(tmp_path / "one")
    cluster.hosts_on = ["cp1"]
    cluster.members = {
        "kubernetes": ["kubernetes-ca"],
        "client": ["kubernetes-ca", "kubelet-client-ca@{own}"],
        "service_account": ["service-account@{own}"],
    }
    return cluster


def modes(cluster: Cluster) -> dict[str, int]:
    """Of all files; the folder in which something may have waited is none of them."""
    return {path: state[1] for path, state in tree(cluster.root).items() if not path.endswith("/.pending")}


def test_one_call_leaves_what_four_calls_leave(alone: Cluster, tmp_path: Path) -> None:
    four = Cluster(tmp_path / "four")
    four.hosts_on, four.members = alone.hosts_on, alone.members
    four.run()
    kept(alone)
    assert modes(alone) == modes(four)
    assert not four.run().changed
    # The four calls find nothing to do after the one.
    assert not alone.run().changed


def test_the_second_call_changes_nothing(alone: Cluster) -> None:
    first = kept(alone)
    before = tree(alone.root)
    second = kept(alone)
    assert first.reasons
    assert not second.reasons
    assert tree(alone.root) == before
    assert second.result["held"]["host"] == "cp1"
    assert second.result["held"]["bundles"] == first.result["held"]["bundles"]


def test_a_row_that_is_wrong_is_refused_before_the_cas_are_made(alone: Cluster) -> None:
    alone.hosts["cp1"].append(alone.row("cp1", "wrong", dns_names=["-"]))
    with pytest.raises(InputError, match="wrong: DNS name '-'"):
        kept(alone)
    assert tree(alone.root) == {}


def test_check_mode_says_what_comes_and_writes_nothing(alone: Cluster) -> None:
    told = kept(alone, check=True)
    assert not alone.root.exists() or not tree(alone.root)
    done = kept(alone)
    assert sorted(codes(told)) == sorted(code for code in codes(done) if code != "PublishedChanged")


def test_what_is_told_of_the_host_is_told_once(alone: Cluster) -> None:
    outcome = kept(alone)
    seen = [(reason.code, reason.subject, reason.path) for reason in outcome.reasons]
    assert len(seen) == len(set(seen))
    assert outcome.result["held"]["requests"] == []


def test_one_changed_name_is_signed_and_installed_in_one_call(alone: Cluster) -> None:
    kept(alone)
    alone.find("cp1", "kube-apiserver")["dns_names"].append("api.example.org")
    outcome = kept(alone)
    assert codes(outcome) == ["SANsChanged"]
    assert not kept(alone).reasons


def test_what_another_host_has_published_comes_with_the_next_call(tmp_path: Path) -> None:
    both = Cluster(tmp_path)
    kept(both)
    both.hosts_on = ["cp2"]
    both.run()
    outcome = kept(both)
    assert "BundleChanged" in codes(outcome)
    assert not kept(both).reasons


def test_a_clock_that_is_off_is_refused_before_anything_is_made(alone: Cluster) -> None:
    with pytest.raises(InputError, match="set the clock"):
        kept(alone, controller=alone.now + datetime.timedelta(minutes=10))
    assert not alone.root.exists()


def test_users_come_before_all_else(alone: Cluster) -> None:
    calls: list[list[str]] = []

    def command(argv: list[str]) -> tuple[int, str, str]:
        calls.append(argv)
        return 1, "", "no rights"

    told = kept(alone, check=True, users=("a-user-that-is-not-there",), command=command)
    assert codes(told)[0] == "Missing"
    assert told.reasons[0].subject == "user a-user-that-is-not-there"
    assert not calls


def test_a_new_key_lies_nowhere_but_in_its_place(alone: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has to be written twice, so that a kill takes nothing away, is what somebody reads already."""
    written: list[str] = []
    write = files.write_atomic

    def noted(path: str, *more: Any, **options: Any) -> None:
        written.append(path)
        write(path, *more, **options)

    monkeypatch.setattr(files, "write_atomic", noted)
    kept(alone)
    assert not [path for path in written if "/.pending/kube-apiserver" in path or "/.pending/scheduler" in path]
    alone.find("cp1", "kube-apiserver")["dns_names"].append("api.example.org")
    kept(alone)
    assert {Path(path).name for path in written if "/.pending/" in path} >= {"kube-apiserver.key", "kube-apiserver.crt"}


def test_a_run_that_was_killed_between_key_and_certificate_is_made_whole(
    alone: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def killed(source: str, target: str) -> None:
        if target.endswith("etcd-server.crt"):
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        kept(alone)
    monkeypatch.undo()
    assert not list(alone.root.rglob(".*.tlsbootstrap-*"))
    assert ("CertificateMissing", "etcd-server") in [(reason.code, reason.subject) for reason in kept(alone).reasons]
    assert not kept(alone).reasons
    assert not alone.run().changed
