"""Parked messages: what cannot be handled, kept aside with its reason until it is put back."""

import hashlib
from dataclasses import replace

from tu_common.messaging.core import (
    HEADER_MESSAGE_ID,
    HEADER_ORIGINAL_EXCHANGE,
    HEADER_ORIGINAL_POSITION,
    HEADER_ORIGINAL_QUEUE,
    HEADER_ORIGINAL_TOPIC,
    HEADER_PARKED_ERROR,
    HEADER_PARKED_REASON,
    HEADER_PARKED_WITHOUT,
    HEADER_PRODUCER,
    HEADER_SCHEMA,
    PARKING_HEADERS,
    Effect,
    InvalidMessage,
    Message,
)
from tu_common.topology import Topology

_MAX_ERROR = 500
# What any broker takes as a header, an id or a key.
_MAX_KEPT = 255
_KEPT = PARKING_HEADERS | {HEADER_MESSAGE_ID, HEADER_SCHEMA, HEADER_PRODUCER}


def park_from_queue(names: Topology, queue: str, message: Message, error: InvalidMessage) -> Effect:
    """What parks a message that was read from ``queue``."""
    origin = {HEADER_ORIGINAL_EXCHANGE: message.source, HEADER_ORIGINAL_QUEUE: queue}
    copy = parked_copy(message, error, **origin)
    return Effect(names.returns_exchange(queue), copy, routing_key=names.parked(queue))


def park_from_topic(names: Topology, message: Message, error: InvalidMessage) -> Effect:
    """What parks a message that was read from a topic."""
    origin = {HEADER_ORIGINAL_TOPIC: message.source, HEADER_ORIGINAL_POSITION: message.message_id}
    return Effect(names.parked(message.source), parked_copy(message, error, **origin))


def parked_copy(message: Message, error: InvalidMessage, **origin: str) -> Message:
    """The message as it is parked: untouched, with the reason and where it was in its headers."""
    headers = {
        **message.headers,
        HEADER_MESSAGE_ID: message.cause_id,
        HEADER_PARKED_REASON: error.reason,
        HEADER_PARKED_ERROR: _plain(error.error, _MAX_ERROR),
        **origin,
    }
    return replace(message, headers=headers)


def smaller(parked: Message) -> Message | None:
    """What to park where the broker refuses ``parked``; None where nothing more can be left out.

    First the headers go that are not the platform's, then the body: of a Kafka record it can still
    be read at ``x-original-position`` while the topic keeps it.
    """
    if HEADER_PARKED_WITHOUT not in parked.headers:
        kept = {name: _plain(value) for name, value in parked.headers.items() if name in _KEPT}
        return replace(
            parked,
            headers={**kept, HEADER_PARKED_WITHOUT: "headers"},
            message_id=_plain(parked.message_id),
            correlation_id=_plain(parked.correlation_id),
            key=_plain(parked.key),
        )
    if not parked.body:
        return None
    without = f"headers, body: {fingerprint(parked.body)}"
    return replace(parked, body=b"", headers={**parked.headers, HEADER_PARKED_WITHOUT: without})


def is_whole(parked: Message) -> bool:
    """Whether a parked message still has its body, so that it can be put back."""
    return "body" not in parked.headers.get(HEADER_PARKED_WITHOUT, "")


def replayed_copy(message: Message) -> Message:
    """The message as it is put back: without what parking added."""
    headers = {k: v for k, v in message.headers.items() if k not in PARKING_HEADERS}
    return replace(message, headers=headers)


def fingerprint(body: bytes) -> str:
    return f"{len(body)} bytes, sha256:{hashlib.sha256(body).hexdigest()}"


def _plain(text: str, most: int = _MAX_KEPT) -> str:
    """So much of a text that it has ``most`` bytes, without what is not text."""
    return text.encode("utf-8", "replace")[:most].decode("utf-8", "ignore")
