"""What a JSON Schema finds wrong, in sentences that a user can act on."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError, validators

from .settings_schema import Schema

# A ValidationError, of which the stubs allow each attribute to be unset.
Error = Any

KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}
FORMATS = FormatChecker(formats=())


@FORMATS.checks("network", raises=ValueError)
def _network(value: object) -> bool:
    # What is no text is refused by the type.
    return not isinstance(value, str) or bool(ipaddress.ip_network(value))


def _pattern(
    _: Any, pattern: str, instance: Any, __: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """As JSON Schema means it: `$` is the end, where Python's lets a line end follow."""
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _whole_number(_: Any, instance: Any) -> bool:
    """2.0 is an integer in JSON, but no number of replicas in a manifest."""
    return isinstance(instance, int) and not isinstance(instance, bool)


Validator = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {"pattern": _pattern},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _whole_number),
)


def problems(schema: Schema, values: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong, as whole sentences, by setting; of each setting the first that was found."""
    found: dict[str, str] = {}
    checker = Validator(schema, format_checker=FORMATS)
    # Rules that hold always come before those that another setting brings with it.
    for error in sorted(checker.iter_errors(values), key=lambda error: "then" in error.schema_path):
        for path, wrong in _findings(error, schema):
            own = error.schema.get("examples", [None])[0] if len(error.absolute_path) == 1 else None
            said = sentence(schema, path, wrong + _why(schema, error), own)
            found.setdefault(named(schema, path), said)
    return found


def in_order(schema: Schema, found: Mapping[str, str]) -> list[str]:
    """The sentences in the order of the settings."""
    order = list(schema["properties"])
    return [found[name] for name in sorted(found, key=lambda n: order.index(n.partition("[")[0]))]


def described(schema: Schema, path: list[Any]) -> tuple[str, Schema]:
    """The setting at ``path`` and its description: of the key in it where that has its own."""
    setting: Schema = schema["properties"][path[0]]
    if len(path) > 1:
        entry = setting.get("properties", {}).get(path[1], setting.get("additionalProperties"))
        if isinstance(entry, dict) and "title" in entry:
            return f"{path[0]}['{path[1]}']", entry
    return str(path[0]), setting


def named(schema: Schema, path: list[Any]) -> str:
    """What a user calls the setting at ``path``."""
    return described(schema, path)[0]


def sentence(schema: Schema, path: list[Any], wrong: str, example: Any = None) -> str:
    """The setting, what is wrong, what it is for, and a value that would do."""
    name, says = described(schema, path)
    value = says["examples"][0] if example is None else example
    return f"{name} {wrong}. Meaning: {says['title']}. Example: {name}: {shown(value)}"


def shown(example: Any) -> str:
    """An example as YAML takes it."""
    return example if isinstance(example, str) else json.dumps(example, ensure_ascii=False)


def conditions(schema: Mapping[str, Any]) -> str:
    """What an `if` asks for, in words."""
    return " and ".join(
        f"{name} is {' or '.join(map(str, asked.get('enum') or [asked['const']]))}"
        for name, asked in schema["properties"].items()
    )


def _why(schema: Schema, error: Error) -> str:
    steps: Any = schema
    for step in error.absolute_schema_path:
        if step == "then":
            return f" while {conditions(steps['if'])}"
        steps = steps[step]
    return ""


def _findings(error: Error, schema: Schema) -> Iterator[tuple[list[Any], str]]:
    path = list(error.absolute_path)
    if error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield [*path, name], "is not set"
        return
    if error.validator == "additionalProperties" and error.validator_value is False:
        known = error.schema["properties"]
        unknown = sorted(set(error.instance) - set(known))
        wrong = f"names {', '.join(unknown)}{_place(path)}, which is none of {', '.join(known)}"
        yield path, wrong
        return
    if error.parent is None and "propertyNames" in error.schema_path:
        yield (
            path,
            f"names {error.instance}{_place(path)}, which is {WRONG[error.validator](error)}",
        )
        return
    yield path, _said(error, schema, path) + WRONG[error.validator](error)


def _said(error: Error, schema: Schema, path: list[Any]) -> str:
    own = 1 if named(schema, path) == path[0] else 2
    place = f" at {'.'.join(map(str, path[own:]))}" if len(path) > own else ""
    if error.validator in ("minItems", "minProperties"):
        return f"holds{place} "
    if schema["properties"][path[0]].get("writeOnly"):
        return "is "
    if not place:
        return f"is {error.instance!r}, which is "
    if isinstance(path[-1], int):
        return f"holds {error.instance!r}, which is "
    return f"has {error.instance!r}{place}, which is "


def _place(path: list[Any]) -> str:
    return f" at {'.'.join(map(str, path[1:]))}" if len(path) > 1 else ""


def _like(error: Error) -> str:
    return f"not {error.schema.get('x-like', 'of the right form')}"


def _kind(error: Error) -> str:
    asked = error.validator_value
    kinds = asked if isinstance(asked, list) else [asked]
    quotes = kinds == ["string"] and isinstance(error.instance, (int, float))
    hint = " (a number needs quotes around it)" if quotes else ""
    return f"not {' or '.join(KINDS[kind] for kind in kinds)}{hint}"


def _format(error: Error) -> str:
    return f"not a network, such as 10.20.0.0/16 ({error.cause})"


WRONG: dict[Any, Callable[[Error], str]] = {
    "type": _kind,
    "enum": lambda error: f"none of {', '.join(map(str, error.validator_value))}",
    "const": lambda error: f"not {error.validator_value}",
    "pattern": _like,
    "not": _like,
    "format": _format,
    "minimum": lambda error: f"less than {error.validator_value}",
    "maximum": lambda error: f"more than {error.validator_value}",
    "minLength": lambda error: f"shorter than {error.validator_value} characters",
    "maxLength": lambda error: f"longer than {error.validator_value} characters",
    "minItems": lambda error: f"fewer entries than {error.validator_value}",
    "uniqueItems": lambda _: "a list that names something twice",
    "minProperties": lambda error: f"fewer entries than {error.validator_value}",
}
