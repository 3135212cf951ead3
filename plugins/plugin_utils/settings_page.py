"""The page of the settings, docs/settings.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from inspect import getdoc
from typing import Any

from .settings_across import RULES
from .settings_inventory import defaults, sentence
from .settings_schema import MADE_BY, ROOT, Schema, compose
from .settings_sentences import KINDS, conditions, shown

INTRODUCTION = ROOT / "roles/settings/files/introduction.md"
# Longer defaults are templates, which say little in a table.
LONG = 60


def page(parts: Mapping[str, Schema]) -> str:
    """The page for the schema's files."""
    local, existing = defaults("local"), defaults("existing")
    whole = compose(parts)
    lines = [f"<!-- {MADE_BY} -->\n", INTRODUCTION.read_text(encoding="utf-8")]
    for topic, part in parts.items():
        lines.append(f"## {part['title']}\n\n{_text(part['description'])}\n")
        lines.append("| Setting | Meaning | Values | Default | Example |\n|---|---|---|---|---|")
        for name in part["properties"]:
            described = whole["properties"][name]
            lines.append(_row(name, described, _default(name, topic, local, existing)))
            for key, inner in described.get("properties", {}).items():
                if "title" in inner:
                    lines.append(_row(f"{name}['{key}']", inner, ""))
        for name, described in part.get("x-per-service", {}).items():
            lines.append(_row(f"<service>_{name}", described, "that of the service's role"))
        lines.append("")
        lines += [f"- {rule}" for rule in _rules(part)]
        if part.get("allOf"):
            lines.append("")
    lines.append("## Rules across settings\n")
    lines += [f"- {getdoc(rule)}" for rule in RULES]
    return "\n".join(lines) + "\n"


def _row(name: str, described: Schema, default: str) -> str:
    cells = (_code(name), _text(sentence(described)), values(described), default)
    example = _code(shown(described["examples"][0]))
    return "| " + " | ".join((*map(_cell, cells), _cell(example))) + " |"


def values(described: Schema) -> str:
    """What a setting takes, in words."""
    kind = described.get("type")
    if "enum" in described:
        words = ", ".join(_code(value) for value in described["enum"])
    elif described.get("format") == "network":
        words = "a network" + "".join(f", {more['x-like']}" for more in described.get("allOf", []))
    elif kind == "array":
        words = f"a list; each entry {values(described['items'])}"
    elif kind == "integer":
        words = f"{described['minimum']} to {described['maximum']}"
    elif "minLength" in described:
        words = f"{described['minLength']} characters or more"
    else:
        words = described.get("x-like", KINDS[described["type"]])
    return str(words)


def _default(name: str, topic: str, local: Mapping[str, Any], existing: Mapping[str, Any]) -> str:
    if name not in local:
        return f"existing: {_value(name, topic, existing, 'existing')}"
    own = _value(name, topic, local, "local")
    if name in existing and existing[name] != local[name]:
        return f"{own}; existing: {_value(name, topic, existing, 'existing')}"
    return own


def _value(name: str, topic: str, given: Mapping[str, Any], inventory: str) -> str:
    text = shown(given[name])
    if text == "":
        return "none"
    if len(text) > LONG:
        return f"[computed](../inventory/{inventory}/group_vars/all/{topic}.yml)"
    return _code(text)


def _rules(part: Schema) -> Iterator[str]:
    """What holds only while another setting has some value, one sentence for each case."""
    for rule in part.get("allOf", []):
        more = rule["then"].get("properties", {})
        needed = [name for name in rule["then"].get("required", []) if name not in more]
        asked = [f"{', '.join(map(_code, needed))} must be set"] if needed else []
        asked += [f"{_code(name)} {_more(asks)}" for name, asks in more.items()]
        yield f"While {conditions(rule['if'])}: {'; '.join(asked)}."


def _more(asks: Schema) -> str:
    if "required" in asks:
        return f"must have {', '.join(map(_code, asks['required']))}"
    if "minItems" in asks:
        return "must not be empty"
    if "x-like" in asks:
        return f"is {asks['x-like']}"
    return f"is {' or '.join(map(_code, asks.get('enum') or [asks['const']]))}"


def _code(value: Any) -> str:
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _text(words: str) -> str:
    """What Markdown would take for markup, as text."""
    return words.replace("<", "&lt;").replace("*", "\\*")


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("\n", " ")
