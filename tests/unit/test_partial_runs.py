"""A run with one role's tag does all that the role needs, its images included."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

ROOT = Path(__file__).parents[2]
KONG_PLUGINS = ROOT / "roles/front_door/templates/kong/plugins.yaml.j2"
Play = dict[str, Any]


def play(name: str) -> Play:
    """The one that installs, which is the last of its file."""
    return dict(yaml.safe_load((ROOT / "playbooks" / name).read_text(encoding="utf-8"))[-1])


def role_name(role: dict[str, Any]) -> str:
    return str(role["role"]).rpartition(".")[2]


def has_image(role: str) -> bool:
    defaults = ROOT / "roles" / role / "defaults" / "main.yml"
    return defaults.exists() and "supply_images" in defaults.read_text(encoding="utf-8")


def test_each_role_s_tag_brings_its_images() -> None:
    """Of the parts; test_new_service has those of the services."""
    parts = play("platform.yml")
    (bring,) = [task for task in parts["pre_tasks"] if "bring_parts" in task.get("vars", {})]
    roles = [role for role in parts["roles"] if has_image(role_name(role))]
    assert len(roles) >= 5
    for role in roles:
        assert set(role["tags"]) <= set(bring["tags"]), role["role"]


@pytest.mark.parametrize("name", ["helm_release", "job"])
def test_the_tag_of_another_role_works_out_nothing_of_this_one(name: str) -> None:
    """Ansible's check of arguments runs whatever tags are asked for."""
    found = [
        task["ansible.builtin.import_role"]
        for file in ROOT.glob("roles/*/tasks/*.yml")
        for task in yaml.safe_load(file.read_text(encoding="utf-8"))
        if str(task.get("ansible.builtin.import_role", {}).get("name", "")).endswith(f".{name}")
    ]
    assert len(found) >= 3
    assert all(imported.get("rolespec_validate") is False for imported in found), found


def tasks(door: str, *options: str) -> str:
    listed = subprocess.run(
        [
            *(Path(sys.executable).parent / "ansible-playbook", "site.yml", "--list-tasks"),
            *("--extra-vars", json.dumps({"ingress_controller": door}), *options),
        ],
        cwd=ROOT,
        env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True,
        text=True,
        check=True,
    )
    return listed.stdout


def test_limits_of_the_door_reach_its_pods_by_its_tag() -> None:
    told = tasks("traefik", "--tags", "front_door")
    # Of both doors' roles; which of them does it is decided when it runs.
    assert told.count("Write what the door's pods mount") == 2
    assert told.count("Route the hosts") >= 1
    assert "Make the topics" not in told


@pytest.mark.parametrize(
    ("average", "burst", "second"),
    [
        (100, 200, 200),
        # Kong refuses a second that has more than its minute.
        (1, 100, 60),
        # Fewer in a second than the average would be another average.
        (100, 10, 100),
    ],
)
def test_kong_takes_every_burst_and_keeps_the_average(
    average: int, burst: int, second: int
) -> None:
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["to_json"] = json.dumps
    text = environment.from_string(KONG_PLUGINS.read_text(encoding="utf-8")).render(
        front_door_namespace="api-gateway",
        front_door_rate_limit={"average": average, "burst": burst},
        front_door_request_bytes=1,
        front_door_upload_bytes=1,
        front_door_cors_origins=[],
    )
    plugins = {found["metadata"]["name"]: found for found in yaml.safe_load_all(text) if found}
    config = plugins["front-door-rate-limit"]["config"]
    assert (config["second"], config["minute"]) == (second, average * 60)


def test_no_door_has_a_port_of_its_own() -> None:
    """The network policies open one port; a setting that moves the pod's alone would close it."""
    table = (ROOT / "roles/network_policies/defaults/main.yml").read_text(encoding="utf-8")
    fixed = yaml.safe_load((ROOT / "roles/front_door/vars/main.yml").read_text(encoding="utf-8"))
    assert f"ports: [{fixed['front_door_port']}]" in table
    for role in ("front_door", "kong", "traefik"):
        settings = yaml.safe_load((ROOT / "roles" / role / "defaults/main.yml").read_text())
        assert not [name for name in settings if name.endswith("_port")]
