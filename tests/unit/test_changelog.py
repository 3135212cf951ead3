"""Changes are noted as antsibull-changelog reads them, and the page is that of the releases."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHANGELOGS = ROOT / "changelogs"
FRAGMENTS = sorted((CHANGELOGS / "fragments").glob("*"))
CONFIG = yaml.safe_load((CHANGELOGS / "config.yaml").read_text(encoding="utf-8"))
RELEASES = yaml.safe_load((CHANGELOGS / "changelog.yaml").read_text(encoding="utf-8"))["releases"]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


@pytest.mark.parametrize("file", FRAGMENTS, ids=lambda file: file.name)
def test_a_fragment_has_sections_with_lists_of_sentences(file: Path) -> None:
    assert file.suffix == ".yml"
    sections = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert sections
    # The summary of a release is one text.
    sections.pop(CONFIG["prelude_section_name"], None)
    known = {name for name, _ in CONFIG["sections"]} | {CONFIG["trivial_section_name"]}
    assert sections.keys() <= known
    sentences = [sentence for lines in sections.values() for sentence in lines]
    assert [sentence for sentence in sentences if not isinstance(sentence, str)] == []
    assert [sentence for sentence in sentences if not sentence.strip().endswith(".")] == []


def test_the_page_has_every_release_newest_first() -> None:
    page = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").replace("\\", "")
    said = [line.removeprefix("## v") for line in page.splitlines() if line.startswith("## v")]
    assert said == sorted(RELEASES, key=_numbers, reverse=True)


def test_the_collections_version_is_released_or_comes_next() -> None:
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    assert version in RELEASES or _numbers(version) > max(_numbers(old) for old in RELEASES)
