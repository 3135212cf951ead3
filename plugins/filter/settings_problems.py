"""Checks settings against rules and says what is wrong in sentences that a user can act on."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: settings_problems
short_description: What is wrong with the settings
version_added: 0.1.0
author: The Trackunit platform maintainers (@trackunit)
description:
  - Takes rules, each with the setting's name and its value, and returns one sentence for each
    setting that is missing or wrong. A sentence names the setting, says what was wrong and gives an
    example. A setting may have several rules; the first that is broken is reported.
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
      type:
        type: str
        description: One of str, int, cidrs, ports, and texts (a dictionary whose values are text).
        default: str
      choices: {type: list, elements: raw, description: The only values allowed; of texts the keys.}
      pattern: {type: str, description: Regular expression that the whole value must match.}
      like: {type: str, description: What the pattern asks for in words.}
      min: {type: int, description: Smallest number; of a list the fewest entries.}
      max: {type: int, description: Largest number.}
      within: {type: str, description: Network that each of cidrs must lie in.}
      secret: {type: bool, description: Whether a sentence must not show the value., default: false}
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
    "cidrs": (list, tuple),
    "ports": (list, tuple),
    "texts": (Mapping,),
}
KIND_NAMES = {
    "str": "text",
    "int": "a whole number",
    "cidrs": "a list of networks",
    "ports": "a list of ports",
    "texts": "a dictionary",
}
PORTS = range(1, 65536)


def _number(value: Any) -> int | None:
    """The whole number that ``value`` is; as text too, because -e name=3 gives text."""
    if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _wrong(rule: Mapping[str, Any]) -> str | None:
    value = rule.get("value")
    if value is None or value == "":
        return "is not set"
    said = "is" if rule.get("secret") else f"is {value!r}, which is"
    kind = str(rule.get("type", "str"))
    if kind == "int":
        value = _number(value)
    if not isinstance(value, KINDS[kind]):
        return f"{said} not {KIND_NAMES[kind]}"
    return CHECKS[kind](rule, value, said)


def _wrong_text(rule: Mapping[str, Any], value: str, said: str) -> str | None:
    choices = rule.get("choices")
    if choices and value not in choices:
        return f"{said} none of {', '.join(map(str, choices))}"
    pattern = rule.get("pattern")
    if pattern and not re.fullmatch(str(pattern), value):
        return f"{said} not {rule.get('like', 'of the right form')}"
    return None


def _wrong_texts(rule: Mapping[str, Any], value: Mapping[Any, Any], _: str) -> str | None:
    known = sorted(map(str, rule.get("choices", value)))
    unknown = sorted({str(key) for key in value} - set(known))
    if unknown:
        return f"names {', '.join(unknown)}, which is none of {', '.join(known)}"
    empty = sorted(str(key) for key, text in value.items() if not isinstance(text, str) or not text)
    if empty:
        return f"gives no text for {', '.join(empty)} (a number needs quotes around it)"
    return None


def _wrong_number(rule: Mapping[str, Any], value: int, said: str) -> str | None:
    low, high = rule.get("min"), rule.get("max")
    if low is not None and value < low:
        return f"{said} less than {low}"
    if high is not None and value > high:
        return f"{said} more than {high}"
    return None


def _wrong_list(rule: Mapping[str, Any], value: Sequence[Any], _: str) -> str | None:
    fewest = rule.get("min", 0)
    if len(value) < fewest:
        return f"holds {len(value)} entries, fewer than {fewest}"
    ports = rule["type"] == "ports"
    for entry in value:
        wrong = _wrong_port(entry) if ports else _wrong_cidr(entry, rule.get("within"))
        if wrong:
            return f"holds {entry!r}, which is {wrong}"
    return None


def _wrong_port(port: Any) -> str | None:
    return None if _number(port) in PORTS else "not a port (1 to 65535)"


def _wrong_cidr(cidr: Any, within: str | None) -> str | None:
    try:
        network = ipaddress.ip_network(str(cidr))
    except ValueError as error:
        return f"not a network ({error})"
    if within is None:
        return None
    around = ipaddress.ip_network(within)
    # Networks of different versions cannot be compared.
    if network.version != around.version or not network.subnet_of(around):  # type: ignore[arg-type]
        return f"not within {within}"
    return None


CHECKS: dict[str, Callable[[Mapping[str, Any], Any, str], str | None]] = {
    "str": _wrong_text,
    "int": _wrong_number,
    "cidrs": _wrong_list,
    "ports": _wrong_list,
    "texts": _wrong_texts,
}


def settings_problems(rules: Sequence[Mapping[str, Any]]) -> list[str]:
    """One sentence for each setting that breaks a rule."""
    problems: dict[str, str] = {}
    for rule in rules:
        if missing := {"name", "what", "example"} - set(rule):
            raise AnsibleFilterError(f"rule {dict(rule)!r} lacks {', '.join(sorted(missing))}")
        name = str(rule["name"])
        if name in problems or not rule.get("when", True):
            continue
        wrong = _wrong(rule)
        if wrong:
            problems[name] = (
                f"{name} {wrong}. It is {rule['what']}. Example: {name}: {rule['example']}"
            )
    return list(problems.values())


class FilterModule:
    """Filters of this file, for Ansible."""

    def filters(self) -> dict[str, Any]:
        return {"settings_problems": settings_problems}
