# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the container runtime of this host does what a kubelet asks of it."""

from __future__ import annotations

import socket
import time

from .domain.cri import QUESTION, Conversation

__all__ = ["ask_runtime"]

TIMEOUT = 5.0


def ask_runtime(path: str) -> str | None:
    """Name and version of what speaks CRI at a socket, empty for what listens and does not, None where nothing does."""
    end = time.monotonic() + TIMEOUT
    conversation = Conversation()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as runtime:
            runtime.settimeout(TIMEOUT)
            runtime.connect(path)
            try:
                runtime.sendall(QUESTION)
                while not conversation.over and time.monotonic() < end:
                    received = runtime.recv(65536)
                    if not received:
                        break
                    runtime.sendall(conversation.receive(received))
            except OSError:
                # It hangs up, or says nothing in time.
                return conversation.runtime
    except OSError:
        return None
    return conversation.runtime
