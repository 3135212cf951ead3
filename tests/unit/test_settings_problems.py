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
        ({"value": [], "type": "dict"}, "not a dictionary"),
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
        {"value": {}, "type": "dict"},
        {"value": None, "when": False},
    ],
)
def test_what_is_right_passes(rule: dict[str, Any]) -> None:
    assert problems(**rule) == []
