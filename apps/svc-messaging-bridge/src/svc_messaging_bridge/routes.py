"""Which topic goes to which exchange, which queue to which topic, and how. No I/O."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from svc_messaging_bridge.settings import Settings
from tu_common.messaging import Effect, InvalidMessage, Message
from tu_common.topology import Topology


@dataclass(frozen=True)
class Routes:
    to_rabbitmq: Mapping[str, str]
    """Topic → exchange."""
    to_kafka: Mapping[str, str]
    """Queue → topic."""


def routes(settings: Settings, names: Topology) -> Routes:
    return Routes(
        to_rabbitmq={
            settings.topic_images_uploaded: settings.exchange_image_uploaded,
            settings.topic_recognition_completed: settings.exchange_recognition_completed,
        },
        to_kafka={names.queue("bridge_analysis_requests"): settings.topic_recognition_request},
    )


def from_topics(to_rabbitmq: Mapping[str, str]) -> Callable[[Message], Sequence[Effect]]:
    """A handler for messages of several topics, which carry their topic as ``source``."""

    def handler(message: Message) -> Sequence[Effect]:
        return [_forward(message, to_rabbitmq[message.source])]

    return handler


def to_topic(topic: str) -> Callable[[Message], Sequence[Effect]]:
    def handler(message: Message) -> Sequence[Effect]:
        return [_forward(message, topic)]

    return handler


def _forward(message: Message, destination: str) -> Effect:
    """The same message elsewhere: its body is not looked into, so that any peer's passes."""
    if not message.body:
        raise InvalidMessage("empty", "a message without a body announces nothing")
    return Effect(destination, message)
