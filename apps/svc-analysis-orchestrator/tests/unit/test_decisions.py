import json
from collections.abc import Callable
from typing import Any

import pytest

from svc_analysis_orchestrator.decisions import Decisions
from svc_analysis_orchestrator.settings import Settings
from tu_common import topology
from tu_common.messaging import Effect, Message
from tu_common.messaging.memory import MemoryBroker
from tu_common.settings import load

NAMES = topology.load()
KEY = "images/2026/01/31/2d3b8f52-9d34-4a6f-8f3d-0d5b6e6d7a11.jpg"
RECOGNISED = {"provider": {"name": "tesseract"}, "aggregate": {"brand": "JCB", "machineType": "x"}}


class World:
    """The orchestrator between exchanges in memory."""

    def __init__(self) -> None:
        environment = {"RABBITMQ_HOST": "h", "RABBITMQ_USER": "u", "RABBITMQ_PASSWORD": "p"}
        self.broker = MemoryBroker()
        self.decisions = Decisions(load(Settings, environment), NAMES)

    def happens(self, exchange: str, body: object, routing_key: str = "", **fields: Any) -> None:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        message = Message(sent, **{"message_id": "tu-0-1", "correlation_id": "c-1", **fields})
        publisher = self.broker.publisher()
        publisher.publish(Effect(NAMES.exchange(exchange), message, routing_key=routing_key))
        for queue, handler in self.decisions.handlers().items():
            self.broker.consumer(queue, effects=publisher, parking=publisher).drain(handler)

    def events(self) -> list[Message]:
        return self.broker.stream(NAMES.queue("gateway_analysis_events"))


@pytest.fixture
def world() -> World:
    return World()


def body(message: Message) -> dict[str, object]:
    return dict(json.loads(message.body))


def test_an_uploaded_picture_starts_an_analysis(world: World) -> None:
    world.happens("image_uploaded", {"objectKey": KEY, "bytes": 3})
    (started,) = world.events()
    assert started.source == "analysis.started"
    assert body(started) == {"objectKey": KEY, "correlationId": "c-1"}
    assert started.correlation_id == "c-1"
    assert started.message_id == "tu-0-1/analysis.started"


def test_a_recognition_completes_the_analysis(world: World) -> None:
    world.happens("recognition_completed", {**RECOGNISED, "objectKey": KEY})
    (completed,) = world.events()
    assert completed.source == "analysis.completed"
    assert completed.message_id == "tu-0-1/analysis.completed"
    said = body(completed)
    assert said["success"] is True
    assert said["objectKey"] == KEY
    assert said["correlationId"] == "c-1"
    assert said["recognitionPayload"]["aggregate"]["type"] == "x"  # type: ignore[index]


def test_the_key_of_a_recognition_may_be_kafkas(world: World) -> None:
    world.happens("recognition_completed", RECOGNISED, key=KEY)
    world.happens("recognition_completed", RECOGNISED)
    assert [body(event)["objectKey"] for event in world.events()] == [KEY, None]


def test_a_failed_recognition_completes_without_a_payload(world: World) -> None:
    failed = {**RECOGNISED, "success": False, "error": {"code": "undecodable", "message": "m"}}
    world.happens("recognition_completed", failed)
    (completed,) = world.events()
    assert body(completed)["success"] is False
    assert body(completed)["recognitionPayload"] is None


def test_a_command_starts_and_asks_for_a_recognition(world: World) -> None:
    world.happens("analysis_commands", {"objectKey": KEY}, NAMES.routing_keys["analysis_request"])
    (started,) = world.events()
    assert body(started)["objectKey"] == KEY
    (request,) = world.broker.pending(NAMES.queue("bridge_analysis_requests"))
    assert body(request) == {"objectKey": KEY}
    assert request.key == KEY
    assert request.correlation_id == "c-1"
    assert request.message_id == "tu-0-1/analysis.recognition.request"


def test_a_redelivery_is_recognisable_by_the_ids_of_its_effects(world: World) -> None:
    for position in ("t-0-1", "t-0-2"):
        world.happens(
            "image_uploaded", {"objectKey": KEY}, message_id=position, headers={"x-message-id": "u"}
        )
    assert {event.message_id for event in world.events()} == {"u/analysis.started"}


@pytest.mark.parametrize(
    ("exchange", "queue"),
    [
        ("image_uploaded", "orchestrator_image_uploaded"),
        ("recognition_completed", "orchestrator_recognition_completed"),
        ("analysis_commands", "orchestrator_analysis_commands"),
    ],
)
@pytest.mark.parametrize("rubbish", [b"", b"\xff\x00", b"{", b"[]", b"null", b'{"objectKey":1}'])
def test_rubbish_is_parked_with_its_reason(
    world: World, exchange: str, queue: str, rubbish: bytes
) -> None:
    world.happens(exchange, rubbish, NAMES.routing_keys["analysis_request"])
    (parked,) = world.broker.parked(NAMES.queue(queue))
    assert parked.body == rubbish
    assert parked.headers["x-parked-reason"] in ("not-json", "not-an-object", "invalid-body")
    assert not world.events()


def test_the_handlers_read_the_queues_that_this_service_may_read(world: World) -> None:
    handlers: dict[str, Callable[..., object]] = dict(world.decisions.handlers())
    allowed = NAMES.users["svc-analysis-orchestrator"].read
    assert set(handlers) == {name for name in allowed if not name.endswith(NAMES.parking_suffix)}
