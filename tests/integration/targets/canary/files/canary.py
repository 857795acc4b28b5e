# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that are known go through every module, also through calls that are refused, and are looked for everywhere.

Usage: canary.py FOLDER CLUSTER. A secret, its halves, and base64 and hex of these must not be found in what
ansible-playbook prints at -vvvv with --diff, in its log, in the fact cache, in results of async tasks, in what is left
in temporary folders, and in arguments and environment of any process. The same search runs over a playbook that leaks
into each of these, so that a search that finds nothing would be seen.
"""

from __future__ import annotations

import base64
import collections
import contextlib
import json
import os
import re
import secrets
import string
import subprocess
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHANNELS = ("output", "log", "facts", "async", "left", "processes")
# Where modules leave what they have made: keys, tokens, and kubeconfigs that hold them.
BORN = (
    "host/admin.key",
    "host/scheduler.conf",
    "host/signing.key",
    "host/sa.key",
    "host/bootstrap.conf",
    "shared/bootstrap.conf",
    "shared/.pending/bootstrap-token.key",
    "file/token.csv",
    "file/.pending/token-file.key",
    "file/bootstrap.conf",
    "certificate/bootstrap.conf",
    "certificate/.pending/bootstrap-token.key",
    "probe/.pending/join-probe.key",
)
ALPHABET = string.ascii_lowercase + string.digits


def random_text(length):
    return "".join(secrets.choice(ALPHABET) for _place in range(length))


def openssl(*arguments, given=None):
    return subprocess.run(["openssl", *arguments], input=given, check=True, capture_output=True).stdout


def coded(data):
    """As it may stand somewhere inside of something that is encoded as a whole."""
    yield data.hex()
    yield data.hex().upper()
    for shift in range(3):
        text = base64.b64encode(bytes(shift) + data).decode()
        # What the neighbours on either side decide is left away.
        inner = text[4 if shift else 0 : len(text) - 4 if text.endswith("=") or (len(data) + shift) % 3 else None]
        yield inner
        yield inner.replace("+", "-").replace("/", "_")


def forms(secret):
    """Its text and that of its halves, plain and encoded."""
    middle = len(secret) // 2
    for part in (secret, secret[:middle], secret[middle:]):
        with contextlib.suppress(UnicodeDecodeError):  # the number of a key is no text
            yield part.decode("ascii")
        yield from coded(part)


def key_number(pem):
    """The private number of an EC key, which PKCS#8 and SEC1, PEM and DER have in common."""
    text = openssl("pkey", "-noout", "-text", given=pem).decode()
    digits = re.sub(r"[^0-9a-f]", "", text.partition("priv:")[2].partition("pub:")[0])
    return bytes.fromhex(digits)[-32:]


class Canaries:
    """The secrets of one run, by what they are."""

    def __init__(self, folder):
        self.folder = folder
        self.known = {}

    def add(self, name, secret):
        self.known[name] = secret if isinstance(secret, bytes) else secret.encode()
        return secret

    def key(self, name):
        pem = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        self.add(name, key_number(pem))
        return pem

    def born_here(self):
        """Keys and tokens that the modules have made."""
        for path in sorted(self.folder.rglob("*")):
            data = path.read_bytes() if path.is_file() else b""
            keys = [base64.b64decode(found) for found in re.findall(rb'client-key-data: "(.+)"', data)]
            keys += [data] if data.startswith(b"-----BEGIN PRIVATE KEY") else []
            # Of a bootstrap token the id is no secret.
            tokens = re.findall(rb'token: "(?:[a-z0-9]{6}\.)?(.+)"', data)
            tokens += [data.split(b",")[0]] if path.name == "token.csv" else []
            for number, secret in enumerate([*map(key_number, keys), *tokens]):
                self.add(f"{path.relative_to(self.folder)} {number}", secret)

    def search(self, text):
        # Output may break lines, and JSON in JSON has backslashes.
        flat = re.sub(r"[\s\\]", "", text)
        return sorted(
            {name for name, secret in self.known.items() for form in forms(secret) if form in flat or form in text}
        )


class Watcher(threading.Thread):
    """Arguments and environment of all processes that begin, also of short ones."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen, self.over, self.looks = set(), threading.Event(), collections.Counter()

    def run(self):
        while not self.over.wait(0.005):
            for process in os.listdir("/proc"):
                # A process is a copy of its parent first.
                if process.isdigit() and self.looks[process] < 20:
                    self.looks[process] += 1
                    self.look(Path("/proc", process))

    def look(self, process):
        for name in ("cmdline", "environ"):
            with contextlib.suppress(OSError):
                self.seen.add((process / name).read_bytes())

    def text(self):
        self.over.set()
        self.join()
        return b"\n".join(self.seen).decode(errors="replace").replace("\0", " ")


def contents(folder):
    return "\n".join(path.read_text(errors="replace") for path in sorted(folder.rglob("*")) if path.is_file())


def play(work, name, playbook, variables):
    """What each channel holds after a run."""
    folder = work / name
    places = {channel: folder / channel for channel in CHANNELS}
    for place in places.values():
        place.mkdir(parents=True)
    given = folder / "variables.json"
    given.touch(mode=0o600)
    given.write_text(json.dumps(variables))
    inventory = folder / "inventory.json"
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "node_ip": "192.0.2.11"}
    inventory.write_text(json.dumps({"kube_control_plane": {"hosts": {"cp1": local}}}))
    env = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_") or "COLLECTIONS" in key}
    env.update(
        ANSIBLE_LOG_PATH=str(places["log"] / "ansible.log"),
        ANSIBLE_CACHE_PLUGIN="ansible.builtin.jsonfile",
        ANSIBLE_CACHE_PLUGIN_CONNECTION=str(places["facts"]),
        ANSIBLE_ASYNC_DIR=str(places["async"]),
        ANSIBLE_REMOTE_TEMP=str(places["left"] / "remote"),
        ANSIBLE_LOCAL_TEMP=str(places["left"] / "local"),
        ANSIBLE_HOME=str(places["left"] / "home"),
        ANSIBLE_NOCOLOR="1",
        TMPDIR=str(places["left"]),
    )
    command = [
        "ansible-playbook",
        "-i",
        str(inventory),
        "-vvvv",
        "--diff",
        "--extra-vars",
        f"@{given}",
        str(HERE / playbook),
    ]
    watcher = Watcher()
    watcher.start()
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=900)
    seen = {channel: contents(places[channel]) for channel in CHANNELS}
    seen.update(output=done.stdout + done.stderr, processes=watcher.text())
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    return seen


def secrets_of(folder, cluster):
    """Files and variables with secrets in them, for one run."""
    canaries = Canaries(folder / "hosts")
    hosts = folder / "hosts"
    for name in ("imported", "swapped", "host"):
        (hosts / name).mkdir(parents=True, mode=0o700)
    token = f"{random_text(6)}.{random_text(16)}"
    key, other = canaries.key("imported key"), canaries.key("key where a certificate belongs")
    (hosts / "imported/kubernetes-ca.key").write_bytes(key)
    root = ["req", "-x509", "-new", "-key", str(hosts / "imported/kubernetes-ca.key"), "-subj", "/CN=kubernetes"]
    made = openssl(*root, "-days", "300", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    (hosts / "imported/kubernetes-ca.crt").write_bytes(made)
    for ending in ("crt", "key"):
        (hosts / f"swapped/kubernetes-ca.{ending}").write_bytes(other)
    passphrase = canaries.add("passphrase", f"P{random_text(30)}")
    in_file = canaries.add("passphrase in a file", f"F{random_text(30)}")
    for name in ("open", "closed"):
        (hosts / name).write_text(in_file)
        (hosts / name).chmod(0o644 if name == "open" else 0o600)
    secret = canaries.add("secret of the token", token.partition(".")[2])
    variables = {
        "canary_folder": str(hosts),
        "canary_cluster": cluster,
        "canary_admin": f"{cluster}/admin.conf",
        "canary_passphrase": passphrase,
        "canary_wrong_passphrase": canaries.add("wrong passphrase", f"W{random_text(30)}"),
        "canary_short_passphrase": canaries.add("short passphrase", random_text(11)),
        "cluster_ca_passphrase": canaries.add("passphrase of the cluster", f"C{random_text(30)}"),
        "cluster_ca_pasphrase": canaries.add("passphrase with a wrong name", f"N{random_text(30)}"),
        "canary_token": token,
        "canary_key": other.decode(),
        "canary_bad_tokens": {
            "upper": f"abcdef.{canaries.add('token in upper case', random_text(16).upper())}",
            "long": f"abcdef.{canaries.add('token that is too long', random_text(17))}",
            "newline": f"{token}\n",
            "no_dot": f"abcdef{secret}",
        },
    }
    return canaries, variables


def main(folder, cluster):
    work = Path(folder)
    canaries, variables = secrets_of(work / "control", cluster)
    found = {
        channel: canaries.search(text) for channel, text in play(work, "leaking", "leaking.yml", variables).items()
    }
    blind = [channel for channel, names in found.items() if "passphrase" not in names]
    assert not blind, f"a secret that was put there on purpose was not found in: {blind}"
    canaries, variables = secrets_of(work / "real", cluster)
    seen = play(work, "quiet", "quiet.yml", variables)
    canaries.born_here()
    found = {channel: canaries.search(text) for channel, text in seen.items()}
    for channel, names in found.items():
        print(f"{channel}: {len(seen[channel])} characters, {len(canaries.known)} secrets looked for")
        if names:
            print(f"  FOUND: {', '.join(names)}")
    assert set(BORN) <= {name.rpartition(" ")[0] for name in canaries.known}, sorted(canaries.known)
    assert len(canaries.known) >= 14 + len(BORN), sorted(canaries.known)
    assert all(seen[channel] for channel in ("output", "log", "facts", "async", "processes"))
    sys.exit(1 if any(found.values()) else 0)


main(*sys.argv[1:])
