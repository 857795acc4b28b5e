# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start the approver, wait until it has told of so many decisions, end it, and write down the memory that it took.

Usage: approver.py KUBECONFIG FOLDER COUNT, where program and policy are in the folder.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration/targets/csr_approver/files"))

from service import Service


def main() -> None:
    kubeconfig, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    service = Service(folder, "measured", kubeconfig)
    try:
        while service.log.read_bytes().count(b'"event": "decision"') < count:
            if service.process.poll() is not None:
                raise SystemExit(service.log.read_text()[-2000:])
            time.sleep(0.05)
        memory, troubles = service.memory(), [line for line in service.lines() if line["event"] == "trouble"]
    finally:
        service.stop()
    if troubles:
        raise SystemExit(f"the API server was asked for too much: {troubles[:3]}")
    (folder / "memory").write_text(str(memory))


main()
