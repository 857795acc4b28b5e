"""Write the table of variables into each role's README from its argument specs.

Usage: tools/role-docs [--check] [ROLE...]
--check writes nothing and fails where a README is not what it would be.
Needs PyYAML, as in the environment of `tools/setup test`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
START = "<!-- variables -->"
END = "<!-- /variables -->"
MARKUP = re.compile(r"\b(?:C|V|O|I|B|E|M|P|RV)\(([^()]*(?:\([^()]*\)[^()]*)*)\)")


class DocsError(Exception):
    """A README or a specification that cannot be worked with."""


def plain(text: str) -> str:
    """Ansible's markup as Markdown, fit for one cell of a table."""
    text = MARKUP.sub(lambda found: f"`{found[1]}`", " ".join(text.split()))
    return text.replace("|", "\\|")


def describe(option: dict[str, Any]) -> str:
    lines = option.get("description", [])
    text = " ".join([lines] if isinstance(lines, str) else lines)
    if option.get("choices"):
        text += " One of " + ", ".join(f"`{choice}`" for choice in option["choices"]) + "."
    return plain(text)


def show_type(option: dict[str, Any]) -> str:
    elements = option.get("elements")
    return f"{option.get('type', 'str')}{f' of {elements}' if elements else ''}"


def show_default(option: dict[str, Any]) -> str:
    if option.get("required"):
        return "required"
    if option.get("default") is None:
        return ""
    value = option["default"]
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split()).replace("|", "\\|")
    # A Jinja expression keeps its braces; only backticks could end the span.
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def table(options: dict[str, dict[str, Any]]) -> str:
    if not options:
        return "None."
    rows = ["| variable | type | default | meaning |", "| --- | --- | --- | --- |"]
    rows += [
        f"| `{name}` | {show_type(option)} | {show_default(option)} | {describe(option)} |"
        for name, option in options.items()
    ]
    return "\n".join(rows)


def entry_of(entries: dict[str, Any], role: str) -> dict[str, Any]:
    """A role that checks its variables itself has no main, which Ansible would check before it."""
    return entries["main"] if "main" in entries else entries[role]


def read_options(role: Path) -> dict[str, dict[str, Any]]:
    path = role / "meta" / "argument_specs.yml"
    try:
        specs = yaml.safe_load(path.read_text(encoding="utf-8"))
        return entry_of(specs["argument_specs"], role.name).get("options") or {}
    except (OSError, KeyError, TypeError, yaml.YAMLError) as error:
        raise DocsError(f"{path.relative_to(ROOT)}: no argument_specs to read ({error})") from error


def wanted_readme(role: Path) -> tuple[str, str]:
    """What the role's README is and what it should be."""
    path = role / "README.md"
    name = path.relative_to(ROOT)
    if not path.is_file():
        raise DocsError(f"{name} is missing")
    text = path.read_text(encoding="utf-8")
    if text.count(START) != 1 or text.count(END) != 1 or text.index(START) > text.index(END):
        raise DocsError(f"{name}: wants one {START} and after it one {END}")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    return text, f"{before}{START}\n{table(read_options(role))}\n{END}{after}"


def find_roles(names: list[str]) -> list[Path]:
    roles = sorted(path for path in (ROOT / "roles").glob("*") if path.is_dir())
    unknown = set(names) - {role.name for role in roles}
    if unknown:
        raise DocsError(f"no such role: {', '.join(sorted(unknown))}")
    return [role for role in roles if not names or role.name in names]


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the tables of variables into the roles' READMEs.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail where a table is not up to date")
    parser.add_argument("role", nargs="*")
    arguments = parser.parse_args()
    problems = []
    try:
        roles = find_roles(arguments.role)
    except DocsError as error:
        parser.error(str(error))
    for role in roles:
        try:
            found, wanted = wanted_readme(role)
        except DocsError as error:
            problems.append(str(error))
            continue
        if found != wanted and arguments.check:
            problems.append(f"roles/{role.name}/README.md is not up to date: run tools/role-docs")
        elif found != wanted:
            (role / "README.md").write_text(wanted, encoding="utf-8")
            print(f"roles/{role.name}/README.md: written")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
