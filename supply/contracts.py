"""What each image must do, from contracts.yml: typed, and as the table of CONTRACTS.md.

`python -m supply.contracts` prints the table.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).with_name("contracts.yml")
TABLE = Path(__file__).with_name("CONTRACTS.md")
HEAD = """\
# Contracts of images

What roles, charts and tests ask of an image, whether it is a public one or made here.
`tests/contracts` runs the images made here under exactly these terms: this user, a read-only root
file system, no capability, volumes at the written paths and nowhere else; `make test-upstream`
holds the charts to them.

This page is made of [contracts.yml](contracts.yml), which says what each column means:
`python -m supply.contracts > supply/CONTRACTS.md`
"""
COLUMNS = ("image", "user (public)", "written", "mounted", "environment", "ports", "entry", "calls")


@dataclass(frozen=True)
class Contract:
    """The terms of one image; contracts.yml says what each means."""

    read: str
    public_user: int
    user: int
    writes: tuple[str, ...]
    mounts: tuple[str, ...]
    environment: tuple[str, ...]
    listens: tuple[int, ...]
    entry: str
    programs: tuple[str, ...]


def load(path: Path = FILE) -> dict[str, Contract]:
    """The contract of every image that has one, by part."""
    raw: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {part: _contract(one) for part, one in raw.items()}


def _contract(raw: dict[str, Any]) -> Contract:
    terms: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()
    }
    return Contract(**terms)


def _cells(part: str, one: Contract) -> list[str]:
    def code(words: tuple[str, ...]) -> str:
        return ", ".join(f"`{word}`" for word in words) or "nothing"

    return [
        part,
        f"{one.user} ({one.public_user})",
        code(one.writes),
        code(one.mounts),
        code(one.environment),
        ", ".join(map(str, one.listens)) or "none",
        one.entry,
        code(one.programs),
    ]


def table(contracts: dict[str, Contract]) -> str:
    """The page with all contracts."""
    rows = [list(COLUMNS), ["---"] * len(COLUMNS)]
    rows += [_cells(part, one) for part, one in contracts.items()]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    sources = [f"- {part}: {one.read}" for part, one in contracts.items()]
    return "\n".join([HEAD, *lines, "", "Read of the public images:", "", *sources, ""])


if __name__ == "__main__":
    sys.stdout.write(table(load()))
