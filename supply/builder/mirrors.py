"""Where public things are asked for: at their own hosts, or at a mirror that has copies of them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from supply.builder.catalog import SHA256, CatalogError, Part, Recipe, read_yaml

# Docker Hub's images are called by a name that is not its registry's.
API_HOSTS = {"docker.io": "registry-1.docker.io"}


@dataclass(frozen=True)
class Reference:
    """An image or an OCI chart, taken apart."""

    host: str
    repository: str
    tag: str
    digest: str

    @classmethod
    def of(cls, text: str) -> Reference:
        """Take a complete reference apart; the catalog has checked its form."""
        name, _, digest = text.partition("@")
        host, _, path = name.partition("/")
        repository, _, tag = path.partition(":")
        return cls(host, repository, tag, digest)

    @property
    def api_host(self) -> str:
        """The host that speaks the registry's protocol."""
        return API_HOSTS.get(self.host, self.host)


def is_loopback(host: str) -> bool:
    """Whether a host (with or without port) is this machine, where plain HTTP is allowed."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Mirrors:
    """The settings supply_image_mirror and supply_download_mirror; empty for the public hosts."""

    images: str = ""
    downloads: str = ""

    def __post_init__(self) -> None:
        found = urlsplit(self.downloads)
        if self.downloads and not (
            found.scheme == "https" or (found.scheme == "http" and is_loopback(found.netloc))
        ):
            raise CatalogError(
                f"supply_download_mirror is {self.downloads}, which is neither https://… nor plain "
                "HTTP on a loopback address. Example: https://mirror.example.com/downloads"
            )

    def image(self, reference: str) -> str:
        """The reference under which an upstream image is pulled."""
        return f"{self.images.rstrip('/')}/{reference}" if self.images else reference

    def url(self, public: str) -> str:
        """Where a public URL's content is fetched from."""
        base = self.downloads.rstrip("/")
        if not base or public.startswith(f"{base}/"):
            return public
        return f"{base}/{public.split('://', 1)[1]}"


@dataclass(frozen=True)
class Pins:
    """Digests that replace the catalog's, for copies whose content is packed anew."""

    images: Mapping[str, str] = field(default_factory=dict)
    charts: Mapping[str, str] = field(default_factory=dict)
    downloads: Mapping[str, str] = field(default_factory=dict)

    def applied(self, parts: Mapping[str, Part]) -> dict[str, Part]:
        """The parts with these digests in the place of the catalog's."""
        return {name: self._pinned(part) for name, part in parts.items()}

    def _pinned(self, part: Part) -> Part:
        recipe = part.registry_recipe
        if digest := self.images.get(part.name):
            if part.registry_image:
                part = replace(part, registry_image=_with_digest(part.registry_image, digest))
            elif recipe:
                image = _with_digest(recipe.options["image"], digest)
                recipe = replace(recipe, options={**recipe.options, "image": image})
        if (sha256 := self.charts.get(part.name)) and part.registry_chart:
            part = replace(part, registry_chart=replace(part.registry_chart, sha256=sha256))
        if (sha256 := self.downloads.get(part.name)) and recipe:
            recipe = _with_sha256(recipe, sha256)
        return replace(part, registry_recipe=recipe)


def _with_digest(reference: str, digest: str) -> str:
    return f"{reference.partition('@')[0]}@{digest}"


def _with_sha256(recipe: Recipe, sha256: str) -> Recipe:
    files = {
        name: {machine: {**said, "sha256": sha256} for machine, said in builds.items()}
        for name, builds in recipe.options["files"].items()
    }
    return replace(recipe, options={**recipe.options, "files": files})


def _takes(part: Part) -> frozenset[str]:
    """What of a part a pins file can name."""
    recipe = part.registry_recipe
    made_of = {"binary": "images", "download": "downloads"}
    return frozenset(
        what
        for what in (
            "images" if part.registry_image else "",
            "charts" if part.registry_chart else "",
            made_of.get(recipe.kind, "") if recipe else "",
        )
        if what
    )


def read_pins(path: Path, parts: Mapping[str, Part]) -> Pins:
    """The pins of a file; CatalogError says what in it cannot be used."""

    def wrong(what: str) -> CatalogError:
        return CatalogError(f"supply_pins_file {path}: {what}")

    try:
        raw: Any = read_yaml(path.read_bytes())
    except (OSError, yaml.YAMLError) as error:
        raise wrong(f"cannot be read ({error})") from error
    kinds = ("images", "charts", "downloads")
    if raw is None:
        return Pins()
    if (
        not isinstance(raw, dict)
        or set(raw) - set(kinds)
        or not all(isinstance(digests, dict) for digests in raw.values())
    ):
        raise wrong(f"must be a mapping of {', '.join(kinds)}")
    for kind, digests in raw.items():
        for name, digest in digests.items():
            if name not in parts or kind not in _takes(parts[name]):
                raise wrong(f"{kind}: {name}: the catalog has nothing of that kind to pin")
            plain = str(digest).removeprefix("sha256:" if kind == "images" else "")
            if not SHA256.fullmatch(plain) or (kind == "images") != str(digest).startswith(
                "sha256:"
            ):
                form = (
                    "sha256:<64 hexadecimal digits>"
                    if kind == "images"
                    else "64 hexadecimal digits"
                )
                raise wrong(f"{kind}: {name}: {digest} is not {form}")
    return Pins(**raw)
