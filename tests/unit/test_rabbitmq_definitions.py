"""What RabbitMQ imports gives each service its own queues and nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import pytest
from ansible_collections.trackunit.platform.plugins.plugin_utils import rabbitmq as plugin
from ansible_collections.trackunit.platform.plugins.plugin_utils import services
from ansible_collections.trackunit.platform.plugins.plugin_utils.topology import topology as made

PASSWORDS = {
    "admin": "a",
    "graph-gateway": "g",
    "svc-messaging-bridge": "b",
    "svc-analysis-orchestrator": "o",
}


@pytest.fixture(scope="module")
def topology() -> Any:
    return made(services.described([name for name in PASSWORDS if name != "admin"]))


@pytest.fixture(scope="module")
def definitions(topology: Any) -> Any:
    return plugin.rabbitmq_definitions(topology, PASSWORDS, "salt")


def test_same_input_same_definitions(topology: Any, definitions: Any) -> None:
    assert plugin.rabbitmq_definitions(topology, PASSWORDS, "salt") == definitions


def test_the_order_of_the_services_changes_nothing(topology: Any, definitions: Any) -> None:
    turned = {
        key: dict(reversed(value.items())) if isinstance(value, dict) else value
        for key, value in topology.items()
    }
    turned["bindings"] = list(reversed(topology["bindings"]))
    assert plugin.rabbitmq_definitions(turned, PASSWORDS, "salt") == definitions


def test_another_salt_other_hashes(topology: Any, definitions: Any) -> None:
    other = plugin.rabbitmq_definitions(topology, PASSWORDS, "another")
    for user, twin in zip(definitions["users"], other["users"], strict=True):
        assert user["password_hash"] != twin["password_hash"]


def test_hash_is_what_rabbitmq_computes(definitions: Any) -> None:
    user = next(u for u in definitions["users"] if u["name"] == "graph-gateway")
    raw = base64.b64decode(user["password_hash"])
    assert raw[4:] == hashlib.sha256(raw[:4] + b"g").digest()


def test_only_the_administrator_is_one(definitions: Any) -> None:
    assert [u["name"] for u in definitions["users"] if u["tags"]] == ["admin"]


def test_services_may_touch_only_what_the_topology_names(topology: Any, definitions: Any) -> None:
    names = [q["name"] for q in definitions["queues"]]
    names += [e["name"] for e in definitions["exchanges"]]
    for permission in definitions["permissions"]:
        if permission["user"] == "admin":
            continue
        may = topology["users"][permission["user"]]
        for action in ("read", "write"):
            # RabbitMQ looks for the pattern anywhere in the name.
            allowed = {name for name in names if re.search(permission[action], name)}
            assert allowed == set(may[action]), (permission["user"], action)
        assert not any(re.search(permission["configure"], name) for name in names)
        assert not re.search(permission["write"], "analysisXcommands")


def test_bindings_name_what_is_there(definitions: Any) -> None:
    queues = {q["name"] for q in definitions["queues"]}
    exchanges = {e["name"] for e in definitions["exchanges"]}
    for binding in definitions["bindings"]:
        assert binding["source"] in exchanges
        assert binding["destination"] in queues


def test_a_missing_password_is_named(topology: Any) -> None:
    passwords = {**PASSWORDS, "graph-gateway": ""}
    with pytest.raises(plugin.DefinitionsError, match="graph-gateway"):
        plugin.rabbitmq_definitions(topology, passwords, "salt")
