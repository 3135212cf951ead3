"""The inventory's files: their defaults, and their comments, which follow from the schema."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from .settings_schema import ROOT, TOPICS, Schema, per_service

INVENTORIES = ("local", "existing")
# From the folder of the inventory's files; links lie as deep as what they lead to.
EDITOR_SCHEMA = "../../../../roles/settings/files/settings.schema.json"
WIDTH = 100


def files(inventory: str) -> Iterator[tuple[str, Path]]:
    """The files of an inventory that hold settings, by topic."""
    for topic in TOPICS:
        path = ROOT / "inventory" / inventory / "group_vars/all" / f"{topic}.yml"
        if path.exists():
            yield topic, path


def defaults(inventory: str) -> dict[str, Any]:
    """What an inventory sets, as it is written there."""
    return {
        name: value
        for _, path in files(inventory)
        for name, value in yaml.safe_load(path.read_text(encoding="utf-8")).items()
    }


def services() -> list[str]:
    """The services of the platform: the list that the inventory holds."""
    folder = ROOT / "inventory/local/group_vars/all"
    for path in sorted(folder.glob("*.yml")):
        found = yaml.safe_load(path.read_text(encoding="utf-8")).get("platform_services")
        if found:
            return [str(name) for name in found]
    raise ValueError(f"no file of {folder} has the list platform_services")


def sentence(described: Schema) -> str:
    """What a setting means, as a paragraph."""
    title = described["title"][0].upper() + described["title"][1:] + "."
    return f"{title} {described.get('description', '')}".strip()


def commented(text: str, topic: Schema) -> str:
    """A file of the inventory with the comments of its topic; its values stay as they are."""
    each = topic.get("x-per-service", {})
    header = topic["description"]
    if each:
        header += " Each has " + ", ".join(f"<service>_{name}" for name in each) + "."
    blocks = [f"---\n# yaml-language-server: $schema={EDITOR_SCHEMA}\n{_comment(header)}\n"]
    plain = False
    for name, value in _entries(text):
        if name in topic["properties"]:
            blocks.append(f"\n{_comment(sentence(topic['properties'][name]))}\n{value}")
            plain = False
        elif name.endswith(tuple(f"_{suffix}" for suffix in each)):
            # What a setting of each service means is said once, not again for each.
            blocks.append(value if plain else f"\n{value}")
            plain = True
        else:
            raise ValueError(f"{name} is not described in the schema's file of this topic")
    return "".join(blocks)


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """Each setting with the lines that give its value."""
    for entry in re.finditer(r"^(\w+):.*\n(?:[ -].*\n)*", text, re.MULTILINE):
        yield entry[1], entry[0]


def _comment(text: str) -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent="# ",
        subsequent_indent="# ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def names(parts: dict[str, Schema]) -> dict[str, set[str]]:
    """The settings of each topic, those of each service among them."""
    found = services()
    return {
        topic: set(part["properties"]) | set(per_service(part, found))
        for topic, part in parts.items()
    }
