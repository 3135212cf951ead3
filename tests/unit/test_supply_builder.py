"""The builder's pure parts: what a part is called, what is needed, what a wrong catalog says."""

from __future__ import annotations

from pathlib import Path

import pytest

from supply.builder import keys as keys_module
from supply.builder.catalog import CatalogError, Part, Recipe, load
from supply.builder.keys import image_name, keys
from supply.builder.plan import closure
from supply.builder.run import Supply


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
    before = keys(parts, "packages")
    (folder / "Dockerfile").write_text("FROM scratch\n")
    own = keys(parts, "packages")
    assert own["top"] != before["top"]
    assert own["low"] == before["low"]
    deeper = keys({**parts, "low": part("low", suite="other")}, "packages")
    assert deeper["top"] != own["top"]


def test_a_dockerfile_beside_a_go_module_compiles_nothing_again(folder: Path) -> None:
    (folder / "go.mod").write_text("module x\n")
    parts = {"top": part("top", kind="go")}
    before = keys(parts, "packages")
    (folder / "Dockerfile").write_text("FROM scratch\n")
    assert keys(parts, "packages") == before
    (folder / "go.mod").write_text("module y\n")
    assert keys(parts, "packages") != before


def test_what_is_needed_comes_first_and_nothing_below_a_part_that_is_there() -> None:
    parts = {"c": part("c", "b"), "b": part("b", "a"), "a": part("a")}
    assert closure(parts, ["c"], "packages", frozenset()) == ["a", "b", "c"]
    assert closure(parts, ["c"], "packages", frozenset({"b"})) == ["c"]


def test_parts_that_need_each_other_and_unknown_parts_are_named() -> None:
    with pytest.raises(CatalogError, match="a → b → a"):
        closure({"a": part("a", "b"), "b": part("b", "a")}, ["a"], "packages", frozenset())
    with pytest.raises(CatalogError, match="no part nothing"):
        closure({}, ["nothing"], "packages", frozenset())


def test_an_upstream_image_is_used_by_its_own_name() -> None:
    pulled = Part("p", "1", "x", Recipe("image"), registry_image="docker.io/library/p:1@sha256:00")
    assert image_name(pulled, "k", "registry") == "docker.io/library/p:1@sha256:00"
    assert image_name(pulled, "k", "packages") == "trackunit.local/p:1-k"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("parts: {x: {why: y, packages: {kind: go}}}", "x: missing version"),
        ("parts: {x: {version: 1, why: y}}", "missing packages or registry"),
        ("parts: {x: {version: 1, why: y, packages: {kind: rpm}}}", "kind must be one of"),
        ("parts: {x: {version: 1, why: y, packages: {kind: go, needs: [z]}}}", "needs z"),
        ('parts: {x: {version: "${z}", why: y, packages: {kind: go}}}', "x: .*no part z"),
        ("parts: {}\nservices: {nobody: {base: x, why: y}}", "nobody: there is no"),
    ],
)
def test_a_wrong_catalog_says_where(tmp_path: Path, text: str, says: str) -> None:
    catalog = tmp_path / "catalog.yml"
    catalog.write_text(text)
    with pytest.raises(CatalogError, match=says):
        Supply.of(load(catalog), "packages")


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
    for source in ("packages", "registry"):
        names = [name for name, entry in parts.items() if entry.available(source)]
        assert closure({n: parts[n] for n in names}, names, source, frozenset())
