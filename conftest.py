"""What every test of the repository shares: markers by folder, and the brokers' fixtures."""

import os
import sys
from pathlib import Path

import pytest

# The apps are tested from their source, so that one environment serves every checkout. Services
# that tests start as processes of their own run from the same source.
SOURCES = [str(source) for source in sorted(Path(__file__).parent.glob("apps/*/src"))]
sys.path[:0] = SOURCES
# Plugins import each other by the collection's name: a checkout has a link for that, named in
# pyproject.toml, and an installed collection lies in such a folder.
if Path(__file__).parents[2].name == "ansible_collections":
    sys.path.insert(0, str(Path(__file__).parents[3]))
os.environ["PYTHONPATH"] = os.pathsep.join(SOURCES)

_BROKERS = ("rabbitmq", "kafka", "s3", "keycloak", "container_logs")
pytest_plugins = [f"tests.support.brokers.{module}" for module in _BROKERS]

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
