"""No failure has said a secret, and no token is good any more."""

from __future__ import annotations

from proofs.ansible import LOG
from proofs.hosts import Host
from proofs.samples import try_tokens
from proofs.secrets import needles_of, of_the_run


def test_no_secret_is_in_what_ansible_said(hosts: dict[str, Host]) -> None:
    needles = needles_of(of_the_run(hosts))
    subjects = set(needles.values())
    assert len([subject for subject in subjects if subject.startswith("token ")]) > 5
    assert {"a key of cp1", "a key of w1", "a key of w2"} <= subjects
    said = LOG.read_text(errors="replace")
    # At the highest verbosity, otherwise the search proves little.
    assert "ESTABLISH SSH CONNECTION" in said
    assert sorted({subject for needle, subject in needles.items() if needle in said}) == []


def test_each_token_is_dead(hosts: dict[str, Host]) -> None:
    answers = try_tokens(hosts["cp1"])
    assert len(answers) > 5
    assert set(answers.values()) == {401}
