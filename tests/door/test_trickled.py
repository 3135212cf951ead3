"""Requests that come a byte at a time are cut.

They began with the first test, and are looked at last.
"""

from __future__ import annotations

import pytest

from tests.door.trickle import Trickle


@pytest.mark.row("trickled-headers")
@pytest.mark.parametrize("kind", ["headers", "nothing"])
def test_headers_without_end_are_cut(trickled: dict[str, Trickle], kind: str) -> None:
    trickled[kind].wait()
    assert trickled[kind].cut


@pytest.mark.row("trickled-body")
def test_a_body_without_end_is_cut(trickled: dict[str, Trickle]) -> None:
    trickled["body"].wait()
    assert trickled["body"].cut
