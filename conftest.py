"""What every test of the repository shares: markers by folder, and the brokers' fixtures."""

import pytest

pytest_plugins = ["tests.support.brokers"]

_MARKED_FOLDERS = {"integration": "integration", "e2e": "e2e"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the folder that they lie in, so that no file can forget to."""
    for item in items:
        for folder, marker in _MARKED_FOLDERS.items():
            if folder in item.path.parts:
                item.add_marker(marker)
