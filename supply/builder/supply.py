"""A catalog with a source for each part: what each part is called, and where its files are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from supply.builder.catalog import CatalogError, Part, Recipe, Source
from supply.builder.charts import own_chart
from supply.builder.keys import image_name, keys
from supply.builder.kinds import IMAGE_KINDS, KINDS
from supply.builder.mirrors import Mirrors
from supply.builder.plan import closure
from supply.builder.sources import Choice, needs_of
from supply.builder.tools import BuildError, cache_dir, image_keys

NO_MIRRORS = Mirrors()


def store_folder(name: str, key: str) -> Path:
    """The folder of the files of a part with this key."""
    return cache_dir() / "store" / f"{name}-{key}"


def chart_file(part: Part) -> Path:
    """Where a part's packed chart is kept; its name says what is in it."""
    chart = part.registry_chart
    if chart is None:
        raise CatalogError(f"supply/catalog.yml: {part.name} has no chart")
    return cache_dir() / "store" / f"chart-{part.name}-{chart.version}-{chart.sha256[:12]}.tgz"


@dataclass(frozen=True)
class Supply:
    """A catalog with a source for each part: what each is called, and where its files are."""

    parts: Mapping[str, Part]
    sources: Mapping[str, Source]
    keys: Mapping[str, str]
    mirrors: Mirrors = NO_MIRRORS
    left_out: frozenset[str] = frozenset()
    # Why a part is not had, or not as it was wished.
    reasons: Mapping[str, str] = field(default_factory=dict)
    wanted: str = "packages"
    summary: str = ""
    asked: bool = False

    @classmethod
    def of(
        cls,
        parts: Mapping[str, Part],
        choice: Choice,
        mirrors: Mirrors = NO_MIRRORS,
        left_out: frozenset[str] = frozenset(),
        **said: Any,
    ) -> Supply:
        """Name every part by its content."""
        had = {name: part for name, part in parts.items() if name in choice.sources}
        for name, part in had.items():
            if (recipe := part.recipe(choice.sources[name])) and recipe.kind not in KINDS:
                raise CatalogError(
                    f"supply/catalog.yml: {name}: kind must be one of {', '.join(KINDS)}"
                )
        named = keys(had, choice.sources)
        return cls(had, choice.sources, named, mirrors, left_out, choice.reasons, **said)

    def recipe(self, name: str) -> Recipe | None:
        """How a part is made; None where it is pulled by its image's name."""
        return self.parts[name].recipe(self.sources[name])

    def image(self, name: str) -> str:
        """The reference of a part's image."""
        part = self.parts[name]
        if self.recipe(name) is None:
            return self.mirrors.image(part.registry_image)
        return image_name(part, self.keys[name])

    def folder(self, name: str) -> Path:
        """The folder of a part's files."""
        return store_folder(name, self.keys[name])

    def chart(self, name: str) -> Path | None:
        """The folder or archive of a part's chart, whether it is fetched already or not."""
        part = self.parts[name]
        if self.sources[name] == "registry" and part.registry_chart:
            return chart_file(part)
        return own_chart(name)

    def makes_image(self, name: str) -> bool:
        """Whether something called by `image` comes out of a part."""
        recipe = self.recipe(name)
        return recipe is None or recipe.kind in IMAGE_KINDS

    def used(self) -> list[str]:
        """The parts that a platform uses itself; what they are made of is not among them."""
        return [
            name
            for name, part in self.parts.items()
            if (part.in_registry or part.is_service)
            and name not in self.left_out
            and not (self.sources[name] == "packages" and part.only_on_demand)
        ]

    def needs(self) -> dict[str, tuple[str, ...]]:
        """What each part is made of."""
        return needs_of(self.parts, self.sources)

    def recipe_kinds(self) -> list[str]:
        """The kinds of recipe by which the platform's parts are made on this machine."""
        made = (self.recipe(name) for name in closure(self.needs(), self.used()))
        return sorted({recipe.kind for recipe in made if recipe})

    def done(self, *, engine_needed: bool = True) -> frozenset[str]:
        """Parts with nothing left to do: pulled by name, or made already.

        Where no engine is needed, one that does not answer has no images.
        """
        try:
            there = image_keys()
        except BuildError:
            if engine_needed:
                raise
            there = {}
        finished = set()
        for name in self.parts:
            recipe = self.recipe(name)
            if recipe is None:
                finished.add(name)
            elif recipe.kind in IMAGE_KINDS:
                if there.get(self.image(name)) == self.keys[name]:
                    finished.add(name)
            elif self.folder(name).exists():
                finished.add(name)
        return frozenset(finished)

    def charts_to_fetch(self, names: Iterable[str]) -> list[str]:
        """Those of these parts whose chart is not in the cache yet."""
        return [
            name
            for name in names
            if self.sources.get(name) == "registry"
            and self.parts[name].registry_chart
            and not chart_file(self.parts[name]).exists()
        ]

    def missing(
        self, wanted: Sequence[str], *, engine_needed: bool = True
    ) -> tuple[list[str], list[str]]:
        """The charts to fetch and the parts to make for this, in an order that works."""
        todo = closure(self.needs(), wanted, self.done(engine_needed=engine_needed))
        return self.charts_to_fetch(wanted), todo
