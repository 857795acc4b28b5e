# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one question that a container runtime is asked before a kubelet starts: which are you.

It is a call of gRPC without arguments, so its bytes are always the same, and of the answer one small message is read
(RFC 9113, HTTP/2; staging/src/k8s.io/cri-api/pkg/apis/runtime/v1/api.proto, VersionResponse).
"""

from __future__ import annotations

import struct

__all__ = ["QUESTION", "Conversation"]

_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY = 0, 1, 3, 4, 6, 7
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4
_STREAM = 1
_PATH = b"/runtime.v1.RuntimeService/Version"
_NAME, _VERSION = 2, 3
_LARGEST = 65536


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _text(value: bytes) -> bytes:
    """Without Huffman coding; all of ours are shorter than 127."""
    return bytes([len(value)]) + value


# RFC 7541: method and scheme are whole entries of its static table, of the other headers it has the names.
_ASKING = (
    b"\x83\x86"
    + (b"\x04" + _text(_PATH))
    + (b"\x01" + _text(b"localhost"))
    + (b"\x0f\x10" + _text(b"application/grpc"))
    + (b"\x00" + _text(b"te") + _text(b"trailers"))
)
QUESTION = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    + _frame(_SETTINGS, 0, 0)
    + _frame(_HEADERS, _END_HEADERS, _STREAM, _ASKING)
    + _frame(_DATA, _END_STREAM, _STREAM, b"\x00" * 5)
)


class Conversation:
    """What comes back. `over`: nothing more is to be expected; `runtime`: name and version, where it has said them."""

    def __init__(self) -> None:
        self.over = False
        self._buffer = b""
        self._message = b""

    def receive(self, data: bytes) -> bytes:
        """Take what has come, in pieces of any size; what is to be sent for it."""
        self._buffer += data
        answer = b""
        while len(self._buffer) >= 9 and not self.over:
            length = int.from_bytes(self._buffer[:3], "big")
            kind, flags, stream = struct.unpack(">BBI", self._buffer[3:9])
            if length > _LARGEST:
                self.over = True
            elif len(self._buffer) < 9 + length:
                break
            else:
                payload, self._buffer = self._buffer[9 : 9 + length], self._buffer[9 + length :]
                answer += self._take(kind, flags, stream & 0x7FFFFFFF, payload)
        return answer

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> bytes:
        if kind in (_SETTINGS, _PING) and not flags & _ACK:
            return _frame(kind, _ACK, 0, payload if kind == _PING else b"")
        if stream == _STREAM and kind == _DATA and len(self._message) < _LARGEST:
            self._message += payload
        ended = stream == _STREAM and kind in (_DATA, _HEADERS) and flags & _END_STREAM
        self.over = bool(self.over or ended or kind == _GOAWAY or (kind == _RESET and stream == _STREAM))
        return b""

    @property
    def runtime(self) -> str:
        if len(self._message) < 5 or self._message[0] != 0:
            return ""
        length = int.from_bytes(self._message[1:5], "big")
        fields = _fields(self._message[5 : 5 + length])
        return " ".join(fields[number] for number in (_NAME, _VERSION) if fields.get(number))


def _fields(message: bytes) -> dict[int, str]:
    """The texts of a message that has nothing else; of one that is none, what could be read."""
    found: dict[int, str] = {}
    place = 0
    while place + 1 < len(message) and message[place] & 7 == 2 and message[place + 1] < 128:
        end = place + 2 + message[place + 1]
        text = message[place + 2 : end].decode("utf-8", "replace")
        found[message[place] >> 3] = text if text.isprintable() else ascii(text)
        place = end
    return found
