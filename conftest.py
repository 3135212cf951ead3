"""What every test of the repository shares: markers by folder, and the brokers' fixtures."""

import os
from pathlib import Path

import pytest

# Services that tests start as processes of their own run from the same source as the tests.
os.environ["PYTHONPATH"] = os.pathsep.join(
    str(source) for source in Path(__file__).parent.glob("apps/*/src")
)

pytest_plugins = ["tests.support.brokers"]

_MARKED_FOLDERS = {"integration": "integration", "e2e": "e2e", "door": "e2e"}
_DISTURBING = ("chaos", "release")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by their folder and by what they do, so that no file can forget to."""
    for item in items:
        if any(item.get_closest_marker(name) for name in _DISTURBING):
            item.add_marker("disturbs")
        for folder, marker in _MARKED_FOLDERS.items():
            if folder in item.path.parts:
                item.add_marker(marker)
