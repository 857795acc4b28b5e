"""Faults that set in by themselves, at the right moment of a playbook that runs meanwhile."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from proofs.hosts import PROOF, Host
from proofs.samples import wait_for

TOKENS = f"{PROOF}/watch_tokens"


@contextlib.contextmanager
def as_soon_as(host: Host, condition: str, action: str) -> Iterator[None]:
    """Have a host run a shell command as soon as another one succeeds; it must have done so at the end."""
    unit = "proof-fault"
    script = f"until {condition}; do sleep 0.1; done; touch {PROOF}/fault-set-in; {action}"
    host.output(f"rm -f {PROOF}/fault-set-in")
    host.output("systemd-run --quiet --collect --unit=%s sh -c %s", unit, script)
    try:
        yield
        assert host.run(f"test -e {PROOF}/fault-set-in").rc == 0, (
            f"the fault did not set in on {host.name}: {condition}"
        )
    finally:
        host.run("systemctl stop %s", unit)


def token_made(cluster: Host) -> str:
    """Return a condition for the control plane: since now a token was made, or deleted."""
    size = cluster.output(f"stat -c %s {TOKENS} 2>/dev/null || echo 0").strip()
    return f'[ "$(stat -c %s {TOKENS} 2>/dev/null || echo 0)" -gt {size} ]'


@contextlib.contextmanager
def lost(host: Host, condition: str, seconds: int) -> Iterator[None]:
    """Have ssh to a host break as soon as a shell command there succeeds, for some seconds."""
    rule = "INPUT --protocol tcp --dport 22 --jump REJECT --reject-with tcp-reset"
    script = f"until {condition}; do sleep 0.1; done; iptables -I {rule}; sleep {seconds}; iptables -D {rule}"
    host.output("systemd-run --quiet --collect --unit=%s sh -c %s", "proof-lost", script)
    try:
        yield
    finally:
        wait_for(f"{host.name} answers again", lambda: answers(host), seconds=10 * seconds)
        host.run("systemctl stop proof-lost")


def answers(host: Host) -> bool:
    """Whether ssh reaches a host."""
    try:
        return bool(host.run("true").rc == 0)
    except RuntimeError:
        return False
