"""The contract of consumers and publishers, run against every broker alike.

A test module subclasses ``BrokerContract`` and gives it a fixture ``broker`` that is a ``Harness``.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol
from uuid import uuid4

from tu_common.messaging.core import (
    HEADER_PARKED_ERROR,
    HEADER_PARKED_REASON,
    Consumer,
    Effect,
    Handler,
    InvalidMessage,
    Message,
    Publisher,
    TransientError,
)
from tu_common.testing.fakes import RecordingPublisher, eventually


class Harness(Protocol):
    """One queue or topic of a broker, empty when a test begins."""

    def send(self, message: Message) -> None: ...
    def consumer(self, effects: Publisher) -> Consumer: ...
    def parked(self) -> list[Message]:
        """Take what is parked."""
        ...

    def replay(self) -> int: ...


@contextmanager
def running(consumer: Consumer, handler: Handler) -> Iterator[None]:
    thread = threading.Thread(target=consumer.run, args=(handler,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        consumer.stop()
        thread.join(30)
        assert not thread.is_alive(), "the consumer did not stop"


def message(body: bytes = b"") -> Message:
    unique = uuid4().hex
    return Message(
        body=body or unique.encode(),
        headers={"x-schema": "test.v1", "x-unknown": "kept"},
        message_id=unique,
        correlation_id=f"correlation-{unique}",
        key="images/2026/01/02/ä.png",
    )


def echo(received: Message) -> Sequence[Effect]:
    return [Effect("somewhere", received)]


class BrokerContract:
    # ruff: noqa: S101 - these are tests

    def test_a_message_arrives_as_it_was_sent(self, broker: Harness) -> None:
        sent, effects = message(b"\x00\xff not JSON"), RecordingPublisher()
        with running(broker.consumer(effects), echo):
            broker.send(sent)
            eventually(lambda: effects.effects)
        received = effects.effects[0].message
        assert received.body == sent.body
        assert received.key == sent.key
        assert received.correlation_id == sent.correlation_id
        assert received.headers["x-unknown"] == "kept"
        assert received.cause_id == sent.message_id
        assert received.message_id
        assert received.source

    def test_every_message_arrives_in_number(self, broker: Harness) -> None:
        effects = RecordingPublisher()
        sent = {str(number).encode() for number in range(500)}
        for body in sent:
            broker.send(message(body))
        with running(broker.consumer(effects), echo):
            eventually(lambda: len(effects.effects) >= len(sent))
        assert sorted(effect.message.body for effect in effects.effects) == sorted(sent)

    def test_an_effect_that_fails_is_repeated_and_the_handler_is_not(self, broker: Harness) -> None:
        effects, handled = RecordingPublisher(), []
        effects.fail(times=2)

        def handler(received: Message) -> Sequence[Effect]:
            handled.append(received)
            return echo(received)

        with running(broker.consumer(effects), handler):
            broker.send(message())
            eventually(lambda: effects.effects)
        assert len(handled) == 1
        assert effects.attempts == 3

    def test_a_transient_error_is_tried_again(self, broker: Harness) -> None:
        effects, failures = RecordingPublisher(), [TransientError("later"), TransientError("soon")]

        def handler(received: Message) -> Sequence[Effect]:
            if failures:
                raise failures.pop()
            return echo(received)

        with running(broker.consumer(effects), handler):
            broker.send(message())
            eventually(lambda: effects.effects)
        assert not broker.parked()

    def test_an_invalid_message_is_parked_and_the_next_one_is_handled(
        self, broker: Harness
    ) -> None:
        effects, bad, good = RecordingPublisher(), message(), message()

        def handler(received: Message) -> Sequence[Effect]:
            if received.body == bad.body:
                raise InvalidMessage("unreadable", "no body", effects=echo(received))
            return echo(received)

        with running(broker.consumer(effects), handler):
            broker.send(bad)
            broker.send(good)
            eventually(lambda: len(effects.effects) == 2)
            parked = eventually(broker.parked)
        assert [item.body for item in parked] == [bad.body]
        assert parked[0].headers[HEADER_PARKED_REASON] == "unreadable"
        assert parked[0].headers[HEADER_PARKED_ERROR] == "no body"
        assert parked[0].key == bad.key
        assert parked[0].correlation_id == bad.correlation_id
        assert parked[0].cause_id == bad.message_id

    def test_a_mistake_in_the_handler_parks_the_message(self, broker: Harness) -> None:
        def handler(_: Message) -> Sequence[Effect]:
            raise ZeroDivisionError("oops")

        with running(broker.consumer(RecordingPublisher()), handler):
            broker.send(message())
            parked = eventually(broker.parked)
        assert parked[0].headers[HEADER_PARKED_REASON] == "handler-failed"

    def test_an_effect_that_cannot_be_published_parks_the_message(self, broker: Harness) -> None:
        effects = RecordingPublisher()
        effects.fail(error=InvalidMessage("too-large", "17 MiB"))
        with running(broker.consumer(effects), echo):
            broker.send(message())
            parked = eventually(broker.parked)
        assert parked[0].headers[HEADER_PARKED_REASON] == "too-large"

    def test_what_was_not_confirmed_comes_again_with_the_same_id(self, broker: Harness) -> None:
        first, second, sent = RecordingPublisher(), RecordingPublisher(), message()
        first.hold()
        with running(broker.consumer(first), echo):
            broker.send(sent)
            eventually(lambda: first.attempts)
        with running(broker.consumer(second), echo):
            eventually(lambda: second.effects)
        assert second.effects[0].message.body == sent.body
        assert second.effects[0].message.cause_id == sent.message_id

    def test_what_was_confirmed_does_not_come_again(self, broker: Harness) -> None:
        first, second, later = RecordingPublisher(), RecordingPublisher(), message()
        with running(broker.consumer(first), echo):
            broker.send(message())
            eventually(lambda: first.effects)
        broker.send(later)
        with running(broker.consumer(second), echo):
            eventually(lambda: second.effects)
        assert [effect.message.body for effect in second.effects] == [later.body]

    def test_a_parked_message_is_put_back(self, broker: Harness) -> None:
        effects, sent, refusals = RecordingPublisher(), message(), [InvalidMessage("unknown")]

        def handler(received: Message) -> Sequence[Effect]:
            if refusals:
                raise refusals.pop()
            return echo(received)

        with running(broker.consumer(effects), handler):
            broker.send(sent)
            eventually(broker.replay)
            eventually(lambda: effects.effects)
        received = effects.effects[0].message
        assert received.body == sent.body
        assert received.cause_id == sent.message_id
        assert HEADER_PARKED_REASON not in received.headers
