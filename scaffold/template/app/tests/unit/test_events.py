import json
import logging

import pytest

from svc_new.events import image_uploaded
from svc_new.settings import SERVICE, Settings
from tu_common import topology
from tu_common.messaging import Effect, Message
from tu_common.messaging.memory import MemoryBroker
from tu_common.settings import SettingsError, load

NAMES = topology.load()
QUEUE = NAMES.queue("svc_new_image_uploaded")
KEY = "images/2026/01/31/2d3b8f52-9d34-4a6f-8f3d-0d5b6e6d7a11.jpg"


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker()


def happens(broker: MemoryBroker, body: bytes) -> None:
    publisher = broker.publisher()
    publisher.publish(Effect(NAMES.exchange("image_uploaded"), Message(body)))
    broker.consumer(QUEUE, effects=publisher, parking=publisher).drain(image_uploaded)


def test_an_uploaded_picture_is_heard_of(
    broker: MemoryBroker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    happens(broker, json.dumps({"objectKey": KEY}).encode())
    assert [getattr(record, "objectKey", "") for record in caplog.records] == [KEY]
    assert not broker.pending(QUEUE)
    assert not broker.parked(QUEUE)


@pytest.mark.parametrize("rubbish", [b"", b"{", b"[]", b'{"objectKey": 1}'])
def test_rubbish_is_parked_with_its_reason(broker: MemoryBroker, rubbish: bytes) -> None:
    happens(broker, rubbish)
    (parked,) = broker.parked(QUEUE)
    assert parked.body == rubbish
    assert parked.headers["x-parked-reason"] in ("not-json", "not-an-object", "invalid-body")


def test_it_may_read_its_queue_and_write_to_nothing_else_than_its_way_back() -> None:
    user = NAMES.users[SERVICE]
    assert user.read == (QUEUE, NAMES.parked(QUEUE))
    assert user.write == (NAMES.returns_exchange(QUEUE),)


def test_settings_say_what_is_missing() -> None:
    with pytest.raises(SettingsError, match="RABBITMQ_HOST"):
        load(Settings, {})
