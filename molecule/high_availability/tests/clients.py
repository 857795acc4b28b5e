"""What the verifiers of high_availability ask the API servers, and hosts that are switched off."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from proofs.hosts import PKI, RUN, Host

CONTROL_PLANES = ("cp1", "cp2", "cp3")
TIMEOUT = 15.0
INTERVAL = 0.25
ETCD = f"curl --silent --fail --http1.1 --cacert {PKI}/etcd/ca.crt --data '{{}}'"
# Flags that restart, and a certificate that does not.
CHANGED = (
    "--extra-vars",
    json.dumps(
        {
            "etcd_extra_args": {"max-txn-ops": 256},
            "kube_apiserver_extra_args": {"max-requests-inflight": 500},
            "cluster_api_extra_sans": ["api.example.org"],
        }
    ),
)
SAMPLED = """
{apiVersion: v1, kind: Namespace, metadata: {name: sampled}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: sampler, namespace: sampled}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: sampled, namespace: sampled}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: sampler, namespace: sampled}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{kind: ServiceAccount, name: sampler, namespace: sampled}]
""".strip()
BEGINS = ("ConnectionRefusedError", "ConnectionResetError", "SSLEOFError", "SSLZeroReturnError", "RemoteDisconnected")


def switch(action: str, host: Host) -> None:
    """Switch a host off (stop) or on (start)."""
    command = [f"{os.environ['TLSB_TOOLS']}/hosts", action, os.environ["TLSB_ENVIRONMENT"]]
    subprocess.run([*command, "--state", f"{RUN}/hosts", host.name], check=True)


@dataclass(frozen=True)
class Api:
    """An address at which an API server answers, verified by the cluster's CA."""

    address: str

    def ask(self, method: str, path: str, token: str, body: Any = None) -> tuple[int, Any]:
        """Return status and answer of one request on a connection of its own."""
        context = ssl.create_default_context(cafile=str(RUN / "ca/kubernetes-ca.crt"))
        connection = http.client.HTTPSConnection(self.address, 6443, timeout=TIMEOUT, context=context)
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(data or b"{}") if data.startswith(b"{") else data.decode()

    def who(self, token: str) -> str:
        """Return whom the API server takes a token for; the status where it takes it for nobody."""
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        status, answer = self.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", token, review)
        return str(answer["status"]["userInfo"]["username"]) if status == http.client.CREATED else str(status)


@dataclass
class Sampler:
    """Reads and writes through the load balancer all the time, and counts what fails.

    What breaks before anything was answered is tried once more, as load balancers and clients do.
    """

    api: Api
    token: str
    path: str
    answered: int = 0
    again: int = 0
    slowest: float = 0.0
    failed: list[str] = field(default_factory=list)

    def __enter__(self) -> Sampler:
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._sample, args=(method,)) for method in ("GET", "PATCH")]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _sample(self, method: str) -> None:
        number = 0
        while not self._end.wait(INTERVAL):
            number += 1
            started = time.monotonic()
            said = self._ask(method, number) or self._ask(method, number)
            self.slowest = max(self.slowest, time.monotonic() - started)
            if said == str(http.client.OK):
                self.answered += 1
            else:
                self.failed.append(f"{time.strftime('%H:%M:%S')} {method}: {said}")

    def _ask(self, method: str, number: int) -> str:
        """Return the status, what went wrong, or nothing where it is worth a second try."""
        body = {"data": {"number": str(number)}} if method == "PATCH" else None
        try:
            status, answer = self.api.ask(method, self.path, self.token, body)
        except OSError as error:
            if type(error).__name__ in BEGINS:
                self.again += 1
                return ""
            return f"{type(error).__name__}: {error}"
        return str(status) if status == http.client.OK else f"{status} {answer}"


def sampler(host: Host, balanced: Api) -> Sampler:
    """Return what reads and writes through the load balancer as somebody who may do nothing else."""
    manifest = "/run/proof/sampled.yaml"
    host.output(f"cat >{manifest} <<'END'\n{SAMPLED}\nEND")
    assert host.kubectl("apply", "--filename", manifest).rc == 0
    token = host.kubectl("create", "token", "sampler", "--namespace=sampled", "--duration=2h").stdout.strip()
    return Sampler(balanced, token, "/api/v1/namespaces/sampled/configmaps/sampled")


def etcd(host: Host, path: str) -> Any:
    """Ask the member of a host."""
    welcome = f"--cert {PKI}/etcd/healthcheck-client.crt --key {PKI}/etcd/healthcheck-client.key"
    return json.loads(host.output(f"{ETCD} {welcome} https://{host.address}:2379/v3/{path}"))
