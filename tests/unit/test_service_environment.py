"""Environment variables of services: known from their settings classes, and nothing else taken."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from ansible_collections.trackunit.platform.plugins.plugin_utils import service_environment
from ansible_collections.trackunit.platform.plugins.plugin_utils.services import described

from tests.support.plays import ansible_playbook

ROOT = Path(__file__).parents[2]


def listed() -> list[str]:
    file = ROOT / "inventory/local/group_vars/all/services.yml"
    names: list[str] = yaml.safe_load(file.read_text(encoding="utf-8"))["platform_services"]
    return names


def test_names_are_those_of_the_class_and_its_bases() -> None:
    known = service_environment.known("svc-messaging-bridge")
    assert {"WINDOW", "KAFKA_GROUP", "DRAIN_SECONDS", "LOG_LEVEL", "RABBITMQ_HOST"} <= known
    assert "S3_BUCKET" not in known
    assert not any(name.startswith("_") or name == "MODEL_CONFIG" for name in known)


def test_what_the_platform_gives_a_service_is_known_to_it() -> None:
    connections = yaml.safe_load((ROOT / "roles/service/vars/main.yml").read_text("utf-8"))
    for name, service in described(listed()).items():
        given = {*service["settings"], *service["secrets"], "LOG_LEVEL", "HTTP_PORT"}
        for connection in service["connections"]:
            env = connections["_service_connections"][connection].get("env", {})
            given |= set(env if isinstance(env, dict) else {})
        assert given <= service_environment.known(name), name


def test_a_misspelt_name_is_answered_with_the_near_miss() -> None:
    given = {"svc-messaging-bridge": {"WINDO": 1, "WINDOW": 2}, "graph-gateway": {}}
    (said,) = service_environment.problems(given)
    assert said.startswith("svc_messaging_bridge_env names WINDO, which is no setting of svc-")
    assert "; did you mean WINDOW?" in said


def test_what_is_like_nothing_gets_no_guess() -> None:
    (said,) = service_environment.problems({"graph-gateway": {"XYZZY": 1}})
    assert "did you mean" not in said
    assert "apps/graph-gateway/src/graph_gateway/settings.py" in said


def test_it_is_refused_before_anything_changes() -> None:
    wrong = {"svc_messaging_bridge_env": {"WINDO": 1}, "graph_gateway_env": {"LOG_LEVEL": "DEBUG"}}
    result = ansible_playbook(
        *("--inventory", ROOT / "inventory/local"),
        *("--extra-vars", json.dumps(wrong), ROOT / "playbooks/settings.yml"),
    )
    assert result.returncode != 0
    assert "svc_messaging_bridge_env names WINDO" in result.stdout
    assert "graph_gateway_env" not in result.stdout
