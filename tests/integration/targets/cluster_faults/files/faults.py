# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the API server and of the way to it, on a real API server.

Usage: faults.py CLUSTER_DIRECTORY. Each function whose name begins with `test_` is a case.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from proxy import Fault, Proxy

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils import token_store, x509
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.access import load_access
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.cluster import (
    Cluster,
    ClusterError,
    ForbiddenError,
    UnauthorizedError,
    UnreachableError,
    UntrustedError,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain import tokens
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.runner import utc_now

DIRECTORY = Path(sys.argv[1])
PKI = DIRECTORY / "pki"
NAMESPACE = "/api/v1/namespaces/kube-system"
PORT = int(json.loads((DIRECTORY / "admin.conf").read_text())["clusters"][0]["cluster"]["server"].rsplit(":", 1)[1])
_PRIVATE, PUBLIC = x509.new_one_time_key()


def access(port=PORT, user="admin", cluster=(), credentials=()):
    config = json.loads((DIRECTORY / f"{user}.conf").read_text())
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
    config["clusters"][0]["cluster"].update(cluster)
    config["users"][0]["user"].update(credentials)
    path = DIRECTORY / f"faults-{port}-{user}-{len(list(DIRECTORY.glob('faults-*')))}.conf"
    path.write_text(json.dumps(config))
    return load_access(str(path))


def direct():
    return Cluster(access(), 30)


def proxied(*faults, timeout=10.0, request_timeout=15.0, **options):
    proxy = Proxy(PKI, PORT, **options)
    proxy.faults.extend(faults)
    return proxy, Cluster(access(proxy.port), timeout, request_timeout)


def raises(kind, action):
    started = time.monotonic()
    try:
        action()
    except kind as error:
        return str(error), time.monotonic() - started
    raise AssertionError(f"no {kind.__name__}")


def wanted(*nodes):
    rows = [{"node_name": node, "ttl": "900", "recipient": PUBLIC.decode()} for node in nodes]
    return token_store.check_wanted(rows, int, False)


def tokens_of(*nodes):
    return [token for token in token_store.own_tokens(direct()) if token.node in nodes]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def test_nothing_listens():
    port = free_port()
    said, took = raises(UnreachableError, lambda: Cluster(access(port), 2).get(NAMESPACE))
    assert str(port) in said, said
    assert "refused" in said, said
    assert took < 4, took


def test_it_listens_after_a_while():
    proxy, _cluster = proxied()
    held = socket.create_server(("127.0.0.1", 0))
    port = held.getsockname()[1]
    held.close()

    def later():
        time.sleep(1)
        late = socket.create_server(("127.0.0.1", port))
        while True:
            near, _address = late.accept()
            far = socket.create_connection(("127.0.0.1", proxy.port))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=pump, args=(one, other), daemon=True).start()

    threading.Thread(target=later, daemon=True).start()
    started = time.monotonic()
    assert Cluster(access(port), 20).get(NAMESPACE)["metadata"]["name"] == "kube-system"
    assert time.monotonic() - started > 0.9


def pump(one, other):
    try:
        while data := one.recv(65536):
            other.sendall(data)
    except OSError:
        pass


def test_it_hangs_before_the_handshake():
    _proxy, cluster = proxied(hang=True, timeout=2)
    said, took = raises(UnreachableError, lambda: cluster.get(NAMESPACE))
    assert "timed out" in said, said
    assert took < 5, took


def test_one_request_hangs_and_the_next_does_not():
    proxy, cluster = proxied(Fault("hang"), request_timeout=1)
    assert cluster.get(NAMESPACE)
    assert len(proxy.seen) == 2, proxy.seen


def test_it_is_slow():
    _proxy, cluster = proxied(Fault("slow", seconds=1.5))
    assert cluster.get(NAMESPACE)


def test_it_drips_without_an_end():
    _proxy, cluster = proxied(Fault("drip", times=100), timeout=2)
    _said, took = raises(UnreachableError, lambda: cluster.get(NAMESPACE))
    assert took < 5, took


def test_429_waits_as_long_as_it_is_told():
    proxy, cluster = proxied(Fault("429", headers={"Retry-After": "1"}))
    started = time.monotonic()
    assert cluster.get(NAMESPACE)
    assert time.monotonic() - started > 0.95
    assert len(proxy.seen) == 2, proxy.seen


def test_429_beyond_the_deadline_is_not_waited_for():
    _proxy, cluster = proxied(Fault("429", headers={"Retry-After": "50"}), timeout=5)
    said, took = raises(UnreachableError, lambda: cluster.get(NAMESPACE))
    assert "429" in said, said
    assert took < 3, took


def test_one_connection_serves_many_requests():
    proxy, cluster = proxied()
    for path in (NAMESPACE, f"{NAMESPACE}/secrets", NAMESPACE, "/version"):
        cluster.get(path)
    assert proxy.connections == 1, proxy.connections


def test_503_is_asked_again():
    proxy, cluster = proxied(Fault("503", times=3))
    assert cluster.get(NAMESPACE)
    assert len(proxy.seen) == 4, proxy.seen


def test_503_for_good_ends_at_the_deadline():
    _proxy, cluster = proxied(Fault("503", times=1000), timeout=2)
    said, took = raises(UnreachableError, lambda: cluster.get(NAMESPACE))
    assert "503" in said, said
    assert took < 4, took


def test_the_answer_to_a_create_is_lost():
    proxy, cluster = proxied(Fault("lost", method="POST"))
    (made,) = token_store.make_tokens(cluster, wanted("lost"), utc_now())
    assert [token.id for token in tokens_of("lost")] == [made.id]
    assert [method for method, _path in proxy.seen].count("POST") == 2


def test_half_of_the_tokens_cannot_be_made():
    """All or none: what was made is deleted again."""
    _proxy, cluster = proxied(Fault("403", method="POST"))
    said, _took = raises(ForbiddenError, lambda: token_store.make_tokens(cluster, wanted("h1", "h2", "h3"), utc_now()))
    assert "create secrets in namespace kube-system" in said, said
    assert tokens_of("h1", "h2", "h3") == []


def test_an_id_that_is_taken_is_not_overwritten():
    taken = tokens.Token("taken0", "0123456789abcdef")
    foreign = tokens.secret_manifest(taken, "somebody", tokens.expiration_of(utc_now(), 900))
    foreign["metadata"] = {"name": "bootstrap-token-taken0", "namespace": "kube-system"}
    cluster = direct()
    before = cluster.create(token_store.PATH, foreign)
    choices = iter("taken0" + "k3u8zq1x9v0m5c7p")
    original = token_store.secrets.choice
    token_store.secrets.choice = lambda letters: next(choices, None) or original(letters)
    try:
        (made,) = token_store.make_tokens(cluster, wanted("clash"), utc_now())
    finally:
        token_store.secrets.choice = original
    assert made.id != "taken0"
    assert cluster.get(f"{token_store.PATH}/bootstrap-token-taken0") == before
    assert len(tokens_of("clash")) == 1


def test_the_watch_has_expired():
    proxy, cluster = proxied(Fault("410", path="watch=1"))
    with cluster.follow("/api/v1/namespaces") as follower:
        kinds = [follower.next(5).kind for _time in range(2)]
    assert kinds == ["SNAPSHOT", "SNAPSHOT"], kinds
    assert sum("watch=1" not in path for _method, path in proxy.seen) == 2, proxy.seen


def test_the_watch_breaks_off_within_an_event():
    _proxy, cluster = proxied(Fault("torn", path="watch=1"), timeout=20)
    with cluster.follow("/api/v1/namespaces") as follower:
        assert follower.next(5).kind == "SNAPSHOT"
        direct().create("/api/v1/namespaces", {"metadata": {"name": f"torn-{time.time_ns()}"}})
        event = follower.next(10)
    assert event is not None
    assert event.kind == "ADDED", event.kind


def test_the_watch_is_refused_for_a_moment():
    _proxy, cluster = proxied(Fault("429", path="watch=1", headers={"Retry-After": "1"}), timeout=20)
    with cluster.follow("/api/v1/namespaces") as follower:
        assert follower.next(5).kind == "SNAPSHOT"
        direct().create("/api/v1/namespaces", {"metadata": {"name": f"busy-{time.time_ns()}"}})
        assert follower.next(10).kind == "ADDED"


def test_an_unknown_ca_is_refused_and_sent_nothing():
    proxy, _cluster = proxied(Fault("503", times=1000))
    cluster = Cluster(access(proxy.port, cluster={"certificate-authority": f"{PKI}/other-ca.crt"}), 20)
    said, took = raises(UntrustedError, lambda: cluster.get(NAMESPACE))
    assert "other-ca.crt" in said, said
    assert took < 5, took
    assert proxy.seen == [], proxy.seen


def test_a_certificate_of_another_name_is_refused():
    proxy = Proxy(PKI, PORT, certificate="nobody")
    raises(UntrustedError, lambda: Cluster(access(proxy.port), 20).get(NAMESPACE))
    assert proxy.seen == [], proxy.seen


def test_credentials_of_another_ca_are_not_accepted():
    pair = {"client-certificate": f"{PKI}/other-ca.crt", "client-key": f"{PKI}/other-ca.key"}
    said, took = raises(UnauthorizedError, lambda: Cluster(access(user="nobody", credentials=pair), 20).get(NAMESPACE))
    assert "faults-" in said, said
    assert took < 5, took


def test_missing_rights_are_named():
    cluster = Cluster(access(user="nobody"), 20)
    cases = [
        (lambda: cluster.list(f"{NAMESPACE}/secrets"), "list secrets in namespace kube-system"),
        (lambda: cluster.get("/api/v1/nodes/w1"), "get nodes"),
        (lambda: cluster.merge("/api/v1/nodes/w1", {}), "patch nodes"),
        (lambda: cluster.delete("/api/v1/nodes/w1"), "delete nodes"),
    ]
    for action, words in cases:
        said, _took = raises(ForbiddenError, action)
        assert words in said, said


def test_an_api_server_that_has_just_started_forbids_nothing_for_good():
    """It answers 403 to everything, whether it is ready too, until it has read the roles."""
    proxy, cluster = proxied(Fault("403", times=4), timeout=20)
    assert cluster.get(NAMESPACE)
    assert [seen for _method, seen in proxy.seen] == [NAMESPACE, "/readyz", NAMESPACE, "/readyz", NAMESPACE], proxy.seen


def test_what_is_forbidden_by_a_server_that_is_never_ready_is_named():
    _proxy, cluster = proxied(Fault("403", times=1000), timeout=2)
    said, took = raises(ForbiddenError, lambda: cluster.get(NAMESPACE))
    assert "get namespaces" in said, said
    assert took < 4, took


def test_no_secret_is_in_a_message():
    cluster = direct()
    token = tokens.Token("canary", "k3u8zq1x9v0m5c7p")
    manifest = tokens.secret_manifest(token, "canary", utc_now())
    manifest["metadata"]["namespace"] = "elsewhere"
    manifest["metadata"]["name"] = "Not A Name"
    for broken in (manifest, {**manifest, "metadata": {"name": "k3u8zq1x9v0m5c7p_"}}):
        said, _took = raises(ClusterError, lambda broken=broken: cluster.create(token_store.PATH, broken))
        for text in (token.secret, token.secret[:8], manifest["data"]["token-secret"]):
            assert text not in said, said


def clean():
    """What an earlier run on the same cluster has left."""
    cluster = direct()
    token_store.delete_tokens(cluster, token_store.own_tokens(cluster))
    cluster.delete(f"{token_store.PATH}/bootstrap-token-taken0")


def main():
    failed = 0
    clean()
    for name, case in sorted(globals().items()):
        if name.startswith("test_"):
            started = time.monotonic()
            try:
                case()
                print(f"ok   {time.monotonic() - started:5.1f} s  {name}")
            except Exception:
                failed += 1
                print(f"FAIL {time.monotonic() - started:5.1f} s  {name}\n{traceback.format_exc()}")
    clean()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
