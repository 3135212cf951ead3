"""What the door guarantees, row by row; docs/front-door.md shows the same table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

DOORS = ("traefik", "kong")
_FILE = Path(__file__).with_name("differences.yml")


@dataclass(frozen=True)
class Row:
    """One guarantee, which door does not give it and why, and what has seen it with which door."""

    what: str
    cannot: dict[str, str]
    seen: dict[str, str]


def rows() -> dict[str, Row]:
    """All rows by name, in the order of the file."""
    found = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return {
        name: Row(row["what"], row.get("cannot", {}), row["seen"]) for name, row in found.items()
    }


def table() -> str:
    """The table as it stands in the documentation."""
    lines = ["| the door | Traefik | Kong |", "|---|---|---|"]
    for row in rows().values():
        cells = [
            f"**no**: {row.cannot[door]}" if door in row.cannot else row.seen[door]
            for door in DOORS
        ]
        lines.append("| " + " | ".join([row.what, *cells]) + " |")
    return "\n".join(lines) + "\n"
