# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of the service: csr-approver --kubeconfig FILE --policy FILE [OPTION...]."""

from __future__ import annotations

import argparse
import signal
import socket
import sys

from ..access import load_access
from ..cluster import Cluster
from ..domain.errors import InputError
from .service import Options, PolicyFile, Service, notify_systemd

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="csr-approver", description="Approve kubelet certificates by policy.")
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--policy", required=True)
    parser.add_argument("--identity", default=socket.gethostname(), help="name among several; by default the host's")
    parser.add_argument("--dry-run", action="store_true", help="decide and tell, but post nothing")
    parser.add_argument("--pending-limit", type=int, default=0, help="with more the brake engages; 0: by the nodes")
    parser.add_argument("--metrics-address", default="127.0.0.1")
    parser.add_argument("--metrics-port", type=int, default=0, help="0: no metrics")
    given = vars(parser.parse_args(arguments))
    kubeconfig, policy = given.pop("kubeconfig"), PolicyFile(given.pop("policy"))
    try:
        cluster = Cluster(load_access(kubeconfig), timeout=None)
        service = Service(cluster, policy, notify_systemd, sys.stdout, Options(**given))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, service.stop)
        service.run()
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0
