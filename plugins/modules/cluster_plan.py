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
options: {}
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
  - To be called with C(run_once), and its result registered as C(__cluster_planned), as the role does. The parts are
    texts, so that ansible-core does not go through all of them whenever a host reads its own.
"""

EXAMPLES = r"""
- name: Check all variables and plan the cluster
  tlsbootstrap.kubernetes.cluster_plan:
  register: __cluster_planned
  run_once: true
"""

RETURN = r"""
shared:
  description:
    - JSON of C(cluster), what concerns the whole cluster, like the endpoint, the Service addresses and the members of
      etcd, and C(cas), the CAs on the CA host.
  returned: success
  type: str
hosts:
  description:
    - By the host's name in the inventory, JSON of its node name, addresses, labels, taints, units, binaries,
      identities, the system users that own keys there, trust files and paths, and for each unit the files that it
      reads at its start only.
  returned: success
  type: dict
policy:
  description: JSON of the names and addresses that serving certificates may have, by node name.
  returned: success
  type: str
checked:
  description: For which settings and hosts the check was made.
  returned: success
  type: dict
"""
