# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that all modules share which talk to a cluster."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
requirements:
  - kubernetes 22.6 or later (C(python3-kubernetes)) on the host where the module runs
options:
  kubeconfig:
    description:
      - Kubeconfig on the host where the module runs. Its current context is used.
      - It names its CA, by path or as data, and a client certificate or a token. Plugins for credentials are not run.
    type: path
    required: true
  timeout:
    description:
      - Seconds that everything together may take, waiting and retries included.
      - An API server that refuses the connection, does not answer, or answers 429 (after its C(Retry-After)), 502, 503
        or 504 is asked again until then.
    type: int
    default: 60
"""
