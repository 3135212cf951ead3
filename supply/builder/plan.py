"""Which parts a request needs, and in what order they can be made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from supply.builder.catalog import CatalogError


def closure(
    needs: Mapping[str, Iterable[str]], wanted: Iterable[str], done: Set[str] = frozenset()
) -> list[str]:
    """The wanted parts and all that they need, needs first; nothing below a part that is done."""
    order: list[str] = []
    path: list[str] = []

    def visit(name: str) -> None:
        if name in order or name in done:
            return
        if name not in needs:
            raise CatalogError(f"no part {name}; there are: {', '.join(sorted(needs))}")
        if name in path:
            raise CatalogError(f"parts need each other: {' → '.join([*path, name])}")
        path.append(name)
        for need in needs[name]:
            visit(need)
        path.pop()
        order.append(name)

    for name in wanted:
        visit(name)
    return order
