#!/usr/bin/python
# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module kubelet_preflight."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubelet_preflight
short_description: See what is in the way of a host that is to become a node
version_added: 0.1.0
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - Looks at a host before anything is done to it, and returns all that it finds. It refuses nothing itself, so that
    what the cluster says (M(tlsbootstrap.kubernetes.join_preflight)) can be told together with it.
  - Of a host whose kubelet has an identity of the node nothing is looked at.
  - What is not refused is told as a warning.
extends_documentation_fragment:
  - tlsbootstrap.kubernetes.attributes
options:
  host:
    description: Name of the host in the inventory.
    type: str
    required: true
  node_name:
    description: Name of the Node.
    type: str
    required: true
  addresses:
    description: The addresses that the kubelet reports. One that no interface has is found.
    type: list
    elements: str
    default: []
  kubeconfig:
    description: The kubelet's kubeconfig.
    type: path
    required: true
  certificate_directory:
    description: Folder of the certificates that the kubelet gets.
    type: path
    required: true
  bootstrap_kubeconfig:
    description: The bootstrap kubeconfig of a join.
    type: path
    required: true
  trusted_cas:
    description:
      - Certificates in PEM of the CAs whose clients the API server takes, as
        M(tlsbootstrap.kubernetes.kubelet_identity) has it.
    type: str
  server:
    description: Where the node is to join, C(https://<host>:<port>).
    type: str
    required: true
  ca_path:
    description: File with the CA certificates that O(server) is verified with.
    type: path
    required: true
  ca:
    description:
      - The same in PEM, for a host where O(ca_path) is not there yet. Without either, the server's certificate is
        not looked at.
    type: str
  server_needed:
    description: Whether it is found when O(server) cannot be reached. What answers has to be the right one in any case.
    type: bool
    default: true
  controller_time:
    description: What the controller's clock says, in ISO 8601.
    type: str
    required: true
  version:
    description: Version of the kubelet that is to run.
    type: str
    required: true
  config:
    description: Its KubeletConfiguration.
    type: dict
    default: {}
  directory:
    description: Folder of its state.
    type: path
    default: /var/lib/kubelet
  runtime_socket:
    description: Socket of the container runtime. Empty where it listens elsewhere, and is not asked.
    type: str
    default: ''
  runtime_unit:
    description:
      - Its unit. A runtime that does not run and has a unit is started with the kubelet, and is nothing to be found.
    type: str
    default: ''
  runtime_remedy:
    description: What is said to do where there is none.
    type: str
    default: install and start a container runtime
  skip:
    description: Checks whose findings refuse nothing.
    type: list
    elements: str
    choices:
      - address
      - any_node
      - authorization
      - cgroup
      - clock
      - disk
      - endpoint
      - leftovers
      - name
      - ports
      - runtime
      - swap
      - tokens
      - version
    default: []
requirements:
  - cryptography 3.4 or later
"""

EXAMPLES = r"""
- name: Look at the host
  tlsbootstrap.kubernetes.kubelet_preflight:
    host: w1
    node_name: w1
    addresses: [192.0.2.31]
    kubeconfig: /etc/kubernetes/kubelet.conf
    certificate_directory: /var/lib/kubelet/pki
    bootstrap_kubeconfig: /etc/kubernetes/bootstrap-kubelet.conf
    server: https://192.0.2.11:6443
    ca_path: /etc/kubernetes/pki/kubernetes-ca.crt
    controller_time: "{{ now(utc=true).isoformat() }}"
    version: 1.37.2
    runtime_socket: /run/containerd/containerd.sock
    runtime_unit: containerd.service
  register: seen
"""

RETURN = r"""
joined:
  description: Whether the kubelet has an identity of this node.
  type: bool
  returned: success
candidate:
  description: What M(tlsbootstrap.kubernetes.join_preflight) has to know of the host.
  type: dict
  returned: success
answered:
  description: Whether O(server) has answered.
  type: bool
  returned: success
findings:
  description: What was found, each with its remedy.
  type: list
  elements: dict
  returned: success
  sample:
    - check: swap
      text: swap is on (/dev/sda2), and the kubelet would not start
      fatal: true
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import host_look, runner
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import preflight
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.endpoints import EndpointSeen
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.kubelet_identity import (
    assess,
    is_known,
    node_of,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.preflight import CHECKS, Finding
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.endpoint import look_at_endpoint
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.kubelet_files import KubeletFiles, OneTimeKey
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runtime import ask_runtime

SPEC: dict[str, Any] = {
    "host": {"type": "str", "required": True},
    "node_name": {"type": "str", "required": True},
    "addresses": {"type": "list", "elements": "str", "default": []},
    "kubeconfig": {"type": "path", "required": True},
    "certificate_directory": {"type": "path", "required": True},
    "bootstrap_kubeconfig": {"type": "path", "required": True},
    "trusted_cas": {"type": "str"},
    "server": {"type": "str", "required": True},
    "ca_path": {"type": "path", "required": True},
    "ca": {"type": "str"},
    "server_needed": {"type": "bool", "default": True},
    "controller_time": {"type": "str", "required": True},
    "version": {"type": "str", "required": True},
    "config": {"type": "dict", "default": {}},
    "directory": {"type": "path", "default": "/var/lib/kubelet"},
    "runtime_socket": {"type": "str", "default": ""},
    "runtime_unit": {"type": "str", "default": ""},
    "runtime_remedy": {"type": "str", "default": "install and start a container runtime"},
    "skip": {"type": "list", "elements": "str", "choices": list(CHECKS), "default": []},
}


def endpoint_of(params: dict[str, Any]) -> EndpointSeen | None:
    """None where nothing says whom to trust yet."""
    if not params["ca"] and not os.path.exists(params["ca_path"]):
        return None
    return look_at_endpoint(params["server"], params["ca_path"], params["ca"])


def runtime_findings(params: dict[str, Any], command: runner.Command) -> list[Finding]:
    path, unit = params["runtime_socket"], params["runtime_unit"]
    if not path:
        return []
    runtime = ask_runtime(path)
    if runtime == "":
        return [preflight.deaf_runtime(path)]
    if runtime is not None or (unit and _may_start(unit, command)):
        return []
    return [preflight.missing_runtime(params["host"], path, params["runtime_remedy"])]


def _may_start(unit: str, command: runner.Command) -> bool:
    """A masked unit has a file, and starts nothing."""
    return command(["systemctl", "show", "--property=LoadState", "--value", unit])[1].strip() == "loaded"


def look(params: dict[str, Any], seen: EndpointSeen | None, command: runner.Command) -> list[Finding]:
    config = params["config"]
    controller = runner.parse_instant(params["controller_time"], "controller_time")
    version, controllers = host_look.cgroups()
    return [
        *preflight.clock_findings(params["host"], runner.utc_now(), controller, seen.date if seen else None),
        *preflight.endpoint_findings(seen or EndpointSeen(), params["server_needed"]),
        *preflight.address_findings(params["addresses"], host_look.absent_addresses(params["addresses"])),
        *preflight.port_findings(host_look.listeners()),
        *runtime_findings(params, command),
        *preflight.swap_findings(host_look.swaps(), config),
        *preflight.cgroup_findings(version, controllers, params["version"], config),
        *preflight.disk_findings(host_look.disk_of(params["directory"]), config),
        *preflight.leftover_findings(host_look.kubelet_units(), host_look.foreign_kubelets()),
    ]


def work(params: dict[str, Any], command: runner.Command) -> runner.Outcome:
    """Nothing of a host that has joined is looked at but that."""
    found = KubeletFiles(params["kubeconfig"], params["certificate_directory"]).read(params["trusted_cas"])
    joined = assess(params["node_name"], found, runner.utc_now()).joined
    candidate = {
        "host": params["host"],
        "node_name": params["node_name"],
        "addresses": params["addresses"],
        "known": OneTimeKey(params["bootstrap_kubeconfig"]).begun or is_known(params["node_name"], found),
        "was": node_of(found),
    }
    seen = None if joined else endpoint_of(params)
    findings = [] if joined else preflight.settled(look(params, seen, command), params["skip"])
    result = {
        "joined": joined,
        "candidate": candidate,
        "answered": seen is not None and not seen.problem,
        "findings": [one.as_dict() for one in findings],
    }
    return runner.Outcome([], result, [one.text for one in findings if not one.fatal])


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    runner.run(module, lambda: work(module.params, runner.command_of(module)))


if __name__ == "__main__":
    main()
