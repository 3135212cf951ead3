"""Decides where each part is taken from, given what registries lack."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from supply.builder.catalog import Part, Recipe, Source
from supply.builder.plan import closure


@dataclass(frozen=True)
class Choice:
    """The source of every part that can be had, and why a part is not had as it was wished."""

    sources: Mapping[str, Source]
    reasons: Mapping[str, str]


def needs_of(
    parts: Mapping[str, Part], sources: Mapping[str, Source]
) -> dict[str, tuple[str, ...]]:
    """What each part is made of, from its source."""
    return {
        name: recipe.needs if (recipe := parts[name].recipe(source)) else ()
        for name, source in sources.items()
    }


def choose(
    parts: Mapping[str, Part],
    wanted: str,
    lacking: Mapping[str, str],
    left_out: Set[str] = frozenset(),
) -> Choice:
    """Sources part by part; `wanted` is auto, registry or packages.

    `lacking` says of a part why registries do not have it. A part that the settings leave out keeps
    a name where it has one without asking.
    """
    chosen: dict[str, Source | None] = {}
    reasons: dict[str, str] = {}
    for name, part in parts.items():
        if not part.in_registry or wanted == "packages":
            chosen[name] = "packages" if part.packages else None
        else:
            chosen[name] = "registry" if part.packages or name not in left_out else None
        if chosen[name] is None:
            reasons[name] = (
                "the settings leave it out"
                if name in left_out
                else f"it is in no package registry, and supply is {wanted}"
            )
    _fall(parts, chosen, reasons, lacking)
    sources = {name: source for name, source in chosen.items() if source}
    return Choice(_makeable(parts, sources), reasons)


def _fall(
    parts: Mapping[str, Part],
    chosen: dict[str, Source | None],
    reasons: dict[str, str],
    lacking: Mapping[str, str],
) -> None:
    """Take from packages what registries lack, and what goes together with it."""

    def fall(name: str, why: str) -> None:
        if chosen.get(name) != "registry":
            return
        part = parts[name]
        chosen[name] = "packages" if part.packages else None
        # What a part lacks itself says more than what it goes together with.
        why = reasons[name] = lacking.get(name, why)
        if part.registry_with:
            fall(part.registry_with, f"it is of no use without {name}, which is not there")
        for other in parts.values():
            if other.registry_with == name:
                fall(other.name, f"it is of no use without {name}: {why}")
            recipe = other.registry_recipe
            if recipe and name in recipe.needs:
                fall(other.name, f"it is made of {name}: {why}")
        if part.packages:
            for need in _all_needs(parts, part.packages):
                fall(need, f"{name} is made from packages and needs it")

    for name, why in lacking.items():
        fall(name, why)


def _all_needs(parts: Mapping[str, Part], recipe: Recipe) -> list[str]:
    needs = {name: part.packages.needs if part.packages else () for name, part in parts.items()}
    return closure(needs, recipe.needs)


def _makeable(parts: Mapping[str, Part], sources: Mapping[str, Source]) -> dict[str, Source]:
    """Without what is made of a part's outputs when that part comes from a registry.

    Images of services are the exception: they take any base.
    """
    kept = dict(sources)
    while True:
        needs = needs_of(parts, kept)
        lost = [
            name
            for name, source in kept.items()
            if source == "packages"
            and not parts[name].is_service
            and any(kept.get(need) != "packages" for need in needs[name])
        ]
        if not lost:
            return kept
        for name in lost:
            del kept[name]
