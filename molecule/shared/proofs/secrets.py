"""All forms in which a secret may be lying about."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

from proofs.hosts import Host

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
