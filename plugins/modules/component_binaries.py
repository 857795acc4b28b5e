#!/usr/bin/python
# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module component_binaries."""

from __future__ import annotations

DOCUMENTATION = r"""
module: component_binaries
short_description: Install binaries of Kubernetes components by their SHA-256
version_added: 0.1.0
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - Keeps one file for each content in a store, and links the names of the components to it. Components that are one
    multi-call binary share the file.
  - A content is verified before any name stands for it. A wrong checksum changes nothing.
  - A stored file is hashed when it arrives, and again when inode, size or times of the file have changed.
  - What has to come from the controller is returned in RV(missing) and taken from there in a second call.
extends_documentation_fragment:
  - tlsbootstrap.kubernetes.attributes
options:
  components:
    description: The components.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the component and of the link.
        type: str
        required: true
      sha256:
        description: SHA-256 of the binary, or of the archive that holds it.
        type: str
        required: true
      file:
        description: Name in the store, to which a part of the checksum is added. Default is O(components[].name).
        type: str
      url:
        description: Where the host gets it from. Without it the controller brings it.
        type: str
      member:
        description: Path of the binary in the tar archive at O(components[].url).
        type: str
      source:
        description: Path on the controller, returned in RV(missing).
        type: str
      size:
        description: Size of it in bytes, returned in RV(missing).
        type: int
        default: 0
  bin_directory:
    description: Folder of the links.
    type: path
    default: /usr/local/bin
  store_directory:
    description: Folder of the files.
    type: path
    default: /usr/local/lib/tlsbootstrap.kubernetes
  complete:
    description: Whether it is an error that something is missing.
    type: bool
    default: false
  timeout:
    description: Seconds without an answer after which a download is given up.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Install the kubelet
  tlsbootstrap.kubernetes.component_binaries:
    components:
      - name: kubelet
        url: https://dl.k8s.io/v1.37.2/bin/linux/amd64/kubelet
        sha256: "{{ kubelet_sha256 }}"
"""

RETURN = r"""
missing:
  description:
    - What has to be brought to the host before the second call, each with C(source), C(destination), C(size) and the
      C(names) of the components that it is for.
  type: list
  elements: dict
  returned: success
reasons:
  description: Why something was changed, or would be.
  type: list
  elements: dict
  returned: success
"""

import re
from collections.abc import Callable
from typing import IO, Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import runner
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.binaries import Component, Store
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError

COMPONENT: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "sha256": {"type": "str", "required": True},
    "file": {"type": "str"},
    "url": {"type": "str"},
    "member": {"type": "str"},
    "source": {"type": "str"},
    "size": {"type": "int", "default": 0},
}
SPEC: dict[str, Any] = {
    "components": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": COMPONENT,
        "required_by": {"member": ["url"]},
    },
    "bin_directory": {"type": "path", "default": "/usr/local/bin"},
    "store_directory": {"type": "path", "default": "/usr/local/lib/tlsbootstrap.kubernetes"},
    "complete": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 60},
}


def component_of(row: dict[str, Any]) -> Component:
    """Check a row of the options."""
    sha256 = row["sha256"].lower()
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise InputError(f"the SHA-256 of {row['name']} is not one: 64 hexadecimal digits are expected")
    name = row["file"] or (row["member"] or row["name"]).rsplit("/", 1)[-1]
    for text in (name, row["name"]):
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text):
            raise InputError(f"{text!r} is not the name of a binary")
    return Component(row["name"], sha256, name, row["url"], row["member"])


def opener(timeout: int) -> Callable[[str], IO[bytes]]:
    """Return what opens a URL, with a bound on each wait for its server."""

    def opened(url: str) -> IO[bytes]:
        response: IO[bytes] = open_url(url, timeout=timeout)
        return response

    return opened


def run(module: AnsibleModule) -> runner.Outcome:
    """Read, compare, apply."""
    params = module.params
    rows = {row["sha256"].lower(): row for row in params["components"]}
    components = [component_of(row) for row in params["components"]]
    store = Store(params["store_directory"], params["bin_directory"], components)
    missing = store.missing()
    if missing and params["complete"] and not module.check_mode:
        raise InputError(f"{', '.join(component.name for component in missing)} did not arrive")
    if store.reasons and not module.check_mode:
        if missing:
            store.prepare()
        else:
            store.apply(opener(params["timeout"]))
    if not store.reasons and not module.check_mode:
        store.sweep()
    wanted = [
        {
            "source": rows[component.sha256]["source"],
            "destination": store.incoming(component),
            "size": rows[component.sha256]["size"],
            "names": [one.name for one in components if one.stored == component.stored],
        }
        for component in missing
    ]
    return runner.Outcome(store.reasons, {"missing": wanted})


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    runner.run(module, lambda: run(module))


if __name__ == "__main__":
    main()
