# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in the configurations of the kubelet and kube-proxy, and which labels a kubelet may set itself."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.component_config import (
    checked_config,
    config_problems,
    is_kubelet_label,
    kubelet_labels,
    merge,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.component_fields import (
    FEATURE_GATES,
    FIELDS,
    MINORS,
)
from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError

KUBELET = "KubeletConfiguration"
PROXY = "KubeProxyConfiguration"
OWNED = ["rotateCertificates", "authentication.x509.clientCAFile"]


def config(overrides: dict[str, Any], version: str = "1.37.2", kind: str = KUBELET) -> dict[str, Any]:
    base = {"kind": kind, "authentication": {"x509": {"clientCAFile": "/ca"}, "webhook": {"enabled": True}}}
    return checked_config(kind, base, overrides, version, OWNED)


def test_every_field_belongs_to_a_known_struct_and_version() -> None:
    for fields in FIELDS.values():
        for kind, first, last in fields.values():
            assert kind.lstrip("[]") in {*FIELDS, "bool", "int", "float", "string", "duration", "map", ""}
            assert min(MINORS) <= first <= last <= max(MINORS)


def test_gates_are_named_once_for_a_version() -> None:
    for minor in MINORS:
        names = [
            name for (first, last), text in FEATURE_GATES.items() if first <= minor <= last for name in text.split()
        ]
        assert len(names) == len(set(names)) > 100


def test_mappings_are_merged_lists_replaced_and_null_removes() -> None:
    base = {"a": {"b": 1, "c": 2}, "d": [1], "e": 5}
    assert merge(base, {"a": {"b": 3}, "d": [2], "e": None}) == {"a": {"b": 3, "c": 2}, "d": [2]}
    assert base["a"] == {"b": 1, "c": 2}


def test_known_fields_are_taken_at_any_depth() -> None:
    merged = config({"maxPods": 50, "authentication": {"webhook": {"cacheTTL": "1m"}}})
    assert merged["maxPods"] == 50
    assert merged["authentication"]["webhook"] == {"enabled": True, "cacheTTL": "1m"}
    assert merged["authentication"]["x509"] == {"clientCAFile": "/ca"}


@pytest.mark.parametrize(
    ("overrides", "near"),
    [
        ({"maxpods": 5}, "maxPods"),
        ({"rotateServerCertificates": True}, "rotateCertificates"),
        ({"authentication": {"webhook": {"cacheTtl": "1m"}}}, "cacheTTL"),
        ({"shutdownGracePeriodByPodPriority": [{"priorty": 1}]}, "priority"),
        ({"logging": {"options": {"json": {"splitstream": True}}}}, "splitStream"),
    ],
)
def test_a_misspelt_field_is_refused_with_the_nearest(overrides: dict[str, Any], near: str) -> None:
    with pytest.raises(InputError, match=f"did you mean '{near}'"):
        config(overrides)


@pytest.mark.parametrize("key", ["imagePullProgressDeadline", 5, ""])
def test_what_is_near_to_nothing_is_refused_too(key: Any) -> None:
    with pytest.raises(InputError, match="there is no field"):
        config({key: 1})


def test_fields_go_by_version() -> None:
    news = [name for name, (_kind, first, _last) in FIELDS[KUBELET].items() if first > min(MINORS)]
    assert news
    for name in news:
        config({name: None})
        with pytest.raises(InputError, match=r"1\.34"):
            config({name: None}, "1.34.4")


@pytest.mark.parametrize(
    "overrides",
    [
        {"rotateCertificates": False},
        {"rotateCertificates": None},
        {"authentication": {"x509": {"clientCAFile": "/other"}}},
        {"authentication": {"x509": None}},
        {"authentication": None},
    ],
)
def test_fields_of_the_pki_are_refused_their_parents_too(overrides: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="belongs to the PKI"):
        config(overrides)


def test_tls_may_be_raised_not_lowered() -> None:
    assert checked_config(KUBELET, {}, {"tlsMinVersion": "VersionTLS13"}, "1.37.2")
    for version in ("VersionTLS10", "VersionTLS11"):
        with pytest.raises(InputError, match=f"tlsMinVersion must not be {version}"):
            checked_config(KUBELET, {}, {"tlsMinVersion": version}, "1.37.2")


def test_gates_are_checked_by_version() -> None:
    assert config({"featureGates": {"AllAlpha": False, "RotateKubeletServerCertificate": True}})["featureGates"]
    with pytest.raises(
        InputError, match=r"'RotateKubeletClientCertificate' in Kubernetes 1\.37, did you mean 'RotateKubeletS"
    ):
        config({"featureGates": {"RotateKubeletClientCertificate": True}})
    with pytest.raises(InputError, match=r"1\.34"):
        config({"featureGates": {"PodsAPI": True}}, "1.34.4")


@pytest.mark.parametrize("gates", [["AllAlpha"], {"AllAlpha": "true"}])
def test_gates_are_a_mapping_of_booleans(gates: Any) -> None:
    with pytest.raises(InputError, match="a mapping"):
        config({"featureGates": gates})


@pytest.mark.parametrize("version", ["1.33.0", "1.99.1", "2.0", "latest", ""])
def test_other_versions_are_refused(version: str) -> None:
    with pytest.raises(InputError, match=r"1\.34 to 1\.37"):
        config({}, version)


def test_kube_proxy_has_fields_of_its_own() -> None:
    checked_config(PROXY, {}, {"conntrack": {"maxPerCore": 0}, "clientConnection": {"qps": 10}}, "1.36.0")
    with pytest.raises(InputError, match=r"KubeProxyConfiguration of Kubernetes 1\.36, conntrack"):
        checked_config(PROXY, {}, {"conntrack": {"maxPods": 0}}, "1.36.0")


@pytest.mark.parametrize(
    ("key", "allowed"),
    [
        ("zone", True),
        ("example.com/disk", True),
        ("notkubernetes.io/disk", True),
        ("kubernetes.io/hostname", True),
        ("topology.kubernetes.io/zone", True),
        ("node.kubernetes.io/pool", True),
        ("team.node.kubernetes.io/pool", True),
        ("kubelet.kubernetes.io/x", True),
        ("node-role.kubernetes.io/worker", False),
        ("node-restriction.kubernetes.io/x", False),
        ("kubernetes.io/role", False),
        ("k8s.io/x", False),
        ("sigs.k8s.io/x", False),
    ],
)
def test_labels_that_a_kubelet_may_set_itself(key: str, allowed: bool) -> None:
    assert is_kubelet_label(key) is allowed


def test_labels_are_sorted_and_texts() -> None:
    assert list(kubelet_labels({"b": 1, "a": True, "k8s.io/c": "x"}).items()) == [("a", "True"), ("b", "1")]


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("maxPods", [110], ["110", 1.5, True, [110]]),
        ("failSwapOn", [False], ["false", 0, "no"]),
        ("cgroupDriver", ["systemd"], [1, True, ["systemd"]]),
        ("syncFrequency", ["1m", "1h30m", "0", "1.5s"], [60, "60", "1d", "1 m", ""]),
        ("evictionHard", [{"memory.available": "5%"}], [["memory.available"], "5%"]),
        ("clusterDNS", [["10.96.0.10"], []], ["10.96.0.10", [10]]),
        ("containerLogMaxSize", ["10Mi"], [10]),
        ("logging", [{"verbosity": 2}], ["json", {"verbosity": "2"}, {"format": 1}]),
        ("shutdownGracePeriodByPodPriority", [[{"priority": 1}]], [{"priority": 1}, [{"priority": "1"}], ["x"]]),
    ],
)
def test_values_have_the_type_of_the_field(field: str, good: list[Any], bad: list[Any]) -> None:
    for value in [*good, None]:
        assert config_problems(KUBELET, {field: value}, "1.37.2") == []
    for value in bad:
        (problem,) = config_problems(KUBELET, {field: value}, "1.37.2")
        assert field in problem
        assert "wanted" in problem


def test_all_that_is_wrong_is_said() -> None:
    wrong = {"maxpods": 1, "failSwapOn": "no", "rotateCertificates": None, "featureGates": {"X": True, "Y": 1}}
    assert len(config_problems(KUBELET, wrong, "1.37.2", OWNED)) == 6
