"""The ask as a whole: what is asked where, what stops, what is said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from supply.builder.__main__ import main
from supply.builder.catalog import CatalogError, Part, Recipe
from tests.support.catalogs import AMD64, NONE, catalog, gone, settled
from tests.support.hosts import Host, Reply, closed_host

pytestmark = pytest.mark.usefixtures("cache")


def test_everything_is_there(there: Host) -> None:
    parts = catalog(there)
    supply, said = settled(parts)
    assert dict(supply.sources) == {"broker": "registry", "door": "registry"}
    assert supply.summary == "supply: registry"
    lines = [line.split() for line in said.splitlines()]
    assert lines == [
        ["part", "what", "host", "answer", "taken", "from"],
        ["broker", "image", there.name, "there", "registry"],
        ["broker", "chart", there.name, "there", "registry"],
        ["door", "image", there.name, "there", "registry"],
    ]


def test_auto_takes_what_is_there_and_says_the_rest(there: Host) -> None:
    supply, said = settled(gone(catalog(there), "door"))
    assert dict(supply.sources) == {"broker": "registry"}
    reason = f"image at {there.name}: gone (HTTP 404)"
    assert dict(supply.reasons) == {"door": reason}
    assert supply.summary == f"supply: registry; door not to be had: {reason}"
    assert f"What is gone at {there.name} (image of door) does not come back" in said


def test_a_tool_made_on_demand_is_not_taken_from_packages_before_that(there: Host) -> None:
    parts = catalog(there)
    tool = replace(
        parts["broker"], packages=Recipe("go", (), {"only_on_demand": True, "build": {}})
    )
    supply, said = settled(gone({**parts, "broker": tool}, "broker"))
    assert "broker not to be had: image at" in supply.summary
    row = next(line for line in said.splitlines() if line.startswith("broker  image"))
    assert row.endswith("nowhere")


def test_image_and_chart_of_a_part_go_together(there: Host) -> None:
    parts = catalog(there)
    there.say("/charts/index.yaml", Reply(404))
    supply, _ = settled(parts)
    assert supply.sources["broker"] == "packages"
    assert supply.image("broker").startswith("trackunit.local/broker:1-")
    assert "broker from packages: chart at" in supply.summary


def test_registry_stops_before_anything_is_made(there: Host) -> None:
    with pytest.raises(CatalogError) as stop:
        settled(gone(catalog(there), "broker"), "registry")
    said = str(stop.value)
    row = next(line for line in said.splitlines() if line.startswith("broker  image"))
    assert row.split()[-4:] == ["gone", "(HTTP", "404)", "nowhere"]
    assert "registries lack broker. Nothing was made." in said
    assert 'make up ARGS="-e supply=auto"' in said


def test_the_command_ends_with_2_and_the_table(
    there: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = {"version": 1, "why": "w", "registry": {"image": f"{there.name}/library/x:1@{NONE}"}}
    file = tmp_path / "catalog.yml"
    file.write_text(yaml.safe_dump({"parts": {"x": entry}}))
    assert main(["resolve", "--source", "registry", "--catalog", str(file)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "gone (HTTP 404)" in printed.err


def test_the_command_prints_nothing_but_json(
    there: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = there.image("library/x", AMD64)
    entry = {"version": 1, "why": "w", "registry": {"image": f"{there.name}/library/x:1@{digest}"}}
    file = tmp_path / "catalog.yml"
    file.write_text(yaml.safe_dump({"parts": {"x": entry}}))
    assert main(["resolve", "--catalog", str(file)]) == 0
    printed = capsys.readouterr()
    facts = json.loads(printed.out)
    assert facts["supply_images"] == {"x": entry["registry"]["image"]}
    assert facts["supply_sources"] == {"x": "registry"}
    assert facts["supply_recipe_kinds"] == []
    assert "there" in printed.err


def test_without_a_way_out_one_line_is_said() -> None:
    parts = {
        "x": Part(
            "x", "1", "w", Recipe("image"), registry_image=f"{closed_host()}/library/x:1@{NONE}"
        )
    }
    supply, said = settled(parts)
    assert dict(supply.sources) == {"x": "packages"}
    assert len(said.splitlines()) == 1
    assert supply.summary == (
        "supply: packages, because no registry can be reached (it refuses connections)"
    )


def test_packages_ask_nobody(there: Host, cache: Path) -> None:
    supply, said = settled(catalog(there), "packages")
    assert dict(supply.sources) == {"broker": "packages"}
    assert (there.asked, said) == ([], "")
    assert not cache.exists()


def test_what_the_settings_leave_out_is_not_asked_for(there: Host) -> None:
    settled(gone(catalog(there), "door"), "registry", left_out=frozenset({"door"}))
    assert not any("door" in path for path in there.paths())


def test_arm64_has_registries_only(there: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supply.builder.machine.platform.machine", lambda: "aarch64")
    parts = catalog(there)
    with pytest.raises(CatalogError) as stop:
        settled(parts)
    assert "not for this architecture (amd64 only)" in str(stop.value)
    assert "This machine is arm64, packages are for amd64 only" in str(stop.value)
    with pytest.raises(CatalogError, match="packages are for amd64 only"):
        settled(parts, "packages")


def test_an_unknown_source_is_refused(there: Host) -> None:
    with pytest.raises(CatalogError, match="supply: regsitry is not one of auto"):
        settled(catalog(there), "regsitry")
