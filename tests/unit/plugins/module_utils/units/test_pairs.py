# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies in the place of a pair that a service starts with."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import systemd


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    key, certificate = tmp_path / "x.key", tmp_path / "x.crt"
    certificate.touch()
    os.mkfifo(key)
    said: list[bool] = []
    # A daemon, so that the test ends where it waits.
    asked = threading.Thread(target=lambda: said.append(systemd._mismatch(str(certificate), str(key))), daemon=True)
    asked.start()
    asked.join(30)
    assert said == [False]
