"""Which commands reach a role, read from the Makefile, the playbooks and the roles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

PREFIX = "trackunit.platform."
ENTRY = re.compile(r"\$\(PLAY\) (?:playbooks/)?([a-z_]+)\.yml")
WORD = re.compile(r"[\w-]+")
ARGUMENTS = {"release": " SERVICE=name", "rollback": " SERVICE=name"}
# Targets that run some playbooks of others.
PARTIAL = ("test-integration",)
# A role that a play picks by a variable is named in its `vars`, is a service, or is named
# beside the secrets that it uses (rotate.yml).
PICKED = re.compile(r"'([a-z_]+)'")


@dataclass(frozen=True)
class Command:
    """A command, its playbook that reaches the role, and the tag that picks the role alone."""

    command: str
    playbook: str
    tag: str = ""


def commands_of(role: str, root: Path) -> tuple[Command, ...]:
    """In the order of the Makefile, then playbooks that no target runs."""
    found: list[Command] = []
    targets = _targets(root)
    playbooks = {file.stem for file in (root / "playbooks").glob("*.yml")}
    imported = {name for book in playbooks for name in _imported(root, book)}
    for entry in [*targets, *sorted(playbooks - set(targets) - imported)]:
        command = targets.get(entry, f"ansible-playbook playbooks/{entry}.yml")
        books = {book: _roles(root, book).get(role) for book in (entry, *_imported(root, entry))}
        reached = {book: tags for book, tags in books.items() if tags is not None}
        if reached:
            # The playbook that can run the role alone says more than the first that needs it.
            book = next(
                (book for book, tags in reached.items() if role in tags), next(iter(reached))
            )
            tag = role if role in reached[book] and entry == "site" else ""
            found.append(Command(command, f"{book}.yml", tag))
    return tuple(found)


@cache
def _targets(root: Path) -> dict[str, str]:
    """The first target that runs each playbook, by the playbook's name."""
    found: dict[str, str] = {}
    target = ""
    for line in (root / "Makefile").read_text(encoding="utf-8").splitlines():
        if started := re.match(r"([a-z][a-z0-9_-]*):", line):
            target = started[1]
        elif line.startswith(("define ", ".PHONY")):
            target = ""
        elif (entry := ENTRY.search(line)) and target not in ("", *PARTIAL):
            found.setdefault(entry[1], f"make {target}{ARGUMENTS.get(target, '')}")
    return found


@cache
def _read(file: Path) -> list[Any]:
    loaded = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else None
    return loaded if isinstance(loaded, list) else []


@cache
def _imported(root: Path, playbook: str) -> list[str]:
    return [
        Path(play["ansible.builtin.import_playbook"]).stem
        for play in _read(root / "playbooks" / f"{playbook}.yml")
        if "ansible.builtin.import_playbook" in play
    ]


@cache
def _roles(root: Path, playbook: str) -> dict[str, list[str]]:
    """The roles that a playbook reaches, each with the tags that it carries there."""
    found: dict[str, list[str]] = {}
    for play in _read(root / "playbooks" / f"{playbook}.yml"):
        picked = PICKED.findall(str(play.get("vars", "")))
        for entry in play.get("roles", []):
            name = entry if isinstance(entry, str) else entry["role"]
            tags = [] if isinstance(entry, str) else entry.get("tags", [])
            found.setdefault(name.removeprefix(PREFIX), []).extend(tags)
        for section in ("pre_tasks", "tasks", "post_tasks"):
            for name, tags in _included(root / "playbooks", play.get(section, [])):
                # Services that a play loops over are each picked by their role's name.
                for one in _names(root, name, picked):
                    own = [one] if "service" in name and "{{" in name else []
                    found.setdefault(one, []).extend([*tags, *own])
    for name in list(found):
        for file in (root / "roles" / name / "tasks").glob("*.yml"):
            for inner, _ in _included(file.parent, _read(file)):
                found.setdefault(inner.removeprefix(PREFIX), found[name] if inner == name else [])
    return found


def _included(folder: Path, tasks: list[Any]) -> Iterator[tuple[str, list[str]]]:
    """The roles that tasks include, also from files and blocks; a loop over names is each."""
    for task in tasks:
        for block in ("block", "rescue", "always"):
            yield from _included(folder, task.get(block, []))
        for action in ("include_tasks", "import_tasks"):
            file = task.get(f"ansible.builtin.{action}")
            if isinstance(file, str) and "{{" not in file:
                yield from _included(folder, _read(folder / file))
        for action in ("include_role", "import_role"):
            if said := task.get(f"ansible.builtin.{action}"):
                loop = task.get("loop")
                several = isinstance(loop, list) and "{{" in said["name"]
                for name in loop if several else [said["name"]]:
                    yield str(name), list(task.get("tags", []))


def _names(root: Path, name: str, picked: list[str]) -> list[str]:
    """The roles that a name, or an expression for one, may stand for."""
    plain = name.removeprefix(PREFIX)
    if "{{" not in plain:
        return [plain]
    found = [one for one in picked if (root / "roles" / one).is_dir()]
    if "rotate" in plain:
        secrets = root / "roles" / "credentials" / "vars" / "main.yml"
        words = WORD.findall(secrets.read_text(encoding="utf-8")) if secrets.exists() else []
        found += [one for one in words if (root / "roles" / one).is_dir()]
    if "service" in plain or "rotate" in plain:
        found += [role.name for role in (root / "roles").iterdir() if _is_service(role)]
    return found


def _is_service(role: Path) -> bool:
    """Whether the role is a thin one on top of the role `service`."""
    return any(
        inner == f"{PREFIX}service"
        for file in (role / "tasks").glob("*.yml")
        for inner, _ in _included(file.parent, _read(file))
    )
