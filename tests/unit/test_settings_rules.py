"""The first play of every command stops with all that is wrong with the settings."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.plays import ansible_playbook

ROOT = Path(__file__).parents[2]

SECRET = "a password that must not be shown"


def check(inventory: str = "local", **settings: Any) -> subprocess.CompletedProcess[str]:
    """The first play of site.yml, with ``settings`` on its command line."""
    return ansible_playbook(
        *("--inventory", ROOT / "inventory" / inventory),
        *("--extra-vars", json.dumps(settings), ROOT / "playbooks/settings.yml"),
    )


def wrong(result: subprocess.CompletedProcess[str], slips: int = 0) -> list[str]:
    """What was refused: names that are slips, and settings, each of which has an example."""
    assert result.returncode != 0, result.stdout
    _, _, message = result.stdout.partition("msg: |-")
    lines = [line.strip() for line in message.splitlines()]
    sentences = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
    for sentence in sentences[slips:]:
        assert "Example: " + sentence.split()[0] in sentence
    return [sentence.split()[0] for sentence in sentences]


EXTERNAL = {
    "identity_provider": "external",
    "kafka_provider": "external",
    "object_storage_provider": "external",
}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {
            "kind_cluster_workers": 0,
            "ingress_controller": "traefik",
            "supply": "packages",
            "oidc_issuer": "https://login.graphql.local/realms/another",
        },
        {
            "supply_ask": True,
            "supply_image_mirror": "127.0.0.1:5000/public",
            "supply_download_mirror": "http://127.0.0.1:8080/files",
            "supply_pins_file": "/etc/trackunit/pins.yml",
            "kind_cluster_registries": {
                "127.0.0.1:5000": {"url": "http://registry:5000"},
                "registry.example.com": {"url": "https://10.0.0.1", "ca_file": "/etc/ssl/own.pem"},
            },
        },
        {
            **EXTERNAL,
            "oidc_issuer": "https://login.microsoftonline.com/tenant/v2.0",
            "kafka_bootstrap_servers": "kafka.example.org:9093",
            "kafka_external_ports": [9093],
            "kafka_security_protocol": "SASL_SSL",
            "kafka_sasl_username": "trackunit",
            "object_storage_endpoint": "https://s3.example.org",
            "object_storage_public_endpoint": "https://s3.example.org",
            "credentials_given": {"kafka-sasl": SECRET, "object-storage-ingestion": SECRET},
        },
    ],
)
def test_settings_that_can_work_pass(settings: dict[str, Any]) -> None:
    result = check(**settings)
    assert result.returncode == 0, result.stdout + result.stderr


def test_what_an_external_provider_needs_is_asked_for_at_once() -> None:
    result = check(
        **EXTERNAL,
        kafka_security_protocol="SASL_SSL",
        kafka_external_ports=[0],
        kafka_external_cidrs=[],
    )
    assert wrong(result) == [
        "oidc_issuer",
        "kafka_bootstrap_servers",
        "kafka_sasl_username",
        "kafka_external_cidrs",
        "kafka_external_ports",
        "object_storage_endpoint",
        "credentials_given['kafka-sasl']",
        "credentials_given['object-storage-ingestion']",
    ]


def test_what_a_local_provider_does_not_take_is_refused() -> None:
    result = check(
        supply="packages",
        ingress_controller="kong",
        oidc_issuer="https://login.example.org/realms/trackunit",
        kafka_bootstrap_servers="kafka.example.org:9092",
        kafka_security_protocol="SSL",
        object_storage_endpoint="https://s3.example.org",
        object_storage_public_endpoint="https://s3.example.org",
    )
    assert wrong(result) == [
        "ingress_controller",
        "oidc_issuer",
        "kafka_bootstrap_servers",
        "kafka_security_protocol",
        "object_storage_endpoint",
        "object_storage_public_endpoint",
    ]


def test_mirrors_are_hosts_and_urls() -> None:
    result = check(
        supply_ask="perhaps",
        supply_image_mirror="https://mirror.example.com",
        supply_download_mirror="http://mirror.example.com",
        supply_pins_file="pins.yml",
        kind_cluster_registries={"registry.example.com": {"address": "https://10.0.0.1"}},
    )
    assert wrong(result) == [
        "kind_cluster_registries",
        "supply_ask",
        "supply_image_mirror",
        "supply_download_mirror",
        "supply_pins_file",
    ]


def test_secrets_that_nobody_uses_or_guesses_are_refused_and_not_shown() -> None:
    given = {
        "keycloak-user-carol": SECRET,
        "keycloak-user-alice": "!",
        "correlation-key": "a password that is too short",
    }
    result = check(credentials_given=given)
    assert wrong(result) == [
        "credentials_given",
        "credentials_given['correlation-key']",
        "credentials_given['keycloak-user-alice']",
    ]
    assert "too short" not in result.stdout + result.stderr
    assert "!" not in result.stdout.replace("FAILED!", "")
    assert "keycloak-user-carol" in result.stdout
    assert "keycloak-user-alice" in result.stdout  # among those that there are
    assert SECRET not in result.stdout + result.stderr


def test_an_existing_cluster_is_asked_for(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    result = check("existing", platform_kubeconfig=str(kubeconfig))
    assert wrong(result) == ["platform_kubeconfig", "image_registry", "edge_client_cidrs"]
    kubeconfig.write_text(
        "clusters: [{name: one}]\ncontexts: [{name: one}]\ncurrent-context: one\n",
        encoding="utf-8",
    )
    result = check(
        "existing",
        platform_kubeconfig=str(kubeconfig),
        image_registry="registry.example.com:5000/trackunit",
        edge_client_cidrs=["10.20.0.0/16"],
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_what_could_only_fail_later_is_refused(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("{", encoding="utf-8")
    result = check(
        "existing",
        platform_kubeconfig=str(kubeconfig),
        image_registry="registry.example.com",
        edge_client_cidrs=["10.20.0.0/16"],
        front_door_host="10.0.0.1",
        storage_host=f"{'x' * 64}.graphql.local",
        login_host="login.example.org",
    )
    assert wrong(result) == [
        "platform_kubeconfig",
        "front_door_host",
        "storage_host",
        "login_host",
    ]
    with socket.create_server(("127.0.0.1", 0)) as server:
        result = check(
            kind_cluster_pod_subnet="10.96.0.0/16",
            kind_cluster_api_server_port=server.getsockname()[1],
            platform_name="of-a-test-that-has-no-cluster",
        )
    assert wrong(result) == ["kind_cluster_pod_subnet", "kind_cluster_api_server_port"]


def test_a_setting_of_one_service_is_checked_like_the_others() -> None:
    result = check(
        graph_gateway_env={"log-level": "DEBUG"},
        svc_messaging_bridge_replicas=0,
        svc_analysis_orchestrator_resources={"requests": {"memory": "much"}},
    )
    assert wrong(result) == [
        "svc_messaging_bridge_replicas",
        "svc_analysis_orchestrator_resources",
        "graph_gateway_env",
    ]


def test_a_misspelt_setting_is_refused_with_what_was_meant() -> None:
    result = check(platform_domian="example.org")
    assert result.returncode != 0
    assert "platform_domian is no setting. Is platform_domain meant?" in result.stdout
    # A user's own variables are not refused, and one that looks like a slip can be named.
    result = check(
        team_domain="example.org",
        platform_domian="example.org",
        settings_own_names=["platform_domian"],
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_misspelt_setting_in_an_inventory_is_named_instead_of_all_that_need_it(
    tmp_path: Path,
) -> None:
    shutil.copytree(ROOT / "inventory/local", tmp_path / "own")
    file = tmp_path / "own/group_vars/all/front_door.yml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("platform_domain:", "platform_domian:"), encoding="utf-8")
    result = check(str(tmp_path / "own"))
    assert wrong(result, slips=1) == ["platform_domian", "platform_domain"]


def test_a_setting_that_cannot_be_worked_out_is_named_with_the_reason() -> None:
    result = check(login_host="{{ login_hots }}", credentials_given="{{ lookup('file', '/none') }}")
    assert wrong(result) == ["login_host", "oidc_issuer", "credentials_given"]
    assert "'login_hots' is undefined" in result.stdout
