"""Writes the table of what the door guarantees into docs/front-door.md."""

from __future__ import annotations

from pathlib import Path

from tests.door.differences import table

PAGE = Path(__file__).parents[2] / "docs" / "front-door.md"
BEGIN, END = "<!-- made by `python -m tests.door.write` -->\n", "<!-- end -->\n"


def written(text: str) -> str:
    """``text`` with the table as it is now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + table() + END + after


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
