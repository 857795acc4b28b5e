# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What strace sees of a whole run of the playbook pki: a first run, and one that makes everything anew.

- A private key is written nowhere but into a temporary file of ours, in the folder of its target, whose mode is 0600
  and whose owner is the final one before the first byte.
- Every file is synced before it is renamed, and its folder afterwards.
- Nothing is changed at a file once it has its name; so a secret never has another mode or owner there.

Usage: hygiene.py FOLDER, as root, in a mount namespace of its own (unshare --mount --propagation private).
"""

from __future__ import annotations

import os
import re
import stat
import sys
from dataclasses import dataclass, field
from pathlib import Path

from machine import CONFIG, Machine

CALLS = (
    "openat,open,creat,write,pwrite64,writev,pwritev,fchmod,chmod,fchmodat,fchown,chown,lchown,fchownat,"
    "fsync,fdatasync,rename,renameat,renameat2,link,linkat,truncate,ftruncate,setxattr,fsetxattr"
)
STRACE = ("strace", "-f", "--seccomp-bpf", "-qq", "-y", "-s", "12000", "-e", f"trace={CALLS}")
OURS = re.compile(r"/\.([^/]+)\.tlsbootstrap-\d+-[0-9a-f]{8}$")
PEM = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{16}")
# What strace writes of a new line, and a PEM text inside a kubeconfig: base64 of "-----BEGIN PRIVATE KEY-----".
SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----(\\n|\s)+[A-Za-z0-9+/=]{16}|LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t"
)
LINE = re.compile(r"^(\d+)\s+(?:<\.\.\. )?(\w+)(.*)$")
DESCRIPTOR = re.compile(r"\((?:AT_FDCWD(?:<[^>]*>)?, )?(?:(\d+)<([^>]*)>|\"([^\"]*)\")")
RENAMED = re.compile(r'\((?:AT_FDCWD(?:<[^>]*>)?, )?"([^"]*)", (?:AT_FDCWD(?:<[^>]*>)?, )?"([^"]*)"')
ALLOWED = (0o600,)


@dataclass
class File:
    """What is known of a file while it is made."""

    mode: int
    owner: tuple[int, int] = (0, 0)
    synced: bool = True
    secret: bool = False
    pid: str = ""


@dataclass
class Watch:
    """Follows the calls one after the other and notes what must not be."""

    roots: tuple[str, ...]
    files: dict[str, File] = field(default_factory=dict)
    # What has its name: path -> how it was when it got it.
    named: dict[str, File] = field(default_factory=dict)
    unsynced: dict[str, str] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    renames: int = 0

    def say(self, text: str) -> None:
        self.findings.append(text)

    def inside(self, path: str) -> bool:
        return path.startswith(self.roots)

    def opened(self, path: str, rest: str) -> None:
        if not self.inside(path) or "O_CREAT" not in rest:
            return
        mode = re.search(r"O_[A-Z_|]*, (0\d+)\)", rest)
        assert mode, rest
        if OURS.search(path):
            if "O_EXCL" not in rest or "O_NOFOLLOW" not in rest:
                self.say(f"{path} is opened without O_EXCL and O_NOFOLLOW")
            self.files[path] = File(int(mode[1], 8))
        elif not path.endswith((".lock", "ledger.jsonl")):
            self.say(f"{path} is written in place")

    def wrote(self, path: str, rest: str) -> None:
        known = self.files.get(path)
        if SECRET.search(rest):
            if known is None:
                self.say(f"a private key is written to {path}")
                return
            known.secret = True
            if known.mode not in ALLOWED:
                self.say(f"{path} has mode {known.mode:o} when its key comes")
        if known:
            known.synced = False

    def mode_set(self, path: str, rest: str) -> None:
        mode = int(re.search(r"(0\d*)(?:, [A-Z_0]+)?\)\s+=", rest)[1], 8)
        if path in self.files:
            self.files[path].mode = mode
        elif path in self.named:
            self.say(f"the mode of {path} is changed after it has its name")

    def owner_set(self, path: str, rest: str) -> None:
        user, group = (int(found) for found in re.search(r", (-?\d+), (-?\d+)", rest).groups())
        if path in self.files:
            known = self.files[path]
            if known.secret:
                self.say(f"the owner of {path} is changed when its key is there")
            known.owner = tuple(old if new in (-1, 2**32 - 1) else new for old, new in zip(known.owner, (user, group)))
        elif path in self.named:
            self.say(f"the owner of {path} is changed after it has its name")

    def renamed(self, pid: str, source: str, target: str) -> None:
        known = self.files.pop(source, None)
        if known is None:
            if self.inside(target):
                self.say(f"{source} becomes {target}, and is none of the writer's")
            return
        self.renames += 1
        if not known.synced:
            self.say(f"{target} is renamed before it is synced")
        if os.path.dirname(source) != os.path.dirname(target):
            self.say(f"{target} comes from another folder")
        if known.secret and known.mode not in ALLOWED:
            self.say(f"{target} has mode {known.mode:o}")
        self.named[target] = known
        self.unsynced[os.path.dirname(target)] = target

    def synced(self, path: str) -> None:
        if path in self.files:
            self.files[path].synced = True
        self.unsynced.pop(path, None)

    def call(self, pid: str, name: str, rest: str) -> None:
        if " = -1 " in rest:
            return
        if name.startswith("rename"):
            self.renamed(pid, *RENAMED.search(rest).groups())
            return
        match = DESCRIPTOR.search(rest)
        if match is None:
            return
        path = match[2] or match[3] or ""
        if name in ("openat", "open", "creat"):
            self.opened(path, rest)
        elif "write" in name:
            self.wrote(path, rest)
        elif "chmod" in name:
            self.mode_set(path, rest)
        elif "chown" in name:
            self.owner_set(path, rest)
        elif name in ("fsync", "fdatasync"):
            self.synced(path)
        elif self.inside(path) and name.startswith(("link", "truncate", "setxattr", "fsetxattr")):
            self.say(f"{name} of {path}")


def calls(log: Path):
    """(process, call, arguments and result), the halves of a call that was interrupted put together."""
    begun: dict[str, str] = {}
    with log.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            match = LINE.match(line)
            if match is None or line.split(None, 2)[1].startswith(("+++", "---")):
                continue
            pid, name, rest = match.groups()
            if rest.rstrip().endswith("<unfinished ...>"):
                begun[pid] = rest.rsplit("<unfinished", 1)[0]
            elif " resumed>" in rest[:10]:
                yield pid, name, begun.pop(pid, "") + rest.split("resumed>", 1)[1]
            else:
                yield pid, name, rest


def watch(machine, *options, **variables):
    log = machine.work / "strace.log"
    run = machine.play("pki", *options, before=(*STRACE, "-o", str(log)), **variables)
    assert run.code == 0, run.output
    seen = Watch((f"{CONFIG}/", f"{machine.ca}/"))
    for pid, name, rest in calls(log):
        seen.call(pid, name, rest)
    assert not seen.findings, "\n".join(seen.findings)
    assert not seen.unsynced, f"folders that are not synced after a rename: {seen.unsynced}"
    assert not [path for path, known in seen.files.items() if known.secret and os.path.exists(path)]
    return run, seen


def judge(machine, seen):
    """What lies there is what was seen; so nothing has come by a way that was not looked at."""
    secrets = {}
    for folder in (CONFIG, machine.ca):
        for path in folder.rglob("*"):
            if path.is_file() and (PEM.search(path.read_bytes()) or SECRET.search(path.read_text(errors="replace"))):
                state = path.stat()
                secrets[str(path)] = (stat.S_IMODE(state.st_mode), (state.st_uid, state.st_gid))
    known = {path: (file.mode, file.owner) for path, file in seen.named.items() if file.secret and os.path.exists(path)}
    return secrets, known


def main(folder):
    work = Path(folder) / "hygiene"
    work.mkdir()
    machine = Machine(work)
    _run, first = watch(machine)
    secrets, known = judge(machine, first)
    assert secrets == known
    # Three offline CAs, two signing CAs, two service-account keys, thirteen leaves.
    assert len(secrets) == 3 + 2 + 2 + 13, sorted(secrets)
    print(f"a first run: {first.renames} renames, {len(secrets)} private keys")
    again = sorted(Path(path).name for path in secrets)
    _run, second = watch(
        machine, "-e", '{"identities_force": ["admin", "etcd-server", "kubelet-client-ca", "service-account"]}'
    )
    secrets, known = judge(machine, second)
    assert known.items() <= secrets.items()
    kept = [path for path in known if "/.backup/" in path]
    assert len(kept) == 4, kept
    assert len(known) == 4 + 4, sorted(known)
    assert sorted(Path(path).name for path in secrets if "/.backup/" not in path) == again
    print(f"four made anew: {second.renames} renames, {len(kept)} old keys kept")


if __name__ == "__main__":
    main(*sys.argv[1:])
