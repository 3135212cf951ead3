"""Upstream's charts and ours make what the platform relies on, from the values that our roles give.

Upstream's are those that supply/catalog.yml pins: from the folder that TRACKUNIT_UPSTREAM_CHARTS
names, or those that the builder fetched. A chart that cannot be had is skipped and says so; ours
never are. Nothing here needs a cluster.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from supply.contracts import load
from tests.upstream.charts import (
    NotHereError,
    Resource,
    ours,
    pinned,
    public_images,
    rendered,
    upstream,
)
from tests.upstream.checks import beyond, problems
from tests.upstream.values import templated

EXPECTED: dict[str, dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("expectations.yml").read_text(encoding="utf-8")
)
CONTRACTS = load()
# How references are written: as in the catalog, by a mirror on a port, by the builder.
REFERENCES: dict[str, Callable[[str], str]] = {
    "tag and digest": lambda public: public,
    "registry with a port": lambda public: f"127.0.0.1:5001/{public}",
    "tag alone": lambda public: public.partition("@")[0],
}
OURS = sorted(part for part in EXPECTED if ours(part).is_dir())
THEIRS = sorted(pinned())

Values = Mapping[str, tuple[Mapping[str, str], dict[str, dict[str, Any]]]]


@pytest.fixture(scope="session")
def values(tmp_path_factory: pytest.TempPathFactory) -> Values:
    """For each way to write references: the images, and the values of every role."""
    roles = [expected["role"] for expected in EXPECTED.values()]
    images = {
        way: {part: written(public) for part, public in public_images().items()}
        for way, written in REFERENCES.items()
    }
    of_role = templated(roles, images, tmp_path_factory.mktemp("values"))
    return {way: (images[way], of_role[way]) for way in images}


def check(chart: Path, part: str, way: str, values: Values) -> list[Resource]:
    """Render a chart and hold it to the expectations; what came out."""
    expected = EXPECTED[part]
    images, of_role = values[way]
    found = rendered(chart, expected["release"], expected["namespace"], of_role[expected["role"]])
    wrong = problems(found, expected, images)
    if part in CONTRACTS:
        wrong += beyond(found, CONTRACTS[part])
    assert not wrong, f"{part} by {chart.name}, {way}:\n" + "\n".join(wrong)
    return found


def test_every_chart_has_expectations() -> None:
    assert set(THEIRS) <= set(EXPECTED)
    charts = {folder.name for folder in ours("").iterdir() if folder.is_dir()}
    assert charts == set(OURS)


@pytest.mark.parametrize("way", REFERENCES)
@pytest.mark.parametrize("part", OURS)
def test_our_chart(part: str, way: str, values: Values) -> None:
    check(ours(part), part, way, values)


@pytest.mark.parametrize("way", REFERENCES)
@pytest.mark.parametrize("part", THEIRS)
def test_upstream_chart(part: str, way: str, values: Values, tmp_path: Path) -> None:
    try:
        chart = upstream(part, tmp_path)
    except NotHereError as error:
        pytest.skip(str(error))
    check(chart, part, way, values)
