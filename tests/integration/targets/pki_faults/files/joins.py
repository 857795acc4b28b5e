# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules that write on a node that joins, moves to another API server, or goes."""

from __future__ import annotations

import datetime
import shutil

from places import FOREIGN, Plain, call, contents

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import kubeconfigs, x509

__all__ = ["joins"]

KEY = ".pending/bootstrap-token.key"


class OneTimeKey(Plain):
    """That the node has not joined is a reason until it has."""

    drawn = (KEY,)
    settles = False


class TokenFile(Plain):
    """The one-time key is gone with the token that was for it: the next run makes both anew."""

    def judge_next_run(self):
        path, asked = self.root / "token.csv", {**self.arguments, "sealed_token": None}
        recipients = [call("token_file", {**asked, "state": "key"}, self.work)["recipient"]]
        made = call("token_file", {**asked, "state": "token", "recipients": recipients}, self.work)
        call("token_file", {**asked, "state": "present", "sealed_token": made["sealed"]["cp1"]}, self.work)
        assert path.read_text().count("\n") == 1
        assert path.stat().st_mode & 0o777 == 0o600
        assert call("token_file", {**asked, "state": "absent"}, self.work)["changed"]
        assert path.read_bytes() == b""
        assert set(contents(self.root)) - {FOREIGN} == {".pending", "token.csv"}


class Emptied(Plain):
    """Nothing is written but the end of what was there."""

    least = 6


class Window(Plain):
    """The end is another one each time."""

    noted = ("joins.json",)

    def judge_next_run(self):
        assert call(self.module, self.arguments, self.work)["open"]
        assert set(contents(self.root)) - {FOREIGN} == set(self.settled)


class Probe(Plain):
    """A key for one call."""

    drawn = (".pending/join-probe.key",)
    says = False


class Removal(Plain):
    """Files go one by one, so there is neither half a file nor a full disk."""

    writes = False
    least = 3


def joins(work):
    root = work / "node"
    root.mkdir()
    kubelet = {
        "node_name": "w1",
        "kubeconfig": f"{root}/kubelet.conf",
        "certificate_directory": f"{root}/pki",
        "bootstrap_kubeconfig": f"{root}/bootstrap-kubelet.conf",
    }
    found = [*token_files(work), *windows(work)]

    def step(kind, name, module, arguments):
        found.append(case(kind, name, module, root, arguments))

    step(OneTimeKey, "join-key", "kubelet_identity", kubelet)
    recipient = call("kubelet_identity", kubelet, work)["token_request"]["recipient"]
    sealed = x509.seal(recipient.encode(), b"abcdef.0123456789abcdef", b"bootstrap-token:w1")
    there = {"path": f"{root}/bootstrap-kubelet.conf", "node_name": "w1"}
    token = {**there, "server": "https://127.0.0.1:1", "ca_path": f"{root}/ca.crt", "sealed_token": sealed}
    step(Plain, "join-token", "kubeconfig", token)
    step(Removal, "join-token-removed", "kubeconfig", {**there, "state": "absent"})
    joined(root)
    pointed = {**kubelet, "server": "https://127.0.0.1:2", "ca_path": f"{root}/ca.crt"}
    step(Plain, "kubelet-pointed", "kubelet_identity", pointed)
    step(Removal, "kubelet-removed", "kubelet_identity", {**kubelet, "state": "absent"})
    return found


def case(kind, name, module, root, arguments):
    """A call over what lies there, which is made."""
    base = root.parent / f"base-{name}"
    shutil.copytree(root, base, symlinks=True)
    made = kind(name, module, root, base, arguments)
    made.settle()
    return made


def token_files(work):
    """On a control plane: an empty file gets a token, and is emptied."""
    root = work / "token-file"
    root.mkdir()
    there = {"path": f"{root}/token.csv", "host": "cp1", "owner": "root"}
    call("token_file", {**there, "state": "there"}, work)
    recipients = [call("token_file", {**there, "state": "key"}, work)["recipient"]]
    sealed = call("token_file", {**there, "state": "token", "recipients": recipients}, work)["sealed"]["cp1"]
    token = case(TokenFile, "token-file", "token_file", root, {**there, "state": "present", "sealed_token": sealed})
    return [token, case(Emptied, "token-file-emptied", "token_file", root, {**there, "state": "absent"})]


def windows(work):
    """On the CA host until when joins are open, and on a control plane the key that asks whether they are."""
    root, probe = work / "window", work / "probe"
    for folder in (root, probe):
        folder.mkdir(mode=0o700)
    arguments = {"directory": str(root), "state": "open"}
    opened = case(Window, "join-window", "join_window", root, arguments)
    closed = case(Plain, "join-window-closed", "join_window", root, {**arguments, "state": "closed"})
    return [
        opened,
        closed,
        case(Probe, "join-probe", "join_probe", probe, {"directory": str(probe), "state": "request"}),
    ]


def joined(root):
    """What a kubelet has written when it has its certificate."""
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    ca, key = x509.generate_key("ecdsa-p256"), x509.generate_key("ecdsa-p256")
    authority = x509.self_sign(ca, "kubelet-client-ca", now - day, now + 9 * day)
    (root / "ca.crt").write_text(authority)
    request = x509.load_request(x509.make_request(key, "system:node:w1", ("system:nodes",)).encode(), "")
    leaf = x509.Leaf("system:node:w1", ("system:nodes",), (), (), ("client auth",), now - day, now + day)
    issuer = x509.load_certificate(x509.blocks(authority.encode(), "")[0], "")
    current = root / "pki" / "kubelet-client-current.pem"
    current.parent.mkdir()
    pair = current.with_name("kubelet-client-2026-01-31-12-00-00.pem")
    pair.write_bytes(x509.issue(issuer, ca, request, leaf).pem.encode() + key.pem())
    current.symlink_to(pair)
    config = kubeconfigs.Kubeconfig(
        server="https://127.0.0.1:1",
        ca_path=f"{root}/ca.crt",
        certificate_path=str(current),
        key_path=str(current),
    )
    (root / "kubelet.conf").write_bytes(kubeconfigs.build(config))
    for path in (pair, root / "kubelet.conf"):
        path.chmod(0o600)
