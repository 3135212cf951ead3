"""Kafka where it is not kind: sizes, outages, members that come and go."""

import threading
import time
from collections.abc import Iterator, Sequence
from uuid import uuid4

import pytest
from confluent_kafka import Consumer as Reader
from confluent_kafka.admin import AdminClient, NewTopic

from tests.support.brokers.kafka import Kafka
from tu_common import settings, topology
from tu_common.messaging import Effect, InvalidMessage, Message, TransientError
from tu_common.messaging.core import HEADER_PARKED_WITHOUT
from tu_common.messaging.kafka import KafkaConsumer, KafkaProducer
from tu_common.replay import replay_topic
from tu_common.settings import KafkaSettings
from tu_common.testing.contract import echo, running
from tu_common.testing.fakes import RecordingPublisher, eventually

NAMES = topology.load()


@pytest.fixture
def where(kafka: Kafka) -> KafkaSettings:
    return settings.load(KafkaSettings, kafka.environment())


@pytest.fixture
def topic(kafka: Kafka) -> str:
    name = f"test-{uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    for made in admin.create_topics(
        [NewTopic(name, 4, 1), NewTopic(NAMES.parked(name), 1, 1)]
    ).values():
        made.result(30)
    return name


@pytest.fixture
def producer(where: KafkaSettings) -> Iterator[KafkaProducer]:
    producer = KafkaProducer(where, "test")
    yield producer
    producer.close()


def send(producer: KafkaProducer, topic: str, numbers: Sequence[int]) -> set[bytes]:
    bodies = {str(number).encode(): number for number in numbers}
    futures = [producer.submit(Effect(topic, Message(body, key=body.decode()))) for body in bodies]
    assert [future.exception(60) for future in futures] == [None] * len(futures)
    return set(bodies)


def bodies(*publishers: RecordingPublisher) -> set[bytes]:
    return {effect.message.body for made in publishers for effect in made.effects}


def test_a_message_too_large_is_invalid(topic: str, producer: KafkaProducer) -> None:
    with pytest.raises(InvalidMessage, match="too-large"):
        producer.publish(Effect(topic, Message(bytes(1_500_000))), timeout=30)
    with pytest.raises(InvalidMessage, match="too-large"):
        producer.publish(Effect(topic, Message(bytes(3_000_000))), timeout=30)


def test_what_is_parked_without_its_body_is_not_put_back(
    where: KafkaSettings, topic: str, producer: KafkaProducer
) -> None:
    for without in ("headers, body: 3 bytes, sha256:00", "headers"):
        message = Message(b"x", key="same", headers={HEADER_PARKED_WITHOUT: without})
        producer.publish(Effect(NAMES.parked(topic), message), timeout=60)
    assert replay_topic(where, topic, limit=1) == 1
    assert replay_topic(where, topic) == 0


def test_what_kafka_cannot_park_whole_does_not_hold_up_what_follows(
    where: KafkaSettings, topic: str, producer: KafkaProducer
) -> None:
    # The parking topics of the tests take less than their topics do: 1 MiB, headers and all.
    effects = RecordingPublisher()

    def handler(message: Message) -> Sequence[Effect]:
        if len(message.body) > 1:
            raise InvalidMessage("unreadable", "e" * 500)
        return echo(message)

    big = Message(bytes(1_048_300), key="same")
    for message in (big, Message(b"0", key="same")):
        producer.publish(Effect(topic, message), timeout=60)
    consumer = KafkaConsumer(where, group=topic, topics=[topic], effects=effects, parking=producer)
    with running(consumer, handler):
        eventually(lambda: committed(where, topic) == 2, 60)
    assert bodies(effects) == {b"0"}
    assert replay_topic(where, topic) == 0


def test_an_unknown_topic_is_an_error(producer: KafkaProducer) -> None:
    with pytest.raises(TransientError):
        producer.publish(Effect("no-such-topic", Message(b"x")), timeout=60)


def test_unreachable_brokers_are_not_ready() -> None:
    nowhere = settings.load(KafkaSettings, {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})
    producer = KafkaProducer(nowhere, "test", delivery_timeout=1)
    time.sleep(3)
    assert not producer.ready()
    with pytest.raises(TransientError):
        producer.publish(Effect("t", Message(b"x")), timeout=15)
    producer.close(1)


def test_a_broker_that_restarts_is_found_again(
    kafka: Kafka, where: KafkaSettings, topic: str, producer: KafkaProducer
) -> None:
    effects = RecordingPublisher()
    consumer = KafkaConsumer(where, group=topic, topics=[topic], effects=effects, parking=producer)
    with running(consumer, echo):
        sent = send(producer, topic, range(100))
        eventually(lambda: bodies(effects) == sent)
        assert consumer.ready()
        kafka.container.stop()
        eventually(lambda: not consumer.ready() and not producer.ready())
        under_way = producer.submit(Effect(topic, Message(b"during")))
        kafka.container.start()
        assert under_way.exception(90) is None
        eventually(lambda: bodies(effects) == sent | {b"during"}, 60)
        eventually(lambda: consumer.ready() and producer.ready())


def test_partitions_lost_while_work_was_under_way_are_read_again(
    kafka: Kafka, where: KafkaSettings, topic: str, producer: KafkaProducer
) -> None:
    effects, handled, broken = RecordingPublisher(), [], threading.Event()
    broken.set()

    def handler(message: Message) -> Sequence[Effect]:
        handled.append(message.message_id)
        if broken.is_set():
            raise TransientError("what it publishes to is away as well")
        return echo(message)

    consumer = KafkaConsumer(
        where, group=topic, topics=[topic], effects=effects, parking=producer, window=1
    )
    with running(consumer, handler):
        sent = send(producer, topic, range(20))
        eventually(lambda: len(handled) > 3)
        kafka.container.stop()
        # The session ends without an answer from the broker, and the partitions with it.
        eventually(lambda: not consumer._joined, 60)
        broken.clear()
        kafka.container.start()
        eventually(lambda: bodies(effects) == sent, 90)


def test_what_was_given_up_at_shutdown_is_not_committed_over(
    where: KafkaSettings, topic: str, producer: KafkaProducer
) -> None:
    first, second, tried = RecordingPublisher(), RecordingPublisher(), threading.Event()

    def stumbling(message: Message) -> Sequence[Effect]:
        if message.body == b"0":
            tried.set()
            raise TransientError("not now")
        return echo(message)

    # One key, so one partition: the message that fails comes first in it.
    for body in (b"0", b"1", b"2"):
        producer.publish(Effect(topic, Message(body, key="same")), timeout=60)
    consumer = KafkaConsumer(where, group=topic, topics=[topic], effects=first, parking=producer)
    with running(consumer, stumbling):
        eventually(lambda: bodies(first) == {b"1", b"2"} and tried.is_set(), 60)
    again = KafkaConsumer(where, group=topic, topics=[topic], effects=second, parking=producer)
    with running(again, echo):
        eventually(lambda: b"0" in bodies(second), 60)


def test_members_come_and_go_and_nothing_is_lost(
    where: KafkaSettings, topic: str, producer: KafkaProducer
) -> None:
    first, second = RecordingPublisher(), RecordingPublisher()

    def member(effects: RecordingPublisher) -> KafkaConsumer:
        return KafkaConsumer(
            where, group=topic, topics=[topic], effects=effects, parking=producer, window=20
        )

    def slowly(message: Message) -> Sequence[Effect]:
        time.sleep(0.002)
        return echo(message)

    with running(member(first), slowly):
        sent = send(producer, topic, range(500))
        with running(member(second), slowly):
            sent |= send(producer, topic, range(500, 2000))
            eventually(lambda: bodies(second))
            sent |= send(producer, topic, range(2000, 2500))
        sent |= send(producer, topic, range(2500, 3000))
        eventually(lambda: bodies(first, second) == sent, 60)


def test_a_long_outage_of_what_it_publishes_to_does_not_cost_the_membership(
    where: KafkaSettings, topic: str, producer: KafkaProducer
) -> None:
    effects, handled, broken = RecordingPublisher(), [], threading.Event()
    broken.set()

    def handler(message: Message) -> Sequence[Effect]:
        handled.append(message.message_id)
        if broken.is_set():
            raise TransientError("the other broker is away")
        return echo(message)

    consumer = KafkaConsumer(where, group=topic, topics=[topic], effects=effects, parking=producer)
    consumer._config["max.poll.interval.ms"] = 10000
    with running(consumer, handler):
        sent = send(producer, topic, range(5))
        time.sleep(14)
        assert consumer.ready()
        assert not committed(where, topic)
        broken.clear()
        eventually(lambda: bodies(effects) == sent, 40)
        eventually(lambda: committed(where, topic) == len(sent))


def committed(where: KafkaSettings, topic: str) -> int:
    from confluent_kafka import TopicPartition

    from tu_common.messaging.kafka.connection import configuration

    reader = Reader({**configuration(where, "look"), "group.id": topic})
    parts = reader.committed([TopicPartition(topic, number) for number in range(4)], timeout=10)
    reader.close()
    return sum(max(part.offset, 0) for part in parts)
