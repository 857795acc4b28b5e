# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules that write binaries, the approver's program and units."""

from __future__ import annotations

import hashlib
import http.server
import json
import shutil
import subprocess
import threading
from pathlib import Path

from places import Plain, call

__all__ = ["services"]

UNITS = Path("/etc/systemd/system")
RUN = Path("/run")


class Binaries(Plain):
    # Inodes and times of the stored files.
    noted = ("store/.verified.json",)


def services(work):
    return [binaries(work), approver(work), Unit(work)]


def binaries(work):
    """A new content takes the place of the one that a name stands for."""
    root = work / "binaries"
    root.mkdir()

    def wanted(content):
        source = work / f"kubelet-{len(content)}"
        source.write_bytes(content)
        component = {"name": "kubelet", "sha256": hashlib.sha256(content).hexdigest(), "url": f"file://{source}"}
        return {"components": [component], "bin_directory": f"{root}/bin", "store_directory": f"{root}/store"}

    call("component_binaries", wanted(b"old" * 100), work)
    base = work / "base-binaries"
    shutil.copytree(root, base, symlinks=True)
    case = Binaries("binaries", "component_binaries", root, base, wanted(b"new" * 5000))
    case.settle()
    return case


def approver(work):
    root = work / "approver"
    root.mkdir()
    policy = {"nodes": {"w1": {"dns_names": ["w1"], "ip_addresses": ["192.0.2.1"]}}}
    wanted = {"program": f"{root}/lib/approver.pyz", "policy_file": f"{root}/policy.json", "policy": policy}
    call("csr_approver", wanted, work)
    (root / "lib" / "approver.pyz").write_bytes(b"an older program")
    base = work / "base-approver"
    shutil.copytree(root, base)
    policy = {"nodes": {"w1": {"dns_names": ["w1"], "ip_addresses": ["192.0.2.2"]}}}
    case = Plain("approver", "csr_approver", root, base, {**wanted, "policy": policy})
    case.settle()
    return case


# Stands for systemctl, systemd-analyze and journalctl: a state that outlives who asks, and one unit that reads its
# file at its start.
SYSTEMD = """\
import json, os, sys, time
state_file, config, unit = {state!r}, {config!r}, {unit!r}
program, words = os.path.basename(sys.argv[0]), sys.argv[1:]
state = json.load(open(state_file))
if program == "systemctl" and words[0] == "restart":
    moment = time.strftime("%a %Y-%m-%d %H:%M:%S", time.gmtime())
    state.update(count=state["count"] + 1, read=open(config).read(), started=moment)
    json.dump(state, open(state_file, "w"))
elif program == "systemctl" and words[0] == "show":
    loaded = "loaded" if os.path.exists(unit) else "not-found"
    print("LoadState=" + loaded)
    print("ActiveState=active\\nSubState=running\\nUnitFileState=enabled\\nNeedDaemonReload=no\\nNRestarts=0")
    print("Result=success\\nFragmentPath=" + unit)
    print("InvocationID=%d\\nExecMainStartTimestamp=%s.000000 UTC" % (state["count"], state["started"]))
"""


class Unit(Plain):
    """The unit's files lie where systemd has them, on a file system that only this process sees."""

    # The former files, until it is known who is right.
    noted = (".trial.service.previous",)

    def __init__(self, work):
        self.hide()
        self.state = work / "systemd.json"
        config, unit = UNITS / "trial.conf", UNITS / "trial.service"
        wanted = {
            "name": "trial",
            "content": "[Service]\nExecStart=/bin/second\n",
            "files": [{"path": str(config), "content": "second\n", "mode": "0600"}],
            "timeout": 3,
        }
        super().__init__("unit", "unit", UNITS, work / "base-unit", wanted)
        self.programs(work / "bin", config, unit)
        self.serve()
        config.write_text("first\n")
        config.chmod(0o600)
        unit.write_text("[Service]\nExecStart=/bin/first\n")
        shutil.copytree(UNITS, self.base)
        self.begin()
        self.settle()

    def hide(self):
        """Nothing of the machine's is touched."""
        for path in (UNITS, RUN):
            subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", path], check=True)

    def programs(self, folder, config, unit):
        folder.mkdir()
        text = SYSTEMD.format(state=str(self.state), config=str(config), unit=str(unit))
        for name in ("systemctl", "systemd-analyze", "journalctl"):
            (folder / name).write_text("#!/usr/bin/python3 -IS\n" + text)
            (folder / name).chmod(0o755)

    def serve(self):
        """The unit says what it has read at its start."""
        state = self.state

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.loads(state.read_text())["read"].encode())

            def log_message(self, *_arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        self.arguments["health"] = {"url": url, "expect": "second"}

    def begin(self):
        """It has run with the former file for long."""
        state = {"count": 1, "read": "first\n", "started": "Thu 2026-01-01 00:00:00"}
        self.state.write_text(json.dumps(state))
        shutil.rmtree(RUN / "tlsbootstrap.kubernetes", ignore_errors=True)

    def judge_next_run(self):
        super().judge_next_run()
        assert json.loads(self.state.read_text())["read"] == "second\n", "it runs with what is not there any more"
