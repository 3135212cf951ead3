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
# Of the machine and of the nodes; from packages there is amd64 only.
ARCHITECTURES = ("amd64", "arm64")
PLACEHOLDER = re.compile(r"\$\{([a-z0-9-]+)\}")
SHA256 = re.compile(r"[0-9a-f]{64}")
IMAGE = re.compile(r"[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)+(:[\w.-]+)?@sha256:[0-9a-f]{64}")


class CatalogError(Exception):
    """The catalog or a request to it is wrong; the message says where and what to write."""


@dataclass(frozen=True)
class Chart:
    """An upstream Helm chart: a repository's by name, or an OCI reference, at one version.

    `sha256` is that of the packed chart: a version alone can be published again with other content.
    """

    version: str
    sha256: str
    name: str = ""
    repo: str = ""
    ref: str = ""


@dataclass(frozen=True)
class Download:
    """A published file and what it must contain."""

    url: str
    sha256: str


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
    # Another part without which this one is of no use from a registry, and the other way round.
    registry_with: str = ""

    def folder(self, recipe: Recipe) -> Path:
        """The folder with the recipe's pins and Dockerfile, or the service's source."""
        if self.is_service:
            return ROOT / "apps" / self.name
        return ROOT / "supply" / str(recipe.options.get("folder", self.name))

    @property
    def in_registry(self) -> bool:
        """Whether some registry has the part, or what it is made of, ready."""
        return bool(self.registry_image) or self.registry_recipe is not None

    @property
    def is_service(self) -> bool:
        """Whether the part is one of the services in apps/."""
        return self.packages is not None and self.packages.kind == "service"

    @property
    def only_on_demand(self) -> bool:
        """Whether the part is made from packages only when somebody names it."""
        return self.packages is not None and bool(self.packages.options.get("only_on_demand"))

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where the part can be had at all."""
        return tuple(
            source
            for source in SOURCES
            if (self.packages is not None if source == "packages" else self.in_registry)
        )

    def recipe(self, source: Source) -> Recipe | None:
        """How the part is made from this source; None where it is pulled by its image's name."""
        return self.packages if source == "packages" else self.registry_recipe


def downloads(recipe: Recipe) -> dict[str, dict[str, Download]]:
    """The files of a recipe of kind `download`: by name, then by architecture."""
    return {
        name: {architecture: Download(**said) for architecture, said in builds.items()}
        for name, builds in recipe.options["files"].items()
    }


def _wrong(part: str, where: str, what: str) -> CatalogError:
    return CatalogError(f"supply/catalog.yml: {part}: {where}: {what}")


def _image(part: str, where: str, text: object) -> str:
    if not isinstance(text, str) or not IMAGE.fullmatch(text):
        raise _wrong(part, where, f"{text} is not host/path[:tag]@sha256:<64 hexadecimal digits>")
    return text


def _sha256(part: str, where: str, text: object) -> str:
    if not isinstance(text, str) or not SHA256.fullmatch(text):
        raise _wrong(part, where, f"sha256 is {text}, not 64 hexadecimal digits in quotes")
    return text


def _chart(part: str, raw: object) -> Chart:
    where = "registry.chart"
    if not isinstance(raw, dict):
        raise _wrong(part, where, "must be a mapping")
    keys = set(raw)
    if keys not in ({"version", "sha256", "repo", "name"}, {"version", "sha256", "ref"}):
        raise _wrong(
            part,
            where,
            f"has {', '.join(sorted(keys))}; "
            "it takes version, sha256 and either repo and name or ref",
        )
    _sha256(part, where, raw["sha256"])
    return Chart(**{key: str(value) for key, value in raw.items()})


def _check_downloads(part: str, raw: object) -> None:
    where = "registry.recipe.files"
    if not isinstance(raw, dict) or not raw:
        raise _wrong(part, where, "must name at least one file")
    for name, builds in raw.items():
        if not isinstance(builds, dict) or not builds or set(builds) - set(ARCHITECTURES):
            raise _wrong(part, f"{where}.{name}", f"must be by {' and '.join(ARCHITECTURES)}")
        for architecture, said in builds.items():
            place = f"{where}.{name}.{architecture}"
            if not isinstance(said, dict) or set(said) != {"url", "sha256"}:
                raise _wrong(part, place, "must have url and sha256")
            if not str(said["url"]).startswith("https://"):
                raise _wrong(part, place, f"url is {said['url']}, not https://…")
            _sha256(part, place, said["sha256"])


def _registry_recipe(part: str, raw: object) -> Recipe:
    recipe = _recipe(part, raw)
    if recipe.kind == "binary":
        _image(part, "registry.recipe.image", recipe.options.get("image"))
    if recipe.kind == "download":
        _check_downloads(part, recipe.options.get("files"))
    return recipe


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
    registry = raw.get("registry", {})
    if not isinstance(registry, dict) or set(registry) - {"image", "chart", "recipe", "with"}:
        raise _wrong(name, "registry", "must be a mapping of image, chart, recipe, with")
    return Part(
        name=name,
        version=str(raw["version"]),
        why=str(raw["why"]),
        packages=_recipe(name, raw["packages"]) if "packages" in raw else None,
        registry_image=(
            _image(name, "registry.image", registry["image"]) if "image" in registry else ""
        ),
        registry_chart=_chart(name, registry["chart"]) if "chart" in registry else None,
        registry_recipe=_registry_recipe(name, registry["recipe"])
        if "recipe" in registry
        else None,
        registry_with=str(registry.get("with", "")),
    )


def _service(folder: Path) -> Part:
    pyproject = folder / "pyproject.toml"
    if not pyproject.exists():
        raise CatalogError(f"apps/{folder.name} has a Dockerfile and no pyproject.toml")
    said = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    if missing := [key for key in ("version", "description") if key not in said["project"]]:
        raise CatalogError(f"apps/{folder.name}/pyproject.toml: project lacks {', '.join(missing)}")
    base = said.get("tool", {}).get("trackunit", {}).get("base", "python")
    return Part(
        name=folder.name,
        version=str(said["project"]["version"]),
        why=str(said["project"]["description"]),
        packages=Recipe("service", needs=(str(base),), options={"base": str(base)}),
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


def read_yaml(text: bytes) -> Any:
    """YAML by the C parser where there is one: an index of a chart repository has megabytes."""
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - safe


def load(path: Path = CATALOG) -> dict[str, Part]:
    """All parts and services by name, in the order in which they should be started.

    A service is a folder with a Dockerfile in apps/, beside the catalog's own folder. Its
    pyproject.toml says the rest: version and description, and under [tool.trackunit] the part that
    its image is built on, where that is not python.
    """
    raw = read_yaml(path.read_bytes())
    parts = {name: _part(name, entry) for name, entry in _filled(raw["parts"]).items()}
    for dockerfile in sorted(path.parents[1].glob("apps/*/Dockerfile")):
        service = _service(dockerfile.parent)
        if service.name in parts:
            raise CatalogError(f"apps/{service.name} is called as a part of supply/catalog.yml is")
        parts[service.name] = service
    for part in parts.values():
        if part.registry_with and part.registry_with not in parts:
            raise _wrong(part.name, "registry.with", f"there is no part {part.registry_with}")
        for recipe in (part.packages, part.registry_recipe):
            for need in recipe.needs if recipe else ():
                if need not in parts:
                    where = "apps" if part.is_service else "supply/catalog.yml"
                    raise CatalogError(f"{where}: {part.name} needs {need}, which is not there")
    return parts
