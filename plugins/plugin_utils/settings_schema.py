"""The schema of the settings: its files put together into one JSON Schema for one platform."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "roles/settings/files/schema"
# In the order in which people read them, and in which problems are told.
TOPICS = (
    "platform",
    "folders",
    "cluster",
    "supply",
    "front_door",
    "identity",
    "messaging",
    "storage",
    "services",
    "credentials",
)
# In each file that follows from the schema.
MADE_BY = "Made by python -m plugins.plugin_utils.settings_docs from roles/settings/files/schema."
DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def topics() -> dict[str, Schema]:
    """What each file says, by its name."""
    # The safe loader, in C where that is there: every run reads these files.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return {
        topic: yaml.load((FOLDER / f"{topic}.yml").read_bytes(), Loader=loader)  # noqa: S506
        for topic in TOPICS
    }


def compose(
    parts: Mapping[str, Schema], services: Iterable[str] = (), secrets: Iterable[str] = ()
) -> Schema:
    """One schema without references, for these services and names of secrets."""
    whole: Schema = {
        "$schema": DIALECT,
        "type": "object",
        "properties": {},
        "required": [],
        "allOf": [],
    }
    shared: Schema = {}
    for part in parts.values():
        shared |= part.get("$defs", {})
    for part in parts.values():
        own = part.get("properties", {}) | per_service(part, services)
        if twice := own.keys() & whole["properties"].keys():
            raise ValueError(f"described twice: {', '.join(sorted(twice))}")
        whole["properties"] |= own
        whole["required"] += part.get("required", [])
        whole["allOf"] += part.get("allOf", [])
    whole = _without_references(whole, shared)
    names = sorted(secrets)
    if names:
        given = whole["properties"]["credentials_given"]
        whole["properties"]["credentials_given"] = {"propertyNames": {"enum": names}, **given}
    return whole


def per_service(part: Schema, services: Iterable[str]) -> Schema:
    """The settings that each service has, by their full names."""
    return {
        f"{service.replace('-', '_')}_{name}": {
            **described,
            "title": described["title"].replace("the service", service),
        }
        for service in services
        for name, described in part.get("x-per-service", {}).items()
    }


def _without_references(node: Any, shared: Schema) -> Any:
    if isinstance(node, list):
        return [_without_references(entry, shared) for entry in node]
    if not isinstance(node, dict):
        return node
    flat = {key: _without_references(value, shared) for key, value in node.items() if key != "$ref"}
    if "$ref" in node:
        target = shared[node["$ref"].removeprefix("#/$defs/")]
        flat = {**_without_references(target, shared), **flat}
    return flat


def normal(schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` as the schema sees them: an empty text is no value, and -e name=3 is a number."""
    described = schema["properties"]
    return {
        name: _typed(described[name], value)
        for name, value in values.items()
        if name in described and value not in (None, "")
    }


def _typed(described: Schema, value: Any) -> Any:
    kind = described.get("type")
    if isinstance(value, str):
        if kind == "integer" and re.fullmatch(r"-?\d+", value):
            return int(value)
        if kind == "boolean" and value.lower() in ("true", "yes", "false", "no"):
            return value.lower() in ("true", "yes")
    if kind == "array" and isinstance(value, list):
        return [_typed(described.get("items", {}), entry) for entry in value]
    return value
