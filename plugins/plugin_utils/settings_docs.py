"""Writes what follows from the schema of the settings; with --check, says what is stale.

python -m plugins.plugin_utils.settings_docs [--check]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from . import settings_inventory as inventory
from .settings_page import page
from .settings_schema import DIALECT, MADE_BY, ROOT, Schema, compose, topics

PAGE = ROOT / "docs/settings.md"
EDITOR_SCHEMA = ROOT / "roles/settings/files/settings.schema.json"
ARGUMENT_SPECS = ROOT / "roles/settings/meta/argument_specs.yml"
ANSIBLE_TYPES = {
    "string": "str",
    "integer": "int",
    "boolean": "bool",
    "array": "list",
    "object": "dict",
}
# What an editor lets pass: a template, whatever comes out of it, and no value at all.
OPEN = {"type": "string", "pattern": r"^$|\{\{"}


class _Indented(yaml.SafeDumper):
    """Lists stand further in than what they belong to, as ansible-lint wants them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)


def documents() -> Iterator[tuple[Path, str]]:
    """Each file that follows from the schema, with what it should say."""
    parts = topics()
    whole = compose(parts, inventory.services())
    yield PAGE, page(parts)
    yield EDITOR_SCHEMA, one_line_each(editor_schema(whole))
    # What each service takes besides is in the argument_specs of its own role.
    yield ARGUMENT_SPECS, argument_specs(compose(parts))
    for name in inventory.INVENTORIES:
        for topic, path in inventory.files(name):
            if not path.is_symlink():
                yield path, inventory.commented(path.read_text(encoding="utf-8"), parts[topic])


def editor_schema(whole: Schema) -> Schema:
    """For editors: every setting by itself, since a file need not hold all of them."""
    given = inventory.defaults("local")
    properties = {}
    for name, described in whole["properties"].items():
        says = {"description": inventory.sentence(described)}
        if name in given:
            says["default"] = given[name]
        about = {"title", "description", "examples"}
        asks = {key: value for key, value in described.items() if key not in about}
        properties[name] = {
            **says,
            "examples": described["examples"],
            "anyOf": [asks, OPEN],
        }
    return {
        "$schema": DIALECT,
        "$comment": MADE_BY,
        "title": "Settings of the platform",
        "type": "object",
        "properties": properties,
    }


def one_line_each(schema: Schema) -> str:
    """As JSON, each setting on one line: a change of one shows as one line."""

    def text(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    settings = schema["properties"].items()
    lines = ",\n".join(f"    {text(name)}: {text(described)}" for name, described in settings)
    others = [f"  {text(key)}: {text(schema[key])}" for key in schema if key != "properties"]
    return ",\n".join(["{\n" + others[0], *others[1:], f'  "properties": {{\n{lines}\n  }}\n}}\n'])


def argument_specs(whole: Schema) -> str:
    """The role's own specification, by which ansible-doc shows the settings."""
    options = {}
    for name, described in whole["properties"].items():
        option: dict[str, Any] = {"description": inventory.sentence(described)}
        option["type"] = ANSIBLE_TYPES[described.get("type", "string")]
        if option["type"] == "list":
            option["elements"] = ANSIBLE_TYPES[described["items"]["type"]]
        if "enum" in described:
            option["choices"] = described["enum"]
        if described.get("writeOnly"):
            option["no_log"] = True
        if name in whole["required"]:
            option["required"] = True
        options[name] = option
    main = {
        "short_description": "Refuses settings that cannot work before anything is changed",
        "description": [
            "Checks the settings of the inventory against their descriptions in files/schema, all"
            " of them at once. A setting that is wrong is named with what was wrong and an example."
        ],
        "options": options,
    }
    text = yaml.dump(
        {"argument_specs": {"main": main}}, Dumper=_Indented, sort_keys=False, width=100
    )
    return f"---\n# {MADE_BY}\n{text}"


def main(words: list[str]) -> int:
    """Write the files, or say which are stale."""
    stale = [
        (path, text)
        for path, text in documents()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    check = words == ["--check"]
    for path, text in stale:
        print(f"{'stale' if check else 'written'}: {path.relative_to(ROOT)}")
        if not check:
            path.write_text(text, encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
