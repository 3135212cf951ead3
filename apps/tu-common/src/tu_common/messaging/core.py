"""The words that every broker's adapter shares."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

HEADER_CORRELATION_ID = "x-correlation-id"
HEADER_KEY = "x-kafka-key"
HEADER_MESSAGE_ID = "x-message-id"
HEADER_SCHEMA = "x-schema"
HEADER_PRODUCER = "x-producer"

HEADER_PARKED_REASON = "x-parked-reason"
HEADER_PARKED_ERROR = "x-parked-error"
HEADER_PARKED_WITHOUT = "x-parked-without"
HEADER_ORIGINAL_EXCHANGE = "x-original-exchange"
HEADER_ORIGINAL_QUEUE = "x-original-queue"
HEADER_ORIGINAL_TOPIC = "x-original-topic"
HEADER_ORIGINAL_POSITION = "x-original-position"

PARKING_HEADERS = frozenset(
    {
        HEADER_PARKED_REASON,
        HEADER_PARKED_ERROR,
        HEADER_PARKED_WITHOUT,
        HEADER_ORIGINAL_EXCHANGE,
        HEADER_ORIGINAL_QUEUE,
        HEADER_ORIGINAL_TOPIC,
        HEADER_ORIGINAL_POSITION,
    }
)


@dataclass(frozen=True)
class Message:
    """What travels, whatever the broker.

    Header values that are not UTF-8 are kept as surrogate escapes and go out as they came in.
    """

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    message_id: str = ""
    correlation_id: str = ""
    key: str = ""
    """Kafka's key; over RabbitMQ it travels as header ``x-kafka-key``."""
    source: str = ""
    """Set on what was read: the exchange or topic that it came through."""

    @property
    def cause_id(self) -> str:
        """The producer's id where it gave one: two deliveries of one event share it."""
        return self.headers.get(HEADER_MESSAGE_ID) or self.message_id


@dataclass(frozen=True)
class Effect:
    """A message to be published: to an exchange (with routing key) or to a topic."""

    destination: str
    message: Message
    routing_key: str = ""
    expect_queue: bool = True
    """RabbitMQ: a message that reaches no queue is an error."""


class InvalidMessage(Exception):  # noqa: N818 - it says what the message is
    """Trying again cannot help: the message is parked with this reason.

    ``effects`` are published before it is parked, for a failure that others wait to hear about.
    """

    def __init__(self, reason: str, error: str = "", effects: Sequence[Effect] = ()) -> None:
        super().__init__(f"{reason}: {error}" if error else reason)
        self.reason = reason
        self.error = error
        self.effects = tuple(effects)


class ProbablyInvalid(InvalidMessage):
    """Trying again may help, but hardly: the message is parked after some attempts."""


class TransientError(Exception):
    """Trying again later may help; the message stays where it is."""


class Unroutable(TransientError):  # noqa: N818 - it says what the message is
    """RabbitMQ took the message, but no queue is bound where one is expected."""


Handler = Callable[[Message], Sequence[Effect]]
"""Turns a message into what is to be published because of it."""


class Publisher(Protocol):
    """Publishing that is done only when the broker has said so."""

    def submit(self, effect: Effect) -> "Future[None]":
        """Publish in the background; the future ends with the broker's word."""
        ...

    def publish(self, effect: Effect, timeout: float = 10.0) -> None:
        """Publish and wait for the broker's confirmation; ``TransientError`` where it fails."""
        ...

    def ready(self) -> bool: ...

    def close(self, timeout: float = 10.0) -> None:
        """Wait for what is under way, then disconnect."""
        ...


class Consumer(Protocol):
    """Reads, hands over, publishes the effects, and only then acknowledges."""

    def run(self, handler: Handler) -> None:
        """Block until ``stop``. Reconnects for ever. Invalid messages are parked."""
        ...

    def stop(self) -> None:
        """Finish what is under way and return from ``run``; from any thread or signal handler."""
        ...

    def ready(self) -> bool: ...
