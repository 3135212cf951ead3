"""The service on its stage, for each test anew."""

import sys
from pathlib import Path

import pytest

from tu_common.health import Health
from tu_common.messaging.memory import MemoryBroker
from tu_ingestion_service.api import create_app
from tu_ingestion_service.ingestion import Ingestion, Limits

# The folder of these tests is not a package: the apps' names are not names of packages.
sys.path.insert(0, str(Path(__file__).parent))

from ingestion_stage import TOPIC, Clock, MemoryStorage, Stage


@pytest.fixture
def stage() -> Stage:
    clock = Clock()
    storage, broker = MemoryStorage(now=clock.now), MemoryBroker()
    limits = Limits(1000, 300, 60, 1.0, unconfirmed_seconds=86400)
    ingestion = Ingestion(storage, broker.producer(), topic=TOPIC, limits=limits, now=clock.now)
    app = create_app(ingestion, Health(ready={"storage": storage.ready}))
    return Stage(app.test_client(), storage, broker, ingestion, clock)
