# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kubelet that asks for its client certificate and then, as the node, for its serving one.

Usage: kubelet.py CLUSTER_DIRECTORY NODE ADDRESS [client|serving|stale]. Prints the id of its token.
"""

from __future__ import annotations

import sys
import time

from hand import CLIENT, CLIENT_USAGES, SERVING, SERVING_USAGES, Hand

directory, node, address = sys.argv[1:4]
until = sys.argv[4] if len(sys.argv) > 4 else "serving"
hand = Hand(directory)
token = hand.token(node)
print(token[:6], flush=True)
subject = f"/O=system:nodes/CN=system:node:{node}"
request, key = hand.request(subject)
if until == "stale":
    # A kubelet that was started again: the key of its first request is gone.
    hand.submit(hand.as_token(token), request, CLIENT, CLIENT_USAGES)
    time.sleep(1.1)
    request, key = hand.request(subject)
name = hand.submit(hand.as_token(token), request, CLIENT, CLIENT_USAGES)
if until == "serving":
    condition, _reason, certificate = hand.outcome(name, 60)
    assert condition == "Approved", condition
    served, _key = hand.request(subject, f"DNS:{node},IP:{address}")
    hand.submit(hand.as_node(key, certificate), served, SERVING, SERVING_USAGES)
