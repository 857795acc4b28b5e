"""No failure has said a secret, and no token is good any more."""

from __future__ import annotations

from proofs.ansible import LOG
from proofs.hosts import RUN, Host
from proofs.samples import token_events, try_tokens
from proofs.secrets import forms, key_lines, keys_of


def secrets(hosts: dict[str, Host]) -> dict[str, str]:
    """Return the secrets of this run, each with what may be said of it in a message."""
    found: dict[str, str] = {}
    for identifier, seen in token_events(hosts["cp1"]).items():
        secret = seen[0]["data"]["token-secret"]
        found.update(dict.fromkeys((secret, f"{identifier}.{secret}"), f"token {identifier}"))
    for host in hosts.values():
        found.update(dict.fromkeys(key_lines(keys_of(host)), f"a key of {host.name}"))
    for path in (RUN / "ca").rglob("*.key"):
        found.update(dict.fromkeys(key_lines(path.read_text()), f"the CA's {path.name}"))
    return found


def test_no_secret_is_in_what_ansible_said(hosts: dict[str, Host]) -> None:
    needles = {form: subject for secret, subject in secrets(hosts).items() for form in forms(secret)}
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
