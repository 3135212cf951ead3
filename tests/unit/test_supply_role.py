"""What the plays make of the supply: the front door that is taken, what is left out, what stops."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.hosts import closed_host
from tests.support.plays import ansible_playbook

ROOT = Path(__file__).parents[2]
KONG = {"kong": "docker.io/library/kong:1", "kong-ingress-controller": "docker.io/kong/kic:1"}


def play(
    folder: Path, *tasks: dict[str, Any], inventory: str = "local", **settings: Any
) -> subprocess.CompletedProcess[str]:
    """A play of these tasks with the inventory's settings."""
    file = folder / "play.yml"
    file.write_text(yaml.safe_dump([{"hosts": "localhost", "tasks": list(tasks)}]))
    return ansible_playbook(
        *("--inventory", ROOT / "inventory" / inventory),
        *("--extra-vars", json.dumps(settings), file),
        environment={"NO_PROXY": "127.0.0.1,localhost"},
    )


def value_of(folder: Path, name: str, inventory: str = "local", **settings: Any) -> Any:
    """What a variable of the inventory is with these settings."""
    task = {"copy": {"content": f"{{{{ {name} | to_json }}}}", "dest": str(folder / "value")}}
    result = play(folder, task, inventory=inventory, **settings)
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads((folder / "value").read_text())


@pytest.mark.parametrize(
    ("settings", "door"),
    [
        ({}, "traefik"),
        ({"supply_images": KONG}, "kong"),
        ({"supply_images": {"kong": "docker.io/library/kong:1"}}, "traefik"),
        ({"supply_images": KONG, "ingress_controller": "traefik"}, "traefik"),
        ({"supply_images": {}, "ingress_controller": "kong"}, "kong"),
    ],
)
def test_kong_is_the_door_wherever_it_and_its_controller_can_be_had(
    tmp_path: Path, settings: dict[str, Any], door: str
) -> None:
    assert value_of(tmp_path, "ingress_controller_name", **settings) == door


@pytest.mark.parametrize(
    ("settings", "inventory", "left_out"),
    [
        ({}, "local", set()),
        ({"supply": "registry"}, "local", {"traefik"}),
        ({"ingress_controller": "kong"}, "local", {"traefik"}),
        ({"ingress_controller": "traefik"}, "local", {"kong", "kong-ingress-controller"}),
        (
            {},
            "existing",
            {"kind", "kind-node", "cloud-provider-kind", "envoy", "kube-router-image"},
        ),
        (
            {
                "kafka_provider": "external",
                "identity_provider": "external",
                "object_storage_provider": "external",
            },
            "local",
            {"kafka", "keycloak", "object-storage"},
        ),
    ],
)
def test_what_the_settings_do_not_use_is_left_out(
    tmp_path: Path, settings: dict[str, Any], inventory: str, left_out: set[str]
) -> None:
    found = value_of(tmp_path, "platform_parts_left_out", inventory, **settings)
    assert set(found) == left_out


def test_a_door_that_cannot_be_had_is_refused_with_the_reason(tmp_path: Path) -> None:
    door = {"include_tasks": str(ROOT / "playbooks/tasks/check-door.yml")}
    reason = "image at registry-1.docker.io: refused for now (HTTP 429)"
    settings = {"supply_images": {}, "supply_reasons": {"kong": reason}}
    assert play(tmp_path, door, **settings).returncode == 0
    refused = play(tmp_path, door, ingress_controller="kong", **settings)
    assert refused.returncode != 0
    said = " ".join(refused.stdout.split())
    assert f"Kong cannot be had: {reason}." in said
    assert "-e ingress_controller=traefik" in said
    settings["supply_images"] = KONG
    assert play(tmp_path, door, ingress_controller="kong", **settings).returncode == 0


def test_what_registries_lack_stops_the_play_with_the_table(tmp_path: Path) -> None:
    names = {"include_tasks": str(ROOT / "playbooks/tasks/name-parts.yml")}
    nobody = closed_host()
    settings = {
        "supply_image_mirror": f"{nobody}/public",
        "supply_download_mirror": f"http://{nobody}/files",
        "platform_cache_dir": str(tmp_path / "cache"),
    }
    stopped = play(tmp_path, names, supply="registry", **settings)
    assert stopped.returncode != 0
    assert f"kong image {nobody}" in " ".join(stopped.stdout.split())
    assert "Nothing was made." in stopped.stdout
    # The same with auto goes on, and asks nobody twice.
    taken = play(tmp_path, names, supply="auto", **settings)
    assert taken.returncode == 0, taken.stdout + taken.stderr
    assert f"supply: none of {nobody} can be reached" in taken.stdout
    again = play(tmp_path, names, supply="auto", **settings)
    assert "can be reached" not in again.stdout
    asked = play(tmp_path, names, supply="auto", supply_ask=True, **settings)
    assert "can be reached" in asked.stdout
