"""One message's way through a consumer, with publishers that refuse."""

import hashlib
import logging
from collections.abc import Sequence
from concurrent.futures import Future

import pytest

from tu_common.messaging import (
    Effect,
    Handler,
    InvalidMessage,
    Message,
    ProbablyInvalid,
    TransientError,
)
from tu_common.messaging.core import HEADER_PARKED_REASON, HEADER_PARKED_WITHOUT
from tu_common.messaging.futures import settle
from tu_common.messaging.kafka import KafkaConsumer
from tu_common.messaging.parking import is_whole, parked_copy
from tu_common.messaging.rabbit.wire import to_properties
from tu_common.messaging.work import ATTEMPTS_AT_THE_PROBABLY_INVALID, Work
from tu_common.settings import KafkaSettings, load
from tu_common.testing.contract import echo
from tu_common.testing.fakes import RecordingPublisher

SENT = Message(
    b"body",
    headers={"x-schema": "s.v1", "x-foreign": "f"},
    message_id="t-0-1",
    correlation_id="c",
    key="k",
    source="t",
)


class LikeRabbitmq(RecordingPublisher):
    """Refuses what RabbitMQ cannot carry."""

    def submit(self, effect: Effect) -> "Future[None]":
        try:
            to_properties(effect.message)
        except InvalidMessage as error:
            future: Future[None] = Future()
            settle(future, error)
            return future
        return super().submit(effect)


def refuse(_: Message) -> Sequence[Effect]:
    raise InvalidMessage("unreadable", "no wonder")


def work(
    handler: Handler,
    parking: RecordingPublisher,
    effects: RecordingPublisher | None = None,
    message: Message = SENT,
) -> Work:
    def park(message: Message, error: InvalidMessage) -> Effect:
        return Effect("parking", parked_copy(message, error, **{"x-original-topic": "t"}))

    return Work(message, handler, effects or RecordingPublisher(), parking, park)


def attempts(work: Work) -> int:
    """How many it took."""
    for number in range(1, 30):
        if work.attempt().exception(timeout=10) is None:
            return number
    raise AssertionError("this message would hold up all others for ever")


def test_what_the_broker_refuses_to_park_is_parked_without_headers_and_body() -> None:
    parking = RecordingPublisher()
    parking.fail(times=2, error=InvalidMessage("too-large"))
    assert attempts(work(refuse, parking)) == 3
    (effect,) = parking.effects
    parked = effect.message
    digest = hashlib.sha256(b"body").hexdigest()
    assert effect.destination == "parking"
    assert parked.body == b""
    assert parked.headers == {
        "x-schema": "s.v1",
        "x-message-id": "t-0-1",
        "x-parked-reason": "unreadable",
        "x-parked-error": "no wonder",
        "x-parked-without": f"headers, body: 4 bytes, sha256:{digest}",
        "x-original-topic": "t",
    }
    assert (parked.message_id, parked.correlation_id, parked.key) == ("t-0-1", "c", "k")
    assert not is_whole(parked)


@pytest.mark.parametrize(
    "message",
    [
        Message(b"body", headers={"x-foreign": "f" * 150_000}),
        Message(b"body", headers={"x" * 300: "f"}),
        Message(b"body", headers={"\udcff": "f"}),
        Message(b"body", message_id="ä" * 200, correlation_id="\udcff" * 300, key="\ud800"),
    ],
)
def test_the_body_is_parked_where_only_the_headers_are_refused(message: Message) -> None:
    parking = LikeRabbitmq()
    attempts(work(refuse, parking, message=message))
    (effect,) = parking.effects
    assert effect.message.body == b"body"
    assert effect.message.headers[HEADER_PARKED_REASON] == "unreadable"
    assert effect.message.headers[HEADER_PARKED_WITHOUT] == "headers"
    assert is_whole(effect.message)


def test_what_is_refused_in_every_form_is_logged_and_given_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    parking = RecordingPublisher()
    parking.fail(times=1000, error=InvalidMessage("too-large", "even so"))
    with caplog.at_level(logging.ERROR):
        attempts(work(refuse, parking))
    assert not parking.effects
    (record,) = caplog.records
    said = vars(record)
    assert "even so" in record.getMessage()
    assert (said["messageId"], said["causeId"], said["key"]) == ("t-0-1", "t-0-1", "k")
    assert hashlib.sha256(b"body").hexdigest() in said["body"]


def test_parking_that_fails_for_now_is_repeated_whole() -> None:
    parking = RecordingPublisher()
    parking.fail(times=3)
    attempts(work(refuse, parking))
    (effect,) = parking.effects
    assert effect.message.body == b"body"
    assert effect.message.headers["x-foreign"] == "f"
    assert HEADER_PARKED_WITHOUT not in effect.message.headers


def test_a_failure_that_cannot_be_announced_does_not_keep_the_message_from_being_parked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(message: Message) -> Sequence[Effect]:
        raise InvalidMessage("unreadable", effects=echo(message))

    effects, parking = RecordingPublisher(), RecordingPublisher()
    effects.fail(times=1000, error=InvalidMessage("too-large"))
    with caplog.at_level(logging.ERROR):
        assert attempts(work(fail, parking, effects)) == 1
    assert [effect.message.body for effect in parking.effects] == [b"body"]
    assert vars(caplog.records[0])["destination"] == "somewhere"


def test_what_is_probably_invalid_is_parked_after_some_attempts() -> None:
    handled: list[Message] = []

    def doubt(message: Message) -> Sequence[Effect]:
        handled.append(message)
        raise ProbablyInvalid("refused", "403", effects=echo(message))

    effects, parking = RecordingPublisher(), RecordingPublisher()
    assert attempts(work(doubt, parking, effects)) == ATTEMPTS_AT_THE_PROBABLY_INVALID
    assert len(handled) == ATTEMPTS_AT_THE_PROBABLY_INVALID
    assert len(effects.effects) == 1
    assert parking.effects[0].message.headers[HEADER_PARKED_REASON] == "refused"


def test_what_was_only_probably_invalid_is_done_and_what_is_transient_never_given_up() -> None:
    troubles: list[Exception] = [TransientError("away")] * 20
    troubles += [ProbablyInvalid("refused")] * (ATTEMPTS_AT_THE_PROBABLY_INVALID - 1)

    def recover(message: Message) -> Sequence[Effect]:
        if troubles:
            raise troubles.pop()
        return echo(message)

    effects, parking = RecordingPublisher(), RecordingPublisher()
    attempts(work(recover, parking, effects))
    assert len(effects.effects) == 1
    assert not parking.effects


def test_a_topic_of_another_name_has_a_parking_topic_of_that_name() -> None:
    parking = RecordingPublisher()
    consumer = KafkaConsumer(
        load(KafkaSettings, {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}),
        group="g",
        topics=["renamed"],
        effects=RecordingPublisher(),
        parking=parking,
    )
    attempts(consumer._work(refuse, Message(b"", source="renamed")))
    assert [effect.destination for effect in parking.effects] == ["renamed.parked"]
