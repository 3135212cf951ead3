"""Publishers whose broker is not there."""

from collections.abc import Iterator

import pytest

from tu_common.messaging import Effect, InvalidMessage, Message, TransientError
from tu_common.messaging.kafka import KafkaProducer
from tu_common.messaging.rabbit import RabbitPublisher
from tu_common.settings import KafkaSettings, RabbitSettings, load

# Nobody listens on port 1.
RABBIT = load(
    RabbitSettings,
    {
        "RABBITMQ_HOST": "127.0.0.1",
        "RABBITMQ_PORT": "1",
        "RABBITMQ_USER": "u",
        "RABBITMQ_PASSWORD": "p",
    },
)
KAFKA = load(KafkaSettings, {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})
UNENCODABLE = [Message(b"", key="\ud800"), Message(b"", headers={"\udcff": "x"})]


@pytest.fixture
def producer() -> Iterator[KafkaProducer]:
    producer = KafkaProducer(KAFKA, "test", delivery_timeout=1)
    yield producer
    producer.close(1)


def test_only_so_many_messages_wait_for_rabbitmq() -> None:
    publisher = RabbitPublisher(RABBIT, "test", most_waiting=3)
    futures = [publisher.submit(Effect("x", Message(b""))) for _ in range(4)]
    assert not any(future.done() for future in futures[:3])
    assert isinstance(futures[3].exception(0), TransientError)
    assert "3 wait" in str(futures[3].exception(0))
    publisher.close(0)
    assert all(isinstance(future.exception(0), TransientError) for future in futures)


def test_a_rabbitmq_publisher_whose_thread_has_ended_is_not_ready() -> None:
    class Ended(RabbitPublisher):
        def _run(self) -> None:
            self._channel = object()

    publisher = Ended(RABBIT, "test")
    publisher._thread.join(10)
    assert not publisher.ready()


def test_a_kafka_producer_whose_thread_has_ended_is_not_ready() -> None:
    class Ended(KafkaProducer):
        def _poll(self) -> None:
            self._reachable.now = True

    producer = Ended(KAFKA, "test")
    producer._thread.join(10)
    assert not producer.ready()


@pytest.mark.parametrize("message", UNENCODABLE)
def test_what_cannot_be_encoded_is_invalid_and_not_an_error_of_its_own(
    producer: KafkaProducer, message: Message
) -> None:
    assert isinstance(producer.submit(Effect("t", message)).exception(0), InvalidMessage)
    publisher = RabbitPublisher(RABBIT, "test")
    assert isinstance(publisher.submit(Effect("x", message)).exception(0), InvalidMessage)
    publisher.close(0)
