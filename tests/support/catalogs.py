"""A small catalog whose parts are on a host of this machine, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace

from supply.builder.catalog import Chart, Part, Recipe
from supply.builder.sourcing import Wish, settle
from supply.builder.supply import Supply
from tests.support.hosts import Host, index_of

AMD64 = index_of("amd64")
# A digest that no host has.
NONE = "sha256:" + "0" * 64


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
