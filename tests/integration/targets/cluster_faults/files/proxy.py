# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy before the API server that has the faults it is told to have.

It ends TLS with the API server's own pair and passes requests on as `user`, so it sees and spoils HTTP.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Fault:
    """What happens to the next `times` requests that match.

    kind: a status as text, "hang" (no answer), "slow" (an answer after `seconds`), "drip" (a byte each 0.2 s without
    an end), "lost" (passed on, the answer is thrown away), "torn" (passed on, the answer breaks off in the middle).
    """

    kind: str
    method: str = ".*"
    path: str = ".*"
    times: int = 1
    seconds: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)

    def matches(self, method: str, path: str) -> bool:
        return self.times > 0 and bool(re.fullmatch(self.method, method) and re.search(self.path, path))


class Proxy:
    """`hang`: accept connections and say nothing, not even a TLS handshake."""

    def __init__(self, pki, upstream_port, certificate="apiserver", hang=False, user="admin"):
        self.faults: list[Fault] = []
        self.seen: list[tuple[str, str]] = []
        self.connections = 0
        self._upstream_port = upstream_port
        self._hang = hang
        self._server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server.load_cert_chain(f"{pki}/{certificate}.crt", f"{pki}/{certificate}.key")
        self._client = ssl.create_default_context(cafile=f"{pki}/ca.crt")
        self._client.load_cert_chain(f"{pki}/{user}.crt", f"{pki}/{user}.key")
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._kept = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._socket.close()

    def _accept(self):
        while True:
            try:
                connection, _address = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            if self._hang:
                self._kept.append(connection)
                continue
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain):
        try:
            with self._server.wrap_socket(plain, server_side=True) as connection:
                stream = connection.makefile("rb")
                while self._one(connection, stream):
                    pass
        except (OSError, http.client.HTTPException):
            pass

    def _one(self, connection, stream):
        line = stream.readline().decode()
        if not line:
            return False
        method, path, _version = line.split()
        headers = http.client.parse_headers(stream)
        body = stream.read(int(headers.get("Content-Length", 0)))
        self.seen.append((method, path))
        fault = next((one for one in self.faults if one.matches(method, path)), None)
        if fault is None:
            return self._pass_on(connection, method, path, headers, body)
        fault.times -= 1
        return self._spoil(fault, connection, method, path, headers, body)

    def _spoil(self, fault, connection, method, path, headers, body):
        if fault.kind.isdigit():
            extra = "".join(f"{name}: {value}\r\n" for name, value in fault.headers.items())
            text = b'{"kind":"Status","reason":"Planted","message":"planted","code":%d}' % int(fault.kind)
            connection.sendall(
                b"HTTP/1.1 %d Planted\r\nContent-Length: %d\r\n%s\r\n%s"
                % (int(fault.kind), len(text), extra.encode(), text)
            )
            return True
        if fault.kind == "hang":
            time.sleep(60)
        if fault.kind == "drip":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while True:
                connection.sendall(b" ")
                time.sleep(0.2)
        if fault.kind == "slow":
            time.sleep(fault.seconds)
            return self._pass_on(connection, method, path, headers, body)
        if fault.kind == "lost":
            self._answer(method, path, headers, body).read()
        if fault.kind == "torn":
            answer = self._answer(method, path, headers, body)
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            data = answer.read1(40)
            connection.sendall(b"%x\r\n%s\r\n" % (len(data), data))
        return False

    def _answer(self, method, path, headers, body):
        upstream = http.client.HTTPSConnection("127.0.0.1", self._upstream_port, context=self._client)
        kept = {name: headers[name] for name in ("Accept", "Content-Type") if headers.get(name)}
        upstream.request(method, path, body=body or None, headers=kept)
        return upstream.getresponse()

    def _pass_on(self, connection, method, path, headers, body):
        answer = self._answer(method, path, headers, body)
        connection.sendall(
            b"HTTP/1.1 %d %s\r\nTransfer-Encoding: chunked\r\n\r\n" % (answer.status, answer.reason.encode())
        )
        while data := answer.read1(65536):
            connection.sendall(b"%x\r\n%s\r\n" % (len(data), data))
        connection.sendall(b"0\r\n\r\n")
        return True
