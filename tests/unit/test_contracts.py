"""The page of contracts is the one that the contracts make, and charts keep to them."""

from supply.contracts import TABLE, load, table


def test_the_page_is_made_of_the_contracts() -> None:
    said = "python -m supply.contracts > supply/CONTRACTS.md"
    assert TABLE.read_text(encoding="utf-8") == table(load()), said
