"""The kubelets replace their certificates in time; what was stopped for too long comes back.

Both workers are watched until their client certificate has been replaced twice and their
serving certificate once. Then each has its own story: w2 sleeps past the moment of its next
rotation, w1 until its certificate has expired. The stories run side by side, the tests
wait for what they need of them.
"""

from __future__ import annotations

import base64
import concurrent.futures
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from expected import WORKERS
from proofs import samples
from proofs.ansible import playbook
from proofs.certificates import SERVER_AUTH, Certificate, requested_key, requested_name
from proofs.hosts import PKI, PROOF, RUN, Host
from proofs.nodes import left_of_joins

# Until a second rotation: twice (0.9 * 480 - 300) s in the worst case, and the approvals.
PATIENCE = 400
AUDIT_LOGS = "/var/log/kubernetes/kube-apiserver-audit*.log"
RENEW_ERRORS = ("kubelet_certificate_manager_client_expiration_renew_errors", "kubelet_server_expiration_renew_errors")
NO_WAY_IN = "unable to load bootstrap kubeconfig: stat /etc/kubernetes/bootstrap-kubelet.conf: no such file"
SLEEPER, EXPIRED = "w2", "w1"


@dataclass
class Story:
    """What happened to one node, for the tests to judge."""

    node: Host
    proved: float = 0.0
    metrics: dict[str, float] = field(default_factory=dict)
    measured: float = 0.0
    stopped: float = 0.0
    started: float = 0.0
    old: Certificate | None = None
    new: Certificate | None = None
    renewed: float = 0.0
    impostor: Any = None
    outside: dict[str, Any] = field(default_factory=dict)
    join: int = -1
    join_seconds: float = 0.0
    back: float = 0.0


def clients(node: Host) -> list[samples.Seen]:
    return samples.certificates(node, "client")


def servers(cp1: Host, node: Host) -> list[samples.Seen]:
    """The certificates of the serving CA; before the first of them a kubelet serves one of its own."""
    return [seen for seen in samples.served(cp1, node) if seen.certificate.issuer.startswith("kubelet-serving-ca")]


def ready(cp1: Host, node: Host) -> samples.NodeSample | None:
    """Return the newest sample if it says that the node is ready."""
    last = samples.nodes(cp1, node)[-1]
    return last if last.ready == "True" else None


def read_metrics(cp1: Host, node: Host) -> dict[str, float]:
    """Return the kubelet's own numbers about its certificates."""
    client = f"--cert {PKI}/apiserver-kubelet-client.crt --key {PKI}/apiserver-kubelet-client.key"
    text = cp1.output(f"curl -sf --cacert {PKI}/kubelet-serving-ca.crt {client} https://{node.address}:10250/metrics")
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("kubelet_") and "{" not in line]
    return {name: float(value) for name, value in lines if "certificate" in name or "expiration" in name}


def watch_rotations(cp1: Host, story: Story) -> None:
    """Wait for two rotations of the client certificate and one of the serving certificate."""
    node = story.node
    samples.wait_for(
        f"{node.name} has replaced its certificates",
        lambda: len(clients(node)) >= 3 and len(servers(cp1, node)) >= 2,
        PATIENCE,
    )
    newest = clients(node)[-1]
    samples.wait_for(f"{node.name} uses its newest certificate", lambda: use_of(cp1, newest.certificate), 60)
    story.metrics, story.measured = read_metrics(cp1, node), time.time()
    story.proved = newest.at


def use_of(cp1: Host, certificate: Certificate) -> Any:
    """Return the user of the first request that went under a certificate, from the API server's audit log."""
    line = cp1.run(f"grep -hFm1 %s {AUDIT_LOGS}", f"X509SHA256={certificate.fingerprint}").stdout
    return json.loads(line.splitlines()[0])["user"] if line else None


def sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))


def stop(story: Story) -> None:
    """Stop the kubelet; its certificate is now as old as it will be found."""
    story.stopped = time.time()
    story.node.output("systemctl stop kubelet")
    story.old = clients(story.node)[-1].certificate


def young(node: Host) -> bool:
    """Whether the certificate is far from the first moment of its rotation."""
    return clients(node)[-1].certificate.used_up(time.time()) < 0.68


def tell_of_the_sleeper(cp1: Host, story: Story) -> Story:
    """Stop below 70 % of the certificate's life, start above 90 %; meanwhile somebody else serves in its place."""
    node = story.node
    watch_rotations(cp1, story)
    samples.wait_for(f"{node.name} has a young certificate", lambda: young(node), 140, interval=0.5)
    stop(story)
    assert story.old is not None
    story.impostor = serve_as_impostor(cp1, node)
    lifetime = story.old.not_after - story.old.not_before
    sleep_until(story.old.not_before + 0.91 * lifetime)
    story.started = time.time()
    node.output("systemctl start kubelet")
    story.new, story.renewed = wait_for_new_certificate(node, story.old)
    story.back = samples.wait_for("ready again", lambda: ready(cp1, node), 120).at
    return story


def wait_for_new_certificate(node: Host, old: Certificate) -> tuple[Certificate, float]:
    def newest() -> samples.Seen | None:
        last = clients(node)[-1]
        return last if last.certificate != old else None

    seen = samples.wait_for(f"{node.name} has a new certificate", newest, 120, interval=0.5)
    return seen.certificate, seen.at


def serve_as_impostor(cp1: Host, node: Host) -> Any:
    """Serve the node's names from port 10250 with a certificate of another CA, and let the API server connect."""
    folder = f"{PROOF}/impostor"
    node.output(
        f"mkdir -p {folder} && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 1"
        f" -subj /O=system:nodes/CN=system:node:{node.name}"
        f" -addext subjectAltName=DNS:{node.name},IP:{node.address} -keyout {folder}/key -out {folder}/crt"
    )
    node.output(
        "systemd-run --quiet --unit=proof-impostor"
        f" openssl s_server -quiet -www -accept 10250 -key {folder}/key -cert {folder}/crt"
    )
    try:
        insecure = ("--insecure", f"https://{node.address}:10250/")
        samples.wait_for("the impostor serves", lambda: cp1.status(*insecure) == "200", 10)
        return cp1.kubectl("get", "--raw", f"/api/v1/nodes/{node.name}/proxy/healthz")
    finally:
        node.output(f"systemctl stop proof-impostor; rm -r {folder}")


def tell_of_the_expired(cp1: Host, story: Story) -> Story:
    """Stop until the certificate has expired: the kubelet stays out, and the join playbook brings it back."""
    node = story.node
    watch_rotations(cp1, story)
    stop(story)
    assert story.old is not None
    sleep_until(story.old.not_after + 1)
    story.started = time.time()
    node.run("systemctl start --no-block kubelet")
    words = f"journalctl --unit=kubelet --since=@{int(story.started)} --no-pager --output=cat"
    samples.wait_for("the kubelet has said something", lambda: "command failed" in node.output(words), 60)
    time.sleep(20)
    story.outside = {
        "ready": ready(cp1, node),
        "state": node.output("systemctl show --property=ActiveState,SubState --value kubelet"),
        "certificate": clients(node)[-1].certificate,
        "reason": node.output(words),
        "requests": requests_since(cp1, node, story.stopped),
    }
    join_again(story)
    story.new, story.renewed = wait_for_new_certificate(node, story.old)
    story.back = samples.wait_for("ready again", lambda: ready(cp1, node), 120).at
    return story


def requests_since(cp1: Host, node: Host, moment: float) -> list[str]:
    """Return the requests for a node's certificates that were made since a moment, whoever made them."""
    return [
        request["metadata"]["name"]
        for request in cp1.objects("certificatesigningrequests")["items"]
        if samples.moment(request["metadata"]["creationTimestamp"]) > moment
        and requested_name(base64.b64decode(request["spec"]["request"])) == f"system:node:{node.name}"
    ]


def join_again(story: Story) -> None:
    """Run the join playbook for one node, as a user would."""
    started = time.time()
    story.join = playbook("join", "--limit", story.node.name, "-vvvv", "--diff", log=RUN / "join.log")
    story.join_seconds = time.time() - started


@pytest.fixture(scope="session")
def stories(cp1: Host, workers: dict[str, Host]) -> Iterator[dict[str, concurrent.futures.Future[Story]]]:
    """Both stories, under way."""
    tellers = {SLEEPER: tell_of_the_sleeper, EXPIRED: tell_of_the_expired}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        told = {name: pool.submit(tell, cp1, Story(workers[name])) for name, tell in tellers.items()}
        yield told
        numbers = {name: figures(cp1, story.result()) for name, story in told.items() if not story.exception()}
    (RUN / "figures.json").write_text(json.dumps(numbers, indent=2))


def figures(cp1: Host, story: Story) -> dict[str, Any]:
    """Return what is worth knowing of a run, in seconds and parts of a lifetime."""

    def replaced(seen: list[samples.Seen]) -> list[float]:
        until = [entry.certificate for entry in seen if entry.at <= story.stopped]
        return [round(old.used_up(new.issued), 3) for old, new in zip(until, until[1:])]

    return {
        "client certificates replaced at": replaced(clients(story.node)),
        "serving certificates replaced at": replaced(servers(cp1, story.node)),
        "stopped at": round(story.old.used_up(story.stopped), 3) if story.old else None,
        "started at": round(story.old.used_up(story.started), 3) if story.old else None,
        "new certificate after": round(story.renewed - story.started, 1),
        "join playbook": round(story.join_seconds, 1),
        "samples of the node": len(samples.nodes(cp1, story.node)),
    }


@pytest.fixture(params=WORKERS)
def story(stories: dict[str, concurrent.futures.Future[Story]], request: pytest.FixtureRequest) -> Story:
    """The whole story of each worker in turn."""
    return stories[request.param].result()


@pytest.fixture
def sleeper(stories: dict[str, concurrent.futures.Future[Story]]) -> Story:
    return stories[SLEEPER].result()


@pytest.fixture
def expired(stories: dict[str, concurrent.futures.Future[Story]]) -> Story:
    return stories[EXPIRED].result()


def proved_clients(story: Story) -> list[samples.Seen]:
    """The client certificates up to the one that ended the wait; later ones may not have been used yet."""
    return [seen for seen in clients(story.node) if seen.at <= story.proved]


def request_of(cp1: Host, certificate: Certificate) -> dict[str, Any]:
    """Return the request that a certificate was issued for."""
    for request in cp1.objects("certificatesigningrequests")["items"]:
        if requested_key(base64.b64decode(request["spec"]["request"])) == certificate.public_key:
            return dict(request)
    raise AssertionError(f"no request of {certificate.common_name} for {certificate.fingerprint}")


def in_time(old: Certificate, request: dict[str, Any]) -> bool:
    """Whether a request was made within 70 to 90 % of a certificate's life; its time is cut to the second."""
    created = samples.moment(request["metadata"]["creationTimestamp"])
    return old.used_up(created + 1) >= 0.70 and old.used_up(created) <= 0.90


class TestRotation:
    """Each worker, from its join until its kubelet is stopped."""

    def test_the_client_certificate_was_replaced_twice(self, story: Story) -> None:
        seen = proved_clients(story)
        assert len(seen) >= 3
        assert len({entry.certificate.public_key for entry in seen}) == len(seen), "a key was used twice"

    def test_each_replacement_came_in_time(self, cp1: Host, story: Story) -> None:
        seen = [entry.certificate for entry in proved_clients(story)]
        for old, new in zip(seen, seen[1:]):
            request = request_of(cp1, new)
            assert request["spec"]["username"] == f"system:node:{story.node.name}"
            assert in_time(old, request)
            assert new.issued < old.not_after

    def test_the_serving_certificate_was_replaced_in_time(self, cp1: Host, story: Story) -> None:
        seen = [entry.certificate for entry in servers(cp1, story.node) if entry.at < story.stopped]
        assert len(seen) >= 2
        for old, new in zip(seen, seen[1:]):
            request = request_of(cp1, new)
            assert request["spec"]["signerName"] == "kubernetes.io/kubelet-serving"
            assert in_time(old, request)
            assert (new.dns_names, new.addresses) == ({story.node.name}, {story.node.address})
            assert new.usages == {SERVER_AUTH}

    def test_what_is_served_is_what_the_kubelet_has(self, cp1: Host, story: Story) -> None:
        wire = [entry.certificate.fingerprint for entry in servers(cp1, story.node) if entry.at < story.stopped]
        files = [entry.certificate.fingerprint for entry in samples.certificates(story.node, "server")]
        assert len(wire) >= 2
        assert files[: len(wire)] == wire

    def test_it_was_one_process(self, story: Story) -> None:
        first = proved_clients(story)[0].at
        seen = [(at, process) for at, process in samples.processes(story.node) if at < story.stopped]
        # What ran when the first certificate came, and all that came after.
        begin = max(index for index, (at, _process) in enumerate(seen) if at <= first)
        identity = ("MainPID", "ExecMainStartTimestampMonotonic", "NRestarts")
        running = {tuple(process[name] for name in identity) for _at, process in seen[begin:]}
        assert len(running) == 1, seen[begin:]

    def test_requests_went_under_each_certificate(self, cp1: Host, story: Story) -> None:
        for entry in proved_clients(story):
            user = use_of(cp1, entry.certificate)
            assert user["username"] == f"system:node:{story.node.name}"
            credential = user["extra"]["authentication.kubernetes.io/credential-id"]
            assert credential == [f"X509SHA256={entry.certificate.fingerprint}"]

    def test_the_node_was_ready_in_every_sample(self, cp1: Host, story: Story) -> None:
        seen = samples.nodes(cp1, story.node)
        joined = next(entry.at for entry in seen if entry.ready == "True")
        between = [entry for entry in seen if joined <= entry.at < story.stopped]
        assert {entry.ready for entry in between} == {"True"}
        assert len({entry.uid for entry in between}) == 1
        assert [error for error in samples.errors(cp1) if error[0] >= joined] == []
        # Samples without a gap, otherwise they prove nothing.
        assert len(between) > 0.5 * (story.stopped - joined)
        assert max(new.at - old.at for old, new in zip(between, between[1:])) < 10

    def test_the_metrics_agree(self, cp1: Host, story: Story) -> None:
        def current(seen: list[samples.Seen]) -> Certificate:
            return [entry.certificate for entry in seen if entry.at <= story.measured][-1]

        metrics = story.metrics
        for kind, seen in (("client", clients(story.node)), ("server", servers(cp1, story.node))):
            left = metrics[f"kubelet_certificate_manager_{kind}_ttl_seconds"]
            assert left == pytest.approx(current(seen).not_after - story.measured, abs=10)
        assert {name: metrics.get(name) for name in RENEW_ERRORS} == dict.fromkeys(RENEW_ERRORS, 0.0)


class TestSleeper:
    """A kubelet that is stopped before and started after the time of its rotation."""

    def test_it_slept_through_the_rotation(self, sleeper: Story) -> None:
        assert sleeper.old is not None
        assert sleeper.old.used_up(sleeper.stopped) < 0.70
        assert sleeper.old.used_up(sleeper.started) > 0.90
        assert sleeper.started < sleeper.old.not_after

    def test_it_has_a_new_certificate_within_a_minute(self, sleeper: Story) -> None:
        assert sleeper.renewed - sleeper.started < 60

    def test_it_is_the_same_node(self, cp1: Host, sleeper: Story) -> None:
        assert len({entry.uid for entry in samples.nodes(cp1, sleeper.node)}) == 1

    def test_the_api_server_refused_the_impostor(self, sleeper: Story) -> None:
        assert sleeper.impostor.rc != 0
        assert "certificate signed by unknown authority" in sleeper.impostor.stderr


class TestExpired:
    """A kubelet whose certificate has expired, and that has no token."""

    def test_it_stays_out(self, expired: Story) -> None:
        assert expired.old is not None
        assert expired.old.not_after < expired.started
        assert expired.outside["ready"] is None
        assert expired.outside["certificate"] == expired.old
        assert "active\nrunning" not in expired.outside["state"]
        assert NO_WAY_IN in expired.outside["reason"]
        assert expired.outside["requests"] == []

    def test_the_join_playbook_brings_it_back(self, expired: Story) -> None:
        assert expired.join == 0, (RUN / "join.log").read_text()[-3000:]
        assert expired.new is not None
        assert expired.back > expired.started

    def test_it_is_the_same_node(self, cp1: Host, expired: Story) -> None:
        assert len({entry.uid for entry in samples.nodes(cp1, expired.node)}) == 1

    def test_it_came_back_with_a_token(self, cp1: Host, expired: Story) -> None:
        assert expired.new is not None
        user = request_of(cp1, expired.new)["spec"]["username"]
        assert user.startswith("system:bootstrap:")

    def test_nothing_of_the_join_is_left(self, cp1: Host, expired: Story) -> None:
        assert left_of_joins(cp1, expired.node) == []
