"""The ask as a whole: what is asked where, what is remembered, what stops, what is said."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from supply.builder.__main__ import main
from supply.builder.catalog import CatalogError, Chart, Part, Recipe
from supply.builder.memory import DAY, SOON
from supply.builder.mirrors import Mirrors, is_loopback, read_pins
from supply.builder.sources import choose
from supply.builder.sourcing import Wish, settle
from supply.builder.supply import Supply, chart_file
from tests.support.hosts import Host, Reply, closed_host, index_of

AMD64 = index_of("amd64")
NONE = "sha256:" + "0" * 64


pytestmark = pytest.mark.usefixtures("cache")


@dataclass
class Clock:
    """The time of day, which a test moves on."""

    now: float = 1_800_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("supply.builder.memory.time", made)
    return made


def catalog(there: Host) -> dict[str, Part]:
    """A broker with a chart, which can be made too, and a door that cannot."""
    broker = there.image("library/broker", AMD64)
    door = there.image("library/door", index_of("amd64", salt="door"))
    sha256 = there.chart("/charts", "broker", "1.0.0")
    chart = Chart("1.0.0", sha256, name="broker", repo=f"http://{there.name}/charts")
    parts = (
        Part(
            *("broker", "1", "w", Recipe("image")),
            registry_image=f"{there.name}/library/broker:1@{broker}",
            registry_chart=chart,
        ),
        Part("door", "1", "w", None, registry_image=f"{there.name}/library/door:1@{door}"),
    )
    return {part.name: part for part in parts}


def gone(parts: dict[str, Part], name: str) -> dict[str, Part]:
    """The same parts, one of whose images is not there."""
    image = parts[name].registry_image.partition("@")[0]
    return {**parts, name: replace(parts[name], registry_image=f"{image}@{NONE}")}


def settled(parts: dict[str, Part], source: str = "auto", **wish: object) -> tuple[Supply, str]:
    """The supply, and what was said."""
    said: list[str] = []
    return settle(parts, Wish(source, **wish), said.append), "\n".join(said)  # type: ignore[arg-type]


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


def test_answers_are_remembered_for_a_day(there: Host, clock: Clock) -> None:
    parts = gone(catalog(there), "door")
    first, said = settled(parts)
    assert (first.asked, bool(said)) == (True, True)
    asked = len(there.asked)
    clock.now += DAY - 1
    again, said = settled(parts)
    assert len(there.asked) == asked
    assert (again.asked, said) == (False, "")
    assert (again.sources, again.reasons, again.summary) == (
        first.sources,
        first.reasons,
        first.summary,
    )
    clock.now += 1
    settled(parts)
    assert len(there.asked) > asked


def test_what_may_pass_is_remembered_for_a_short_while(there: Host, clock: Clock) -> None:
    parts = catalog(there)
    digest = parts["door"].registry_image.partition("@")[2]
    path = f"/v2/library/door/manifests/{digest}"
    found = there.answers[path]
    there.say(path, Reply(403))
    assert "door" not in settled(parts)[0].sources
    there.answers[path] = found
    asked = len(there.asked)
    clock.now += SOON - 1
    assert "door" not in settled(parts)[0].sources
    assert len(there.asked) == asked
    clock.now += 1
    assert settled(parts)[0].sources["door"] == "registry"
    assert not any("broker" in path for path in there.paths()[asked:])


def test_ask_again_asks_again(there: Host) -> None:
    parts = catalog(there)
    settled(parts)
    asked = len(there.asked)
    supply, said = settled(parts, ask_again=True)
    assert len(there.asked) > asked
    assert (supply.asked, bool(said)) == (True, True)


def test_what_was_decided_is_kept_for_a_platform_that_is_there(there: Host, clock: Clock) -> None:
    parts = gone(catalog(there), "door")
    before, _ = settled(parts)
    asked = len(there.asked)
    clock.now += 30 * DAY
    kept, said = settled(parts, keep=True)
    assert (kept.sources, said, len(there.asked)) == (before.sources, "", asked)
    supply, _ = settled(parts, "registry", keep=True)
    assert dict(supply.sources) == {"broker": "registry", "door": "registry"}


def test_registry_does_not_believe_a_remembered_refusal(there: Host) -> None:
    parts = gone(catalog(there), "door")
    settled(parts)
    missing = parts["door"].registry_image.rpartition("/")[2].replace("door:1@", "")
    there.say(f"/v2/library/door/manifests/{missing}", Reply(503), Reply(404))
    asked = len(there.asked)
    with pytest.raises(CatalogError, match="registries lack door"):
        settled(parts, "registry")
    assert {path for path in there.paths()[asked:] if "/library/" in path} == {
        f"/v2/library/door/manifests/{missing}"
    }


def test_a_changed_catalog_is_asked_for_what_changed(there: Host) -> None:
    parts = catalog(there)
    settled(parts)
    asked = len(there.asked)
    newer = there.image("library/door", index_of("amd64", salt="newer"))
    image = f"{there.name}/library/door:2@{newer}"
    settled({**parts, "door": replace(parts["door"], registry_image=image)})
    assert {path for path in there.paths()[asked:] if "/library/" in path} == {
        f"/v2/library/door/manifests/{newer}"
    }


@pytest.mark.parametrize("content", ["", "[]", "{", '{"x": {}}', '{"x": {"asked": "never"}}'])
def test_a_broken_memory_is_no_memory(there: Host, cache: Path, content: str) -> None:
    cache.mkdir()
    (cache / "supply-answers.json").write_text(content)
    assert settled(catalog(there))[0].asked


def test_the_file_of_older_versions_is_not_read(there: Host, cache: Path) -> None:
    cache.mkdir()
    (cache / "supply-source").write_text("packages")
    assert settled(catalog(there))[0].sources["broker"] == "registry"


def test_a_chart_in_the_cache_needs_no_repository(there: Host) -> None:
    parts = catalog(there)
    file = chart_file(parts["broker"])
    file.parent.mkdir(parents=True)
    file.touch()
    there.say("/charts/index.yaml", Reply(404))
    supply, said = settled(parts, "registry")
    assert supply.chart("broker") == file
    assert "there (in the cache)" in said


def test_arm64_has_registries_only(there: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supply.builder.machine.platform.machine", lambda: "aarch64")
    parts = catalog(there)
    with pytest.raises(CatalogError) as stop:
        settled(parts)
    assert "not for this architecture (amd64 only)" in str(stop.value)
    assert "This machine is arm64, packages are for amd64 only" in str(stop.value)
    with pytest.raises(CatalogError, match="packages are for amd64 only"):
        settled(parts, "packages")


def test_mirrors_are_asked_under_the_public_names(there: Host, tmp_path: Path) -> None:
    digest = there.image("public/docker.io/library/broker", AMD64)
    tool = there.image("public/registry.k8s.io/tool", index_of("amd64", salt="tool"))
    sha256 = there.chart(
        "/files/charts.example.com/stable",
        *("broker", "1.0.0"),
        url="https://github.example.com/broker-1.0.0.tgz",
    )
    there.say("/files/github.example.com/broker-1.0.0.tgz", Reply(body=b""))
    there.say("/files/dl.example.com/kind", Reply(body=b""))
    files = {"kind": {"amd64": {"url": "https://dl.example.com/kind", "sha256": "1" * 64}}}
    options = {"image": f"registry.k8s.io/tool:v1@{tool}", "files": {"tool": "/tool"}}
    chart = Chart("1.0.0", "2" * 64, name="broker", repo="https://charts.example.com/stable/")
    parts = {
        "broker": Part(
            *("broker", "1", "w", Recipe("image")),
            registry_image=f"docker.io/library/broker:1@{NONE}",
            registry_chart=chart,
        ),
        "kind": Part(
            "kind", "1", "w", None, registry_recipe=Recipe("download", (), {"files": files})
        ),
        "tool": Part("tool", "1", "w", None, registry_recipe=Recipe("binary", (), options)),
    }
    pins = tmp_path / "pins.yml"
    pins.write_text(yaml.safe_dump({"images": {"broker": digest}, "charts": {"broker": sha256}}))
    mirrors = Mirrors(f"{there.name}/public", f"http://{there.name}/files/")
    supply, _ = settled(parts, "registry", mirrors=mirrors, pins_file=pins)
    assert supply.image("broker") == (f"{there.name}/public/docker.io/library/broker:1@{digest}")
    assert "/files/github.example.com/broker-1.0.0.tgz" in there.paths("HEAD")
    assert "/files/dl.example.com/kind" in there.paths("HEAD")
    # What is taken from a mirror is called as what is taken from its public host.
    elsewhere = Supply.of(read_pins(pins, parts).applied(parts), choose(parts, "registry", {}))
    assert supply.keys == elsewhere.keys


@pytest.mark.parametrize(
    ("pins", "says"),
    [
        ("images: {nobody: x}", "images: nobody: the catalog has nothing of that kind"),
        ("charts: {door: x}", "charts: door: the catalog has nothing of that kind"),
        ("images: {door: abc}", "images: door: abc is not sha256:<64"),
        ("charts: {broker: 'sha256:abc'}", "charts: broker: sha256:abc is not 64"),
        ("pictures: {}", "must be a mapping of images, charts, downloads"),
        ("[]", "must be a mapping"),
    ],
)
def test_wrong_pins_say_where(there: Host, tmp_path: Path, pins: str, says: str) -> None:
    file = tmp_path / "pins.yml"
    file.write_text(pins)
    with pytest.raises(CatalogError, match=says):
        read_pins(file, catalog(there))
    with pytest.raises(CatalogError, match="cannot be read"):
        read_pins(tmp_path / "nothing.yml", {})


def test_plain_http_is_for_loopback_only() -> None:
    assert is_loopback("127.0.0.1:5000")
    assert is_loopback("localhost")
    assert is_loopback("[::1]:5000")
    assert not is_loopback("10.0.0.1:5000")
    assert not is_loopback("localhost.example.com")
    with pytest.raises(CatalogError, match="neither https"):
        Mirrors(downloads="http://mirror.example.com")
    assert Mirrors(downloads="http://127.0.0.1:8080").url("https://x.y/z") == (
        "http://127.0.0.1:8080/x.y/z"
    )


def test_an_unknown_source_is_refused(there: Host) -> None:
    with pytest.raises(CatalogError, match="supply: regsitry is not one of auto"):
        settled(catalog(there), "regsitry")
