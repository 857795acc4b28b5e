"""Try every token that watch_tokens.py caught; print its id and the HTTP status that it gets.

Usage: try_tokens.py CAUGHT

The tokens stay on this host.
"""

from __future__ import annotations

import http.client
import json
import ssl
import sys

import api

PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"


def main() -> None:
    context = ssl.create_default_context(cafile=str(api.CREDENTIALS[2]))
    answers: dict[str, int] = {}
    with open(sys.argv[1], encoding="utf-8") as caught:
        for data in (json.loads(line)["data"] for line in caught):
            connection = http.client.HTTPSConnection("127.0.0.1", 6443, timeout=10, context=context)
            token = f"{data['token-id']}.{data['token-secret']}"
            connection.request("GET", PATH, headers={"Authorization": f"Bearer {token}"})
            answers[data["token-id"]] = connection.getresponse().status
            connection.close()
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
