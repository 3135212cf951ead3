"""A service from the template: its app folder, its role folder, and its line in the list."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml

from docs import role_pages

TEMPLATE = Path(__file__).with_name("template")
LIST = "inventory/local/group_vars/all/services.yml"
# What the template calls itself.
NAME, PACKAGE = "svc-new", "svc_new"
PATTERN = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
# A namespace's name has 63 characters at most; what is derived from it needs some too.
LONGEST = 40


class RefusedError(Exception):
    """The name cannot be taken; the text says why."""


def make(name: str, root: Path) -> list[str]:
    """Make the service `name` below `root`; the files that were written."""
    check(name, root)
    package = name.replace("-", "_")
    made = []
    for part, target in (("app", root / "apps" / name), ("role", root / "roles" / package)):
        for file in sorted((TEMPLATE / part).rglob("*")):
            if file.is_dir() or "__pycache__" in file.parts:
                continue
            inside = str(file.relative_to(TEMPLATE / part)).replace(PACKAGE, package)
            text = file.read_text(encoding="utf-8").replace(NAME, name).replace(PACKAGE, package)
            (target / inside).parent.mkdir(parents=True, exist_ok=True)
            (target / inside).write_text(text, encoding="utf-8")
            made.append(str((target / inside).relative_to(root)))
    listed = root / LIST
    listed.write_text(with_line(listed.read_text(encoding="utf-8"), name), encoding="utf-8")
    if readme := role_pages.write(root / "roles" / package, root):
        made.append(str(readme.relative_to(root)))
    return [*made, f"{LIST} (one line)"]


def check(name: str, root: Path) -> None:
    """Refuse a name that is malformed, reserved, or somebody's."""
    like = "for example make new-service NAME=svc-thing"
    if not PATTERN.fullmatch(name) or len(name) > LONGEST:
        raise RefusedError(
            f"NAME is {name!r}; a service is called by small letters, digits and single hyphens, "
            f"{LONGEST} at most: {like}"
        )
    package = name.replace("-", "_")
    if keyword.iskeyword(package) or package in sys.stdlib_module_names:
        raise RefusedError(f"NAME is {name!r}, which Python needs for itself: {like}")
    if name == "default" or name.startswith("kube-"):
        raise RefusedError(f"NAME is {name!r}, a namespace of Kubernetes: {like}")
    for folder in (f"apps/{name}", f"roles/{package}"):
        if (root / folder).exists():
            raise RefusedError(f"{name} is taken: there is {folder}")
    if file := _called(name, root):
        raise RefusedError(f"{name} is taken by something in {file}: {like}")


def _called(name: str, root: Path) -> str:
    """The file that gives this name to something else of the platform."""
    names: dict[str, Callable[[Any], Iterable[str]]] = {
        "supply/catalog.yml": lambda said: said["parts"],
        "roles/network_policies/defaults/main.yml": lambda said: [
            *said["network_policies_workloads"],
            *said["network_policies_peers"],
        ],
        "roles/namespaces/defaults/main.yml": lambda said: [
            namespace["name"] for namespace in said["namespaces_parts"]
        ],
    }
    for file, read in names.items():
        if name in read(yaml.safe_load((root / file).read_text(encoding="utf-8"))):
            return file
    return ""


def with_line(text: str, name: str) -> str:
    """The inventory's file with one more service at the end of its list."""
    found = re.search(r"^platform_services:\n((?:  - .*\n)+)", text, re.MULTILINE)
    if found is None:
        raise RefusedError(
            f"{LIST} has no list platform_services, each service in a line of its own"
        )
    return f"{text[: found.end()]}  - {name}\n{text[found.end() :]}"
