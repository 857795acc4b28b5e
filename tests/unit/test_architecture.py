# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dependencies run one way: playbooks -> roles -> modules and filters -> module_utils."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
PACKAGE = "ansible_collections.tlsbootstrap.kubernetes.plugins"
COLLECTION = "tlsbootstrap.kubernetes"

# The only file under plugins/ that may import these.
SOLE_IMPORTERS = {
    "cryptography": "module_utils/x509.py",
    "kubernetes": "module_utils/cluster.py",
    "urllib3": "module_utils/cluster.py",
}
SOLE_WRITER = "module_utils/files.py"
# Pure code decides from what it is given: no files, clocks, processes or hosts.
PURE = {
    "__future__", "abc", "base64", "binascii", "collections", "copy", "dataclasses", "datetime", "difflib", "enum",
    "fnmatch", "functools", "hashlib", "hmac", "ipaddress", "itertools", "json", "math", "operator", "posixpath",
    "re", "string", "struct", "textwrap", "types", "typing", "unicodedata", "urllib.parse",
}  # fmt: skip
# `secrets` is randomness, which tokens are made of.
PURE_EXCEPTIONS = {"module_utils/domain/tokens.py": {"secrets"}}
CLOCKS = {"now", "utcnow", "today"}
WRITING_METHODS = {"write_text", "write_bytes", "touch", "mkdir", "unlink", "rmdir", "rename", "symlink_to", "chmod"}
WRITING_OS = {
    "chmod", "chown", "fchmod", "fchown", "lchown", "link", "makedirs", "mkdir", "mkfifo", "mknod", "open", "remove",
    "removedirs", "rename", "renames", "replace", "rmdir", "symlink", "truncate", "unlink", "utime", "write",
}  # fmt: skip
WRITING_MODULES = {"shutil", "tempfile"}
WRITING_ANSIBLE = {"atomic_move", "set_fs_attributes_if_different", "set_mode_if_different", "set_owner_if_different"}


def sources() -> list[Path]:
    return sorted(path for path in PLUGINS.rglob("*.py") if "__pycache__" not in path.parts)


def relative(path: Path) -> str:
    return path.relative_to(PLUGINS).as_posix()


def of_folder(*folders: str) -> list[Path]:
    return [path for path in sources() if relative(path).startswith(folders)]


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path) -> Iterator[str]:
    """The full names of all that a file imports, wherever in the file."""
    package = [PACKAGE, *path.relative_to(PLUGINS).parent.parts]
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                kept = package[: len(package) - node.level + 1]
                base = ".".join([*kept, *([node.module] if node.module else [])])
            # `from x import y`: y may be a module of x.
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "importlib.import_module":
            yield from imported_late(node.args[0])


def imported_late(name: ast.expr) -> Iterator[str]:
    """The name as far as it stands in the source: `"package"`, or `"package." + name`."""
    first = name.left if isinstance(name, ast.BinOp) else name
    if isinstance(first, ast.Constant):
        yield str(first.value).rstrip(".")


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def ours(path: Path) -> list[str]:
    return [name[len(PACKAGE) + 1 :] for name in imports(path) if within(name, PACKAGE)]


def by_name(path: Path) -> str:
    return relative(path)


def test_there_is_something_to_look_at() -> None:
    assert of_folder("modules/")
    assert of_folder("module_utils/domain/")


@pytest.mark.parametrize("path", sources(), ids=by_name)
def test_only_one_file_imports_each_foreign_library(path: Path) -> None:
    for library, importer in SOLE_IMPORTERS.items():
        if relative(path) != importer:
            assert not [name for name in imports(path) if within(name, library)], f"only {importer} imports {library}"


@pytest.mark.parametrize(("library", "importer"), SOLE_IMPORTERS.items())
def test_that_file_does_import_it(library: str, importer: str) -> None:
    assert [name for name in imports(PLUGINS / importer) if within(name, library)]


def test_the_kubernetes_client_has_no_transport_of_its_own() -> None:
    own = {"http", "requests", "urllib.request"}
    assert not [name for name in imports(PLUGINS / "module_utils/cluster.py") if any(within(name, one) for one in own)]


@pytest.mark.parametrize("path", of_folder("modules/", "filter/", "lookup/", "action/"), ids=by_name)
def test_plugins_use_module_utils_and_not_each_other(path: Path) -> None:
    assert not [name for name in ours(path) if not name.startswith("module_utils")]


@pytest.mark.parametrize("path", of_folder("module_utils/"), ids=by_name)
def test_module_utils_use_module_utils_only(path: Path) -> None:
    assert not [name for name in ours(path) if not name.startswith("module_utils")]


@pytest.mark.parametrize("path", of_folder("module_utils/"), ids=by_name)
def test_module_utils_import_each_other_relatively(path: Path) -> None:
    """The approver's service is a copy of this folder as a package of another name."""
    absolute = [node for node in ast.walk(parse(path)) if isinstance(node, ast.ImportFrom) and not node.level]
    assert not [node.module for node in absolute if node.module and within(node.module, "ansible_collections")]
    assert not [name for name in imports(path) if within(name, "ansible_collections") and not within(name, PACKAGE)]


@pytest.mark.parametrize("path", of_folder("module_utils/domain/"), ids=by_name)
def test_domain_is_pure(path: Path) -> None:
    allowed = PURE | PURE_EXCEPTIONS.get(relative(path), set())
    foreign = [
        name
        for name in imports(path)
        if not within(name, f"{PACKAGE}.module_utils.domain") and not any(within(name, one) for one in allowed)
    ]
    assert not foreign, "domain/ decides from what it is given"
    called = [node.func for node in ast.walk(parse(path)) if isinstance(node, ast.Call)]
    assert not [
        function.id
        for function in called
        if isinstance(function, ast.Name) and function.id in {"open", "print", "input"}
    ]
    assert not [function.attr for function in called if isinstance(function, ast.Attribute) and function.attr in CLOCKS]


def written_by(path: Path) -> Iterator[str]:
    for name in imports(path):
        if name.split(".")[0] in WRITING_MODULES:
            yield f"import {name}"
    for node in ast.walk(parse(path)):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        if isinstance(function, ast.Attribute):
            on_os = isinstance(function.value, ast.Name) and function.value.id == "os"
            if (on_os and function.attr in WRITING_OS) or function.attr in WRITING_METHODS | WRITING_ANSIBLE:
                yield f"line {node.lineno}: {ast.unparse(function)}"
        elif isinstance(function, ast.Name) and function.id == "open" and opens_for_writing(node):
            yield f"line {node.lineno}: open"


def opens_for_writing(call: ast.Call) -> bool:
    modes = [*call.args[1:2], *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    return any(not isinstance(mode, ast.Constant) or set(str(mode.value)) & set("wax+") for mode in modes)


@pytest.mark.parametrize("path", sources(), ids=by_name)
def test_only_one_file_writes_files(path: Path) -> None:
    if relative(path) != SOLE_WRITER:
        assert not list(written_by(path)), f"only {SOLE_WRITER} writes"


def strings_of(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from strings_of(key)
            yield from strings_of(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings_of(value)


def keys_of(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield str(key)
            yield from keys_of(value)
    elif isinstance(node, list):
        for value in node:
            yield from keys_of(value)


PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
PLAY_KEYS = {
    "any_errors_fatal", "become", "gather_facts", "hosts", "max_fail_percentage", "module_defaults", "name",
    "order", "roles", "serial", "strategy", "tags", "vars",
}  # fmt: skip


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.name)
def test_playbooks_are_lists_of_roles(path: Path) -> None:
    for play in yaml.safe_load(path.read_text(encoding="utf-8")):
        if "ansible.builtin.import_playbook" in play:
            continue
        assert set(play) <= PLAY_KEYS, "tasks belong to roles"
        for role in play["roles"]:
            name = role if isinstance(role, str) else role["role"]
            assert name.startswith(f"{COLLECTION}."), "a role is named in full"
            assert (ROOT / "roles" / name.rsplit(".", 1)[1]).is_dir()


@pytest.mark.parametrize("path", sorted((ROOT / "roles").rglob("*.y*ml")), ids=lambda path: str(path.relative_to(ROOT)))
def test_roles_call_no_playbook(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\bimport_playbook\b", text)
    assert not set(keys_of(yaml.safe_load(text))) & {"ansible.builtin.shell", "shell", "ansible.builtin.raw"}
