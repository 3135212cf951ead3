"""What hosts answered is remembered, for a while."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from supply.builder.catalog import CatalogError
from supply.builder.memory import DAY, SOON
from supply.builder.supply import chart_file
from tests.support.catalogs import catalog, gone, settled
from tests.support.hosts import Host, Reply, index_of

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
