"""What every test of the repository shares: markers by folder, and the brokers' fixtures."""

import os
from pathlib import Path

import pytest

# Services that tests start as processes of their own run from the same source as the tests.
os.environ["PYTHONPATH"] = os.pathsep.join(
    str(source) for source in Path(__file__).parent.glob("apps/*/src")
)

_BROKERS = ("rabbitmq", "kafka", "s3", "keycloak", "container_logs")
pytest_plugins = [f"tests.support.brokers.{module}" for module in _BROKERS]

_MARKED_FOLDERS = {"integration": "integration", "e2e": "e2e", "door": "e2e"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the folder that they lie in, so that no file can forget to."""
    for item in items:
        for folder, marker in _MARKED_FOLDERS.items():
            if folder in item.path.parts:
                item.add_marker(marker)
