# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules in environments that nobody expects: the same comes out everywhere, or a refusal says what is missing.

Usage: odd.py FOLDER, as root. Somebody who is not root is a user of a namespace, who may read what root may.
"""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[5]
HERE = Path(__file__).resolve().parent
NOBODY = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
# In a namespace users that are not in it are unknown, so what only root may do is taken away otherwise.
NO_CHOWN = ("setpriv", "--bounding-set=-chown", "--inh-caps=-chown")
# Its own letters for i and I, which the C library knows where the locale is there only.
TURKISH = {"LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8", "LANGUAGE": "tr"}
CASES = {
    "as expected": ((), {"LC_ALL": "C.UTF-8", "TZ": "UTC"}, 0o022),
    "umask 000": ((), {}, 0o000),
    "umask 077": ((), {}, 0o077),
    "Turkish": ((), TURKISH, 0o022),
    "Kathmandu": ((), {"TZ": "Asia/Kathmandu"}, 0o022),
    "a zone of 13 h 37 min": ((), {"TZ": "Foo+13:37"}, 0o022),
    "no locale, no zone, no home": ((), {"LC_ALL": "nowhere", "TZ": ":/none", "HOME": "/none"}, 0o022),
    "not root, all of it": (NOBODY, {**TURKISH, "TZ": "Foo+13:37"}, 0o000),
}
DAY = 86400


class Host:
    """A CA folder and a host folder, and the modules called as Ansible calls them."""

    def __init__(self, folder, prefix, env, umask):
        self.folder, self.prefix, self.umask = folder, prefix, umask
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in ("PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
        }
        self.env = {**kept, **env}
        folder.mkdir(mode=0o755)
        self.cas = [
            {
                "name": "kubernetes-ca",
                "common_name": "kubernetes",
                "key_type": "ecdsa-p256",
                "validity": 300 * DAY,
                "certificate_file": "kubernetes-ca.crt",
                "key_file": "kubernetes-ca.key",
            }
        ]
        self.identities = [
            {
                "name": "kube-identity",
                "kind": "certificate",
                "issuer": "kubernetes-ca",
                # What Turkish makes other letters of.
                "common_name": "IDENTITY-iI",
                "organizations": ["INIT"],
                "dns_names": ["identity.example.org"],
                "ip_addresses": ["2001:db8::1"],
                "usages": ["server auth", "client auth"],
                "key_type": "ecdsa-p256",
                "validity": 30 * DAY,
                "certificate_path": str(folder / "pki/identity.crt"),
                "key_path": str(folder / "pki/identity.key"),
            }
        ]
        self.directory = str(folder / "ca")
        self.joined = []

    def call(self, module, **arguments):
        given = self.folder.parent / "arguments.json"
        given.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
        command = [*self.prefix, sys.executable, f"{ROOT}/plugins/modules/{module}.py", str(given)]
        before = os.umask(self.umask)
        try:
            done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False, timeout=300)
        finally:
            os.umask(before)
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return json.loads(done.stdout)

    def made(self, module, **arguments):
        result = self.call(module, **arguments)
        assert not result.get("failed"), result["msg"]
        return result

    def join(self):
        """What a host that joins is asked for, by certificate and by a token in a file; nobody has to answer."""
        node, folder, owner = "node-i1.init.example.org", self.folder / "join", str(1000 if self.prefix else 0)
        kubelet = {"node_name": node, "certificate_directory": str(folder), "certificate": True}
        bootstrap = {"bootstrap_kubeconfig": str(folder / "bootstrap.conf"), "kubeconfig": str(folder / "kubelet.conf")}
        asked = self.made("kubelet_identity", **kubelet, **bootstrap)
        row = {**self.identities[0], "name": "join", "common_name": "INIT-iI", "validity": DAY}
        request = {"host": "cp1", "identity": row, "request": asked["certificate_request"]}
        signed = self.made("sign", directory=self.directory, cas=self.cas, requests=[request])
        kubeconfig = {"path": bootstrap["bootstrap_kubeconfig"], "node_name": node, "cluster_name": "INIT-iI"}
        kubeconfig.update(server="https://192.0.2.10:6443", ca_path=f"{self.directory}/kubernetes-ca.crt")
        self.made("kubeconfig", **kubeconfig, certificate=signed["certificates"]["cp1"]["join"])
        file = {"path": str(folder / "token.csv"), "host": "INIT-iI", "owner": owner}
        recipient = self.made("token_file", **file, state="key")["recipient"]
        sealed = self.made("token_file", **file, state="token", recipients=[recipient])["sealed"]["INIT-iI"]
        made = self.made("token_file", **file, state="present", sealed_token=sealed, groups=["INIT-iI"])
        wanted = {**asked["token_request"], "ttl": "15m"}
        said = [
            self.call("bootstrap_tokens", kubeconfig="/none", tokens=[{**wanted, **change}], _ansible_check_mode=check)
            for change, check in (({}, True), ({"ttl": "25H"}, False), ({"node_name": "NODE-I1"}, False))
        ]
        self.made("join_window", directory=self.directory, state="open", duration="30m")
        assert self.made("join_window", directory=self.directory)["open"]
        shape = [line for line in (folder / "bootstrap.conf").read_text().splitlines() if "-data:" not in line]
        codes = [reason["code"] for reason in made["reasons"]]
        texts = (*(one["msg"] for one in said), *shape, *codes)
        return [text.replace(str(self.folder), "") for text in texts]

    def run(self):
        state = self.made("ca", directory=self.directory, cas=self.cas)
        rows = {"host": "cp1", "identities": self.identities, "issuers": state["certificates"]}
        held = self.made("identities", **rows, controller_time=now().isoformat())
        requests = [
            {"host": "cp1", "identity": self.identities[0], "request": one["request"]} for one in held["requests"]
        ]
        if requests:
            signed = self.made("sign", directory=self.directory, cas=self.cas, requests=requests)
            self.made("identities", **rows, certificates=signed["certificates"]["cp1"])
        return state["reasons"] + held["reasons"]


def now():
    return datetime.datetime.now(datetime.timezone.utc)


IN_FORCE = """
import ctypes, locale
assert locale.setlocale(locale.LC_ALL, "").count("tr_TR.UTF-8"), locale.setlocale(locale.LC_ALL)
lower, upper = ctypes.CDLL(None).towlower, ctypes.CDLL(None).towupper
assert (chr(lower(ord("I"))), chr(upper(ord("i")))) == ("\u0131", "\u0130")
"""


def speak_turkish(work):
    """Make the locale, and see that it is in force where modules run: one that is not there is passed over."""
    made = work / "locales" / "tr_TR.UTF-8"
    made.parent.mkdir()
    subprocess.run(["localedef", "-i", "tr_TR", "-f", "UTF-8", str(made)], check=True)
    asked = [sys.executable, "-c", IN_FORCE]
    without = subprocess.run(asked, env={**os.environ, **TURKISH}, capture_output=True, check=False)
    TURKISH["LOCPATH"] = str(made.parent)
    for prefix, env, _umask in CASES.values():
        if "LANGUAGE" in env:
            env.update(TURKISH)
            subprocess.run([*prefix, *asked], env={**os.environ, **env}, check=True)
    print("Turkish: in force" + (", by the locale that was made" if without.returncode else ""))


def openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def judge(host, began):
    """Certificates, dates in UTC, ledger; returns what has to be the same in every environment."""
    certificate, authority = host.folder / "pki/identity.crt", host.folder / "ca/kubernetes-ca.crt"
    openssl(
        "verify",
        "-x509_strict",
        "-auth_level",
        "2",
        "-purpose",
        "sslserver",
        "-CAfile",
        str(authority),
        str(certificate),
    )
    said = openssl("x509", "-noout", "-startdate", "-enddate", "-dateopt", "iso_8601", "-in", str(certificate))
    start, end = (
        datetime.datetime.fromisoformat(line.partition("=")[2].replace("Z", "+00:00")) for line in said.splitlines()
    )
    for instant, offset in ((start, -300), (end, 30 * DAY)):
        assert began - datetime.timedelta(seconds=1) <= instant - datetime.timedelta(seconds=offset) <= now(), said
    lines = (host.folder / "ca/ledger.jsonl").read_text().splitlines()
    for line in lines:
        time = datetime.datetime.fromisoformat(json.loads(line)["time"].replace("Z", "+00:00"))
        assert began - datetime.timedelta(seconds=1) <= time <= now(), line
    seen = host.made("pki_info", directories=[str(host.folder)], text=True)["files"]
    (shown,) = (file for file in seen if file["path"] == str(certificate))
    left = (end - now()).total_seconds()
    assert left - 1 <= shown["certificates"][0]["seconds_left"] <= left + 120
    assert f"Not After : {end:%b} {end.day:2d} {end:%H:%M:%S %Y} GMT" in shown["text"]
    subject = openssl("x509", "-noout", "-subject", "-nameopt", "rfc2253", "-in", str(certificate)).strip()
    modes = {str(path.relative_to(host.folder)): oct(path.stat().st_mode) for path in sorted(host.folder.rglob("*"))}
    return subject, modes, len(lines), host.joined


def refusals(work):
    """Who is not root is told what he lacks, before anything has changed."""
    host = Host(work / "refused", NOBODY, {"LC_ALL": "C"}, 0o022)
    host.identities[0]["owner"] = "nobody"
    state = host.made("ca", directory=host.directory, cas=host.cas)
    closed = Host(work / "closed", NOBODY, {"LC_ALL": "C"}, 0o022)
    closed.folder.chmod(0o555)
    said = closed.call("ca", directory=closed.directory, cas=closed.cas)["msg"]
    assert closed.directory in said or str(closed.folder) in said, said
    assert "Permission denied" in said, said
    held = host.made("identities", host="cp1", identities=host.identities, issuers=state["certificates"])
    requests = [{"host": "cp1", "identity": host.identities[0], "request": one["request"]} for one in held["requests"]]
    signed = host.made("sign", directory=host.directory, cas=host.cas, requests=requests)
    rows = {"host": "cp1", "identities": host.identities, "issuers": state["certificates"]}
    host.prefix = NO_CHOWN
    said = host.call("identities", **rows, certificates=signed["certificates"]["cp1"])["msg"]
    assert "without being root; use become" in said, said
    assert not (host.folder / "pki/identity.crt").exists()
    hidden = work / "hidden"
    hidden.mkdir(mode=0o000)
    said = closed.made("pki_info", paths=[str(hidden / "a.crt")], directories=[str(hidden)])["files"]
    assert all("Permission denied" in entry["error"] for entry in said), said
    hidden.chmod(0o700)
    print("not root: told to use become, and which file or folder may not be written or read")


def whole_playbook(work):
    """Ansible itself, where no program may be run from its temporary folders."""
    folder = work / "noexec"
    folder.mkdir()
    host = Host(work / "playbook", (), {}, 0o022)
    given = work / "variables.json"
    paths = {"root": str(ROOT), "unit": str(work / "unit")}
    rows = {"directory": host.directory, "cas": host.cas, "identities": host.identities}
    given.write_text(json.dumps({"odd": {**paths, **rows}}))
    settings = {"TMPDIR": folder, "ANSIBLE_REMOTE_TEMP": folder / "remote", "ANSIBLE_LOCAL_TEMP": folder / "local"}
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_") or "COLLECTIONS" in name
    }
    env = {**kept, **{name: str(path) for name, path in settings.items()}, **TURKISH, "TZ": "Foo+13:37"}
    env["ANSIBLE_NOCOLOR"] = "1"
    script = 'umask 000; mount -t tmpfs -o noexec,nosuid,nodev none "$1"; shift; exec "$@"'
    play = [
        "ansible-playbook",
        "-i",
        "localhost,",
        "-c",
        "local",
        "-e",
        f"@{given}",
        "-e",
        f"ansible_python_interpreter={sys.executable}",
    ]
    command = ["unshare", "--mount", "sh", "-ec", script, "sh", str(folder), *play, str(HERE / "flow.yml")]
    began = now().replace(microsecond=0)
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    print("a playbook with umask 000, in Turkish, an odd zone and no programs in temporary folders: works")
    unit = (work / "unit").read_text()
    for line in ("Description=INIT iI", "User=init", "  --title=ITIL-iI \\", '  "--INIT=I i"'):
        assert line in unit.splitlines(), unit
    return judge(host, began)


def main(folder):
    work = Path(folder) / "odd"
    work.mkdir()
    found = {}
    speak_turkish(work)
    for name, (prefix, env, umask) in CASES.items():
        host = Host(work / f"case-{len(found)}", prefix, env, umask)
        began = now().replace(microsecond=0)
        assert host.run(), name
        host.joined = host.join()
        found[name] = judge(host, began)
        # A second run in plain surroundings has nothing to mend.
        host.prefix, host.umask = (), 0o022
        assert host.run() == [], name
        print(f"{name}: works, {len(found[name][1])} files as everywhere")
    expected = found["as expected"]
    assert "25H" in expected[3][1]
    assert "NODE-I1" in expected[3][2]
    # It has no joins.
    subject, _modes, _lines, _joined = whole_playbook(work)
    assert subject == expected[0]
    assert expected[1]["ca/kubernetes-ca.key"] == expected[1]["pki/identity.key"] == "0o100600"
    assert expected[1]["ca"] == "0o40700"
    for name, outcome in found.items():
        assert outcome == expected, (name, outcome, expected)
    refusals(work)


main(*sys.argv[1:])
