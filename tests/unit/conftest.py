# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's own loader finds the collection, so that templates under test can use its filters by their full names."""

from __future__ import annotations

import sys
from pathlib import Path

from ansible.plugins.loader import init_plugin_loader

# Before anything imports from the collection: what Python has loaded by itself Ansible takes for no collection.
init_plugin_loader([path for path in sys.path if Path(path, "ansible_collections/tlsbootstrap/kubernetes").is_dir()])
