# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a unit lacks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import units
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError

SHOWN = """\
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
FragmentPath=/etc/systemd/system/etcd.service
NeedDaemonReload=no
InvocationID=b0d568aa
ExecMainStartTimestamp=Sun 2026-11-22 15:29:43.500000 UTC
NRestarts=0
Result=success
"""
STATE = units.parse_show(SHOWN)
SECOND = 1_000_000_000


def stamp(changed: int = 0, inode: int = 1) -> units.FileStamp:
    moment = STATE.started_ns + changed
    return units.FileStamp("/etc/x", inode, 10, moment, moment)


def codes(**changes: object) -> list[str]:
    state = replace(STATE, **changes)
    return [reason.code for reason in units.compare("etcd.service", state, "started", True, [])]


def test_the_start_is_read_in_utc() -> None:
    assert STATE.started_ns == 1795361383_500_000_000
    assert units.parse_show(SHOWN.replace(".500000", "")).started_ns == 1795361383 * SECOND
    assert units.parse_show("").started_ns == 0


def test_a_settled_unit_has_no_reasons() -> None:
    assert codes() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"file_state": "disabled"}, ["NotEnabled"]),
        ({"file_state": "static"}, []),
        ({"needs_reload": True}, ["UnitChanged"]),
        ({"active": "inactive", "sub": "dead"}, ["NotRunning"]),
        ({"active": "failed", "sub": "failed"}, ["NotRunning"]),
        ({"active": "activating", "sub": "start"}, []),
        ({"active": "activating", "sub": "auto-restart"}, ["NotRunning"]),
        ({"load": "not-found", "active": "inactive", "file_state": ""}, ["NotEnabled", "NotRunning"]),
    ],
)
def test_reasons(changes: dict[str, object], expected: list[str]) -> None:
    assert codes(**changes) == expected


def test_newer_files_matter_to_a_running_unit_only() -> None:
    found = units.compare("etcd.service", STATE, "started", True, ["/etc/x"])
    assert [(reason.code, reason.path) for reason in found] == [("FilesNewer", "/etc/x")]
    stopped = replace(STATE, active="inactive", sub="dead")
    assert [reason.code for reason in units.compare("etcd.service", stopped, "started", True, ["/etc/x"])] == [
        "NotRunning"
    ]
    assert units.compare("etcd.service", stopped, "stopped", True, ["/etc/x"]) == []
    assert [reason.code for reason in units.compare("etcd.service", STATE, "stopped", False, [])] == [
        "NotDisabled",
        "NotStopped",
    ]


@pytest.mark.parametrize(("changed", "newer"), [(-SECOND, False), (SECOND, True), (-10_000_000, True), (0, True)])
def test_a_file_is_judged_by_the_clock_where_nothing_was_noted(changed: int, newer: bool) -> None:
    assert units.stale([stamp(changed)], STATE, {}) == (["/etc/x"] if newer else [])


def test_a_rename_counts_though_the_content_is_older() -> None:
    moved = units.FileStamp("/etc/x", 1, 10, STATE.started_ns - SECOND, STATE.started_ns + SECOND)
    assert units.stale([moved], STATE, {}) == ["/etc/x"]


def test_what_was_noted_at_the_start_asks_no_clock() -> None:
    record = {"invocation": "b0d568aa", "files": {"/etc/x": stamp().signature}}
    # A clock that was wrong when the file was written does not restart the unit in every run.
    assert units.stale([replace(stamp(), changed_ns=STATE.started_ns + 7200 * SECOND)], STATE, record) == []
    assert units.stale([stamp(-SECOND, inode=2)], STATE, record) == ["/etc/x"]
    assert units.stale([replace(stamp(), path="/etc/new")], STATE, record) == ["/etc/new"]


@pytest.mark.parametrize("record", [{"invocation": "other", "files": {}}, {"invocation": "b0d568aa"}, {"files": 1}])
def test_what_was_noted_at_another_start_is_not_believed(record: dict[str, object]) -> None:
    assert units.stale([stamp(-SECOND)], STATE, record) == []
    assert units.stale([stamp(SECOND)], STATE, record) == ["/etc/x"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, None),
        ({"restarts": 9}, None),
        ({"restarts": 10, "result": "exit-code"}, "ended 10 times"),
        ({"active": "failed"}, "has failed"),
        ({"load": "bad-setting"}, "bad-setting"),
    ],
)
def test_when_waiting_is_useless(changes: dict[str, object], text: str | None) -> None:
    found = units.start_fails(replace(STATE, **changes), 10)
    assert (found is None) if text is None else (text in (found or ""))
    assert units.start_fails(replace(STATE, restarts=99), 0) is None


def test_restarts_from_before_anybody_waited_do_not_count() -> None:
    assert units.start_fails(replace(STATE, restarts=36), 10, past=36) is None
    assert "10 times" in str(units.start_fails(replace(STATE, restarts=46), 10, past=36))


def test_the_journal_without_the_usage_of_a_program() -> None:
    lines = [
        "Logs flags:",
        "",
        "      --log-flush-frequency duration   Maximum number of seconds",
        "  -v, --v Level    number",
        "      --profiling",
        "Error: unknown flag: --bogus",
        "x" * 500,
    ]
    assert units.telling(lines, 20) == ["Error: unknown flag: --bogus", "x" * 400]
    assert units.telling(["a", "b", "c"], 2) == ["b", "c"]


def test_why_a_component_ended_comes_first() -> None:
    why = 'E1122 17:00:00.000000 1 run.go:72] "command failed" err="quantities must match"'
    assert units.telling(["a", why, "b", "c"], 2) == [why, "b", "c"]
    assert units.telling(["a", "b", why], 2) == [why, "b"]


def test_findings_are_those_of_the_unit_itself() -> None:
    output = "\n".join(
        [
            "/tmp/x/etcd.service:4: Unknown key name 'Bogus' in section 'Service', ignoring.",
            "/lib/systemd/system/other.service:9: Unknown key name",
            "etcd.service: Command /usr/local/bin/etcd is not executable: No such file or directory",
        ]
    )
    assert units.findings(output, "/tmp/x/etcd.service") == [
        "etcd.service:4: Unknown key name 'Bogus' in section 'Service', ignoring."
    ]


@pytest.mark.parametrize(
    ("url", "ca"),
    [
        ("https://10.0.0.1/x", None),
        ("http://10.0.0.1/x", None),
        ("http://example.org/", "/ca"),
        ("ftp://127.0.0.1/", "/ca"),
        ("https:///x", "/ca"),
    ],
)
def test_health_checks_that_believe_anybody_are_refused(url: str, ca: str | None) -> None:
    with pytest.raises(InputError, match=r"health check"):
        units.check_health_url(url, ca)


@pytest.mark.parametrize(
    ("url", "ca"),
    [
        ("https://10.0.0.1/x", "/ca"),
        ("http://127.0.0.1:1/", None),
        ("http://[::1]:2381/", None),
        ("http://localhost/", None),
    ],
)
def test_other_health_checks_are_taken(url: str, ca: str | None) -> None:
    units.check_health_url(url, ca)


@pytest.mark.parametrize(
    ("word", "quoted"),
    [
        ("--v=2", "--v=2"),
        ("--a=b c", '"--a=b c"'),
        ('--a="b"', '"--a=\\"b\\""'),
        ("100%", '"100%%"'),
        ("$HOME", '"$$HOME"'),
        ("a\\b", '"a\\\\b"'),
        ("", '""'),
        ("a;b", '"a;b"'),
    ],
)
def test_quoting(word: str, quoted: str) -> None:
    assert units.quote(word) == quoted


def test_quoting_refuses_lines() -> None:
    assert units.quote("$HOME", command=False) == "$HOME"
    with pytest.raises(InputError, match="line break"):
        units.quote("a\nExecStartPre=/bin/evil")


@pytest.mark.parametrize("name", ["../x", "a b", "x.timer/", ""])
def test_names(name: str) -> None:
    with pytest.raises(InputError, match="not the name of a service unit"):
        units.check_name(name)


def test_names_get_their_suffix() -> None:
    assert units.check_name("etcd") == units.check_name("etcd.service") == "etcd.service"


def test_certificates_and_their_keys_among_what_a_service_reads() -> None:
    paths = ["/bin/x", "/k/a.key", "/k/a.crt", "/k/b.crt", "/k/sub/b.key", "/k/sa.key"]
    unit = 'ExecStart=/bin/x \\\n    --cert=/k/c.crt --key "/k/c.key" \\\n    --ca=/k/ca.crt\n'
    configuration = 'tlsCertFile: /k/d.crt\n"key": "/k/d.key", "x": ["/k/e.crt","/k/e.key"]\n/k/f.crt.new, /k/f.key\n'
    comments = "# was /k/g.crt /k/g.key\n  ; /k/h.crt /k/h.key\n"
    found = units.pairs([*paths, "/k/a.crt"], [unit, configuration, comments])
    assert found == [(f"/k/{name}.crt", f"/k/{name}.key") for name in "acde"]
