"""The orchestrator as a process, two replicas of it, with its own permissions."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.brokers.rabbitmq import Rabbitmq
from tu_common import settings, topology
from tu_common.messaging import Effect, Message
from tu_common.messaging.rabbit import RabbitPublisher, StreamReader
from tu_common.replay import replay_queue
from tu_common.settings import RabbitSettings
from tu_common.testing.fakes import eventually
from tu_common.testing.process import ServiceProcess

NAMES = topology.load()
MODULE = "svc_analysis_orchestrator"
SERVICE = "svc-analysis-orchestrator"


@pytest.fixture
def environment(rabbitmq: Rabbitmq) -> dict[str, str]:
    rabbitmq.purge()
    return rabbitmq.environment(SERVICE)


@pytest.fixture
def replicas(environment: dict[str, str], tmp_path: Path) -> Iterator[list[ServiceProcess]]:
    with (
        ServiceProcess(MODULE, environment, tmp_path) as first,
        ServiceProcess(MODULE, environment, tmp_path) as second,
    ):
        eventually(lambda: first.ready() and second.ready(), 60)
        yield [first, second]


@pytest.fixture
def publisher(rabbitmq: Rabbitmq) -> Iterator[RabbitPublisher]:
    publisher = RabbitPublisher(settings.load(RabbitSettings, rabbitmq.environment()), "test")
    yield publisher
    publisher.close()


@pytest.fixture
def events(rabbitmq: Rabbitmq) -> Iterator[list[Message]]:
    """What a gateway replica sees."""
    where = settings.load(RabbitSettings, rabbitmq.environment("graph-gateway"))
    seen: list[Message] = []
    reader = StreamReader(
        where, NAMES.queue("gateway_analysis_events"), client_id="test", replay_seconds=5
    )
    thread = threading.Thread(target=reader.run, args=(seen.append,), daemon=True)
    thread.start()
    eventually(reader.ready, 60)
    yield seen
    reader.stop()
    thread.join(10)


def happened(**body: object) -> Message:
    unique = uuid4().hex
    return Message(
        json.dumps(body).encode(), message_id=f"t-0-{unique}", correlation_id=f"c-{unique}"
    )


def test_a_picture_goes_from_uploaded_to_completed(
    replicas: list[ServiceProcess], publisher: RabbitPublisher, events: list[Message]
) -> None:
    uploaded = happened(objectKey="k")
    recognised = happened(objectKey="k", provider={"name": "p"}, aggregate={"brand": "JCB"})
    publisher.publish(Effect(NAMES.exchange("image_uploaded"), uploaded))
    publisher.publish(Effect(NAMES.exchange("recognition_completed"), recognised))

    def named(identity: str) -> Message | None:
        return next((event for event in events if event.message_id == identity), None)

    started = eventually(lambda: named(f"{uploaded.message_id}/analysis.started"))
    completed = eventually(lambda: named(f"{recognised.message_id}/analysis.completed"))
    assert started.correlation_id == uploaded.correlation_id
    assert started.source == NAMES.exchange("analysis_started")
    body = json.loads(completed.body)
    assert body["success"] is True
    assert body["correlationId"] == recognised.correlation_id
    assert body["recognitionPayload"]["aggregate"]["brand"] == "JCB"


def test_replicas_that_go_lose_nothing(
    replicas: list[ServiceProcess],
    rabbitmq: Rabbitmq,
    publisher: RabbitPublisher,
    events: list[Message],
) -> None:
    uploads = [happened(objectKey=f"k{number}") for number in range(500)]
    exchange = NAMES.exchange("image_uploaded")
    futures = [publisher.submit(Effect(exchange, upload)) for upload in uploads[:250]]
    assert replicas[0].terminate() == 0
    futures += [publisher.submit(Effect(exchange, upload)) for upload in uploads[250:]]
    rabbitmq.close_connections()
    assert [future.exception(60) for future in futures] == [None] * len(uploads)
    wanted = {f"{upload.message_id}/analysis.started" for upload in uploads}
    eventually(lambda: wanted <= {event.message_id for event in list(events)}, 60)
    eventually(replicas[1].ready, 60)


def test_rubbish_is_parked_and_can_be_put_back(
    replicas: list[ServiceProcess], rabbitmq: Rabbitmq, publisher: RabbitPublisher
) -> None:
    own = settings.load(RabbitSettings, rabbitmq.environment(SERVICE))
    queue = NAMES.queue("orchestrator_image_uploaded")
    exchange = NAMES.exchange("image_uploaded")
    publisher.publish(Effect(exchange, Message(b"\xff rubbish", correlation_id="c")))
    found: list[Message] = []
    eventually(lambda: replay_queue(own, queue, show=found.append), 60)
    assert found[0].body == b"\xff rubbish"
    assert found[0].headers["x-parked-reason"] == "not-json"
    assert found[0].headers["x-original-queue"] == queue
    assert found[0].headers["x-original-exchange"] == exchange
    assert eventually(lambda: replay_queue(own, queue), 60) == 1
    # Still rubbish, so it is parked once more, and nothing else is.
    eventually(lambda: replay_queue(own, queue, show=lambda _: None) == 1, 60)


def test_a_missing_setting_stops_it_with_a_sentence(
    environment: dict[str, str], tmp_path: Path
) -> None:
    del environment["RABBITMQ_PASSWORD"]
    with ServiceProcess(MODULE, environment, tmp_path) as process:
        assert process.wait() == settings.EXIT_CONFIG
        assert process.log().startswith("error: RABBITMQ_PASSWORD (Password of that user) is not")
