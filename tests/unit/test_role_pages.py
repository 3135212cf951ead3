"""Each role has a README that says what its argument_specs say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from docs.role_commands import commands_of
from docs.role_pages import ROOT, load, page

ROLES = sorted((ROOT / "roles").iterdir())
EXAMPLES = yaml.safe_load((ROOT / "docs" / "role_examples.yml").read_text(encoding="utf-8"))
SETTINGS = {
    name
    for file in (ROOT / "inventory" / "local" / "group_vars" / "all").glob("*.yml")
    for name in yaml.safe_load(file.read_text(encoding="utf-8"))
}


@pytest.mark.parametrize("folder", ROLES, ids=lambda folder: folder.name)
def test_the_readme_is_that_of_the_argument_specs(folder: Path) -> None:
    written = (folder / "README.md").read_text(encoding="utf-8")
    assert written == page(load(folder)), "stale: make docs"


@pytest.mark.parametrize("folder", ROLES, ids=lambda folder: folder.name)
def test_a_command_reaches_the_role(folder: Path) -> None:
    assert commands_of(folder.name, ROOT)


@pytest.mark.parametrize("folder", ROLES, ids=lambda folder: folder.name)
def test_the_example_sets_what_is_there_to_a_value_that_is_taken(folder: Path) -> None:
    role = load(folder)
    example = yaml.safe_load(role.example) or {}
    options: dict[str, Any] = role.specs["main"].get("options", {})
    assert example.keys() <= options.keys() | SETTINGS
    asked = {name: options[name] for name in example if name in options}
    checked = ArgumentSpecValidator(asked).validate(
        {n: v for n, v in example.items() if n in asked}
    )
    assert checked.error_messages == []


def test_examples_are_of_roles_that_are_there() -> None:
    assert EXAMPLES.keys() <= {folder.name for folder in ROLES}


def test_commands_are_those_of_the_makefile_and_the_playbooks() -> None:
    said = [(found.command, found.playbook, found.tag) for found in commands_of("kafka", ROOT)]
    assert ("make up", "platform.yml", "kafka") in said
    # Picked by a variable: of prune.yml, by a secret in rotate.yml, by its service in release.yml.
    assert ("make prune", "prune.yml", "") in said
    assert "rotate.yml" in {found.playbook for found in commands_of("rabbitmq", ROOT)}
    gateway = {found.playbook for found in commands_of("graph_gateway", ROOT)}
    assert {"services.yml", "release.yml", "rotate.yml"} <= gateway
    assert "release.yml" not in {found.playbook for found in commands_of("kafka", ROOT)}


def test_a_page_says_types_defaults_choices_and_secrets(tmp_path: Path) -> None:
    folder = tmp_path / "roles" / "shop"
    for name, text in {
        "roles/shop/meta/argument_specs.yml": """
argument_specs:
  main:
    short_description: A shop
    description: Opens C(the door).
    options:
      shop_doors: {type: int, description: How many.}
      shop_street: {type: str, required: true, description: Where.}
      shop_kind: {type: str, choices: [a, b], required: true, description: Left | right}
      shop_keys:
        {type: list, elements: dict, no_log: true, options: {tooth: {type: int, required: true}}}
  absent:
    short_description: Closes it
    options:
      shop_forever: {type: bool, default: false, description: For good.}
""",
        "roles/shop/defaults/main.yml": "shop_doors: 3\n",
        "inventory/local/group_vars/all/town.yml": "shop_street: High Street\nshop_doors: 9\n",
        "playbooks/open.yml": "- {hosts: localhost, roles: [trackunit.platform.shop]}\n",
        "Makefile": "up:\n\t@$(PLAY) playbooks/open.yml\n",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    lines = page(load(folder, tmp_path)).splitlines()
    assert "Opens `the door`." in lines
    assert "shop_doors: 3" in lines
    assert "| `make up` | [open.yml](../../playbooks/open.yml) |  |" in lines
    assert "| `shop_doors` | int | `3` | How many. |" in lines
    assert "| `shop_street` | str | `High Street` | Where. |" in lines
    assert r"| `shop_kind` | str | required | Left \| right. One of `a`, `b`. |" in lines
    assert "| `shop_keys` | list of dict |  |  Secret. |" in lines
    assert "| `shop_keys.tooth` | int | required |  |" in lines
    assert "| `absent` | Closes it |" in lines
    assert "| `shop_forever` | bool | `false` | For good. |" in lines
