"""Messaging: one interface, three brokers (RabbitMQ, Kafka, memory)."""

from tu_common.messaging.core import (
    Consumer,
    Effect,
    Handler,
    InvalidMessage,
    Message,
    ProbablyInvalid,
    Publisher,
    TransientError,
    Unroutable,
)

__all__ = [
    "Consumer",
    "Effect",
    "Handler",
    "InvalidMessage",
    "Message",
    "ProbablyInvalid",
    "Publisher",
    "TransientError",
    "Unroutable",
]
