"""Pods, of the image that each host has."""

from __future__ import annotations

import json

from proofs.hosts import Host
from proofs.samples import wait_for

POD = "proof"
WORDS = "a pod has said this"


def logs_come(cluster: Host, node: str) -> None:
    """Run a Pod on a node, and have the API server ask its kubelet for the logs."""
    spec = {"spec": {"nodeName": node, "automountServiceAccountToken": False}}
    image = ["--image=localhost/busybox:latest", "--image-pull-policy=Never", "--restart=Never"]
    command = ["--command", "--", "/bin/sh", "-c", f"echo {WORDS}; exec sleep 3600"]
    started = cluster.kubectl("run", POD, *image, f"--overrides={json.dumps(spec)}", *command)
    assert started.rc == 0, started.stderr
    try:
        wait_for(f"logs of a Pod on {node}", lambda: cluster.kubectl("logs", POD).stdout.strip() == WORDS, 120)
        assert cluster.objects("pod", POD)["spec"]["nodeName"] == node
    finally:
        cluster.kubectl("delete", "pod", POD, "--force", "--grace-period=0")
