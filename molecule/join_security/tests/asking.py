"""Requests as an attacker makes them, with openssl and kubectl."""

from __future__ import annotations

import base64
import json
import signal
from typing import Any

from proofs.ansible import run
from proofs.hosts import KUBECTL, PKI, PROOF, Host
from proofs.nodes import tokens
from testinfra.backend.base import CommandResult

CLIENT, SERVING = "kubernetes.io/kube-apiserver-client-kubelet", "kubernetes.io/kubelet-serving"
USAGES = {CLIENT: ["digital signature", "client auth"], SERVING: ["digital signature", "server auth"]}

STOLEN = f"{PROOF}/token.conf"


def steal_token(cp1: Host, thief: Host) -> str:
    """Put the token of the second worker, whose play was killed when it had made it, into a host's STOLEN; its id."""
    killed = run("join", "--limit", "w2", kill_after="Make a bootstrap token")
    assert killed.code == -signal.SIGKILL
    (name,) = tokens(cp1)
    data = cp1.objects("secret", "--namespace=kube-system", name)["data"]
    halves = [base64.b64decode(data[key]).decode() for key in ("token-id", "token-secret")]
    kubectl = f"{KUBECTL} --kubeconfig {STOLEN} config"
    thief.output(
        f"{kubectl} set-cluster it --server https://{cp1.address}:6443 --certificate-authority {PKI}/kubernetes-ca.crt"
    )
    thief.output(f"{kubectl} set-credentials thief --token %s", ".".join(halves))
    thief.output(f"{kubectl} set-context it --cluster it --user thief && {kubectl} use-context it")
    return halves[0]


def ask(
    host: Host,
    kubeconfig: str,
    name: str,
    subject: str,
    signer: str = CLIENT,
    names: str = "",
    usages: list[str] | None = None,
) -> CommandResult:
    """Ask for a certificate; the answer of kubectl."""
    config = f"[req]\nprompt=no\ndistinguished_name=dn\n{'req_extensions=ext' if names else ''}\n[dn]\n"
    config += "\n".join(part.replace("=", " = ", 1) for part in subject.split("/") if part)
    config += f"\n[ext]\nsubjectAltName={names}\n" if names else "\n"
    body = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": {"signerName": signer, "usages": usages or USAGES[signer], "request": "REQUEST"},
    }
    host.output("printf %%s %s >%s", config, f"{PROOF}/asked.cnf")
    host.output("printf %%s %s >%s", json.dumps(body), f"{PROOF}/asked.json")
    host.output(
        f"cd {PROOF} && openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout asked.key "
        "-config asked.cnf -out asked.csr 2>asked.log || { cat asked.log >&2; exit 1; }"
    )
    host.output(f'cd {PROOF} && sed -i "s|REQUEST|$(base64 -w0 asked.csr)|" asked.json')
    return host.run(f"{KUBECTL} --kubeconfig %s create -f {PROOF}/asked.json", kubeconfig)


def outcome(cp1: Host, name: str) -> tuple[str, str]:
    """What was decided of a request, with the reason; nothing where nothing is yet."""
    status: dict[str, Any] = cp1.objects("csr", name)["status"]
    conditions = status.get("conditions") or [{"type": "", "reason": ""}]
    return conditions[0]["type"], conditions[0]["reason"]
