# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action cluster_plan."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_plan
version_added: 0.1.0
short_description: Check all variables of all hosts and plan the cluster
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - What the role P(tlsbootstrap.kubernetes.cluster#role) does. Runs on the controller, and connects to no host.
  - Checks the names and types of the variables of all roles, of the play and of all hosts in the groups
    C(kube_control_plane), C(etcd) and C(kube_node), whichever of them the play is limited to. A name that begins like
    one of ours and is none is refused with the nearest one that is, and so is the name of a group.
  - Checks the flags and configurations that users give to components, and where C(cluster_check_binaries) is set,
    whether the binaries of all hosts are there.
  - Plans the cluster as the filter P(tlsbootstrap.kubernetes.plan#filter) does.
  - Fails with everything that is wrong, each with the host or file and the remedy.
  - In a later play of the same run, with the same settings, groups and hosts, the plan is handed on.
  - Values of options that are marked C(no_log) are not shown, and their templates are not evaluated.
options:
  host:
    description:
      - Hand out the part of this host, from the plan that a call without O(host) has registered as
        C(__cluster_planned), instead of making one.
    type: str
  existing:
    description:
      - With O(host), what M(tlsbootstrap.kubernetes.existing_cluster_info) has said of a cluster that somebody else has
        made. It takes the place of what was planned.
    type: dict
attributes:
  check_mode:
    support: full
    description: Changes nothing in any mode.
  diff_mode:
    support: none
    description: There is nothing that could differ.
  action:
    support: full
    description: Is an action on the controller.
notes:
  - To be called with C(run_once), and its result registered as C(__cluster_planned), and then once for each host, as
    the role does. What a host reads so does not grow with the cluster.
"""

EXAMPLES = r"""
- name: Check all variables and plan the cluster
  tlsbootstrap.kubernetes.cluster_plan:
  register: __cluster_planned
  run_once: true

- name: Hand each host its part of the plan
  tlsbootstrap.kubernetes.cluster_plan:
    host: "{{ inventory_hostname }}"
  register: cluster_plan
"""

RETURN = r"""
cluster:
  description: What concerns the whole cluster, like the endpoint, the Service addresses and the members of etcd.
  returned: success
  type: dict
cas:
  description: The CAs on the CA host.
  returned: success
  type: list
  elements: dict
host:
  description:
    - The host's node name, addresses, labels, taints, units, binaries, identities, the system users that own keys
      there, trust files and paths, and for each unit the files that it reads at its start only.
    - Empty for a host that is in none of the groups.
  returned: success and O(host) is given
  type: dict
hosts:
  description: The same of all hosts, by their names in the inventory.
  returned: success and O(host) is not given
  type: dict
policy:
  description: By node name, the names and addresses that its serving certificate may have.
  returned: success and O(host) is not given
  type: dict
checked:
  description: For which settings and hosts the check was made.
  returned: success and O(host) is not given
  type: dict
"""
