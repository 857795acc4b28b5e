# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that nobody decides: two of one kubelet, and one for another node with the same token.

Usage: ask.py CLUSTER_DIRECTORY. Prints the id of the token and the names of the requests, as JSON.
"""

from __future__ import annotations

import json
import sys
import time

from hand import CLIENT, CLIENT_USAGES, Hand

hand = Hand(sys.argv[1])
token = hand.token("q-w1")
names = {}
for name, node in (("old", "q-w1"), ("new", "q-w1"), ("foreign", "q-w2")):
    request, _key = hand.request(f"/O=system:nodes/CN=system:node:{node}")
    names[name] = hand.submit(hand.as_token(token), request, CLIENT, CLIENT_USAGES)
    # Creation has whole seconds only.
    time.sleep(1.1)
print(json.dumps({"token": token[:6], **names}))
