"""What adapters make of messages, with no broker."""

import pika
import pytest

from tu_common.messaging import InvalidMessage, Message
from tu_common.messaging.backoff import Backoff
from tu_common.messaging.kafka.wire import from_record, to_headers
from tu_common.messaging.rabbit.wire import from_delivery, to_properties


class Record:
    def __init__(self, headers: list[tuple[str, bytes]] | None, key: bytes | None) -> None:
        self._headers, self._key = headers, key

    def headers(self) -> list[tuple[str, bytes]] | None:
        return self._headers

    def key(self) -> bytes | None:
        return self._key

    def value(self) -> bytes | None:
        return None

    def topic(self) -> str:
        return "t"

    def partition(self) -> int:
        return 3

    def offset(self) -> int:
        return 17


def test_from_kafka_to_rabbitmq_and_back_nothing_is_lost() -> None:
    headers = [("x-schema", b"s"), ("x-correlation-id", b"c"), ("x-binary", b"\xff\x00")]
    read = from_record(Record(headers, b"\xfekey"))
    assert read.message_id == "t-3-17"
    assert read.correlation_id == "c"
    properties = to_properties(read)
    assert properties.headers == {
        "x-schema": "s",
        "x-binary": b"\xff\x00",
        "x-kafka-key": b"\xfekey",
    }
    assert properties.correlation_id == "c"
    assert properties.delivery_mode == 2
    again = from_delivery("x", properties, b"")
    assert again.key.encode("utf-8", "surrogateescape") == b"\xfekey"
    assert sorted(to_headers(again)) == sorted([*headers, ("x-message-id", b"t-3-17")])


def test_a_record_without_headers_and_key_is_read() -> None:
    read = from_record(Record(None, None))
    assert (read.body, read.key, read.correlation_id, dict(read.headers)) == (b"", "", "", {})


def test_what_the_broker_adds_is_left_out() -> None:
    properties = pika.BasicProperties(headers={"x-death": [{}], "x-delivery-count": 3, "x-n": 1})
    assert from_delivery("x", properties, b"").headers == {"x-n": "1"}


def test_a_message_without_an_id_gets_the_same_one_each_time() -> None:
    first, second, other = (
        from_delivery("x", pika.BasicProperties(), body).message_id for body in (b"a", b"a", b"b")
    )
    assert first == second != other


def test_a_correlation_id_in_a_header_is_found() -> None:
    properties = pika.BasicProperties(headers={"x-correlation-id": "c"})
    assert from_delivery("x", properties, b"").correlation_id == "c"


@pytest.mark.parametrize(
    "message",
    [
        Message(b"", headers={"x" * 256: ""}),
        Message(b"", headers={"x": "y" * 200_000}),
        Message(b"", correlation_id="ä" * 128),
        Message(b"", message_id="m" * 256),
        Message(b"", correlation_id="\udcff"),
        Message(b"", message_id="\udcff"),
        Message(b"", key="\ud800"),
        Message(b"", headers={"x": "\ud800"}),
        Message(bytes(17 * 1024**2)),
    ],
)
def test_what_amqp_cannot_carry_is_invalid(message: Message) -> None:
    with pytest.raises(InvalidMessage):
        to_properties(message)


def test_pauses_grow_to_a_limit() -> None:
    backoff = Backoff(first=1, most=8)
    pauses = [backoff.pause() for _ in range(6)]
    assert pauses[0] < 2 < pauses[3]
    assert max(pauses) <= 10
    backoff.reset()
    assert backoff.pause() < 2
