"""What the inventory says of the nodes, written by hand."""

from __future__ import annotations

from proofs.nodes import Marks

WORKERS = ("w1", "w2")
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
# All nodes; the control plane runs a kubelet too.
MARKS = {
    "cp1": Marks({CONTROL_PLANE: ""}, {(CONTROL_PLANE, "", "NoSchedule")}),
    "w1": Marks({}, set()),
    "w2": Marks(
        {"topology.kubernetes.io/zone": "b", "node-role.kubernetes.io/batch": ""},
        {("example.org/batch", "yes", "NoSchedule")},
    ),
}
