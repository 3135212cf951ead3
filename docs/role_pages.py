"""Writes each role's README from its argument_specs: `make docs`.

What a role does and takes stands in `meta/argument_specs.yml`, its defaults in `defaults/main.yml`
or, for a setting that several roles share, in the inventory, and examples in
`docs/role_examples.yml`. Which commands reach a role is read from the playbooks.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from docs.role_commands import Command, commands_of

ROOT = Path(__file__).resolve().parents[1]
MADE = "<!-- made by `make docs` from meta/argument_specs.yml; do not edit -->"
# A longer default is looked up in the role rather than read in a table.
LONGEST_DEFAULT = 60
MARKUP = re.compile(r"\b[CVOIEP]\(([^)]*)\)")


@dataclass(frozen=True)
class Role:
    """What a role's files say about it."""

    name: str
    specs: Mapping[str, Any]
    defaults: Mapping[str, Any]
    settings: Mapping[str, Any]
    example: str
    commands: tuple[Command, ...]


def load(folder: Path, root: Path = ROOT) -> Role:
    """Read a role of the collection in `root`."""
    examples = _yaml(root / "docs" / "role_examples.yml")
    specs = _yaml(folder / "meta" / "argument_specs.yml")["argument_specs"]
    role = Role(
        name=folder.name,
        specs=specs,
        defaults=_yaml(folder / "defaults" / "main.yml"),
        settings=_settings(root),
        example=examples.get(folder.name, {}).get("example", ""),
        commands=commands_of(folder.name, root),
    )
    return role if role.example else Role(**{**vars(role), "example": _example(role)})


def page(role: Role) -> str:
    """The README's text."""
    main = role.specs.get("main") or next(iter(role.specs.values()))
    parts = [
        f"# {role.name}",
        MADE,
        _sentence(main["short_description"]),
        *_paragraphs(main.get("description", [])),
        "## Where it runs",
        _table(
            ("command", "playbook", "only this part"),
            [
                (
                    f"`{command.command}`",
                    f"[{command.playbook}](../../playbooks/{command.playbook})",
                    f'`{command.command} ARGS="--tags {command.tag}"`' if command.tag else "",
                )
                for command in role.commands
            ],
        ),
    ]
    if role.example:
        parts += ["## Example", f"```yaml\n{role.example.strip()}\n```"]
    parts += ["## Variables", _variables(main.get("options", {}), role)]
    others = {name: spec for name, spec in role.specs.items() if spec is not main}
    if others:
        rows = [(f"`{name}`", _text(spec["short_description"])) for name, spec in others.items()]
        parts += ["## Other entry points", _table(("`tasks_from`", "what it does"), rows)]
    for name, spec in others.items():
        own = {k: v for k, v in spec.get("options", {}).items() if k not in main.get("options", {})}
        if own:
            parts += [f"Variables of `{name}` alone:", _variables(own, role)]
    return "\n\n".join(parts) + "\n"


def _yaml(file: Path) -> dict[str, Any]:
    return (yaml.safe_load(file.read_text(encoding="utf-8")) or {}) if file.exists() else {}


@cache
def _settings(root: Path) -> dict[str, Any]:
    """The settings of the default inventory."""
    files = sorted((root / "inventory" / "local" / "group_vars" / "all").glob("*.yml"))
    return {name: value for file in files for name, value in _yaml(file).items()}


def _example(role: Role) -> str:
    """For a role without an example of its own: the first setting that has a plain default."""
    options = role.specs.get("main", {}).get("options", {})
    for name, option in options.items():
        value = option.get("default", role.defaults.get(name))
        if isinstance(value, int) or (isinstance(value, str) and value and "{{" not in value):
            return yaml.safe_dump({name: value})
    return ""


def _variables(options: Mapping[str, Any], role: Role) -> str:
    if not options:
        return "None."
    return _table(("name", "type", "default", "meaning"), list(_rows(options, role)))


def _rows(options: Mapping[str, Any], role: Role, inside: str = "") -> Iterator[tuple[str, ...]]:
    for name, option in options.items():
        kind = option.get("type", "str")
        if "elements" in option:
            kind = f"{kind} of {option['elements']}"
        meaning = " ".join(_paragraphs(option.get("description", [])))
        if option.get("choices"):
            meaning += f" One of {', '.join(f'`{_plain(c)}`' for c in option['choices'])}."
        if option.get("no_log"):
            meaning += " Secret."
        default = "" if inside else _default(name, option, role)
        if option.get("required") and not default:
            default = "required"
        yield f"`{inside}{name}`", kind, default, meaning
        yield from _rows(option.get("options", {}), role, f"{inside}{name}.")


def _default(name: str, option: Mapping[str, Any], role: Role) -> str:
    places = (
        (role.defaults, "[see defaults](defaults/main.yml)"),
        ({name: option["default"]} if "default" in option else {}, "see `ansible-doc`"),
        (role.settings, "[see the inventory](../../inventory/local/group_vars/all)"),
    )
    for values, elsewhere in places:
        if name in values:
            shown = _plain(values[name])
            short = len(shown) <= LONGEST_DEFAULT and "\n" not in shown
            return f"`{shown}`" if short else elsewhere
    return ""


def _plain(value: object) -> str:
    """A value as it is written in YAML, on one line."""
    if isinstance(value, str):
        return value or '""'
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def _paragraphs(description: object) -> list[str]:
    lines = [description] if isinstance(description, str) else list(description or [])  # type: ignore[call-overload]
    return [_sentence(str(line)) for line in lines]


def _sentence(text: str) -> str:
    text = _text(text)
    return text if text.endswith((".", "!", ":")) else f"{text}."


def _text(text: str) -> str:
    """Ansible's markup as Markdown."""
    return MARKUP.sub(lambda found: f"`{found[1]}`", text.strip())


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    cells = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def write(folder: Path, root: Path = ROOT) -> Path | None:
    """Write a role's README; the file where it changed."""
    file, text = folder / "README.md", page(load(folder, root))
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return None
    file.write_text(text, encoding="utf-8")
    return file


def main() -> int:
    """Write every README; say which changed."""
    for folder in sorted((ROOT / "roles").iterdir()):
        if file := write(folder):
            sys.stdout.write(f"{file.relative_to(ROOT)}: written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
