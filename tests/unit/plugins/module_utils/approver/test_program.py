# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
import sys

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.approver import program


def test_the_program_runs_by_itself(tmp_path):
    path = tmp_path / "csr-approver.pyz"
    path.write_bytes(program.build(program.own_sources()))
    shown = subprocess.run(
        [sys.executable, "-I", path, "--help"], capture_output=True, text=True, check=True, cwd="/", env={}
    )
    assert "--policy" in shown.stdout


def test_the_same_sources_give_the_same_bytes():
    sources = {"b.py": b"2", "a/c.py": b"3", "a.py": b"1"}
    assert program.build(sources) == program.build(dict(reversed(list(sources.items()))))
    assert set(program.contents(program.build(sources))) == {
        "__main__.py",
        "tlsbootstrap/__init__.py",
        "tlsbootstrap/a/__init__.py",
        "tlsbootstrap/a/c.py",
        "tlsbootstrap/a.py",
        "tlsbootstrap/b.py",
    }


def test_what_is_no_zip_has_no_contents():
    assert program.contents(b"") == {}
    assert program.contents(b"#!/bin/sh\n") == {}
