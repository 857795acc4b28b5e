# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action cluster_plan: check all variables of all hosts on the controller, and plan the cluster."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import plan as planning
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import variables
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.findings import Findings
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.inventory import GROUPS, HOST_KEYS

try:  # since ansible-core 2.19 a value knows its file and line; used in messages alone
    from ansible._internal._datatag._tags import Origin
except ImportError:
    Origin = None

_ROLES = os.path.join(os.path.dirname(__file__), "..", "..", "roles")
_RESULT = "__cluster_planned"
_IGNORED = "cluster_ignored_variables"
# How many hosts a template that they share is evaluated for.
_EVALUATIONS = 10


@functools.lru_cache(maxsize=1)
def read_catalogue(roles: str = _ROLES) -> tuple[variables.Catalogue, tuple[str, ...]]:
    """All options of the roles beside this plugin, and the names of those of the role cluster."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = {}
    hosts: Mapping[str, Any] = {}
    for role in sorted(os.listdir(roles)):
        path = os.path.join(roles, role, "meta", "argument_specs.yml")
        if not os.path.isfile(path):
            continue
        with open(path, encoding="utf-8") as stream:
            entries = yaml.load(stream, Loader=loader)["argument_specs"]  # noqa: S506 - it is a safe loader
        found[role] = entries["cluster" if role == "cluster" else "main"].get("options") or {}
        if role == "cluster":
            hosts = entries["host"]["options"]
    return variables.Catalogue(found, hosts), tuple(found["cluster"])


def plain(value: Any) -> Any:
    """Without the tags that Ansible puts on values, which are types of their own and would show in messages."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    natives = (bool, int, float, str)
    return next((native(value) for native in natives if isinstance(value, native)), value)


def validator_of(name: str, option: Mapping[str, Any]) -> ArgumentSpecValidator:
    return ArgumentSpecValidator({name: variables.without_requirements(option)})


def type_problem(name: str, option: Mapping[str, Any], value: Any, validator: ArgumentSpecValidator) -> str:
    """Why the value is not what the argument spec wants, or nothing. A secret is not shown."""
    checked = validator.validate({name: plain(value)})
    if not checked.error_messages:
        return ""
    if variables.holds_secret(option):
        return f"{name}: its value (not shown) is not of the type {option.get('type', 'str')} that the role asks for"
    return f"{name}: {'; '.join(str(message) for message in checked.error_messages)}"


class _Checker:
    """Names and types of the variables, host by host; what many hosts share is looked at once."""

    def __init__(self, catalogue: variables.Catalogue, ignored: Sequence[str], templar: Any) -> None:
        self.catalogue = catalogue
        self.ignored = ignored
        self.templar = templar
        # Problem -> hosts that have it, and files where it was seen.
        self.problems: dict[str, tuple[list[str], set[str]]] = {}
        # The values are kept, so that no identity is used twice.
        self._checked: dict[tuple[str, int], tuple[Any, str]] = {}
        self._evaluated: Counter[tuple[str, int]] = Counter()
        self._validators: dict[str, ArgumentSpecValidator] = {}

    def check(self, host: str, raw: Mapping[str, Any], templated: Callable[[str], Any]) -> None:
        for name, value in raw.items():
            option = self.catalogue.options.get(name)
            if option is None:
                problem = self.catalogue.problem(name, self.ignored)
            else:
                problem = self._value_problem(name, option, value, templated)
            if problem:
                hosts, origins = self.problems.setdefault(problem, ([], set()))
                hosts.extend([host] if host else [])
                origin = Origin.get_tag(value) if Origin else None
                if origin:
                    origins.add(str(origin))

    def _value_problem(self, name: str, option: Mapping[str, Any], value: Any, templated: Callable[[str], Any]) -> str:
        key = (name, id(value))
        if key in self._checked:
            return self._checked[key][1]
        if not self.templar.is_template(value):
            self._checked[key] = (value, self._literal_problem(name, option, value))
            return self._checked[key][1]
        self._evaluated[key] += 1
        # A template may ask a password manager, or facts that are not there yet, and each evaluation takes a
        # millisecond or two: what is passed over here, the role's own check sees later.
        if variables.holds_secret(option) or self._evaluated[key] > _EVALUATIONS:
            self._checked[key] = (value, "")
            return ""
        try:
            return self._literal_problem(name, option, templated(name))
        except AnsibleError:
            return ""

    def _literal_problem(self, name: str, option: Mapping[str, Any], value: Any) -> str:
        if name not in self._validators:
            self._validators[name] = validator_of(name, option)
        problem = type_problem(name, option, value, self._validators[name])
        if not problem and name == "kube_apiserver_extra_args":
            problem = variables.node_protection_problem(value)
        return problem

    def report(self, findings: Findings) -> None:
        for problem, (hosts, origins) in self.problems.items():
            findings.add(f"{problem} ({variables.holders(hosts, origins)})")


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no types
    """Touches no host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_diff = True
    _VALID_ARGS: frozenset[str] = frozenset()

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        # The plan of a large cluster is long; who wants to see it asks for it by debug.
        result.update({"changed": False, "_ansible_verbose_override": True})
        try:
            result.update(self._plan(task_vars or {}))
        except InputError as error:
            result.update({"failed": True, "msg": str(error)})
        return result

    def _plan(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        catalogue, names = read_catalogue()
        findings = Findings()
        settings = self._settings(catalogue, names, task_vars)
        checker = _Checker(catalogue, [str(pattern) for pattern in settings.get(_IGNORED) or []], self._templar)
        checker.check("", task_vars, lambda name: self._templar.template(task_vars[name]))
        groups = task_vars["groups"]
        wanted = _fingerprint(settings, groups)
        before = task_vars.get(_RESULT)
        batch = [str(host) for host in task_vars.get("ansible_play_batch") or []]
        if isinstance(before, Mapping) and not checker.problems and _covers(before, wanted, batch):
            # An earlier play of this run has looked at everything; what it found is not repeated.
            return {key: value for key, value in before.items() if key not in ("warnings", "changed")}
        plan = self._whole(settings, groups, task_vars, checker, findings)
        findings.raise_any()
        return {**_parts(plan), "checked": {"fingerprint": wanted, "hosts": batch}}

    def _settings(
        self, catalogue: variables.Catalogue, names: Sequence[str], task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        """The variables of the role cluster, of the types that its argument spec gives them."""
        found = {}
        for name in names:
            if name in task_vars:
                value = self._templar.template(task_vars[name])
                checked = validator_of(name, catalogue.options[name]).validate({name: value})
                found[name] = value if checked.error_messages else checked.validated_parameters[name]
        return found

    def _whole(
        self,
        settings: Mapping[str, Any],
        groups: Mapping[str, Sequence[str]],
        task_vars: Mapping[str, Any],
        checker: _Checker,
        findings: Findings,
    ) -> dict[str, Any]:
        hostvars = task_vars["hostvars"]
        inputs: dict[str, dict[str, Any]] = {}
        shared: dict[str, dict[Any, str]] = {name: {} for name in settings}
        for host in planning.planned_hosts(groups):
            raw = hostvars.raw_get(host)
            view = functools.partial(_template, functools.partial(hostvars.__getitem__, host))
            checker.check(host, raw, view)
            inputs[host] = self._inputs(host, raw, view, findings)
            for name, seen in shared.items():
                seen.setdefault(_comparable(raw.get(name)), host)
        checker.report(findings)
        _check_shared(shared, findings)
        return findings.attempt(functools.partial(planning.build, settings, groups, inputs), {})

    def _inputs(
        self, host: str, raw: Mapping[str, Any], templated: Callable[[str], Any], findings: Findings
    ) -> dict[str, Any]:
        found = {}
        for key in HOST_KEYS:
            if key not in raw:
                continue
            try:
                found[key] = templated(key) if self._templar.is_template(raw[key]) else raw[key]
            except AnsibleError as error:
                findings.add(
                    f"host {host}: {key} cannot be worked out: write it into the inventory; facts are not used, "
                    f"so that a run with --limit plans the same as a full one ({error})"
                )
        return found


def _parts(plan: Mapping[str, Any]) -> dict[str, Any]:
    """As texts: ansible-core before 2.19 would go through all of a structure whenever a host reads any part of it."""
    return {
        "shared": json.dumps({"cluster": plan["cluster"], "cas": plan["cas"]}),
        "hosts": {host: json.dumps(part) for host, part in plan["hosts"].items()},
        "policy": json.dumps(plan["policy"]),
        "warnings": plan["warnings"],
    }


def _template(view: Callable[[], Mapping[str, Any]], name: str) -> Any:
    return view()[name]


def _comparable(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _check_shared(shared: Mapping[str, Mapping[str, str]], findings: Findings) -> None:
    for name, seen in shared.items():
        if len(seen) > 1:
            first, second = list(seen.values())[:2]
            findings.add(
                f"{name} is not the same on {first} and {second}: it belongs to the cluster; set it for all hosts "
                "alike, in group_vars/all"
            )


def _fingerprint(settings: Mapping[str, Any], groups: Mapping[str, Sequence[str]]) -> str:
    members = {group: list(groups.get(group) or ()) for group in GROUPS}
    text = json.dumps([settings, members], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _covers(before: Mapping[str, Any], wanted: str, batch: Sequence[str]) -> bool:
    checked = before.get("checked")
    if not isinstance(checked, Mapping) or checked.get("fingerprint") != wanted:
        return False
    return set(batch) <= set(checked["hosts"])
