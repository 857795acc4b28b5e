# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action ca_passphrase."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ca_passphrase
version_added: 0.1.0
short_description: Ask for the passphrase of the CAs' keys
author:
  - tlsbootstrap.kubernetes contributors (@tlsbootstrap)
description:
  - Asks at the terminal of the run. Nothing of what is typed is shown, logged or written anywhere. The result hides
    itself, so the task needs no C(no_log), which would hide why it fails, too.
  - Fails where there is no terminal.
  - What is registered holds the passphrase in the memory of the run. Do not show it with C(debug), and do not make a
    fact of it.
options:
  confirm:
    description: Ask twice, and fail where the answers differ. For a passphrase that is new.
    type: bool
    default: false
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
seealso:
  - module: tlsbootstrap.kubernetes.ca
"""

EXAMPLES = r"""
- name: Ask for the passphrase
  tlsbootstrap.kubernetes.ca_passphrase:
  register: asked
  run_once: true

- name: Make the CAs with encrypted keys
  tlsbootstrap.kubernetes.ca:
    directory: /srv/ca
    cas: "{{ cluster_plan.cas }}"
    passphrase: "{{ asked.passphrase }}"
"""

RETURN = r"""
passphrase:
  description: What was typed. It is left out of all that Ansible shows.
  returned: success
  type: str
"""
