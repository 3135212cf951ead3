"""What the inventory says about the network is what the policies say; nothing beats it silently."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.plays import ansible_playbook

ROOT = Path(__file__).parents[2]

SETTINGS = {
    "network_policies_api_server_addresses": ["10.1.2.3"],
    "network_policies_api_server_port": 8443,
    "network_policies_node_addresses": ["10.1.2.4", "10.1.2.5"],
    "edge_client_cidrs": ["10.9.0.0/16"],
    "network_policies_peers_extra": {"partner": {"cidrs": ["10.8.0.0/16"], "ports": [9443]}},
    "network_policies_workloads_extra": {"mirror": {"namespace": "mirror", "ports": [8080]}},
    "network_policies_flows_extra": [
        {"from": "svc-messaging-bridge", "to": "partner", "why": "the partner's own events"},
        {"from": "mirror", "to": "kafka", "why": "copies topics"},
    ],
    "ingress_controller_name": "kong",
    # No cluster answers there: a table whose addresses are given asks none.
    "platform_kubeconfig": "/nowhere/kubeconfig",
}

PLAY = [
    {
        "name": "Put the table together",
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [
            {
                "name": "Resolve",
                "ansible.builtin.include_role": {
                    "name": "trackunit.platform.network_policies",
                    "tasks_from": "resolve",
                },
            },
            {
                "name": "Write it down",
                "ansible.builtin.copy": {
                    "dest": "{{ inventory_dir }}/table.json",
                    "mode": "0600",
                    "content": "{{ network_policies_table | to_json }}",
                },
            },
        ],
    }
]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("network")
    settings = folder / "group_vars/all"
    settings.mkdir(parents=True)
    for file in (ROOT / "inventory/local/group_vars/all").iterdir():
        (settings / file.name).symlink_to(file)
    # Group variables, as a user's: extra variables would beat everything.
    (settings / "own.yml").write_text(yaml.safe_dump(SETTINGS), encoding="utf-8")
    (folder / "hosts.yml").write_text((ROOT / "inventory/local/hosts.yml").read_text("utf-8"))
    (folder / "play.yml").write_text(json.dumps(PLAY), encoding="utf-8")
    result = ansible_playbook(
        *("--inventory", folder / "hosts.yml", folder / "play.yml"),
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads((folder / "table.json").read_text(encoding="utf-8"))


def test_given_addresses_are_not_discovered(table: Any) -> None:
    assert table["peers"]["api-server"]["cidrs"] == ["10.1.2.3/32"]
    assert table["peers"]["api-server"]["ports"] == [8443]
    assert table["peers"]["nodes"]["cidrs"] == ["10.1.2.4/32", "10.1.2.5/32"]
    assert table["peers"]["edge-clients"]["cidrs"] == ["10.9.0.0/16"]


def test_the_inventory_adds_workloads_peers_and_flows(table: Any) -> None:
    assert table["peers"]["partner"]["ports"] == [9443]
    assert table["workloads"]["mirror"] == {"namespace": "mirror", "ports": [8080]}
    pairs = [(flow["from"], flow["to"]) for flow in table["flows"]]
    assert ("svc-messaging-bridge", "partner") in pairs
    assert ("mirror", "kafka") in pairs


def test_parts_and_services_are_in_one_table(table: Any) -> None:
    assert {"edge", "rabbitmq", "graph-gateway", "svc-ai-vision-adapter"} <= set(table["workloads"])
    pairs = [(flow["from"], flow["to"]) for flow in table["flows"]]
    assert ("oauth2-proxy", "graph-gateway") in pairs
    assert ("svc-ai-vision-adapter", "object-storage") in pairs
