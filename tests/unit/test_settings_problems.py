"""A wrong setting is named, with what is wrong about it and an example."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

PLUGIN = Path(__file__).parents[2] / "plugins/filter/settings_problems.py"
spec = importlib.util.spec_from_file_location("settings_problems", PLUGIN)
assert spec and spec.loader
plugin = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plugin)


def problems(**rule: Any) -> list[str]:
    return plugin.settings_problems(  # type: ignore[no-any-return]
        [{"name": "supply", "what": "where parts come from", "example": "packages", **rule}]
    )


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"value": None}, "is not set"),
        ({"value": ""}, "is not set"),
        ({"value": "regsitry", "choices": ["registry", "auto"]}, "none of registry, auto"),
        ({"value": "A b", "pattern": "[a-z]+", "like": "a word"}, "which is not a word"),
        ({"value": "many", "type": "int"}, "not a whole number"),
        ({"value": True, "type": "int"}, "not a whole number"),
        ({"value": 0, "type": "int", "min": 1}, "less than 1"),
        ({"value": 99, "type": "int", "max": 9}, "more than 9"),
        ({"value": "10.0.0.0/8", "type": "cidrs"}, "not a list of networks"),
        ({"value": ["10.0.0.1/8"], "type": "cidrs"}, "not a network"),
        (
            {"value": ["10.0.0.0/8"], "type": "cidrs", "within": "10.96.0.0/12"},
            "which is not within 10.96.0.0/12",
        ),
        (
            {"value": ["fd00::/64"], "type": "cidrs", "within": "10.96.0.0/12"},
            "which is not within 10.96.0.0/12",
        ),
        ({"value": [], "type": "cidrs", "min": 1}, "holds 0 entries, fewer than 1"),
        ({"value": 9092, "type": "ports"}, "is 9092, which is not a list of ports"),
        ({"value": [9092, 0], "type": "ports"}, "holds 0, which is not a port"),
        ({"value": [65536], "type": "ports"}, "holds 65536, which is not a port"),
        ({"value": [True], "type": "ports"}, "holds True, which is not a port"),
        ({"value": ["kafka"], "type": "ports"}, "holds 'kafka', which is not a port"),
        ({"value": [], "type": "texts"}, "not a dictionary"),
        ({"value": {"b": "x"}, "type": "texts", "choices": ["a"]}, "names b, which is none of a"),
        ({"value": {"a": 1}, "type": "texts", "choices": ["a"]}, "gives no text for a"),
        ({"value": {"a": ""}, "type": "texts", "choices": ["a"]}, "gives no text for a"),
    ],
)
def test_what_is_wrong_is_said(rule: dict[str, Any], said: str) -> None:
    (sentence,) = problems(**rule)
    assert said in sentence
    assert sentence.startswith("supply ")
    assert sentence.endswith("Example: supply: packages")


@pytest.mark.parametrize(
    "rule",
    [
        {"value": "auto", "choices": ["registry", "auto"]},
        {"value": "3", "type": "int", "min": 1},
        {"value": ["10.0.0.0/8"], "type": "cidrs"},
        {"value": [], "type": "cidrs"},
        {"value": ["10.96.0.0/16"], "type": "cidrs", "within": "10.96.0.0/12"},
        {"value": [1, 9092, "65535"], "type": "ports", "min": 1},
        {"value": {}, "type": "texts", "choices": ["a"]},
        {"value": {"a": "x"}, "type": "texts", "choices": ["a"]},
        {"value": None, "when": False},
    ],
)
def test_what_is_right_passes(rule: dict[str, Any]) -> None:
    assert problems(**rule) == []


@pytest.mark.parametrize(
    "rule",
    [
        {"value": "hush", "type": "texts"},
        {"value": {"other": "hush"}, "type": "texts", "choices": ["a"]},
        {"value": "hush", "pattern": ".{32,}", "like": "32 characters or more"},
        {"value": "hush", "choices": ["a"]},
    ],
)
def test_a_secret_is_not_shown(rule: dict[str, Any]) -> None:
    (sentence,) = problems(secret=True, **rule)
    assert "hush" not in sentence


def test_a_setting_is_reported_once() -> None:
    rules = [
        {"name": "supply", "what": "a source", "example": "packages", "value": None},
        {"name": "supply", "what": "a word", "example": "auto", "value": None},
        {"name": "other", "what": "a word", "example": "b", "value": None},
    ]
    first, second = plugin.settings_problems(rules)
    assert first.startswith("supply is not set. It is a source.")
    assert second.startswith("other is not set.")
