"""What a service's description brings, from its role alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.trackunit.platform.plugins.filter.services import services_tagged
from ansible_collections.trackunit.platform.plugins.plugin_utils import services
from ansible_collections.trackunit.platform.plugins.plugin_utils.network_table import flows_of
from ansible_collections.trackunit.platform.plugins.plugin_utils.services import ServiceError
from ansible_collections.trackunit.platform.plugins.plugin_utils.topology import topology

CONNECTIONS = {
    "rabbitmq": {
        "flows": [{"to": "rabbitmq", "port": 5672}],
        "secrets": {
            "RABBITMQ_PASSWORD": {
                "name": "rabbitmq-<service>",
                "alphabet": "text",
                "length": 32,
                "also": ["rabbitmq"],
            }
        },
    },
    "store": {
        "flows": [{"to": "store"}, {"to": "store-external"}],
        "secrets": {"STORE_KEY": {"name": "store"}},
    },
    "log": {"secrets": {"LOG_TOKEN": {"name": "log", "optional": True}}},
}


ROOT = Path(__file__).parents[2]
LIST = ROOT / "inventory/local/group_vars/all/services.yml"
SERVICES = yaml.safe_load(LIST.read_text(encoding="utf-8"))["platform_services"]
SERVICE_ROLES = [services.role_of(name) for name in SERVICES]


def put(root: Path, file: str, content: Any) -> None:
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_text(yaml.safe_dump(content), encoding="utf-8")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path, "roles/service/vars/main.yml", {"_service_connections": CONNECTIONS})
    shop = {
        "connections": {"rabbitmq": "what was sold", "store": "keeps receipts"},
        "flows": [{"from": "door", "why": "requests"}, {"to": "bank", "port": 443, "why": "pays"}],
        "secrets": {"BANK_TOKEN": {"name": "bank", "alphabet": "hex", "length": 64}},
    }
    put(tmp_path, "roles/svc_shop/vars/main.yml", {"_svc_shop_description": shop})
    put(tmp_path, "roles/svc_idle/vars/main.yml", {"_svc_idle_description": {}})
    return tmp_path


def test_connections_bring_flows_and_whoever_asks_nobody_gets_no_dns(root: Path) -> None:
    said = services.described(["svc-shop", "svc-idle"], root=root)
    flows = [(flow["from"], flow["to"], flow.get("port")) for flow in said["svc-shop"]["flows"]]
    assert flows == [
        ("svc-shop", "rabbitmq", 5672),
        ("svc-shop", "store", None),
        ("svc-shop", "store-external", None),
        ("door", "svc-shop", None),
        ("svc-shop", "bank", 443),
        ("svc-shop", "kube-dns", 53),
    ]
    assert said["svc-shop"]["flows"][0]["why"] == "what was sold"
    assert said["svc-idle"]["flows"] == []


def test_the_table_holds_parts_and_services(root: Path) -> None:
    parts = {
        "workloads": {
            "door": {"namespace": "door", "ports": [8443]},
            "rabbitmq": {"namespace": "messaging", "ports": [5672, 15692]},
            "store": {"namespace": "store", "ports": [7070], "enabled": False},
        },
        "peers": {
            "store-external": {"cidrs": ["10.9.0.0/16"], "ports": [9000]},
            "bank": {"cidrs": ["10.8.0.0/16"]},
            "kube-dns": {"namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}},
        },
        "flows": [],
    }
    table = services.network_table(parts, services.described(["svc-shop"], root=root))
    assert table["workloads"]["svc-shop"] == {"namespace": "svc-shop", "ports": [8080]}
    assert [(flow["from"], flow["to"], flow["ports"]) for flow in flows_of(table)] == [
        ("svc-shop", "rabbitmq", [5672]),
        ("svc-shop", "store-external", [9000]),
        ("door", "svc-shop", [8080]),
        ("svc-shop", "bank", [443]),
        ("svc-shop", "kube-dns", [53]),
    ]


def test_secrets_are_generated_and_know_who_uses_them(root: Path) -> None:
    parts = {"store": {"alphabet": "text", "length": 40, "used_by": ["object_storage"]}}
    extra = {"token": {"alphabet": "hex", "length": 8, "used_by": ["svc_idle"]}}
    made = services.platform_secrets(parts, services.described(["svc-shop"], root=root), extra)
    assert {name: secret["used_by"] for name, secret in made.items()} == {
        "store": ["object_storage", "svc_shop"],
        "token": ["svc_idle"],
        "rabbitmq-svc-shop": ["rabbitmq", "svc_shop"],
        "bank": ["svc_shop"],
    }
    assert made["bank"]["length"] == 64
    assert parts["store"]["used_by"] == ["object_storage"]


def test_secret_environment(root: Path) -> None:
    put(
        root,
        "roles/svc_idle/vars/main.yml",
        {"_svc_idle_description": {"connections": {"log": "why not", "store": "why"}}},
    )
    idle = services.described(["svc-idle"], root=root)["svc-idle"]
    assert services.secret_environment(idle, {"store": "s"}) == {"STORE_KEY": "s"}
    assert services.secret_environment(idle, {"store": "s", "log": "l"})["LOG_TOKEN"] == "l"
    with pytest.raises(ServiceError, match="svc-idle: STORE_KEY: no secret is called store"):
        services.secret_environment(idle, {})


def test_a_connection_of_the_inventory(root: Path) -> None:
    put(
        root,
        "roles/svc_idle/vars/main.yml",
        {"_svc_idle_description": {"connections": {"partner": "asks"}}},
    )
    extra = {"partner": {"flows": [{"to": "partner", "port": 443}]}}
    (first, _) = services.described(["svc-idle"], extra, root)["svc-idle"]["flows"]
    assert first == {"from": "svc-idle", "to": "partner", "port": 443, "why": "asks"}


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"conections": {}}, "names conections, .* did you mean connections"),
        ({"connections": {"rabitmq": "x"}}, "names rabitmq, .* did you mean rabbitmq"),
        ({"flows": [{"too": "bank"}]}, "flows names too"),
        ({"port": "{{ port }}"}, "cannot hold templates"),
        (None, "has no mapping _svc_idle_description"),
    ],
)
def test_a_mistake_in_a_description_is_refused(root: Path, said: Any, says: str) -> None:
    put(root, "roles/svc_idle/vars/main.yml", {"_svc_idle_description": said})
    with pytest.raises(ServiceError, match=says):
        services.described(["svc-idle"], root=root)


def test_a_service_without_a_role_is_refused_with_the_command_that_makes_one(root: Path) -> None:
    with pytest.raises(ServiceError, match="make new-service NAME=svc-new"):
        services.described(["svc-new"], root=root)


def test_rabbitmq_and_its_topology_go_together() -> None:
    real = services.described(["svc-messaging-bridge", "tu-ingestion-service"])
    real["svc-messaging-bridge"]["connections"].remove("rabbitmq")
    with pytest.raises(ServiceError, match="of no use without the connection rabbitmq"):
        topology(real)
    real["svc-messaging-bridge"]["connections"].append("rabbitmq")
    real["tu-ingestion-service"]["connections"].append("rabbitmq")
    with pytest.raises(ServiceError, match="connection rabbitmq needs apps/tu-ingestion-service"):
        topology(real)


def test_the_inventory_adds_users_exchanges_and_topics() -> None:
    made = topology(
        services.described(["graph-gateway"]),
        {"partner": {"writes": ["partner_events"]}},
        {
            "exchanges": {"partner_events": {"name": "partner.events", "type": "fanout"}},
            "topics": {"partner_log": {"name": "partner.log", "partitions": 1}},
        },
    )
    assert made["users"]["partner"] == {"write": ["partner.events"], "read": []}
    assert made["topics"]["partner_log"]["name"] == "partner.log"
    assert set(made["users"]) == {"graph-gateway", "partner"}


def test_tags_pick_services() -> None:
    names = ["svc-a", "svc-b"]
    assert services_tagged(names, ["all"], []) == names
    assert services_tagged(names, ["all"], ["svc_a"]) == ["svc-b"]
    assert services_tagged(names, ["rabbitmq", "svc_b"], []) == ["svc-b"]
    assert services_tagged(names, ["rabbitmq"], []) == []


@pytest.mark.parametrize(
    "role",
    [
        "service",
        "credentials",
        "network_policies",
        "namespaces",
        "rabbitmq",
        "kafka",
        *SERVICE_ROLES,
    ],
)
def test_nothing_that_beats_the_inventory_is_called_like_a_setting(role: str) -> None:
    variables = yaml.safe_load((ROOT / f"roles/{role}/vars/main.yml").read_text(encoding="utf-8"))
    assert [name for name in variables if not name.startswith("_")] == []
