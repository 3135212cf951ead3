"""The rules know every setting of the inventories, and stop the play with all that is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ANSIBLE_PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"

# Follows from other settings; not for users.
DERIVED = "derived.yml"

SECRET = "a password that must not be shown"


def read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def test_every_setting_has_a_rule() -> None:
    settings = {
        name
        for file in ROOT.glob("inventory/*/group_vars/all/*.yml")
        if file.name != DERIVED
        for name in read(file)
    }
    rules = {rule["name"] for rule in read(ROOT / "roles/settings/vars/main.yml")["settings_rules"]}
    assert "platform_name" in settings
    # The list of services is checked with their descriptions.
    assert settings - rules == {"platform_services"}


def check(inventory: str = "local", **settings: Any) -> subprocess.CompletedProcess[str]:
    """The first play of site.yml, with ``settings`` on its command line."""
    return subprocess.run(
        [
            *(ANSIBLE_PLAYBOOK, "--inventory", ROOT / "inventory" / inventory),
            *("--extra-vars", json.dumps(settings), ROOT / "playbooks/settings.yml"),
        ],
        cwd=ROOT,
        env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True,
        text=True,
        check=False,
    )


def wrong(result: subprocess.CompletedProcess[str]) -> list[str]:
    """The names of the settings that were refused, each of which stands with an example."""
    assert result.returncode != 0, result.stdout
    _, _, message = result.stdout.partition("msg: |-")
    lines = [line.strip() for line in message.splitlines()]
    sentences = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
    for sentence in sentences:
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
        "credentials_given['kafka-sasl']",
        "kafka_external_cidrs",
        "kafka_external_ports",
        "object_storage_endpoint",
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
        "supply_ask",
        "supply_image_mirror",
        "supply_download_mirror",
        "supply_pins_file",
        "kind_cluster_registries",
    ]


def test_secrets_that_nobody_uses_are_refused_and_not_shown() -> None:
    result = check(credentials_given={"keycloak-user-carol": SECRET, "correlation-key": "short"})
    assert wrong(result) == ["credentials_given", "credentials_given['correlation-key']"]
    assert "keycloak-user-carol" in result.stdout
    assert "keycloak-user-alice" in result.stdout  # among those that there are
    assert SECRET not in result.stdout + result.stderr


def test_an_existing_cluster_is_asked_for(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    result = check("existing", platform_kubeconfig=str(kubeconfig))
    assert wrong(result) == ["image_registry", "edge_client_cidrs", "platform_kubeconfig"]
    kubeconfig.touch()
    result = check(
        "existing",
        platform_kubeconfig=str(kubeconfig),
        image_registry="registry.example.com:5000/trackunit",
        edge_client_cidrs=["10.20.0.0/16"],
    )
    assert result.returncode == 0, result.stdout + result.stderr
