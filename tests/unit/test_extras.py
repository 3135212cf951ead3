"""What docs/operations.md says may be added to the platform's tables is added to them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.plays import ansible_playbook

ROOT = Path(__file__).parents[2]
PLAY = """
- name: Put the tables together
  hosts: localhost
  gather_facts: false
  vars_files:
{files}
  vars:
    credentials_secrets: "{{{{ dict(_credentials_all | zip(_credentials_all)) }}}}"
    network_policies_api_server_addresses: [10.1.2.3]
    network_policies_api_server_port: 6443
    network_policies_node_addresses: [10.1.2.4]
    ingress_controller_name: kong
  tasks:
    - name: Resolve the table of flows
      ansible.builtin.include_role:
        name: trackunit.platform.network_policies
        tasks_from: resolve
    - name: Write everything down
      ansible.builtin.copy:
        dest: "{{{{ playbook_dir }}}}/made.json"
        mode: "0600"
        content: >-
          {{{{ {{'policies': network_policies_table | trackunit.platform.network_policies,
              'definitions': _rabbitmq_definitions | from_json,
              'secrets': _credentials_all, 'topics': _kafka_topics}} | to_json }}}}
"""
ROLES = ("rabbitmq", "kafka", "credentials")
KINDS = ("defaults", "vars")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    found = re.search(r"## Add to what the platform has\n.*?```yaml\n(.*?)```", page, re.DOTALL)
    assert found
    folder = tmp_path_factory.mktemp("extras")
    files = [ROOT / "roles" / role / kind / "main.yml" for role in ROLES for kind in KINDS]
    text = PLAY.format(files="".join(f"    - {file}\n" for file in files))
    (folder / "play.yml").write_text(text, encoding="utf-8")
    settings = {**yaml.safe_load(found[1]), "edge_client_cidrs": ["10.9.0.0/16"]}
    result = ansible_playbook(
        *("--inventory", ROOT / "inventory/local"),
        *("--extra-vars", json.dumps(settings), folder / "play.yml"),
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads((folder / "made.json").read_text(encoding="utf-8"))


def test_a_network_path(made: Any) -> None:
    (bridge,) = [
        policy
        for policy in made["policies"]
        if policy["metadata"]["name"] == "svc-messaging-bridge"
    ]
    (rule,) = [rule for rule in bridge["spec"]["egress"] if "ipBlock" in rule["to"][0]]
    assert rule == {
        "to": [{"ipBlock": {"cidr": "10.30.0.0/24"}}],
        "ports": [{"protocol": "TCP", "port": 443}],
    }


def test_a_topic(made: Any) -> None:
    assert {"name": "partner.events", "partitions": 4} in made["topics"]


def test_a_user_with_an_exchange_and_a_password(made: Any) -> None:
    definitions = made["definitions"]
    assert "partner.events" in [exchange["name"] for exchange in definitions["exchanges"]]
    (rights,) = [entry for entry in definitions["permissions"] if entry["user"] == "partner"]
    assert (rights["write"], rights["read"]) == ("^(partner\\.events)$", "^$")
    assert made["secrets"]["rabbitmq-partner"]["used_by"] == ["rabbitmq"]
