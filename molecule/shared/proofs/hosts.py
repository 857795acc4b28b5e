"""The hosts of a scenario: reached over ssh, asked with the tools that an operator has."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import testinfra
from testinfra.backend.base import CommandResult

RUN = Path(os.environ["TLSB_RUN_DIRECTORY"])
PKI = "/etc/kubernetes/pki"
ADMIN = "/etc/kubernetes/admin.conf"
# Brought by prepare.yml: the collection installs no kubectl.
KUBECTL = "/opt/proof/kubectl"
# What the watchers write, and what the tests need of their own, on each host.
PROOF = "/run/proof"
CLIENT_CERTIFICATE = "/var/lib/kubelet/pki/kubelet-client-current.pem"


@dataclass(frozen=True)
class Host:
    """One host."""

    name: str
    address: str
    backend: testinfra.host.Host

    def run(self, command: str, *arguments: str) -> CommandResult:
        """Run a shell command; each %s in it becomes one quoted argument."""
        return self.backend.run(command, *arguments)

    def output(self, command: str, *arguments: str) -> str:
        """Run a shell command that has to succeed."""
        result = self.run(command, *arguments)
        assert result.rc == 0, f"{self.name}: {command}: {result.stderr or result.stdout}"
        return str(result.stdout)

    def status(self, *arguments: str) -> str:
        """Return the HTTP status that curl gets, 000 where the connection or its TLS fails."""
        options = "curl --silent --max-time 10 --output /dev/null --write-out '%%{http_code}'"
        return str(self.run(" ".join([options, *["%s"] * len(arguments)]), *arguments).stdout)

    def kubectl(self, *arguments: str, kubeconfig: str = ADMIN) -> CommandResult:
        """Run kubectl with a kubeconfig of this host."""
        command = " ".join([KUBECTL, "--kubeconfig", "%s", *["%s"] * len(arguments)])
        return self.run(command, kubeconfig, *arguments)

    def objects(self, *arguments: str) -> Any:
        """Return what the API server has, as the administrator sees it."""
        result = self.kubectl("get", *arguments, "--output=json")
        assert result.rc == 0, f"{self.name}: kubectl get {arguments}: {result.stderr}"
        return json.loads(result.stdout)


def connect(name: str, address: str) -> Host:
    """Return a host by its name and address."""
    options = [
        "-F none",
        f"-o UserKnownHostsFile={RUN}/hosts/known_hosts",
        "-o StrictHostKeyChecking=yes",
        "-o BatchMode=yes",
        # Beside Ansible's own connections, so that neither closes the other's.
        f"-o ControlPath={RUN}/ssh/tests-%h",
    ]
    backend = testinfra.get_host(
        f"ssh://root@[{address}]" if ":" in address else f"ssh://root@{address}",
        ssh_identity_file=f"{RUN}/hosts/id_ed25519",
        ssh_extra_args=" ".join(options),
    )
    return Host(name, address, backend)
