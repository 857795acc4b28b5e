# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every file below a folder with its hash, mode and owner, as JSON; without the collection's own books."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

BOOKS = {".pending", ".backup"}
found = {}
for path in Path(sys.argv[1]).rglob("*"):
    if not BOOKS & set(path.parts):
        state = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path)] = [content, state.st_mode, state.st_uid, state.st_gid]
json.dump(found, sys.stdout)
