# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service under test: started as systemd does, with the approver's own rights, and what it tells."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.metrics import read_values

PREFIX = "tlsbootstrap_csr_approver_"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


class Service:
    """Isolated, and ready when it says so. A name has one log, also over restarts."""

    def __init__(self, output, name, kubeconfig, *arguments):
        self.name = name
        self.log = Path(output, f"{name}.log")
        self.port = free_port()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        address = Path(output, f"{name}.socket")
        address.unlink(missing_ok=True)
        listener.bind(str(address))
        listener.settimeout(60)
        command = [sys.executable, "-I", f"{output}/lib/csr-approver.pyz", "--kubeconfig", kubeconfig]
        command += ["--policy", f"{output}/policy.json", "--identity", name]
        command += ["--metrics-port", str(self.port), *arguments]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env={"NOTIFY_SOCKET": str(address)}, cwd="/"
            )
        try:
            while listener.recv(100) != b"READY=1":
                pass
        except OSError:
            # Nobody else would end it, and the next run would meet it.
            self.kill()
            raise
        # Nobody reads what it says from now on; that must not hold it up.
        listener.close()

    def lines(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def decisions(self):
        return [line for line in self.lines() if line["event"] == "decision"]

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            found = read_values(answer.read().decode())
        return {name[len(PREFIX) :]: value for name, value in found.items()}

    def memory(self):
        """The most that it ever took, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) // 1024

    def cpu(self):
        """Seconds of CPU, which other work on the machine does not change."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def stop(self):
        self.process.terminate()
        return self.process.wait(30)


def write_policy(output, nodes, **more):
    """Atomically, as the module does."""
    path = Path(output, "policy.json")
    fresh = path.with_suffix(".new")
    rows = {name: {"dns_names": [name], "ip_addresses": list(addresses)} for name, addresses in nodes.items()}
    fresh.write_text(json.dumps({"nodes": rows, **more}))
    os.replace(fresh, path)
