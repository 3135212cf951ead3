"""Names by content: a part's key is a hash of everything that goes into it.

The key can be computed without building anything, so a role knows an image's name before the image
exists, and a part whose inputs did not change is never built twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from supply.builder.catalog import ROOT, Part, Recipe, Source
from supply.builder.machine import architecture

# Raised when a kind's way of building changes what comes out of unchanged pins.
RECIPE_VERSION = 1
KEY_LENGTH = 12
REGISTRY_NAME = "trackunit.local"
# What a service's image is made of; its tests and its pages are not.
SERVICE_FILES = ("src", "pyproject.toml", "Dockerfile")
# The files of a part's folder that only these kinds read; an image's are all the others.
PINS = {
    "go": (".mod", ".sum", ".go"),
    "maven": (".xml",),
    "pypi": (".txt",),
    "debian": (),
    "binary": (),
    "download": (),
}
# Kinds that take what was made for one architecture by others.
TAKEN = ("binary", "download")
_PINS = {suffix for suffixes in PINS.values() for suffix in suffixes}
_IGNORED = {"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"}


def files_of(path: Path) -> list[Path]:
    """Every file below a path in a fixed order, without what tools leave behind."""
    if path.is_file():
        return [path]
    return sorted(
        entry
        for entry in path.rglob("*")
        if entry.is_file()
        and not _IGNORED.intersection(entry.parts)
        and not any(piece.endswith(".egg-info") for piece in entry.parts)
    )


def inputs_of(part: Part, recipe: Recipe) -> list[Path]:
    """The repository's files that go into a part."""
    kind, folder = recipe.kind, part.folder(recipe)
    if kind != "service":
        # A Dockerfile beside a go.mod is the image's affair: changing it compiles nothing again.
        return [
            file
            for file in (files_of(folder) if folder.exists() else [])
            if (file.suffix in PINS.get(kind, ()))
            or (kind not in PINS and file.suffix not in _PINS)
        ]
    common = ROOT / "apps" / "tu-common"
    sources = [place / name for place in (folder, common) for name in SERVICE_FILES]
    sources.append(ROOT / "apps" / "requirements.lock")
    return [file for source in sources if source.exists() for file in files_of(source)]


def keys(parts: Mapping[str, Part], sources: Mapping[str, Source]) -> dict[str, str]:
    """The key of every part, from its entry, its files and the keys of what it needs."""
    done: dict[str, str] = {}

    def key(name: str) -> str:
        if name in done:
            return done[name]
        part = parts[name]
        recipe = part.recipe(sources[name])
        digest = hashlib.sha256()
        if recipe is None:
            digest.update(part.registry_image.encode())
        else:
            entry = [RECIPE_VERSION, part.version, recipe.kind, recipe.options]
            digest.update(json.dumps(entry, sort_keys=True).encode())
            if recipe.kind in TAKEN:
                digest.update(architecture().encode())
            for file in inputs_of(part, recipe):
                digest.update(f"{file.relative_to(ROOT)}\0{file.stat().st_mode & 0o111}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
            for need in recipe.needs:
                digest.update(f"{need}={key(need)}".encode())
        done[name] = digest.hexdigest()[:KEY_LENGTH]
        return done[name]

    for name in parts:
        key(name)
    return done


def image_name(part: Part, key: str) -> str:
    """The complete reference of an image that is made here."""
    return f"{REGISTRY_NAME}/{part.name}:{part.version}-{key}"
