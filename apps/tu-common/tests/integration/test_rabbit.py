"""RabbitMQ where it is not kind: refusals, lost connections, permissions, the stream."""

import threading
from collections.abc import Iterator
from uuid import uuid4

import pika
import pytest

from tests.support.brokers.rabbitmq import Rabbitmq
from tu_common import settings, topology
from tu_common.messaging import Effect, Message, TransientError, Unroutable
from tu_common.messaging.core import HEADER_PARKED_WITHOUT
from tu_common.messaging.rabbit import RabbitConsumer, RabbitPublisher, StreamReader
from tu_common.messaging.rabbit.connection import parameters
from tu_common.replay import replay_queue
from tu_common.settings import RabbitSettings
from tu_common.testing.contract import echo, running
from tu_common.testing.fakes import RecordingPublisher, eventually

NAMES = topology.load()
QUEUE = NAMES.queue("orchestrator_image_uploaded")
EXCHANGE = NAMES.exchange("image_uploaded")
STREAM = NAMES.queue("gateway_analysis_events")


@pytest.fixture
def admin(rabbitmq: Rabbitmq) -> RabbitSettings:
    rabbitmq.purge()
    return settings.load(RabbitSettings, rabbitmq.environment())


@pytest.fixture
def publisher(admin: RabbitSettings) -> Iterator[RabbitPublisher]:
    publisher = RabbitPublisher(admin, "test")
    yield publisher
    publisher.close()


def as_user(rabbitmq: Rabbitmq, user: str) -> RabbitSettings:
    return settings.load(RabbitSettings, rabbitmq.environment(user))


def event(number: int = 0) -> Message:
    return Message(str(number).encode(), message_id=f"{uuid4().hex}-{number}")


def test_a_message_that_reaches_no_queue_is_an_error(publisher: RabbitPublisher) -> None:
    nowhere = NAMES.exchange("analysis_requests")
    with pytest.raises(Unroutable, match=nowhere):
        publisher.publish(Effect(nowhere, event(), routing_key="unknown"))
    publisher.publish(Effect(nowhere, event(), routing_key="unknown", expect_queue=False))


def test_an_unroutable_message_does_not_take_others_with_it(publisher: RabbitPublisher) -> None:
    nowhere = NAMES.exchange("analysis_requests")
    good = [publisher.submit(Effect(EXCHANGE, event(number))) for number in range(50)]
    bad = publisher.submit(Effect(nowhere, event(), routing_key="unknown"))
    good += [publisher.submit(Effect(EXCHANGE, event(number))) for number in range(50)]
    assert isinstance(bad.exception(10), Unroutable)
    assert [future.exception(10) for future in good] == [None] * 100


def test_an_unknown_exchange_is_an_error_and_the_next_message_arrives(
    publisher: RabbitPublisher,
) -> None:
    with pytest.raises(TransientError, match="no exchange"):
        publisher.publish(Effect("unknown", event()))
    publisher.publish(Effect(EXCHANGE, event()))


def test_a_service_may_write_only_where_it_should(rabbitmq: Rabbitmq) -> None:
    gateway = RabbitPublisher(as_user(rabbitmq, "graph-gateway"), "gateway")
    key = NAMES.routing_keys["analysis_request"]
    gateway.publish(Effect(NAMES.exchange("analysis_commands"), event(), routing_key=key))
    for forbidden in (NAMES.exchange("analysis_completed"), ""):
        with pytest.raises(TransientError, match=r"access|ACCESS"):
            gateway.publish(Effect(forbidden, event(), routing_key=QUEUE))
    gateway.close()


def test_a_wrong_password_is_never_ready(rabbitmq: Rabbitmq) -> None:
    environment = {**rabbitmq.environment(), "RABBITMQ_PASSWORD": "wrong"}
    stranger = RabbitPublisher(settings.load(RabbitSettings, environment), "stranger")
    with pytest.raises(TransientError, match="no confirmation"):
        stranger.publish(Effect(EXCHANGE, event()), timeout=2)
    assert not stranger.ready()
    stranger.close(1)


def test_nothing_is_lost_when_connections_break(
    rabbitmq: Rabbitmq, admin: RabbitSettings, publisher: RabbitPublisher
) -> None:
    effects, count = RecordingPublisher(), 3000
    consumer = RabbitConsumer(
        admin, QUEUE, effects=effects, parking=publisher, client_id="test", window=100
    )

    def cut() -> None:
        for _ in range(3):
            rabbitmq.close_connections()

    with running(consumer, echo):
        eventually(consumer.ready)
        breaking = threading.Thread(target=cut)
        breaking.start()
        futures = []
        for number in range(count):
            futures.append(publisher.submit(Effect(EXCHANGE, event(number))))
            if number % 100 == 0:
                threading.Event().wait(0.05)
        breaking.join()
        assert [future.exception(60) for future in futures] == [None] * count
        wanted = {str(number).encode() for number in range(count)}
        eventually(lambda: {effect.message.body for effect in effects.effects} == wanted, 60)
    bodies: dict[str, bytes] = {}
    for effect in effects.effects:
        known = bodies.setdefault(effect.message.message_id, effect.message.body)
        assert known == effect.message.body


def test_a_broker_that_restarts_is_found_again(
    rabbitmq: Rabbitmq, admin: RabbitSettings, publisher: RabbitPublisher
) -> None:
    effects = RecordingPublisher()
    consumer = RabbitConsumer(admin, QUEUE, effects=effects, parking=publisher, client_id="test")
    with running(consumer, echo):
        eventually(lambda: consumer.ready() and publisher.ready())
        rabbitmq.container.stop()
        eventually(lambda: not consumer.ready() and not publisher.ready())
        under_way = publisher.submit(Effect(EXCHANGE, event()))
        rabbitmq.container.start()
        assert under_way.exception(120) is None
        eventually(lambda: effects.effects, 60)
        assert consumer.ready()


def test_a_message_that_kills_its_reader_each_time_is_parked(
    admin: RabbitSettings, publisher: RabbitPublisher
) -> None:
    publisher.publish(Effect(EXCHANGE, event()))
    connection = pika.BlockingConnection(parameters(admin, "dies"))
    channel = connection.channel()
    parked = None
    for _ in range(60):
        method, _, _ = channel.basic_get(QUEUE)
        if method:
            channel.basic_nack(method.delivery_tag, requeue=True)
        parked, _, _ = channel.basic_get(NAMES.parked(QUEUE))
        if parked:
            break
        connection.sleep(0.1)
    assert parked is not None
    connection.close()


def test_what_is_parked_without_its_body_is_not_put_back(
    admin: RabbitSettings, publisher: RabbitPublisher
) -> None:
    parked = NAMES.parked(QUEUE)
    for without in ("headers", "headers, body: 3 bytes, sha256:00"):
        message = Message(without.encode(), headers={HEADER_PARKED_WITHOUT: without})
        publisher.publish(Effect(NAMES.returns_exchange(QUEUE), message, routing_key=parked))
    connection = pika.BlockingConnection(parameters(admin, "looks"))
    channel = connection.channel()

    def left() -> int:
        return int(channel.queue_declare(parked, passive=True).method.message_count)

    assert replay_queue(admin, QUEUE) == 1
    eventually(lambda: left() == 1)
    assert replay_queue(admin, QUEUE) == 0
    eventually(lambda: left() == 1)
    connection.close()


class Seen:
    """A stream reader in a thread, and what it has seen."""

    def __init__(self, where: RabbitSettings, **options: float) -> None:
        self.messages: list[Message] = []
        self.reader = StreamReader(where, STREAM, client_id="test", **options)  # type: ignore[arg-type]
        self._thread = threading.Thread(
            target=self.reader.run, args=(self.messages.append,), daemon=True
        )
        self._thread.start()

    def saw(self, *expected: Message) -> bool:
        ids = [message.message_id for message in self.messages]
        return all(ids.count(message.message_id) == 1 for message in expected)

    def stop(self) -> None:
        self.reader.stop()
        self._thread.join(10)
        assert not self._thread.is_alive()


def test_every_reader_of_the_stream_sees_every_event(
    rabbitmq: Rabbitmq, publisher: RabbitPublisher
) -> None:
    gateway = as_user(rabbitmq, "graph-gateway")
    before, after, late = event(), event(), event()
    publisher.publish(Effect(NAMES.exchange("analysis_started"), before))
    first, second = Seen(gateway), Seen(gateway)
    eventually(lambda: first.saw(before) and second.saw(before))
    publisher.publish(Effect(NAMES.exchange("analysis_completed"), after))
    eventually(lambda: first.saw(before, after) and second.saw(before, after))
    assert {
        message.source for message in first.messages if message.message_id == after.message_id
    } == {NAMES.exchange("analysis_completed")}
    assert first.reader.ready()
    rabbitmq.close_connections()
    publisher.publish(Effect(NAMES.exchange("analysis_completed"), late), timeout=30)
    eventually(lambda: first.saw(before, after, late) and second.saw(before, after, late))
    fresh = Seen(gateway)
    eventually(lambda: fresh.saw(before, after, late))
    for reader in (first, second, fresh):
        reader.stop()
