# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action cluster_plan: check all variables of all hosts on the controller, and plan the cluster."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import sources
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import (
    component_rules,
    node_networks,
    variables,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import plan as planning
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.findings import Findings
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.inventory import (
    GROUPS,
    HOST_KEYS,
    members_of,
)

try:  # since ansible-core 2.19 a value knows its file and line; used in messages alone
    from ansible._internal._datatag._tags import Origin
except ImportError:
    Origin = None

_ROLES = os.path.join(os.path.dirname(__file__), "..", "..", "roles")
_RESULT = "__cluster_planned"
_IGNORED = "cluster_ignored_variables"
_BINARIES = ("kube_binaries_directory", "kube_binaries_checksums", "kube_binaries_urls", "kube_proxy_enabled")
_NODE_NETWORKS = ("kube_controller_manager_allocate_node_cidrs", "kube_controller_manager_extra_args")
# How many hosts a template that they share is evaluated for.
_EVALUATIONS = 10


@functools.lru_cache(maxsize=1)
def read_catalogue(roles: str = _ROLES) -> tuple[variables.Catalogue, tuple[str, ...], dict[str, Any]]:
    """All options of the roles beside this plugin, the names of those of the role cluster, and the roles' own vars."""
    found, rules = {}, {}
    hosts: Mapping[str, Any] = {}
    for role in sorted(os.listdir(roles)):
        specs = _read_yaml(os.path.join(roles, role, "meta", "argument_specs.yml"))
        if not specs:
            continue
        entries = specs["argument_specs"]
        found[role] = entries.get("main", entries.get(role, {})).get("options") or {}
        rules[role] = _read_yaml(os.path.join(roles, role, "vars", "main.yml"))
        if role == "cluster":
            hosts = entries["host"]["options"]
    return variables.Catalogue(found, hosts), tuple(found["cluster"]), rules


def _read_yaml(path: str) -> dict[str, Any]:
    if not os.path.isfile(path):
        return {}
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with open(path, encoding="utf-8") as stream:
        return yaml.load(stream, Loader=loader) or {}  # noqa: S506 - it is a safe loader


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


def _is_on(value: Any) -> bool:
    """Of a switch that is on unless it is turned off. What is neither is refused by its type."""
    try:
        return value is None or bool(boolean(plain(value)))
    except TypeError:
        return True


class _View:
    """The variables of a host, or of the play: as they are written, and evaluated one by one."""

    def __init__(self, host: str, raw: Mapping[str, Any], templar: Any, evaluate: Callable[[str], Any]) -> None:
        self.host = host
        self.raw = raw
        self._templar = templar
        self._evaluate = evaluate

    def is_template(self, name: str) -> bool:
        return bool(self._templar.is_template(self.raw[name]))

    def value(self, name: str) -> Any:
        """Evaluated, which may raise AnsibleError: a template may ask for facts that are not there yet."""
        return self._evaluate(name) if self.is_template(name) else self.raw[name]

    def worked_out(self, name: str) -> Any:
        """Like value, but up to ansible-core 2.18 what is undefined comes back as it is written and raises nothing."""
        value = self.value(name)
        if self.is_template(name) and self._templar.is_template(value):
            raise AnsibleError(f"undefined: {value}")
        return value


class _Checker:
    """Names and values of the variables, host by host; what many hosts share is looked at once."""

    def __init__(self, catalogue: variables.Catalogue, rules: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        self.catalogue = catalogue
        self.rules = rules
        self.ignored = [str(pattern) for pattern in settings.get(_IGNORED) or []]
        self.version = str(settings.get("cluster_kubernetes_version"))
        # Problem -> hosts that have it, and files where it was seen.
        self.problems: dict[str, tuple[list[str], set[str]]] = {}
        # The values are kept, so that no identity is used twice.
        self._checked: dict[tuple[Any, ...], tuple[Any, list[str]]] = {}
        self._evaluated: Counter[tuple[Any, ...]] = Counter()
        self._validators: dict[str, ArgumentSpecValidator] = {}
        # Variable -> the hosts that have it, with its value as it is written.
        self._having: dict[str, dict[str, Any]] = {}

    def check(self, view: _View) -> None:
        for name, value in view.raw.items():
            option = self.catalogue.options.get(name)
            if option is not None and view.host:
                self._having.setdefault(name, {})[view.host] = value
            if option is None:
                problem = self.catalogue.problem(name, self.ignored)
                self._note([problem] if problem else [], view.host, value)
            else:
                self._note(self._value_problems(name, option, view), view.host, value)

    def check_readers(self, members: Mapping[str, Sequence[str]]) -> None:
        for name, values in self._having.items():
            problem = self.catalogue.unread(name, values, members)
            for host, value in values.items() if problem else ():
                self._note([problem], host, value)

    def check_binaries(self, view: _View, components: Sequence[str], find: Callable[[str], str]) -> None:
        """Whether they can be installed; ``find`` makes a path absolute as Ansible does."""
        given = [view.raw.get(name) for name in _BINARIES]
        templates = any(name in view.raw and view.is_template(name) for name in _BINARIES)

        def problems() -> list[str]:
            directory, checksums, urls, proxy = (view.value(name) if name in view.raw else None for name in _BINARIES)
            wanted = [name for name in components if name != "kube-proxy" or _is_on(proxy)]
            path = find(str(directory)) if directory else ""
            return sources.source_problems(wanted, path, plain(checksums or {}), plain(urls or {}))

        key = ("binaries", *components, *map(id, given))
        self._note(self._once(key, given, templates, problems), view.host, given[0])

    def check_node_networks(self, view: _View, pod_cidrs: str) -> None:
        """Of a control plane, whose controller-manager gives each node a network of its own."""
        given = [view.raw.get(name) for name in _NODE_NETWORKS]
        templates = any(name in view.raw and view.is_template(name) for name in _NODE_NETWORKS)

        def problems() -> list[str]:
            allocates, extra = (view.value(name) if name in view.raw else None for name in _NODE_NETWORKS)
            known = plain(extra) if isinstance(extra, Mapping) else {}
            return node_networks.node_network_problems(pod_cidrs, known) if _is_on(allocates) else []

        self._note(self._once(("node networks", *map(id, given)), given, templates, problems), view.host, given[0])

    def _note(self, problems: Sequence[str], host: str, value: Any) -> None:
        for problem in problems:
            hosts, origins = self.problems.setdefault(problem, ([], set()))
            hosts.extend([host] if host else [])
            origin = Origin.get_tag(value) if Origin else None
            if origin:
                origins.add(str(origin))

    def _value_problems(self, name: str, option: Mapping[str, Any], view: _View) -> list[str]:
        value, template = view.raw[name], view.is_template(name)
        if template and variables.holds_secret(option):
            return []  # it may ask a password manager
        return self._once(
            (name, id(value)), value, template, lambda: self._checked_value(name, option, view.value(name))
        )

    def _once(self, key: tuple[Any, ...], value: Any, template: bool, problems: Callable[[], list[str]]) -> list[str]:
        """Look at what is written once, and at a template on some hosts, because it takes a millisecond or two.

        What is passed over here, and what needs facts that are not there yet, the role that uses it sees later.
        """
        if key in self._checked:
            return self._checked[key][1]
        self._evaluated[key] += 1
        try:
            found = problems() if self._evaluated[key] <= _EVALUATIONS else []
        except AnsibleError:
            found = []
        if not template or self._evaluated[key] > _EVALUATIONS:
            self._checked[key] = (value, found)
        return found

    def _checked_value(self, name: str, option: Mapping[str, Any], value: Any) -> list[str]:
        if name not in self._validators:
            self._validators[name] = validator_of(name, option)
        problem = type_problem(name, option, value, self._validators[name])
        return [problem] if problem else component_rules.value_problems(name, plain(value), self.rules, self.version)

    def report(self, findings: Findings) -> None:
        for problem, (hosts, origins) in self.problems.items():
            findings.add(f"{problem} ({variables.holders(hosts, origins)})")


def _check_whole(tags: Sequence[str], task_vars: Mapping[str, Any]) -> None:
    """That the tags of the command line leave out nothing of a play, whose tasks have no tags but those of all of it.

    This check, as those of the roles' arguments, has the tag always besides; where that is left out it is made at the
    second task of the role, which has not.
    """
    run, skip = task_vars.get("ansible_run_tags") or ["all"], task_vars.get("ansible_skip_tags") or []
    own = set(tags) - {"always"}
    taking = {"all", "tagged", *own} if own else {"all", "untagged"}
    leaving = {"all", "always"} if own else {"all", "always", "tagged", "untagged"}
    if taking & set(run) and not leaving & set(skip):
        return
    given = f"--tags {','.join(run)}" + (f" --skip-tags {','.join(skip)}" if skip else "")
    raise InputError(
        f"{given} leaves out tasks that all others stand on: run the whole playbook, with --limit for some hosts. "
        "Where a playbook of yours imports it, give the import_playbook a tag, and leave all of it out by --skip-tags"
    )


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no types
    """Touches no host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_diff = True
    _VALID_ARGS = frozenset(("existing", "host"))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        # The plan of a large cluster is long; who wants to see it asks for it by debug.
        result.update({"changed": False, "_ansible_verbose_override": True})
        try:
            _check_whole(self._task.tags, task_vars or {})
            host = self._task.args.get("host")
            existing = self._task.args.get("existing") or {}
            result.update(_part(task_vars or {}, str(host), existing) if host else self._plan(task_vars or {}))
        except InputError as error:
            result.update({"failed": True, "msg": str(error)})
            if Origin is None:
                # What Ansible shows of a failed task has no line breaks in these versions.
                self._display.error(str(error), wrap_text=False)
        return result

    def _plan(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        catalogue, names, rules = read_catalogue()
        findings = Findings()
        settings = self._settings(catalogue, names, task_vars)
        checker = _Checker(catalogue, rules, settings)
        checker.check(_View("", task_vars, self._templar, lambda name: self._templar.template(task_vars[name])))
        groups = task_vars["groups"]
        wanted: dict[str, Any] = {
            "fingerprint": _fingerprint(settings, groups),
            "hosts": [str(host) for host in task_vars.get("ansible_play_batch") or []],
            "binaries": bool(settings.get("cluster_check_binaries")),
        }
        before = task_vars.get(_RESULT)
        if isinstance(before, Mapping) and not checker.problems and _covers(before, wanted):
            # An earlier play of this run has looked at everything; what it found is not repeated.
            return {key: value for key, value in before.items() if key not in ("warnings", "changed")}
        plan = self._whole(settings, task_vars, checker, findings, wanted["binaries"])
        findings.raise_any()
        return {**plan, "checked": wanted}

    def _settings(
        self, catalogue: variables.Catalogue, names: Sequence[str], task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        """The variables of the role cluster, of the types that its argument spec gives them.

        In the place of what is refused stands the default, so that it is refused once.
        """
        found = {}
        for name in names:
            if name in task_vars:
                option, value = catalogue.options[name], self._templar.template(task_vars[name])
                checked = validator_of(name, option).validate({name: value})
                refused = value is None or checked.error_messages
                found[name] = option.get("default") if refused else checked.validated_parameters[name]
        return found

    def _whole(
        self,
        settings: Mapping[str, Any],
        task_vars: Mapping[str, Any],
        checker: _Checker,
        findings: Findings,
        binaries: bool,
    ) -> dict[str, Any]:
        hostvars, groups = task_vars["hostvars"], task_vars["groups"]
        components = planning.components_by_host(groups, bool(settings.get("cluster_admin_kubeconfig")))
        inputs: dict[str, dict[str, Any]] = {}
        shared: dict[str, dict[Any, str]] = {name: {} for name in settings}
        for host in planning.planned_hosts(groups):
            evaluate = functools.partial(_evaluate, functools.partial(hostvars.__getitem__, host))
            view = _View(host, hostvars.raw_get(host), self._templar, evaluate)
            checker.check(view)
            if binaries:
                checker.check_binaries(view, components[host], self._loader.path_dwim)
            if "kube-controller-manager" in components[host]:
                checker.check_node_networks(view, str(settings.get("cluster_pod_cidr")))
            inputs[host] = _inputs(view, findings)
            for name, seen in shared.items():
                seen.setdefault(_comparable(view.raw.get(name)), host)
        checker.check_readers({group: members_of(groups, group) for group in GROUPS})
        checker.report(findings)
        _check_shared(shared, findings)
        planned = Findings()
        plan: dict[str, Any] = planned.attempt(functools.partial(planning.build, settings, groups, inputs), {})
        for text in planned.texts():
            findings.add(_located(text, task_vars))
        return plan


def _located(text: str, task_vars: Mapping[str, Any]) -> str:
    """With the file and line of the variable that the text begins with, where they are known."""
    origin = Origin.get_tag(task_vars.get(re.split(r"[: ]", text, maxsplit=1)[0])) if Origin else None
    return f"{text} ({origin})" if origin else text


def _inputs(view: _View, findings: Findings) -> dict[str, Any]:
    found = {}
    for key in HOST_KEYS:
        if key not in view.raw:
            continue
        try:
            found[key] = view.worked_out(key)
        except AnsibleError as error:
            findings.add(
                f"host {view.host}: {key} cannot be worked out: write it into the inventory; facts are not used, "
                f"so that a run with --limit plans the same as a full one ({error})"
            )
    return found


def _part(task_vars: Mapping[str, Any], host: str, existing: Mapping[str, Any]) -> dict[str, Any]:
    """What concerns the whole cluster and one host, of the plan that was made before."""
    if _RESULT not in task_vars:
        raise InputError(f"host {host}: the cluster is not planned yet: use the role tlsbootstrap.kubernetes.cluster")
    plan = task_vars[_RESULT]
    cluster = {**plan["cluster"], **existing}
    return {"cluster": cluster, "cas": plan["cas"], "host": plan["hosts"].get(host) or {}}


def _evaluate(view: Callable[[], Mapping[str, Any]], name: str) -> Any:
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
    rest = {name: value for name, value in settings.items() if name != "cluster_check_binaries"}
    text = json.dumps([rest, members], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _covers(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    checked = before.get("checked")
    if not isinstance(checked, Mapping) or checked.get("fingerprint") != wanted["fingerprint"]:
        return False
    return set(wanted["hosts"]) <= set(checked["hosts"]) and checked["binaries"] >= wanted["binaries"]
