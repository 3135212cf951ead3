"""The bridge as a process, between the real brokers, with its own permissions."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pika
import pytest

from tests.support.brokers.kafka import Kafka
from tests.support.brokers.rabbitmq import Rabbitmq
from tu_common import settings, topology
from tu_common.messaging import Effect, Message
from tu_common.messaging.kafka import KafkaConsumer, KafkaProducer
from tu_common.messaging.rabbit import RabbitPublisher
from tu_common.messaging.rabbit.connection import parameters
from tu_common.messaging.rabbit.wire import from_delivery
from tu_common.settings import KafkaSettings, RabbitSettings
from tu_common.testing.contract import echo, running
from tu_common.testing.fakes import RecordingPublisher, eventually
from tu_common.testing.process import ServiceProcess

NAMES = topology.load()
MODULE = "svc_messaging_bridge"
SERVICE = "svc-messaging-bridge"


@pytest.fixture
def environment(rabbitmq: Rabbitmq, kafka: Kafka) -> dict[str, str]:
    rabbitmq.purge()
    return {**rabbitmq.environment(SERVICE), **kafka.environment()}


@pytest.fixture
def bridge(environment: dict[str, str], tmp_path: Path) -> Iterator[ServiceProcess]:
    with ServiceProcess(MODULE, environment, tmp_path) as process:
        yield process


@pytest.fixture
def producer(kafka: Kafka) -> Iterator[KafkaProducer]:
    producer = KafkaProducer(settings.load(KafkaSettings, kafka.environment()), "test")
    yield producer
    producer.close()


@pytest.fixture
def admin(rabbitmq: Rabbitmq) -> RabbitSettings:
    return settings.load(RabbitSettings, rabbitmq.environment())


def take(where: RabbitSettings, queue: str) -> list[Message]:
    connection = pika.BlockingConnection(parameters(where, "take"))
    channel, found = connection.channel(), []
    while True:
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        if method is None:
            connection.close()
            return found
        found.append(from_delivery(method.exchange, properties, body))


def upload() -> Message:
    unique = uuid4().hex
    return Message(
        json.dumps({"objectKey": unique, "new": [1]}).encode(),
        headers={"x-schema": "images.uploaded.v1", "x-any": "kept"},
        correlation_id=f"c-{unique}",
        key=unique,
    )


def test_what_kafka_says_arrives_in_rabbitmq(
    bridge: ServiceProcess, producer: KafkaProducer, admin: RabbitSettings
) -> None:
    eventually(bridge.ready, 60)
    sent = {message.body: message for message in (upload() for _ in range(300))}
    futures = [
        producer.submit(Effect(NAMES.topic("images_uploaded"), message))
        for message in sent.values()
    ]
    assert [future.exception(30) for future in futures] == [None] * len(sent)
    found: dict[bytes, Message] = {}

    def all_there() -> bool:
        for message in take(admin, NAMES.queue("orchestrator_image_uploaded")):
            found[message.body] = message
        return set(sent) <= set(found)

    eventually(all_there, 60)
    for body, message in sent.items():
        arrived = found[body]
        assert arrived.correlation_id == message.correlation_id
        assert arrived.key == message.key
        assert arrived.headers["x-any"] == "kept"
        assert arrived.message_id.startswith(f"{NAMES.topic('images_uploaded')}-")
    assert len({message.message_id for message in found.values()}) == len(found)


def test_a_request_in_rabbitmq_arrives_in_kafka(
    bridge: ServiceProcess, kafka: Kafka, admin: RabbitSettings
) -> None:
    eventually(bridge.ready, 60)
    request, effects = upload(), RecordingPublisher()
    publisher = RabbitPublisher(admin, "test")
    key = NAMES.routing_keys["recognition_request"]
    publisher.publish(Effect(NAMES.exchange("analysis_requests"), request, routing_key=key))
    publisher.close()
    reader = KafkaConsumer(
        settings.load(KafkaSettings, kafka.environment()),
        group=uuid4().hex,
        topics=[NAMES.topic("recognition_request")],
        effects=effects,
        parking=effects,
    )
    with running(reader, echo):
        eventually(lambda: request.body in {effect.message.body for effect in effects.effects})
    arrived = next(e.message for e in effects.effects if e.message.body == request.body)
    assert arrived.key == request.key
    assert arrived.correlation_id == request.correlation_id


def test_nothing_is_lost_when_rabbitmq_is_away(
    bridge: ServiceProcess,
    rabbitmq: Rabbitmq,
    producer: KafkaProducer,
    admin: RabbitSettings,
) -> None:
    eventually(bridge.ready, 60)
    rabbitmq.ctl("stop_app")
    eventually(lambda: not bridge.ready(), 60)
    assert bridge.live()
    sent = upload()
    producer.publish(Effect(NAMES.topic("images_uploaded"), sent), timeout=30)
    rabbitmq.ctl("start_app")
    found: list[bytes] = []

    def arrived() -> bool:
        queue = NAMES.queue("orchestrator_image_uploaded")
        found.extend(message.body for message in take(admin, queue))
        return sent.body in found

    eventually(arrived, 90)
    eventually(bridge.ready, 60)


def test_an_empty_message_is_parked_and_a_signal_ends_the_service(
    bridge: ServiceProcess, kafka: Kafka, producer: KafkaProducer
) -> None:
    eventually(bridge.ready, 60)
    effects, key = RecordingPublisher(), uuid4().hex
    empty = Message(b"", key=key)
    producer.publish(Effect(NAMES.topic("images_uploaded"), empty), timeout=30)
    parked = KafkaConsumer(
        settings.load(KafkaSettings, kafka.environment()),
        group=uuid4().hex,
        topics=[NAMES.parked(NAMES.topic("images_uploaded"))],
        effects=effects,
        parking=effects,
    )
    with running(parked, echo):
        eventually(lambda: key in {effect.message.key for effect in effects.effects}, 60)
    assert bridge.terminate() == 0


def test_a_wrong_setting_stops_it_with_a_sentence(
    environment: dict[str, str], tmp_path: Path
) -> None:
    wrong = {**environment, "KAFKA_BOOTSTRAP_SERVERS": "kafka"}
    with ServiceProcess(MODULE, wrong, tmp_path) as process:
        assert process.wait() == settings.EXIT_CONFIG
        assert process.log().startswith("error: KAFKA_BOOTSTRAP_SERVERS")
        assert "host:port" in process.log()
