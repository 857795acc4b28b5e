# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts trust the CA that signs for them, be it below a root: so do all clients that are ours, as those in Go do."""

from __future__ import annotations

import contextlib
import http.server
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import cluster as client
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import systemd
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.access import Access
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import pem
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.endpoint import check_endpoint
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import utc_now

from .conftest import Cluster
from .test_sources import Root, below


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"kind": "Status"}')

    def log_message(self, *_arguments: object) -> None:
        """Says nothing."""


@contextlib.contextmanager
def serving(certificate: str, key: str) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with http.server.ThreadingHTTPServer(("localhost", 0), Answer) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"https://localhost:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def served(cluster: Cluster, tmp_path: Path) -> Iterator[tuple[str, str, str]]:
    """A server whose CA is below a root, that CA, and another one below the same root."""
    root = Root(tmp_path / "root")
    cluster.now = utc_now()
    below(cluster, root).run()
    row = cluster.find("cp1", "kube-apiserver")
    leaf = tmp_path / "leaf.crt"
    leaf.write_text(pem.certificates(Path(row["certificate_path"]).read_bytes(), "")[0].text())
    with serving(str(leaf), row["key_path"]) as url:
        yield url, str(cluster.pki("cp1") / "kubernetes-ca.crt"), str(cluster.ca / "etcd-ca.crt")


def ask(url: str, ca: str) -> dict[str, str]:
    return client.Cluster(Access("test", url, ca, bearer="x"), timeout=2).get("/version")


def test_a_ca_below_a_root_is_trusted_by_itself(served: tuple[str, str, str]) -> None:
    url, ca, _other = served
    check_endpoint(url, ca)
    assert systemd.probe(systemd.Health(url, ca=ca)) is None
    assert ask(url, ca) == {"kind": "Status"}


def test_its_sister_is_not(served: tuple[str, str, str]) -> None:
    """With the root for an anchor whoever etcd-ca signs would be the API server."""
    url, _ca, other = served
    with pytest.raises(InputError, match="not trusted"):
        check_endpoint(url, other)
    assert "certificate verify failed" in str(systemd.probe(systemd.Health(url, ca=other)))
    with pytest.raises(client.UntrustedError):
        ask(url, other)
