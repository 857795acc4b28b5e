# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of the service: csr-approver --kubeconfig FILE --policy FILE [--dry-run]."""

from __future__ import annotations

import argparse
import signal
import sys

from ..access import load_access
from ..cluster import Cluster
from ..domain.errors import InputError
from .service import PolicyFile, Service, notify_systemd

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="csr-approver", description="Approve kubelet certificates by policy.")
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--policy", required=True)
    parser.add_argument("--dry-run", action="store_true", help="decide and tell, but post nothing")
    options = parser.parse_args(arguments)
    try:
        cluster = Cluster(load_access(options.kubeconfig), timeout=None)
        service = Service(cluster, PolicyFile(options.policy), notify_systemd, sys.stdout, options.dry_run)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, service.stop)
        service.run()
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0
