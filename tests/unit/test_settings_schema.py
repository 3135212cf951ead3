"""A setting is described in the schema alone, and has its default in the inventory alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from plugins.plugin_utils import settings_docs, settings_inventory, settings_schema
from plugins.plugin_utils.settings_page import page
from plugins.plugin_utils.settings_sentences import WRONG, problems

ROOT = Path(__file__).parents[2]
PARTS = settings_schema.topics()
SERVICES = settings_inventory.services()
WHOLE = settings_schema.compose(PARTS, SERVICES)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(WHOLE)
    assert set(PARTS) == {path.stem for path in settings_schema.FOLDER.glob("*.yml")}
    assert set(WHOLE["required"]) <= set(WHOLE["properties"])


def test_a_setting_is_described_once() -> None:
    twice = {"one": {"properties": {"supply": {}}}, "two": {"properties": {"supply": {}}}}
    with pytest.raises(ValueError, match="described twice: supply"):
        settings_schema.compose(twice)


@pytest.mark.parametrize("name", WHOLE["properties"])
def test_every_setting_has_a_meaning_and_examples_that_would_do(name: str) -> None:
    described = WHOLE["properties"][name]
    assert described["title"]
    assert described["examples"]
    assert described.keys() & {"type", "enum"}
    alone = {**WHOLE, "required": [], "allOf": []}
    for example in described["examples"]:
        assert problems(alone, {name: example}) == {}
    for key, inside in described.get("properties", {}).items():
        for example in inside.get("examples", []):
            assert problems(alone, {name: {key: example}}) == {}


def test_a_new_service_has_the_settings_of_every_service() -> None:
    schema = settings_schema.compose(PARTS, ["svc-thing"])
    assert schema["properties"]["svc_thing_replicas"]["title"] == "number of pods of svc-thing"
    assert "svc_thing_resources" in problems(schema, {"svc_thing_resources": {"limit": {}}})
    assert "graph_gateway_replicas" not in schema["properties"]


def keywords(schema: Any) -> set[str]:
    """Every keyword that asks something of a value."""
    if not isinstance(schema, dict):
        return set()
    inside = [*schema.get("properties", {}).values(), *schema.get("allOf", [])]
    for key in ("items", "additionalProperties", "propertyNames", "then"):
        inside.append(schema.get(key))
    found = schema.keys() - {"title", "description", "examples", "x-like", "writeOnly", "$schema"}
    return set(found).union(*map(keywords, inside))


def test_there_are_words_for_whatever_the_schema_asks() -> None:
    followed = {"properties", "allOf", "items", "propertyNames", "if", "then", "not"}
    assert keywords(WHOLE) - followed - set(WRONG) == {"required", "additionalProperties"}


def test_every_rule_is_about_settings() -> None:
    for rule in WHOLE["allOf"]:
        named = {*rule["if"]["properties"], *rule["if"]["required"]}
        named |= {*rule["then"].get("required", []), *rule["then"].get("properties", {})}
        assert named <= set(WHOLE["properties"])


def test_schema_and_inventories_name_the_same_settings() -> None:
    names = settings_inventory.names(PARTS)
    assert {"platform_name", "kind_cluster_workers"} <= names["platform"] | names["cluster"]
    found: dict[str, set[str]] = {topic: set() for topic in PARTS}
    for inventory in settings_inventory.INVENTORIES:
        for topic, path in settings_inventory.files(inventory):
            found[topic] |= set(yaml.safe_load(path.read_text(encoding="utf-8")))
    for topic, part in PARTS.items():
        assert set(part["properties"]) <= found[topic] <= names[topic]


def test_what_is_no_setting_follows_from_settings() -> None:
    for path in ROOT.glob("inventory/*/group_vars/all/*.yml"):
        assert path.stem in {*PARTS, "derived"}


def test_the_existing_inventory_says_only_what_differs() -> None:
    local = settings_inventory.defaults("local")
    for topic, path in settings_inventory.files("existing"):
        if path.is_symlink():
            assert path.resolve() == ROOT / f"inventory/local/group_vars/all/{topic}.yml"
            continue
        for name, value in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            assert local.get(name) != value, f"{name} could be had by a link"


def test_no_role_has_a_default_of_its_own_for_a_setting() -> None:
    # Settings of the services stand with them: their roles can do without the inventory's.
    of_services = {"service", *(name.replace("-", "_") for name in SERVICES)}
    for path in ROOT.glob("roles/*/defaults/main.yml"):
        if path.parents[1].name not in of_services:
            names = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            assert set(names) & set(WHOLE["properties"]) == set(), path


def test_what_follows_from_the_schema_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert settings_docs.main(["--check"]) == 0, capsys.readouterr().out


def test_a_changed_setting_makes_what_follows_stale(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = settings_schema.topics()
    changed["messaging"]["properties"]["kafka_provider"]["title"] = "what a test says"
    monkeypatch.setattr(settings_docs, "topics", lambda: changed)
    assert settings_docs.main(["--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "stale: docs/settings.md",
        "stale: roles/settings/files/settings.schema.json",
        "stale: roles/settings/meta/argument_specs.yml",
        "stale: inventory/local/group_vars/all/messaging.yml",
    ]


def test_comments_change_and_values_stay() -> None:
    text = "---\n# Old.\n\n# Old.\nname: >-\n  a\n  b\nlist:\n- a\n\nsvc_a_env: {}\nsvc_b_env: {}\n"
    topic: dict[str, Any] = {
        "description": "Some.",
        "properties": {"name": {"title": "one"}, "list": {"title": "two", "description": "More."}},
        "x-per-service": {"env": {"title": "environment"}},
    }
    _, _, *lines = settings_inventory.commented(text, topic).splitlines()
    assert lines == [
        *("# Some. Each has <service>_env.", "", "# One.", "name: >-", "  a", "  b", ""),
        *("# Two. More.", "list:", "- a", "", "svc_a_env: {}", "svc_b_env: {}"),
    ]
    again = settings_inventory.commented(text, topic)
    assert settings_inventory.commented(again, topic) == again
    with pytest.raises(ValueError, match="other is not described"):
        settings_inventory.commented("other: 1\n", topic)


def test_the_page_says_every_setting() -> None:
    text = page(PARTS)
    for name in WHOLE["properties"]:
        suffix = next((s for s in ("replicas", "resources", "env") if name.endswith(f"_{s}")), "")
        assert f"`{name}`" in text or f"`<service>_{suffix}`" in text
    assert "While kafka_provider is kafka: `kafka_bootstrap_servers` is the local broker's" in text


def test_editors_take_templates_and_values_and_nothing_else() -> None:
    schema = json.loads(settings_docs.EDITOR_SCHEMA.read_text(encoding="utf-8"))
    editor = jsonschema.Draft202012Validator(schema)
    for inventory in settings_inventory.INVENTORIES:
        for _, path in settings_inventory.files(inventory):
            values = yaml.safe_load(path.read_text(encoding="utf-8"))
            assert [error.message for error in editor.iter_errors(values)] == []
    assert editor.is_valid({"storage_host": "{{ name }}", "a_variable_of_mine": 1})
    assert not editor.is_valid({"storage_host": "no host"})
    assert not editor.is_valid({"graph_gateway_replicas": 0})
    assert schema["properties"]["platform_domain"]["default"] == "graphql.local"
