"""The table of flows becomes policies that say exactly what it says."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.trackunit.platform.plugins.filter import network_flows as showing
from ansible_collections.trackunit.platform.plugins.filter import network_policies as plugin
from ansible_collections.trackunit.platform.plugins.filter import network_probes as probing
from ansible_collections.trackunit.platform.plugins.plugin_utils.network_table import (
    NetworkTableError,
)


@pytest.fixture
def table() -> dict[str, Any]:
    return {
        "workloads": {
            "edge": {"namespace": "door", "name": "traefik", "ports": [8443]},
            "shop": {"namespace": "shop", "ports": [8080]},
            "broker": {"namespace": "messaging", "ports": [5672]},
            "idle": {"namespace": "idle"},
            "left-out": {"namespace": "idle", "ports": [1], "enabled": False},
        },
        "peers": {
            "dns": {"namespace": "kube-system", "labels": {"k8s-app": "dns"}, "probe_ports": [53]},
            "clients": {"cidrs": ["172.18.0.0/16"]},
            "internet": {"cidrs": ["0.0.0.0/0"], "except": ["10.0.0.0/8"], "probe_ports": [443]},
        },
        "flows": [
            {"from": "clients", "to": "edge", "port": 8443, "why": "the door"},
            {"from": "edge", "to": "shop", "port": 8080, "why": "requests"},
            {"from": ["shop", "left-out"], "to": "broker", "port": 5672, "why": "events"},
            {"from": "shop", "to": "left-out", "port": 1, "why": "not installed"},
            {
                "from": ["shop"],
                "to": "dns",
                "port": 53,
                "protocol": ["UDP", "TCP"],
                "why": "names",
            },
        ],
    }


def policies(table: dict[str, Any], only: list[str] | None = None) -> dict[str, dict[str, Any]]:
    return {
        manifest["metadata"]["name"]: manifest for manifest in plugin.network_policies(table, only)
    }


def test_each_installed_workload_has_a_policy_in_its_namespace(table: dict[str, Any]) -> None:
    made = policies(table)
    assert set(made) == {"traefik", "shop", "broker", "idle"}
    assert made["shop"]["metadata"]["namespace"] == "shop"


def test_a_workload_without_flows_is_closed_both_ways(table: dict[str, Any]) -> None:
    idle = policies(table)["idle"]["spec"]
    assert idle["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in idle
    assert "egress" not in idle


def test_a_flow_opens_the_way_out_and_the_way_in(table: dict[str, Any]) -> None:
    made = policies(table)
    assert made["traefik"]["spec"]["egress"] == [
        {
            "to": [
                {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}},
                    "podSelector": {"matchLabels": {"app.kubernetes.io/name": "shop"}},
                }
            ],
            "ports": [{"protocol": "TCP", "port": 8080}],
        }
    ]
    source = made["shop"]["spec"]["ingress"][0]["from"][0]
    assert source["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "traefik"}}


def test_addresses_and_protocols_are_carried_over(table: dict[str, Any]) -> None:
    made = policies(table)
    assert made["traefik"]["spec"]["ingress"][0]["from"] == [{"ipBlock": {"cidr": "172.18.0.0/16"}}]
    dns = made["shop"]["spec"]["egress"][1]
    assert dns["ports"] == [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]


def test_only_names_the_policies_that_are_asked_for(table: dict[str, Any]) -> None:
    assert set(policies(table, ["shop", "left-out"])) == {"shop"}
    with pytest.raises(NetworkTableError, match="no workload shopp"):
        plugin.network_policies(table, ["shopp"])


def test_a_typing_error_in_a_flow_is_refused(table: dict[str, Any]) -> None:
    table["flows"].append({"from": "shop", "to": "brokre", "port": 5672, "why": "typo"})
    with pytest.raises(NetworkTableError, match="'brokre' is neither a workload nor a peer"):
        plugin.network_policies(table)


def test_a_port_that_nobody_listens_on_is_refused(table: dict[str, Any]) -> None:
    table["flows"].append({"from": "shop", "to": "broker", "port": 15672, "why": "admin"})
    with pytest.raises(NetworkTableError, match="does not listen on 15672"):
        plugin.network_policies(table)


def test_a_flow_without_a_port_is_to_the_only_one(table: dict[str, Any]) -> None:
    table["peers"]["partner"] = {"cidrs": ["10.9.0.0/16"], "ports": [9092, 9093]}
    table["flows"] += [
        {"from": "idle", "to": "broker", "why": "the broker listens on one port"},
        {"from": "idle", "to": "partner", "why": "a peer has the ports that are meant"},
    ]
    ports = [
        port["port"] for rule in policies(table)["idle"]["spec"]["egress"] for port in rule["ports"]
    ]
    assert sorted(ports) == [5672, 9092, 9093]
    table["workloads"]["broker"]["ports"] = [5672, 15692]
    with pytest.raises(NetworkTableError, match="names no port"):
        plugin.network_policies(table)


def test_the_order_of_the_table_changes_no_policy(table: dict[str, Any]) -> None:
    turned = {**table, "flows": list(reversed(table["flows"]))}
    assert policies(turned) == policies(table)


def test_a_reader_sees_what_is_installed(table: dict[str, Any]) -> None:
    lines = [line.split() for line in showing.network_flows(table)]
    assert lines[0] == ["clients", "->", "edge", "8443", "TCP", "the", "door"]
    assert lines[-1] == ["shop", "->", "dns", "53", "UDP/TCP", "names"]
    assert not any("left-out" in line for line in lines)


def test_probes_cover_every_pair_allowed_or_denied(table: dict[str, Any]) -> None:
    addresses = {
        "edge": ["10.1.0.1"],
        "shop": ["10.1.0.2"],
        "broker": ["10.1.0.3"],
        "dns": ["10.1.0.53"],
        "internet": ["1.1.1.1"],
    }
    probes = {probe["source"]: probe for probe in probing.network_probes(table, addresses)}
    assert set(probes) == {"edge", "shop", "broker", "idle", "stranger"}
    assert probes["edge"]["name"] == "traefik"
    reach = {
        source: {target["target"] for target in probe["targets"] if target["allowed"]}
        for source, probe in probes.items()
    }
    assert reach == {
        "edge": {"shop"},
        "shop": {"broker", "dns"},
        "broker": set(),
        "idle": set(),
        "stranger": set(),
    }
    denied = {target["target"] for target in probes["idle"]["targets"]}
    assert denied == {"edge", "shop", "broker", "dns", "internet"}


def pod(name: str, namespace: str, address: str, ready: str = "True") -> dict[str, Any]:
    return {
        "metadata": {"namespace": namespace, "labels": {"app.kubernetes.io/name": name}},
        "status": {"podIP": address, "conditions": [{"type": "Ready", "status": ready}]},
    }


def test_addresses_are_those_of_ready_pods_in_the_right_namespace(table: dict[str, Any]) -> None:
    pods = [
        pod("shop", "elsewhere", "10.1.0.1"),
        pod("shop", "shop", "10.1.0.2", ready="False"),
        pod("shop", "shop", "10.1.0.3"),
        pod("shop", "shop", "10.1.0.4"),
    ]
    assert probing.network_addresses(pods, table)["shop"] == ["10.1.0.3"]


def test_a_workload_without_a_ready_pod_is_not_passed_over(table: dict[str, Any]) -> None:
    with pytest.raises(NetworkTableError, match="no pod is ready of edge, broker"):
        probing.network_probes(table, {"shop": ["10.1.0.2"]})


def test_the_report_names_what_differs_and_what_did_not_answer() -> None:
    def probe(source: str, message: str) -> dict[str, Any]:
        return {
            "metadata": {"labels": {"trackunit.platform/network-probe": source}},
            "status": {"containerStatuses": [{"state": {"terminated": {"message": message}}}]},
        }

    found = (
        '{"allowed": 2, "denied": 3, "wrong": ['
        '{"target": "b", "host": "10.1.0.9", "port": 1, "allowed": true},'
        '{"target": "d", "host": "10.1.0.9", "port": 2, "allowed": false}]}'
    )
    report = probing.network_probe_report([probe("shop", found), probe("idle", "Traceback")])
    assert report["allowed"] == 2
    assert report["denied"] == 3
    assert [line.split()[0] for line in report["wrong"]] == ["idle", "shop", "shop"]
    assert "-> b" in report["wrong"][1]
    assert "MUST NOT" in report["wrong"][2]
