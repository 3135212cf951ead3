"""Checks settings against rules and says what is wrong in sentences that a user can act on."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: settings_problems
short_description: What is wrong with the settings
version_added: 0.1.0
author: The Trackunit platform maintainers
description:
  - Takes rules, each with the setting's name and its value, and returns one sentence for each
    setting that is missing or wrong. A sentence names the setting, says what was wrong and gives an
    example.
options:
  _input:
    description: The rules.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {type: str, required: true, description: Name of the setting.}
      value: {type: raw, description: Its value; null where it is not set.}
      what: {type: str, required: true, description: What the setting is for.}
      example: {type: raw, required: true, description: A value that would do.}
      type: {type: str, description: "One of str, int, list, dict, cidrs.", default: str}
      choices: {type: list, elements: raw, description: The only values allowed.}
      pattern: {type: str, description: Regular expression that the whole value must match.}
      like: {type: str, description: What the pattern asks for in words.}
      min: {type: int, description: Smallest number.}
      max: {type: int, description: Largest number.}
      when: {type: bool, description: Whether the rule applies., default: true}
"""

EXAMPLES = r"""
- name: Refuse settings that cannot work
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems | join('\n') }}"
  vars:
    problems: "{{ settings_rules | trackunit.platform.settings_problems }}"
"""

RETURN = r"""
_value:
  description: Sentences, one for each setting that is wrong.
  type: list
  elements: str
"""

KINDS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "list": (list, tuple),
    "cidrs": (list, tuple),
    "dict": (dict,),
}
KIND_NAMES = {
    "str": "text",
    "int": "a whole number",
    "list": "a list",
    "cidrs": "a list of networks",
    "dict": "a dictionary",
}


def _wrong(rule: Mapping[str, Any]) -> str | None:
    value = rule.get("value")
    if value is None or value == "":
        return "is not set"
    kind = str(rule.get("type", "str"))
    if kind == "int" and isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        value = int(value)  # -e name=3 gives text
    if not isinstance(value, KINDS[kind]) or (kind == "int" and isinstance(value, bool)):
        return f"is {value!r}, which is not {KIND_NAMES[kind]}"
    return _wrong_value(rule, kind, value)


def _wrong_value(rule: Mapping[str, Any], kind: str, value: Any) -> str | None:
    choices = rule.get("choices")
    if choices and value not in choices:
        return f"is {value!r}, which is none of {', '.join(map(str, choices))}"
    pattern = rule.get("pattern")
    if pattern and not re.fullmatch(str(pattern), str(value)):
        return f"is {value!r}, which is not {rule.get('like', 'of the right form')}"
    if kind == "int":
        low, high = rule.get("min"), rule.get("max")
        if low is not None and value < low:
            return f"is {value}, which is less than {low}"
        if high is not None and value > high:
            return f"is {value}, which is more than {high}"
    if kind == "cidrs":
        for cidr in value:
            try:
                ipaddress.ip_network(str(cidr))
            except ValueError as error:
                return f"holds {cidr!r}, which is not a network ({error})"
    return None


def settings_problems(rules: Sequence[Mapping[str, Any]]) -> list[str]:
    """One sentence for each rule that is broken."""
    problems = []
    for rule in rules:
        if missing := {"name", "what", "example"} - set(rule):
            raise AnsibleFilterError(f"rule {dict(rule)!r} lacks {', '.join(sorted(missing))}")
        if not rule.get("when", True):
            continue
        wrong = _wrong(rule)
        if wrong:
            problems.append(
                f"{rule['name']} {wrong}. It is {rule['what']}. "
                f"Example: {rule['name']}: {rule['example']}"
            )
    return problems


class FilterModule:
    """Filters of this file, for Ansible."""

    def filters(self) -> dict[str, Any]:
        return {"settings_problems": settings_problems}
