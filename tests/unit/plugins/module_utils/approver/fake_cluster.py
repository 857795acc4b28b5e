# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects and resource versions as the API server keeps them."""

from __future__ import annotations

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.cluster import (
    ConflictError,
    NotFoundError,
    UnreachableError,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.lease import LEASES_PATH

__all__ = ["FakeCluster", "touched"]


class FakeCluster:
    """`faults` are raised by the next writes of requests: errors, or what happens to the object just before.

    `refused` are the errors of those that can never be written, by their names.
    """

    def __init__(self, *items):
        self.items = {item["metadata"]["name"]: item for item in items}
        self.leases = {}
        self.faults = []
        self.refused = {}
        self.writes = 0
        self.down = False

    def _answers(self):
        if self.down:
            raise UnreachableError("down")

    def _table(self, path):
        return self.leases if path.startswith(LEASES_PATH) else self.items

    def get(self, path):
        found = self.find(path)
        if found is None:
            raise NotFoundError("404")
        return found

    def find(self, path):
        self._answers()
        return self._table(path).get(path.rsplit("/", 1)[1])

    def list(self, _path):
        self._answers()
        return list(self.items.values()), "1"

    def create(self, path, body):
        self._answers()
        assert path == LEASES_PATH, path
        name = body["metadata"]["name"]
        if name in self.leases:
            raise ConflictError("409")
        self.leases[name] = {**body, "metadata": {**body["metadata"], "resourceVersion": "1"}}
        return self.leases[name]

    def replace(self, path, body):
        self._answers()
        if path.startswith(LEASES_PATH):
            return self._write(self.leases, path.rsplit("/", 1)[1], body, body)
        name = path.split("/")[-2]
        if name in self.refused:
            raise self.refused[name]
        if self.faults:
            fault = self.faults.pop(0)
            if callable(fault):
                fault(self.items[name])
            raise fault if isinstance(fault, Exception) else ConflictError("409")
        decided = {**self.items.get(name, {}), "status": body["status"]}
        answer = self._write(self.items, name, body, decided)
        self.writes += 1
        return answer

    @staticmethod
    def _write(table, name, body, wanted):
        present = table.get(name)
        if present is None:
            raise NotFoundError("404")
        if present["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
            raise ConflictError("409")
        table[name] = touched({**wanted, "metadata": present["metadata"]})
        return table[name]


def touched(item):
    version = str(int(item["metadata"]["resourceVersion"]) + 1)
    return {**item, "metadata": {**item["metadata"], "resourceVersion": version}}
