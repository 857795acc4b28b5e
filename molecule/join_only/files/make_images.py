"""Write a Docker archive whose one layer is a folder of programs, for a host that can pull no image.

Usage: make_images.py ARCHIVE FOLDER NAME...
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import sys
import tarfile
import tempfile
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def write_layer(path: Path, folder: Path) -> str:
    """Put the folder into /usr/local/bin of a layer, and return what identifies it."""
    with tarfile.open(path, "w") as layer:
        layer.add(folder, "usr/local/bin")
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for part in iter(lambda: stream.read(1 << 20), b""):
            digest.update(part)
    return f"sha256:{digest.hexdigest()}"


def main(archive: str, folder: str, *names: str) -> None:
    """Write the archive."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(archive)) as work, tarfile.open(archive, "w") as found:
        layer = Path(work, "layer.tar")
        identity = write_layer(layer, Path(folder))
        config = {
            "architecture": ARCHITECTURES[platform.machine()],
            "os": "linux",
            "config": {"Env": ["PATH=/usr/local/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [identity]},
        }
        manifest = [{"Config": "config.json", "RepoTags": list(names), "Layers": ["layer.tar"]}]
        for name, content in (("config.json", config), ("manifest.json", manifest)):
            data = json.dumps(content).encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            found.addfile(entry, io.BytesIO(data))
        found.add(layer, "layer.tar")


if __name__ == "__main__":
    main(*sys.argv[1:])
