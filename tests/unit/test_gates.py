# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates of `make test` have no exceptions: no ignore files, no rules off, no findings silenced in passing."""

from __future__ import annotations

import fnmatch
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
# Files by which a tool passes over findings, or takes other settings than those that are held below.
IGNORE_FILES = (
    "*ignore*.txt", ".ansible-lint-ignore", "*/.ansible-lint", "*/.yamllint", ".yamllint.y*ml", ".config/*",
    "*pylintrc", ".flake8", "setup.cfg", "tox.ini", "*.shellcheckrc", "*ruff.toml", "*mypy.ini", "*/pyproject.toml",
    ".ansible-test*", "tests/sanity/*", "galaxy-importer.cfg", "*/.gitignore", ".gitattributes",
)  # fmt: skip
# The words that silence a tool in the midst of a file. All name what is passed over, and give their reason after it.
SILENCED = re.compile(
    r"#\s*(?:noqa(?!\w)|type:\s*ignore|shellcheck\s+disable|yamllint\s+disable|pylint:\s*disable|mypy:|ruff:|nosec"
    r"|pragma:|fmt:\s*off)(?P<rest>.*)"
)
CODES = re.compile(
    r"^(?:: [A-Z]+[0-9]+(?:, ?[A-Z]+[0-9]+)*|\[[a-z-]+(?:, ?[a-z-]+)*\]|=SC[0-9]+(?:,SC[0-9]+)*)(?P<reason>.*)"
)
IN_TASKS = re.compile(r"skip_ansible_lint|#\s*noqa(?!:)|# ansible-lint|mock_modules|mock_roles")
# Root alone can give files away; .ci/run is root.
IN_TESTS = re.compile(
    r"\b(?:mark\.skip(?!if\(os\.getuid\(\) != 0, )\w*|mark\.xfail|pytest\.(?:skip|xfail|importorskip))\b"
)
# --exclude-standard is git's.
PASSED_OVER = re.compile(
    r"--(?:skip|exclude(?!-standard)|ignore|deselect|no-strict|extend-ignore|allow)|\|\| true|-k not"
)


def tracked() -> list[str]:
    """What is in git, or may come into it."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def texts(*patterns: str) -> dict[str, list[str]]:
    """The lines of the files whose names match, but for those of this file, which names what it forbids."""
    return {
        name: (ROOT / name).read_text(encoding="utf-8").splitlines()
        for name in tracked()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns) and ROOT / name != Path(__file__).resolve()
    }


def found(expression: re.Pattern[str], *patterns: str) -> dict[str, re.Match[str]]:
    matches = {
        f"{name}:{number}": expression.search(line)
        for name, lines in texts(*patterns).items()
        for number, line in enumerate(lines, 1)
    }
    return {place: match for place, match in matches.items() if match}


def reasonless(match: re.Match[str]) -> bool:
    codes = CODES.match(match["rest"])
    return not codes or len(codes["reason"].strip(" #-")) < len("a path")


def settings(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    return loaded


def test_there_is_no_ignore_file() -> None:
    names = tracked()
    assert len(names) > 300
    assert [name for name in names for pattern in IGNORE_FILES if fnmatch.fnmatchcase(name, pattern)] == []


def test_what_is_silenced_has_its_code_and_its_reason() -> None:
    matches = found(SILENCED, "*.py", "*.sh", "*.yml", "tools/*", "tests/integration/*.sh")
    assert matches, "the search finds nothing at all"
    assert [place for place, match in matches.items() if reasonless(match)] == []


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("x = 1  # noqa", True),
        ("x = 1  # noqa: S506", True),
        ("x = 1  # noqa: S506 - it is a safe loader", False),
        ("x = 1  # type: ignore", True),
        ("x = 1  # type: ignore[misc]  # Ansible has no types", False),
        ("# shellcheck disable=SC2034", True),
        ("# shellcheck disable=SC2034  # for the scripts that source this", False),
        ("# yamllint disable rule:line-length", True),
        ("# fmt: off", True),
    ],
)
def test_an_exception_would_be_seen(line: str, wrong: bool) -> None:
    match = SILENCED.search(line)
    assert match
    assert reasonless(match) is wrong


def test_ansible_lint_is_told_to_pass_over_nothing() -> None:
    config = settings(".ansible-lint")
    assert set(config) == {"profile", "strict", "offline", "enable_list", "loop_var_prefix", "exclude_paths"}
    assert (config["profile"], config["strict"]) == ("production", True)
    # Nothing that anybody has written: antsibull-changelog writes changelogs, the rest is no part of the tree.
    assert config["exclude_paths"] == [".cache/", ".git/", "changelogs/", "tests/output/"]
    assert list(found(IN_TASKS, "*.yml", "*.yaml")) == []


def test_yamllint_is_told_to_pass_over_nothing() -> None:
    config = settings(".yamllint")
    assert set(config) == {"extends", "ignore-from-file", "rules"}
    assert (config["extends"], config["ignore-from-file"]) == ("default", ".gitignore")
    off = [name for name, rule in config["rules"].items() if rule in (False, "disable") or "ignore" in (rule or {})]
    # ansible-lint's own formatter wants it so.
    assert off == ["comments-indentation"]
    assert [name for name, rule in config["rules"].items() if "level" in (rule or {})] == []


def section(title: str) -> list[str]:
    """The lines of a part of pyproject.toml, with their comments: Python 3.10 reads no TOML."""
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    start = lines.index(f"[{title}]") + 1
    return lines[start : next((i for i, line in enumerate(lines) if i > start and line.startswith("[")), len(lines))]


def test_rules_of_ruff_that_are_off_have_their_reasons() -> None:
    lines = section("tool.ruff.lint")
    ignored = lines[lines.index("ignore = [") + 1 :]
    rules = ignored[: ignored.index("]")]
    assert rules
    assert [line for line in rules if not re.fullmatch(r'    "[A-Z]+[0-9]+", +# .{10,}', line)] == []
    # One word of a pattern stands for all: what is shipped has no exception but the place of its imports.
    shipped = [line for line in section("tool.ruff.lint.per-file-ignores") if line.startswith('"plugins')]
    assert shipped == ['"plugins/modules/*" = ["E402"]', '"plugins/filter/*" = ["E402"]']


def test_mypy_is_strict_about_all_that_is_ours() -> None:
    assert "strict = true" in section("tool.mypy")
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.findall(r"^module = (.*)$", text, re.MULTILINE) == ['["ansible.*", "kubernetes.*", "urllib3.*"]']
    for word in ("ignore_errors", "exclude =", "disable_error_code", "disallow_untyped_defs = false"):
        assert word not in text


def test_no_test_is_left_out() -> None:
    assert "xfail_strict = true" in section("tool.pytest.ini_options")
    assert list(found(IN_TESTS, "tests/*.py", "molecule/*.py")) == []


def test_no_gate_is_told_to_pass_over_something() -> None:
    assert list(found(PASSED_OVER, "tools/test.py", "tools/test", "molecule/*/pytest.ini", ".ci/run", "Makefile")) == []


def test_a_version_that_was_not_tried_is_no_success() -> None:
    done = subprocess.run(
        [str(ROOT / "tools/test-matrix"), "ansible"],
        env={**os.environ, "TLSBOOTSTRAP_ANSIBLE_VERSIONS": "9.9"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "ansible-core 9.9         not tried" in done.stdout
    assert "0 passed, 0 failed, 1 not tried" in done.stdout
