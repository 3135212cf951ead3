"""Which parts a request needs, and in what order they can be made."""

from __future__ import annotations

from collections.abc import Iterable

from supply.builder.catalog import CatalogError, Part, Source


def closure(
    parts: dict[str, Part], wanted: Iterable[str], source: Source, done: frozenset[str]
) -> list[str]:
    """The wanted parts and all that they need, needs first; nothing below a part that is done."""
    order: list[str] = []
    path: list[str] = []

    def visit(name: str) -> None:
        if name in order or name in done:
            return
        if name not in parts:
            raise CatalogError(f"no part {name}; there are: {', '.join(sorted(parts))}")
        if name in path:
            raise CatalogError(f"parts need each other: {' → '.join([*path, name])}")
        recipe = parts[name].recipe(source)
        path.append(name)
        for need in recipe.needs if recipe else ():
            visit(need)
        path.pop()
        order.append(name)

    for name in wanted:
        visit(name)
    return order
