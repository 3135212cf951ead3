"""Writes the settings tables of the apps' READMEs from the settings' own descriptions.

    python apps/readme_settings.py           # with the environment of `make dev`
    python apps/readme_settings.py --check   # changes nothing; 1 where a table is out of date

A service's table has the settings that it declares itself. Those of the groups that it shares with
others (`RabbitSettings` and so on) are in the tables of tu-common.
"""

import argparse
import ast
import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

APPS = Path(__file__).resolve().parent
BEGIN = "<!-- settings: written by apps/readme_settings.py -->"
END = "<!-- end of settings -->"

sys.path[:0] = [str(source) for source in sorted(APPS.glob("*/src"))]


def of_class(settings: Any) -> str:
    """A table of the settings that a class declares itself."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name in inspect.get_annotations(settings):
        if (field := settings.model_fields.get(name)) is None:
            continue
        example = str(field.examples[0])
        # What is in parentheses says where a secret is from.
        said = example.strip("()") if example.startswith("(") else f"for example `{example}`"
        default = f"required, {said}" if field.is_required() else _shown(field.default)
        rows.append(f"| `{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


def _shown(default: Any) -> str:
    value = default.get_secret_value() if hasattr(default, "get_secret_value") else default
    if isinstance(value, bool):
        value = str(value).lower()
    return f"`{value}`" if value != "" else "none"


def of_service(package: str) -> str:
    from tu_common.settings import ServiceSettings  # noqa: PLC0415

    settings = importlib.import_module(f"{package}.settings").Settings
    groups = [
        base.__name__
        for base in settings.__mro__[1:]
        if base.__module__ == ServiceSettings.__module__ and not base.__name__.startswith("_")
    ]
    shared = ", ".join(f"[{group}](../tu-common/README.md#{group.lower()})" for group in groups)
    return f"{of_class(settings)}\n\nShared with other services: {shared}."


def of_groups() -> str:
    module = importlib.import_module("tu_common.settings")
    groups = [
        group
        for group in vars(module).values()
        if inspect.isclass(group)
        and group.__module__ == module.__name__
        and hasattr(group, "model_fields")
        and not group.__name__.startswith("_")
    ]
    return "\n\n".join(f"### {group.__name__}\n{of_class(group)}" for group in groups)


def of_client() -> str:
    """The entries of client.json, from what `Config` says about each."""
    config = importlib.import_module("client_console.config")
    (tree,) = ast.parse(inspect.getsource(config.Config)).body
    rows = ["| entry | variable | meaning |", "|---|---|---|"]
    for statement, meaning in zip(tree.body, tree.body[1:], strict=False):  # type: ignore[attr-defined]
        match statement, meaning:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(text)):
                rows.append(f"| `{name}` | `{config.VARIABLES[name]}` | {' '.join(text.split())} |")
    return "\n".join(rows)


def tables() -> Iterator[tuple[Path, str]]:
    """Each README with a settings section, and what belongs there."""
    for readme in sorted(APPS.glob("*/README.md")):
        match readme.parent.name:
            case "tu-common":
                yield readme, of_groups()
            case "client-console":
                yield readme, of_client()
            case service:
                yield readme, of_service(service.replace("-", "_"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--check", action="store_true", help="say what is out of date")
    check = parser.parse_args().check
    stale = []
    for readme, table in tables():
        text = readme.read_text(encoding="utf-8")
        before, begin, rest = text.partition(BEGIN)
        _, end, after = rest.partition(END)
        if not (begin and end):
            sys.exit(f"{readme}: no lines {BEGIN} and {END}")
        wanted = f"{before}{BEGIN}\n{table}\n{END}{after}"
        if wanted != text:
            stale.append(str(readme.relative_to(APPS.parent)))
            if not check:
                readme.write_text(wanted, encoding="utf-8")
    if check and stale:
        print(f"out of date: {', '.join(stale)}; run: python apps/readme_settings.py")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
