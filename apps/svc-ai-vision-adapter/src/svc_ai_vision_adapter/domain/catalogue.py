"""The catalogue of machines: makers, model codes, and the type of each model."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from svc_ai_vision_adapter.domain.text import fold, squeeze

# A trailing "-11" or "-8.1" says the generation; machines often leave it out of the large decal.
_GENERATION = re.compile(r"-\d{1,2}(\.\d)?$")
# What is left without the generation must still be a code of its own ("LTM 1060", not "18Z").
_SHORTEST_STEM = 5


class CatalogueError(ValueError):
    """The catalogue file cannot be used; the message says which entry is wrong."""


@dataclass(frozen=True, slots=True)
class Code:
    """One way in which a model may be written, prepared for comparison."""

    squeezed: str
    folded: str
    whole: bool
    """Whether nothing was left out: a whole code is better evidence than its stem."""


@dataclass(frozen=True, slots=True)
class Model:
    brand: str
    name: str
    type: str
    codes: tuple[Code, ...]

    @property
    def distinctive(self) -> bool:
        """Whether the code alone tells the maker: short or purely numeric ones do not."""
        squeezed = self.codes[0].squeezed
        return len(squeezed) >= 5 and not squeezed.isdigit()


@dataclass(frozen=True, slots=True)
class Brand:
    name: str
    spellings: tuple[str, ...]
    models: tuple[Model, ...]


@dataclass(frozen=True, slots=True)
class MachineType:
    name: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    types: tuple[MachineType, ...]
    brands: tuple[Brand, ...]


def _codes(name: str) -> tuple[Code, ...]:
    whole = squeeze(name)
    codes = [Code(whole, fold(whole), whole=True)]
    stem = squeeze(_GENERATION.sub("", name))
    if stem != whole and len(stem) >= _SHORTEST_STEM and not stem.isdigit():
        codes.append(Code(stem, fold(stem), whole=False))
    return tuple(codes)


def parse_catalogue(document: Any) -> Catalogue:
    """Build the catalogue from the parsed YAML, refusing what could only be a mistake."""
    if not isinstance(document, Mapping):
        raise CatalogueError("the catalogue must be a mapping with 'types' and 'brands'")
    types = tuple(
        MachineType(str(entry["name"]), tuple(squeeze(word) for word in entry["words"]))
        for entry in document.get("types") or ()
    )
    known_types = {machine_type.name for machine_type in types}
    brands: list[Brand] = []
    for entry in document.get("brands") or ():
        name = str(entry["name"])
        models: list[Model] = []
        for type_name, codes in (entry.get("models") or {}).items():
            if type_name not in known_types:
                raise CatalogueError(f"brand {name}: type {type_name!r} is not among 'types'")
            for code in codes:
                if not isinstance(code, str):
                    raise CatalogueError(f"brand {name}: code {code!r} needs quotation marks")
                models.append(Model(name, code, str(type_name), _codes(code)))
        spellings = tuple(squeeze(text) for text in (name, *(entry.get("aliases") or ())))
        brands.append(Brand(name, spellings, tuple(models)))
    if not types or not brands:
        raise CatalogueError("the catalogue has no types or no brands")
    return Catalogue(types, tuple(brands))


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Read the catalogue at `path`, or the one that is part of this package."""
    if path is None:
        text = resources.files("svc_ai_vision_adapter").joinpath("data/catalogue.yml").read_text()
    else:
        text = path.read_text(encoding="utf-8")
    try:
        return parse_catalogue(yaml.safe_load(text))
    except (KeyError, TypeError, yaml.YAMLError) as error:
        raise CatalogueError(f"the catalogue cannot be read: {error!r}") from error
