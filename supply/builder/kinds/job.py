"""What a kind is given: one part to be made, its inputs, and where its outputs go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from supply.builder.catalog import Part, Recipe
from supply.builder.mirrors import Mirrors
from supply.builder.tools import KEY_LABEL, Shell


@dataclass(frozen=True)
class Job:
    """One part to be made: its recipe, its inputs and where its outputs go."""

    part: Part
    recipe: Recipe
    key: str
    image: str
    out: Path
    work: Path
    outputs: dict[str, Path]
    images: dict[str, str]
    # Those of the images that come from a registry.
    pulled: frozenset[str]
    mirrors: Mirrors
    shell: Shell

    @property
    def folder(self) -> Path:
        """The folder with the part's pins and Dockerfile, or the service's source."""
        return self.part.folder(self.recipe)

    @property
    def label(self) -> str:
        """The label that says which content an image was made of."""
        return f"{KEY_LABEL}={self.key}"
