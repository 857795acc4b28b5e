# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import http.client
import socket

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.approver.metrics import Metrics, serve
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.metrics import (
    Metric,
    approver_status,
    read_values,
    render,
)


def test_the_text_is_that_of_prometheus():
    decisions = Metric("d_total", "counter", "Decisions.", ("verdict", "reason"))
    decisions.add("deny", 'a "b"\n\\')
    decisions.add("approve", "PolicyKept")
    decisions.add("approve", "PolicyKept")
    time = Metric("t_seconds", "gauge", "A time.")
    time.set(1764061200.25)
    assert render([decisions, time]) == (
        "# HELP d_total Decisions.\n"
        "# TYPE d_total counter\n"
        'd_total{verdict="approve",reason="PolicyKept"} 2\n'
        'd_total{verdict="deny",reason="a \\"b\\"\\n\\\\"} 1\n'
        "# HELP t_seconds A time.\n"
        "# TYPE t_seconds gauge\n"
        "t_seconds 1764061200.25\n"
    )


def test_it_can_be_read_again():
    text = '# HELP a b\n# TYPE a gauge\na{b="c d"} 2\ne 0.5\n'
    assert read_values(text) == {'a{b="c d"}': 2.0, "e": 0.5}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def ask(port, method, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_it_answers_questions_for_the_metrics_and_nothing_else():
    port, metrics = free_port(), Metrics(0)
    metrics.role(leader=True, brake=False, dry_run=False)
    serve("127.0.0.1", port, metrics)
    status, text = ask(port, "GET", "/metrics")
    assert status == 200
    assert read_values(text)["tlsbootstrap_csr_approver_leader"] == 1
    assert ask(port, "GET", "/")[0] == 404
    assert ask(port, "POST", "/metrics")[0] == 501
    with pytest.raises(OSError, match="in use"):
        serve("127.0.0.1", port, metrics)


@pytest.mark.parametrize(
    ("changes", "words", "not_words"),
    [
        ({}, ["decides", "5 requests wait", "2 are left", "last decision none"], ["BRAKE", "policy"]),
        ({"leader": False}, ["stands by"], ["decides"]),
        ({"brake": True}, ["BRAKE", "kubectl --namespace tlsbootstrap delete lease csr-approver-brake"], []),
        ({"dry_run": True}, ["dry run"], ["decides"]),
    ],
)
def test_a_person_reads_a_line(changes, words, not_words):
    metrics = Metrics(0)
    metrics.role(**{"leader": True, "brake": False, "dry_run": False, **changes})
    metrics.state({"client": 2, "renewal": 0, "serving": 3}, 2, 10)
    line = approver_status(metrics.text())
    assert [word for word in words if word not in line] == []
    assert [word for word in not_words if word in line] == []


def test_one_that_does_not_answer_says_nothing():
    assert approver_status("") == "does not answer"
    assert approver_status("<html>\n") == "does not answer"


def test_a_policy_that_cannot_be_read_shows():
    metrics = Metrics(0)
    metrics.role(leader=True, brake=False, dry_run=False)
    metrics.policy_unreadable()
    assert "cannot be read" in approver_status(metrics.text())
    metrics.policy(1764061200, 3)
    assert "cannot be read" not in approver_status(metrics.text())
