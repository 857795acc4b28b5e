# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which container runtime answers, from bytes as containerd sends them, and from what something else says."""

from __future__ import annotations

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.cri import Conversation

SETTINGS = bytes.fromhex("000006040000000000000500004000")
ACK = bytes.fromhex("000000040100000000")
PING = bytes.fromhex("0000080600000000000102030405060708")
PONG = bytes.fromhex("0000080601000000000102030405060708")
GOAWAY = bytes.fromhex("0000080700000000000000000000000002")
RESET = bytes.fromhex("00000403000000000100000008")
MESSAGE = b"\x0a\x050.1.0\x12\x0acontainerd\x1a\x07v1.6.20\x22\x02v1"


def frame(kind: int, flags: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + b"\x00\x00\x00\x01" + payload


ANSWER = frame(0, 0, b"\x00" + len(MESSAGE).to_bytes(4, "big") + MESSAGE)
TRAILERS = frame(1, 5, b"\x88")


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_runtime_says_who_it_is_in_pieces_of_any_size(size: int) -> None:
    said = SETTINGS + ACK + PING + frame(1, 4, b"\x88") + ANSWER + TRAILERS
    conversation = Conversation()
    sent = b"".join(conversation.receive(said[start : start + size]) for start in range(0, len(said), size))
    assert conversation.over
    assert conversation.runtime == "containerd v1.6.20"
    assert sent == ACK + PONG


@pytest.mark.parametrize(
    "said",
    [
        # Unimplemented: headers alone.
        SETTINGS + TRAILERS,
        SETTINGS + GOAWAY,
        SETTINGS + RESET,
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
)
def test_what_speaks_something_else_has_no_name(said: bytes) -> None:
    conversation = Conversation()
    conversation.receive(said)
    assert conversation.over
    assert conversation.runtime == ""


def test_a_name_is_fit_for_a_terminal() -> None:
    odd = b"\x12\x05\x1b[31m"
    conversation = Conversation()
    conversation.receive(frame(0, 1, b"\x00" + len(odd).to_bytes(4, "big") + odd))
    assert conversation.runtime == "'\\x1b[31m'"
