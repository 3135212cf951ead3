"""The environment variables that a service knows, read from its settings class without running it.

The class Settings of apps/<service>/src/<package>/settings.py is the one home of their names. Its
annotated fields and those of its bases are read from the source, wherever in apps/ a base is.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.trackunit.platform.plugins.plugin_utils.services import (
    ROOT,
    near,
    role_of,
)


def known(service: str, root: Path = ROOT) -> set[str]:
    """The names of a service's settings; none where its source is not here."""
    module = f"{role_of(service)}.settings"
    return {name.upper() for name in _fields(module, "Settings", root)}


def problems(given: Mapping[str, Any], root: Path = ROOT) -> list[str]:
    """One sentence for each service of `given` whose <role>_env names what it does not know."""
    return [
        _sentence(service, str(name), names, root)
        for service, environment in given.items()
        if (names := known(service, root))
        for name in environment or {}
        if str(name) not in names
    ]


def _sentence(service: str, name: str, names: set[str], root: Path) -> str:
    setting, file = f"{role_of(service)}_env", _file(f"{role_of(service)}.settings", root)
    return (
        f"{setting} names {name}, which is no setting of {service}"
        f"{near(name, names) or '.'} Its settings are in {file}. "
        f"Example: {setting}: {{LOG_LEVEL: DEBUG}}"
    )


def _fields(module: str, name: str, root: Path) -> Iterator[str]:
    """The annotated fields of a class and of its bases."""
    tree = _tree(root, module)
    if tree is None:
        return
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            for base in node.bases:
                if isinstance(base, ast.Name):
                    yield from _fields(*_home(tree, module, base.id), root)
            for field in node.body:
                target = field.target if isinstance(field, ast.AnnAssign) else None
                if isinstance(target, ast.Name) and not target.id.startswith("_"):
                    yield target.id


def _home(tree: ast.Module, module: str, name: str) -> tuple[str, str]:
    """The module that a name comes from, and what it is called there."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return node.module, alias.name
    return module, name


@functools.cache
def _tree(root: Path, module: str) -> ast.Module | None:
    file = _file(module, root)
    return ast.parse((root / file).read_text(encoding="utf-8")) if file else None


def _file(module: str, root: Path) -> Path | None:
    """The source of a module of ours, as the repository names it."""
    inside = Path(*module.split("."))
    for candidate in (inside.with_suffix(".py"), inside / "__init__.py"):
        for file in sorted(root.glob(f"apps/*/src/{candidate}")):
            return file.relative_to(root)
    return None
