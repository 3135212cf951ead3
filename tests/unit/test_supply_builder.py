"""The builder's pure parts: what a part is called, what is needed, what a wrong catalog says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from supply.builder import keys as keys_module
from supply.builder.catalog import CatalogError, Part, Recipe, load
from supply.builder.keys import image_name, keys
from supply.builder.plan import closure
from supply.builder.run import Supply
from supply.builder.sources import choose, needs_of


def part(name: str, *needs: str, kind: str = "image", **options: object) -> Part:
    return Part(name, "1.0", "for a test", Recipe(kind, needs, dict(options)))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("supply.builder.catalog.ROOT", tmp_path)
    monkeypatch.setattr(keys_module, "ROOT", tmp_path)
    (tmp_path / "supply" / "top").mkdir(parents=True)
    return tmp_path / "supply" / "top"


def test_a_key_changes_with_the_parts_files_and_with_what_it_needs(folder: Path) -> None:
    parts = {"low": part("low"), "top": part("top", "low")}
    sources = choose(parts, "packages", {}).sources
    before = keys(parts, sources)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    own = keys(parts, sources)
    assert own["top"] != before["top"]
    assert own["low"] == before["low"]
    deeper = keys({**parts, "low": part("low", suite="other")}, sources)
    assert deeper["top"] != own["top"]


def test_a_dockerfile_beside_a_go_module_compiles_nothing_again(folder: Path) -> None:
    (folder / "go.mod").write_text("module x\n")
    parts = {"top": part("top", kind="go")}
    sources = choose(parts, "packages", {}).sources
    before = keys(parts, sources)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    assert keys(parts, sources) == before
    (folder / "go.mod").write_text("module y\n")
    assert keys(parts, sources) != before


def test_what_is_needed_comes_first_and_nothing_below_a_part_that_is_there() -> None:
    needs = {"c": ("b",), "b": ("a",), "a": ()}
    assert closure(needs, ["c"]) == ["a", "b", "c"]
    assert closure(needs, ["c"], frozenset({"b"})) == ["c"]


def test_parts_that_need_each_other_and_unknown_parts_are_named() -> None:
    with pytest.raises(CatalogError, match="a → b → a"):
        closure({"a": ("b",), "b": ("a",)}, ["a"])
    with pytest.raises(CatalogError, match="no part nothing"):
        closure({}, ["nothing"])


def test_an_upstream_image_is_used_by_its_own_name() -> None:
    pulled = Part("p", "1", "x", Recipe("image"), registry_image="docker.io/library/p:1@sha256:00")
    named = Supply.of({"p": pulled}, choose({"p": pulled}, "registry", {}))
    assert named.image("p") == "docker.io/library/p:1@sha256:00"
    assert image_name(pulled, "k") == "trackunit.local/p:1-k"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("parts: {x: {why: y, packages: {kind: go}}}", "x: missing version"),
        ("parts: {x: {version: 1, why: y}}", "missing packages or registry"),
        ("parts: {x: {version: 1, why: y, packages: {kind: rpm}}}", "kind must be one of"),
        ("parts: {x: {version: 1, why: y, packages: {kind: go, needs: [z]}}}", "needs z"),
        ('parts: {x: {version: "${z}", why: y, packages: {kind: go}}}', "x: .*no part z"),
    ],
)
def test_a_wrong_catalog_says_where(tmp_path: Path, text: str, says: str) -> None:
    catalog = tmp_path / "supply/catalog.yml"
    catalog.parent.mkdir()
    catalog.write_text(text)
    with pytest.raises(CatalogError, match=says):
        parts = load(catalog)
        Supply.of(parts, choose(parts, "packages", {}))


@pytest.mark.parametrize(
    ("project", "says"),
    [
        (None, "apps/thing has a Dockerfile and no pyproject.toml"),
        ("[project]\nversion = '1'", "apps/thing/pyproject.toml: project lacks description"),
        ("[project]\nversion = '1'\ndescription = 'd'", "apps: thing needs python"),
        (
            "[project]\nversion = '1'\ndescription = 'd'\n[tool.trackunit]\nbase = 'perl'",
            "apps: thing needs perl",
        ),
    ],
)
def test_a_wrong_service_says_where(tmp_path: Path, project: str | None, says: str) -> None:
    (tmp_path / "supply").mkdir()
    (tmp_path / "supply/catalog.yml").write_text("parts: {}")
    folder = tmp_path / "apps/thing"
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch")
    if project is not None:
        (folder / "pyproject.toml").write_text(project)
    with pytest.raises(CatalogError, match=says):
        load(tmp_path / "supply/catalog.yml")


def test_every_service_of_the_platform_has_an_image() -> None:
    listed = Path(__file__).parents[2] / "inventory/local/group_vars/all/services.yml"
    services = yaml.safe_load(listed.read_text(encoding="utf-8"))["platform_services"]
    parts = load()
    assert {name for name in services if parts[name].is_service} == set(services)
    assert parts["svc-ai-vision-adapter"].packages == Recipe(
        "service", ("python-tesseract",), {"base": "python-tesseract"}
    )


HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("registry", "says"),
    [
        ("[]", "x: registry: must be a mapping"),
        ("{images: x}", "x: registry: must be a mapping of image"),
        ("{image: docker.io/library/x:1}", "x: registry.image: docker.io/library/x:1 is not"),
        (f"{{image: 'library/x@sha256:{HEX[1:]}'}}", "x: registry.image"),
        ("{chart: {repo: r, name: n, version: 1}}", "x: registry.chart: has name, repo, version"),
        ("{chart: {ref: r, version: 1, sha256: abc}}", "x: registry.chart: sha256 is abc"),
        ("{with: z}", "x: registry.with: there is no part z"),
        ("{recipe: {kind: binary, files: {}}}", "x: registry.recipe.image: None is not"),
        ("{recipe: {kind: download}}", "x: registry.recipe.files: must name"),
        ("{recipe: {kind: download, files: {f: {sparc: {}}}}}", r"files\.f: must be by amd64 and"),
        (
            "{recipe: {kind: download, files: {f: {amd64: {url: 'https://x'}}}}}",
            r"files\.f\.amd64: must have url and sha256",
        ),
        (
            "{recipe: {kind: download, files: {f: {amd64: {url: 'http://x', sha256: x}}}}}",
            "url is http://x, not https",
        ),
    ],
)
def test_a_pulled_thing_without_a_digest_is_refused(
    tmp_path: Path, registry: str, says: str
) -> None:
    catalog = tmp_path / "catalog.yml"
    catalog.write_text(f"parts: {{x: {{version: 1, why: y, registry: {registry}}}}}")
    with pytest.raises(CatalogError, match=says):
        load(catalog)


def test_a_version_has_one_home(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.yml"
    catalog.write_text(
        "parts:\n"
        "  x:\n"
        "    version: ${y}\n"
        "    why: w\n"
        "    packages: {kind: go, flags: 'v${version}', build: {a: '${y}'}}\n"
        "  y: {version: 1.2, why: w, packages: {kind: go}}\n"
    )
    x = load(catalog)["x"]
    assert x.version == "1.2"
    assert x.packages
    assert x.packages.options == {"flags": "v1.2", "build": {"a": "1.2"}}


def test_the_catalog_of_this_repository_is_whole() -> None:
    parts = load()
    for wanted in ("packages", "registry"):
        choice = choose(parts, wanted, {})
        assert closure(needs_of(parts, choice.sources), choice.sources)


def test_all_that_is_made_from_packages_is_made_for_the_platform() -> None:
    parts = load()
    supply = Supply.of(parts, choose(parts, "packages", {}))
    made = set(closure(supply.needs(), supply.used()))
    assert made == {name for name in supply.parts if not parts[name].only_on_demand}


def test_with_registries_nothing_is_compiled() -> None:
    parts = load()
    supply = Supply.of(parts, choose(parts, "registry", {}))
    assert supply.recipe_kinds() == ["binary", "download", "image", "service"]
