"""The catalog: every part's version and its two sources, typed and checked when it is read."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

ROOT = Path(__file__).resolve().parents[2]
CATALOG = ROOT / "supply" / "catalog.yml"

Source = Literal["packages", "registry"]
SOURCES: tuple[Source, ...] = ("packages", "registry")
PLACEHOLDER = re.compile(r"\$\{([a-z0-9-]+)\}")


class CatalogError(Exception):
    """The catalog or a request to it is wrong; the message says where and what to write."""


@dataclass(frozen=True)
class Chart:
    """An upstream Helm chart: a repository's by name, or an OCI reference, at one version."""

    version: str
    name: str = ""
    repo: str = ""
    ref: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Recipe:
    """How a part is made. `kind` picks the function in `kinds`; `options` are that kind's own."""

    kind: str
    needs: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """One third-party part or service."""

    name: str
    version: str
    why: str
    packages: Recipe | None
    registry_image: str = ""
    registry_chart: Chart | None = None
    registry_recipe: Recipe | None = None

    @property
    def folder(self) -> Path:
        """The folder with the part's pins and Dockerfile, or the service's source."""
        if self.is_service:
            return ROOT / "apps" / self.name
        options = self.packages.options if self.packages else {}
        return ROOT / "supply" / str(options.get("folder", self.name))

    @property
    def is_service(self) -> bool:
        """Whether the part is one of the services in apps/."""
        return self.packages is not None and self.packages.kind == "service"

    def available(self, source: Source) -> bool:
        """Whether the part can be had from this source at all."""
        return source == "registry" or self.packages is not None

    def recipe(self, source: Source) -> Recipe | None:
        """How the part is made from this source; None where it is pulled by its image's name."""
        if source == "packages":
            return self.packages
        if self.registry_recipe is not None or self.registry_image:
            return self.registry_recipe
        return self.packages


def _recipe(part: str, raw: object) -> Recipe:
    if not isinstance(raw, dict) or "kind" not in raw:
        raise CatalogError(f"supply/catalog.yml: {part}: a recipe must say its kind")
    options = {k: v for k, v in raw.items() if k not in ("kind", "needs")}
    needs = list(raw.get("needs", []))
    if "base" in raw and raw["base"] not in needs:
        needs.append(raw["base"])
    return Recipe(kind=str(raw["kind"]), needs=tuple(needs), options=options)


def _part(name: str, raw: object) -> Part:
    if not isinstance(raw, dict):
        raise CatalogError(f"supply/catalog.yml: {name}: must be a mapping")
    missing = [key for key in ("version", "why") if key not in raw]
    if not ("packages" in raw or "registry" in raw):
        missing.append("packages or registry")
    if missing:
        raise CatalogError(f"supply/catalog.yml: {name}: missing {', '.join(missing)}")
    registry = raw.get("registry") or {}
    chart = registry.get("chart")
    return Part(
        name=name,
        version=str(raw["version"]),
        why=str(raw["why"]),
        packages=_recipe(name, raw["packages"]) if "packages" in raw else None,
        registry_image=str(registry.get("image", "")),
        registry_chart=Chart(**{k: str(v) for k, v in chart.items()}) if chart else None,
        registry_recipe=_recipe(name, registry["recipe"]) if "recipe" in registry else None,
    )


def _service(name: str, raw: dict[str, Any]) -> Part:
    pyproject = ROOT / "apps" / name / "pyproject.toml"
    if not pyproject.exists():
        raise CatalogError(f"supply/catalog.yml: services: {name}: there is no {pyproject}")
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    return Part(
        name=name,
        version=str(project["version"]),
        why=str(raw["why"]),
        packages=Recipe("service", needs=(str(raw["base"]),), options=dict(raw)),
    )


def _filled(raw: dict[str, Any]) -> dict[str, Any]:
    """The entries with `${part}` replaced by that part's version and `${version}` by their own."""
    versions = {
        name: str(entry["version"])
        for name, entry in raw.items()
        if isinstance(entry, dict) and "version" in entry
    }

    def fill(value: Any, part: str) -> Any:
        def version(found: re.Match[str]) -> str:
            named = part if found[1] == "version" else found[1]
            if named not in versions:
                raise CatalogError(
                    f"supply/catalog.yml: {part}: {found[0]}: no part {named} has a version"
                )
            return versions[named]

        if isinstance(value, dict):
            return {key: fill(inner, part) for key, inner in value.items()}
        if isinstance(value, list):
            return [fill(inner, part) for inner in value]
        return PLACEHOLDER.sub(version, value) if isinstance(value, str) else value

    versions |= {part: fill(version, part) for part, version in versions.items()}
    return {part: fill(entry, part) for part, entry in raw.items()}


def load(path: Path = CATALOG) -> dict[str, Part]:
    """All parts and services by name, in the order in which they should be started."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    parts = {name: _part(name, entry) for name, entry in _filled(raw["parts"]).items()}
    for name, entry in raw.get("services", {}).items():
        parts[name] = _service(name, entry)
    for part in parts.values():
        for recipe in (part.packages, part.registry_recipe):
            for need in recipe.needs if recipe else ():
                if need not in parts:
                    raise CatalogError(
                        f"supply/catalog.yml: {part.name} needs {need}, which is not there"
                    )
    return parts
