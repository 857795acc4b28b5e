"""The secrets of a run, all forms in which they may be lying about, and where they are looked for."""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from proofs.hosts import RUN, Host
from proofs.samples import token_events

# That they lie nowhere else is another test's concern.
KEYS = "grep -rlZs -e 'PRIVATE KEY-----' /etc/kubernetes /var/lib/kubelet | xargs -0 -r cat"
KEY_BLOCK = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n(.+?)-----END", re.DOTALL)


def forms(secret: str) -> Iterator[str]:
    """Yield a secret as it is, in hexadecimal, and in base64 wherever in a text it may begin."""
    raw = secret.encode()
    yield secret
    yield raw.hex()
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        # The characters at both ends depend on what stands beside the secret.
        yield encoded[(0, 2, 3)[offset] : len(encoded) - (len(raw) + offset) % 3]


def keys_of(host: Host) -> str:
    """Return all keys of a host as one text."""
    return host.output(KEYS)


def key_lines(pem: str) -> Iterator[str]:
    """Yield each full line of the keys in a text: one is enough to know a key by."""
    for block in KEY_BLOCK.findall(pem):
        yield from (line for line in block.splitlines() if len(line) == 64)


def of_keys(subject: str, pem: str) -> dict[str, str]:
    """Return what the keys in a text are known by, each with what may be said of it in a message."""
    return dict.fromkeys(key_lines(pem), subject)


def of_the_run(hosts: Mapping[str, Host]) -> dict[str, str]:
    """Return all bootstrap tokens that ever were in the API, and the keys of the hosts and of the CA."""
    found: dict[str, str] = {}
    for identifier, seen in token_events(hosts["cp1"]).items():
        secret = seen[0]["data"]["token-secret"]
        found.update(dict.fromkeys((secret, f"{identifier}.{secret}"), f"token {identifier}"))
    for name, host in hosts.items():
        found.update(of_keys(f"a key of {name}", keys_of(host)))
    for path in (RUN / "ca").rglob("*.key"):
        found.update(of_keys(f"the CA's {path.name}", path.read_text()))
    return found


def needles_of(secrets: Mapping[str, str]) -> dict[str, str]:
    """Return every form of every secret, with what may be said of it in a message."""
    return {form: subject for secret, subject in secrets.items() for form in forms(secret)}


def logs_of(hosts: Mapping[str, Host], names: Iterable[str]) -> dict[str, bytes]:
    """Return what was written to files of these names on the controller, and to journals and logs of the hosts."""
    found = {f"the controller's {name}": (RUN / name).read_bytes() for name in names}
    for name, host in hosts.items():
        found[f"the journal of {name}"] = host.backend.run("journalctl --no-pager --output=cat --all").stdout_bytes
        logs = "find /var/log -type f ! -path '/var/log/journal/*' -print0 | xargs -0 -r cat"
        found[f"the logs of {name}"] = host.backend.run(logs).stdout_bytes
    return found


def hits(needles: Mapping[str, str], texts: Mapping[str, bytes], folder: Path) -> list[str]:
    """Return which secret is in which text."""
    patterns = "\n".join(needles).encode()
    found = set()
    for name, text in texts.items():
        (folder / "text").write_bytes(text)
        # All patterns at once; they stay off the disk.
        command = ["grep", "--text", "--fixed-strings", "--only-matching", "--file=-", str(folder / "text")]
        done = subprocess.run(command, check=False, input=patterns, capture_output=True, env={"LC_ALL": "C"})
        assert done.returncode in (0, 1), done.stderr
        found |= {f"{needles[hit]} in {name}" for hit in done.stdout.decode().splitlines()}
    return sorted(found)
