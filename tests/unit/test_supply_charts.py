"""A changed template reaches a running platform: the chart's version says what is in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from supply.builder import charts


@pytest.fixture
def source(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the repository's charts, which a test may change."""
    del cache
    copy = tmp_path / "charts"
    shutil.copytree(charts.CHARTS, copy)
    monkeypatch.setattr(charts, "CHARTS", copy)
    return copy / "kafka"


def version(chart: Path | None) -> str:
    assert chart
    found: str = yaml.safe_load((chart / "Chart.yaml").read_text(encoding="utf-8"))["version"]
    return found


def test_a_changed_template_is_another_version(source: Path) -> None:
    before = charts.own_chart("kafka")
    template = source / "templates" / "service.yaml"
    template.write_text(template.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    after = charts.own_chart("kafka")
    assert before
    assert after
    assert version(before) != version(after)
    assert version(after).startswith(version(source) + "+")
    assert (after / "templates" / "service.yaml").read_text().endswith("# changed\n")


def test_the_same_content_is_the_same_version(source: Path) -> None:
    first = charts.own_chart("kafka")
    shutil.copytree(source, source.parent / "moved")
    shutil.rmtree(source)
    (source.parent / "moved").rename(source)
    assert charts.own_chart("kafka") == first


def test_nothing_but_the_version_differs(source: Path) -> None:
    made = charts.own_chart("kafka")
    assert made
    files = {file.relative_to(source) for file in source.rglob("*") if file.is_file()}
    assert {file.relative_to(made) for file in made.rglob("*") if file.is_file()} == files
    changed = [
        str(name) for name in files if (source / name).read_text() != (made / name).read_text()
    ]
    assert changed == ["Chart.yaml"]


def test_a_part_without_a_chart_of_ours(source: Path) -> None:
    del source
    assert charts.own_chart("kong") is None


@pytest.mark.parametrize("chart", sorted(path.name for path in charts.CHARTS.iterdir()))
def test_no_label_has_the_character_that_labels_must_not_have(chart: str) -> None:
    helpers = (charts.CHARTS / chart / "templates" / "_helpers.tpl").read_text(encoding="utf-8")
    lines = [line for line in helpers.splitlines() if ".Chart.Version" in line]
    assert lines
    assert all('replace "+" "_"' in line for line in lines)


@pytest.mark.parametrize("chart", sorted(path.name for path in charts.CHARTS.iterdir()))
def test_pods_do_not_change_with_the_version_alone(chart: str) -> None:
    """Labels of a pod template are part of it: another version would start other pods."""
    for file in (charts.CHARTS / chart / "templates").glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        _, template, pods = text.partition("\n  template:\n")
        assert not template or f'include "{chart}.labels"' not in pods
