# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kubelets do, and attackers: requests made by hand, with a token or a node's certificate."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import token_store, x509
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.access import Access, load_access
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.cluster import Cluster
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import tokens
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import utc_now

REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
SERVING = "kubernetes.io/kubelet-serving"
CLIENT_USAGES = ["digital signature", "client auth"]
SERVING_USAGES = ["digital signature", "server auth"]
P256 = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")


class Hand:
    def __init__(self, directory):
        self.admin = Cluster(load_access(f"{directory}/admin.conf"), 600)
        # Several work side by side.
        self._files = f"{directory}/hand-{os.getpid()}"
        self._private, self._public = x509.new_one_time_key()

    def token(self, node):
        return self.tokens([node])[node]

    def tokens(self, nodes):
        """Tokens as the module makes them, opened as the hosts do."""
        rows = [{"node_name": node, "ttl": "900", "recipient": self._public.decode()} for node in nodes]
        made = token_store.make_tokens(self.admin, token_store.check_wanted(rows, int, False), utc_now())
        return {
            one.node: x509.open_sealed(self._private, one.sealed, tokens.seal_context(one.node)).decode()
            for one in made
        }

    def as_token(self, token, timeout=20):
        return Cluster(Access("a token", self.admin.access.server, self.admin.access.ca, bearer=token), timeout)

    def as_node(self, key, certificate):
        pair = [Path(f"{self._files}-node.{kind}") for kind in ("crt", "key")]
        for path, data in zip(pair, (certificate, key)):
            path.write_bytes(data)
        return Cluster(Access("a node", self.admin.access.server, self.admin.access.ca, *map(str, pair)), 20)

    def request(self, subject, names="", key=P256):
        """A PKCS#10 request by openssl, and its key."""
        path = Path(f"{self._files}.key")
        command = ["openssl", "req", "-new", "-newkey", *key, "-nodes", "-keyout", str(path), "-subj", subject]
        command += ["-addext", "subjectAltName=" + names] if names else []
        return subprocess.run(command, capture_output=True, check=True).stdout, path.read_bytes()

    @staticmethod
    def submit(cluster, request, signer, usages):
        body = {
            "apiVersion": "certificates.k8s.io/v1",
            "kind": "CertificateSigningRequest",
            "metadata": {"generateName": "hand-"},
            "spec": {"request": base64.b64encode(request).decode(), "signerName": signer, "usages": list(usages)},
        }
        return cluster.create(REQUESTS, body)["metadata"]["name"]

    def ask_all(self, tokens):
        """A first request of each node, with its token; their names."""

        def ask(node):
            request = x509.make_request(x509.generate_key("ecdsa-p256"), f"system:node:{node}", ("system:nodes",))
            return self.submit(self.as_token(tokens[node]), request.encode(), CLIENT, CLIENT_USAGES)

        with ThreadPoolExecutor(8) as pool:
            return set(pool.map(ask, tokens))

    def outcome(self, name, seconds=10.0):
        """(condition, reason, certificate) once it is decided, and issued where it is approved."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            status = self.admin.get(f"{REQUESTS}/{name}").get("status", {})
            found = (status.get("conditions") or [{}])[0]
            if found.get("type") == "Denied" or status.get("certificate"):
                certificate = base64.b64decode(status.get("certificate", ""))
                return found["type"], found["reason"], certificate
            time.sleep(0.02)
        return "Pending", "", b""

    def join(self, node, token=None):
        """A node's first certificate: its client."""
        request, key = self.request(f"/O=system:nodes/CN=system:node:{node}")
        name = self.submit(self.as_token(token or self.token(node)), request, CLIENT, CLIENT_USAGES)
        return name, key


def policy_of(**nodes):
    return {"nodes": {name: {"dns_names": [name], "ip_addresses": list(ips)} for name, ips in nodes.items()}}


def write_json(path, value):
    Path(path).write_text(json.dumps(value))
