# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each role's defaults, argument specs and README say the same; a role reads cluster_* and its own variables."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import jinja2
import jinja2.meta
import jinja2.nodes
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (ROOT / "roles").glob("*") if path.is_dir())
TYPES = {"bool": bool, "dict": dict, "float": float, "int": int, "list": list, "path": str, "raw": object, "str": str}
# Facts and magic variables.
COMMON = re.compile(
    r"(ansible_(check_mode|diff_mode|facts|host|loop|play_batch|play_hosts|play_hosts_all|version|managed|role_names|verbosity)"
    r"|groups|hostvars|inventory_hostname|group_names|play_hosts|playbook_dir|role_path|role_name|omit|item|lookup|query|q"
    r"|now|undef|range|dict|namespace|caller|loop|true|false|none|True|False|None|environment|ansible_failed_result"
    r"|ansible_failed_task|ansible_play_hosts|ansible_play_hosts_all|ansible_parent_role_names)"
)
# What an inventory says of a host. Names and addresses are read through the plan, but by the role that makes it.
HOST_VARIABLES = {"node_labels", "node_taints"}
PLANNED_VARIABLES = {"ansible_host", "node_ip", "node_name"}


def role_name(path: Path) -> str:
    return path.name


each_role = pytest.mark.parametrize("role", ROLES, ids=role_name)


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def defaults_of(role: Path) -> dict[str, Any]:
    path = role / "defaults/main.yml"
    return (load(path) or {}) if path.exists() else {}


def options_of(role: Path) -> dict[str, Any]:
    entries = load(role / "meta/argument_specs.yml")["argument_specs"]
    return entries.get("main", entries.get(role.name, {})).get("options") or {}


@pytest.fixture(scope="session")
def role_docs() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("role_docs", str(ROOT / "tools/role_docs.py"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def test_there_are_roles() -> None:
    assert ROLES


@each_role
def test_role_has_its_files(role: Path) -> None:
    wanted = ["README.md", "meta/main.yml", "meta/argument_specs.yml", "tasks/main.yml"]
    assert not [name for name in wanted if not (role / name).is_file()]


@each_role
def test_defaults_are_those_of_the_argument_specs(role: Path) -> None:
    specs, defaults = options_of(role), defaults_of(role)
    optional = {name: option.get("default") for name, option in specs.items() if not option.get("required")}
    assert set(defaults) <= set(specs), "a default without a specification"
    missing = {name for name, value in optional.items() if name not in defaults and value is not None}
    assert not missing, "specified, but not in defaults/main.yml"
    assert {name: optional.get(name) for name in defaults} == defaults


@each_role
def test_specifications_are_complete(role: Path) -> None:
    for name, option in options_of(role).items():
        assert name.startswith(f"{role.name}_"), f"{name}: a public variable begins with the role's name"
        assert option.get("description"), f"{name}: no description"
        assert option.get("type") in TYPES, f"{name}: no type"
        assert option["type"] != "list" or option.get("elements"), f"{name}: a list without elements"
        default = option.get("default")
        templated = isinstance(default, str) and "{{" in default
        assert default is None or templated or isinstance(default, TYPES[option["type"]]), (
            f"{name}: default of another type"
        )


@each_role
def test_each_default_has_a_comment(role: Path) -> None:
    """Above it, or above the first of a block without an empty line."""
    path = role / "defaults/main.yml"
    commented = False
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        if not line.strip():
            commented = False
        elif line.startswith("#"):
            commented = True
        elif re.match(r"\w+:", line):
            assert commented, f"no comment above {line}"


@each_role
def test_readme_has_the_table_of_the_argument_specs(role: Path, role_docs: ModuleType) -> None:
    found, wanted = role_docs.wanted_readme(role)
    assert found == wanted, "run tools/role-docs"
    table = found.split(role_docs.START)[1].split(role_docs.END)[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(options_of(role))


@each_role
def test_main_is_a_table_of_contents(role: Path) -> None:
    assert len((role / "tasks/main.yml").read_text(encoding="utf-8").splitlines()) <= 80


def yaml_files(role: Path) -> Iterator[Path]:
    for folder in ("tasks", "handlers", "vars", "defaults"):
        yield from sorted((role / folder).rglob("*.yml"))


def values(node: Any) -> Iterator[Any]:
    """All strings of a structure, and for conditions the bare expressions."""
    if isinstance(node, dict):
        for key, value in node.items():
            bare = key in {"when", "changed_when", "failed_when", "until", "that", "var"}
            yield from (
                f"{{{{ {one} }}}}" if bare and isinstance(one, str) and "{{" not in one else one
                for one in values(value)
            )
    elif isinstance(node, list):
        for value in node:
            yield from values(value)
    elif isinstance(node, str):
        yield node


class AnyFilters(dict):
    """Names are looked for here, filters are not called."""

    def __contains__(self, key: object) -> bool:
        return True

    def __getitem__(self, key: str) -> Any:
        return lambda *_, **__: ""

    def get(self, key: str, default: Any = None) -> Any:
        return self[key]


def environment() -> jinja2.Environment:
    made = jinja2.Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])
    made.filters = AnyFilters()
    made.tests = AnyFilters()
    return made


def names_in(text: str) -> set[str]:
    return jinja2.meta.find_undeclared_variables(environment().parse(text))


def made_here(node: Any) -> Iterator[str]:
    """What a role registers, sets or hands to its own tasks."""
    if isinstance(node, list):
        for value in node:
            yield from made_here(value)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "register" and isinstance(value, str):
                yield value
            elif key == "loop_control" and isinstance(value, dict):
                yield from (str(value[name]) for name in ("loop_var", "index_var") if name in value)
            elif key in {"ansible.builtin.set_fact", "vars"} and isinstance(value, dict):
                yield from value
            yield from made_here(value)


@each_role
def test_a_role_reads_cluster_variables_and_its_own(role: Path) -> None:
    used: set[str] = set()
    for path in yaml_files(role):
        for text in values(load(path)):
            used |= names_in(text)
    for path in sorted((role / "templates").rglob("*.j2")):
        used |= names_in(path.read_text(encoding="utf-8"))
    own = re.compile(rf"(__)?{role.name}_\w+|(__)?cluster_\w+")
    foreign = {name for name in used if not own.fullmatch(name) and not COMMON.fullmatch(name)}
    foreign -= HOST_VARIABLES | (PLANNED_VARIABLES if role.name == "cluster" else set())
    foreign -= {name for name in foreign if any(name in set(made_here(load(path))) for path in yaml_files(role))}
    assert not foreign, "a role reads cluster_* and its own variables"


@each_role
def test_internal_cluster_variables_stay_internal(role: Path) -> None:
    if role.name != "cluster":
        for path in yaml_files(role):
            assert "__cluster_" not in path.read_text(encoding="utf-8")


def boolean_options() -> set[str]:
    entries = [entry for role in ROLES for entry in load(role / "meta/argument_specs.yml")["argument_specs"].values()]
    options = [option for entry in entries for option in (entry.get("options") or {}).items()]
    return {name for name, option in options if option.get("type") == "bool"}


def unguarded(text: str, names: set[str]) -> list[str]:
    """Where a boolean decides as it is: `-e name=false` gives text, which is true. Modules and `become` read text."""
    name = "|".join(sorted(names))
    handed_on = rf'"\{{\{{ ({name})( \| default\(\w+\))? \}}\}}"'
    bare = rf"\b({name})\b(?!:)(?!( \| default\(\w+\))? \| bool\b)"
    return [line.strip() for line in text.splitlines() if re.search(bare, re.sub(handed_on, "", line.split(" #")[0]))]


def test_booleans_decide_as_text_too():
    names = boolean_options()
    assert "ca_start_over" in names
    paths = [path for role in ROLES for part in ("tasks", "vars", "templates") for path in role.glob(f"{part}/*")]
    paths += (ROOT / "playbooks").glob("*.yml")
    found = {str(path.relative_to(ROOT)): unguarded(path.read_text(encoding="utf-8"), names) for path in paths}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_what_decides_as_it_is_would_be_seen():
    assert unguarded("  when: flag\n  new: \"{{ 'x' if flag else 'y' }}\"", {"flag"}) == [
        "when: flag",
        "new: \"{{ 'x' if flag else 'y' }}\"",
    ]
    assert unguarded('  a: "{{ flag }}"\n  when: flag | bool\n  flag: true', {"flag"}) == []
