# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module, what it is given, the folder that it starts with, and what has to lie there afterwards."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import x509

__all__ = ["EVERYTHING", "FOREIGN", "OURS", "Case", "Plain", "call", "contents"]

EVERYTHING = os.environ.get("TLSBOOTSTRAP_PKI_FAULTS") == "all"
MODULES = Path(__file__).resolve().parents[5] / "plugins" / "modules"
OURS = re.compile(r"\.([^/]+)\.tlsbootstrap-\d+-[0-9a-f]{8}$")
FOREIGN = ".admin.key.tmp"


def call(module, arguments, work):
    """Run a module that nothing disturbs."""
    given = work / "arguments.json"
    given.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
    done = subprocess.run(
        [sys.executable, f"{MODULES}/{module}.py", str(given)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": f"{work}/bin:{os.environ['PATH']}"},
    )
    said = json.loads(done.stdout)
    assert done.returncode == 0, said
    return said


class Case:
    """One call of a module."""

    writes = True
    least = 10
    # Files that are written together, which has code of its own.
    together = ()
    # Whether threads sync them.
    threads = False
    # How many pages are left on a file system that is full: one more each time, until it fits.
    spares = ()

    def __init__(self, name, module, root, base, arguments):
        self.name, self.module, self.root, self.base, self.arguments = name, module, root, base, arguments
        self.work = base.parent

    def begin(self):
        """What is to be set back besides the files."""

    def is_together(self, path):
        return os.path.basename(path) in self.together

    def sample(self, renames):
        """Those at which it is stopped: between two of them lies each state."""
        return renames


class Plain(Case):
    """A module whose files are the same after each run, but for those that are named as drawn or noted anew."""

    least = 8
    drawn = ()
    settles = True
    # Whether the module says that it has changed something.
    says = True
    noted = ()

    def settle(self):
        """What a run that nothing disturbs leaves."""
        settled = self.work / f"settled-{self.name}"
        shutil.rmtree(settled, ignore_errors=True)
        assert call(self.module, self.arguments, self.work)["changed"] == self.says, self.name
        shutil.copytree(self.root, settled, symlinks=True)
        self.settled = contents(settled)
        self.before = contents(self.base)

    def judge_files(self):
        for name, (kind, mode, data) in contents(self.root).items():
            if OURS.search(name) or name == FOREIGN:
                continue
            if name in self.drawn:
                x509.load_private_key(data, name)
            elif name in self.noted:
                json.loads(data)
            else:
                states = [state[::2] for state in (self.before.get(name), self.settled.get(name)) if state]
                assert (kind, data) in states, f"{name} is neither old nor new"
            if mode is not None and self.settled.get(name, (None, None, None))[1] == 0o600:
                assert mode == 0o600, name
        for name in set(self.before) & set(self.settled):
            assert os.path.lexists(self.root / name), f"{name} is gone"

    def judge_next_run(self):
        call(self.module, self.arguments, self.work)
        again = call(self.module, self.arguments, self.work)
        assert again["changed"] != self.settles, again
        found = contents(self.root)
        found.pop(FOREIGN)
        assert set(found) == set(self.settled)
        for name, (kind, mode, data) in found.items():
            assert (kind, mode) == self.settled[name][:2], name
            assert name in (*self.drawn, *self.noted) or data == self.settled[name][2], name


def contents(root):
    """Kind, mode and content of all that lies there."""
    found = {}
    for path in root.rglob("*"):
        state = path.lstat()
        if path.is_symlink():
            known = ("link", None, os.readlink(path).encode())
        elif path.is_dir():
            known = ("folder", stat.S_IMODE(state.st_mode), b"")
        else:
            known = ("file", stat.S_IMODE(state.st_mode), path.read_bytes())
        found[str(path.relative_to(root))] = known
    return found
