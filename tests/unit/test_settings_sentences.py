"""A wrong setting is named, with what is wrong about it and an example."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.plugin_utils.settings_schema import compose, normal
from plugins.plugin_utils.settings_sentences import in_order, problems

NETWORKS = {"type": "array", "items": {"type": "string", "format": "network"}}
PORTS = {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 65535}}
WORD = {"type": "string", "pattern": "^[a-z]+$", "x-like": "a word"}
SECRETS = {"type": "object", "writeOnly": True, "propertyNames": {"enum": ["a"]}}
EACH_SECRET = {"title": "a secret", "type": "string", "minLength": 8, "examples": ["<secret>"]}


def found(described: dict[str, Any], value: Any) -> list[str]:
    about = {"title": "where parts come from", "examples": ["packages"]}
    part = {"properties": {"supply": {**about, **described}}, "required": ["supply"]}
    schema = compose({"topic": part})
    return in_order(schema, problems(schema, normal(schema, {"supply": value})))


@pytest.mark.parametrize(
    ("described", "value", "said"),
    [
        ({}, None, "is not set"),
        ({}, "", "is not set"),
        (
            {"enum": ["registry", "auto"]},
            "regsitry",
            "is 'regsitry', which is none of registry, auto",
        ),
        (WORD, "A b", "which is not a word"),
        (WORD, "word\n", "which is not a word"),
        ({"type": "string"}, 5, "is 5, which is not text (a number needs quotes around it)"),
        ({"type": "string"}, [], "is [], which is not text. "),
        ({"type": "integer"}, 2.0, "is 2.0, which is not a whole number"),
        ({"type": "integer"}, "many", "not a whole number"),
        ({"type": "integer"}, True, "not a whole number"),
        ({"type": "integer", "minimum": 1}, 0, "less than 1"),
        ({"type": "integer", "maximum": 9}, "99", "more than 9"),
        ({"type": "boolean"}, "perhaps", "not true or false"),
        ({"type": "string", "maxLength": 3}, "long", "longer than 3 characters"),
        (NETWORKS, "10.0.0.0/8", "not a list"),
        (NETWORKS, ["10.0.0.1/8"], "holds '10.0.0.1/8', which is not a network"),
        (NETWORKS, [8], "holds 8, which is not text"),
        ({**NETWORKS, "minItems": 1}, [], "holds fewer entries than 1"),
        ({**PORTS, "uniqueItems": True}, [1, 1], "is [1, 1], which is a list that names something"),
        (PORTS, 9092, "is 9092, which is not a list"),
        (PORTS, [9092, 0], "holds 0, which is less than 1"),
        (PORTS, [65536], "holds 65536, which is more than 65535"),
        (PORTS, [True], "holds True, which is not a whole number"),
        (PORTS, ["kafka"], "holds 'kafka', which is not a whole number"),
        (
            {"type": "object", "additionalProperties": {"type": "integer"}},
            {"one": {"two": 1}},
            "has {'two': 1} at one, which is not a whole number",
        ),
        (
            {"type": "object", "properties": {"url": WORD}, "additionalProperties": False},
            {"address": "x"},
            "names address, which is none of url",
        ),
    ],
)
def test_what_is_wrong_is_said(described: dict[str, Any], value: Any, said: str) -> None:
    (sentence,) = found(described, value)
    assert said in sentence
    assert sentence.startswith("supply ")
    assert "Meaning: where parts come from." in sentence
    assert sentence.endswith("Example: supply: packages")


@pytest.mark.parametrize(
    ("described", "value"),
    [
        ({"enum": ["registry", "auto"]}, "auto"),
        ({"type": "integer", "minimum": 1}, "3"),
        ({"type": "boolean"}, "yes"),
        (NETWORKS, ["10.0.0.0/8", "fd00::/64"]),
        (NETWORKS, []),
        (PORTS, [1, 9092, "65535"]),
        (SECRETS, {}),
        ({**SECRETS, "additionalProperties": EACH_SECRET}, {"a": "long enough"}),
    ],
)
def test_what_is_right_passes(described: dict[str, Any], value: Any) -> None:
    assert found(described, value) == []


@pytest.mark.parametrize("value", ["hush", {"other": "hush"}, {"a": "hush"}, {"a": ["hush"]}])
def test_a_secret_is_not_shown(value: Any) -> None:
    sentences = found({**SECRETS, "additionalProperties": EACH_SECRET}, value)
    assert sentences
    assert not [sentence for sentence in sentences if "hush" in sentence]


def test_a_secret_is_called_by_its_own_name() -> None:
    (sentence,) = found({**SECRETS, "additionalProperties": EACH_SECRET}, {"a": "hush"})
    assert sentence.startswith("supply['a'] is shorter than 8 characters. Meaning: a secret.")
    assert sentence.endswith("Example: supply['a']: <secret>")


CONDITION = {
    "properties": {
        name: {"title": name, "type": "string", "examples": ["one"]} for name in ("kind", "port")
    },
    "allOf": [
        {
            "if": {"properties": {"kind": {"enum": ["a", "b"]}}, "required": ["kind"]},
            "then": {"required": ["port"], "properties": {"port": {**WORD, "examples": ["two"]}}},
        }
    ],
}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"kind": "b"},
            ["port is not set while kind is a or b. Meaning: port. Example: port: one"],
        ),
        (
            {"kind": "b", "port": "8 0"},
            [
                "port is '8 0', which is not a word while kind is a or b. Meaning: port."
                " Example: port: two"
            ],
        ),
        ({"kind": "c"}, []),
        ({}, []),
        # What is wrong in any case is said, and once.
        (
            {"kind": "b", "port": 80},
            [
                "port is 80, which is not text (a number needs quotes around it). Meaning: port."
                " Example: port: one"
            ],
        ),
    ],
)
def test_what_another_setting_asks_for_says_so(values: dict[str, Any], said: list[str]) -> None:
    schema = compose({"topic": CONDITION})
    assert in_order(schema, problems(schema, values)) == said
