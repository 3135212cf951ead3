"""The documentation of the door says what its tests hold it to, and each row has a test."""

from __future__ import annotations

import re
from pathlib import Path

from tests.door.differences import DOORS, rows
from tests.door.write import PAGE, written

SUITE = Path(__file__).parents[1] / "door"


def test_the_page_has_the_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == written(text), "run python -m tests.door.write"


def test_each_row_has_a_test_and_each_test_a_row() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in SUITE.glob("test_*.py"))
    marked = set(re.findall(r'@(?:pytest\.mark\.)?row\("([^"]+)"\)', sources))
    assert marked == set(rows())


def test_each_row_says_what_has_seen_it_with_each_door() -> None:
    for name, row in rows().items():
        assert set(row.seen) == set(DOORS), name
        assert any(door not in row.cannot for door in DOORS), name
