"""Messages as AMQP carries them."""

import hashlib
from typing import Any

import pika

from tu_common.messaging.core import (
    HEADER_CORRELATION_ID,
    HEADER_KEY,
    InvalidMessage,
    Message,
)

# What RabbitMQ 4 refuses by closing the channel is refused here, message by message.
_MAX_BODY = 16 * 1024**2
_MAX_HEADERS = 100 * 1024
_MAX_SHORT = 255

_BROKER_HEADERS = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-count", "x-acquired-")


def to_properties(message: Message) -> pika.BasicProperties:
    """Properties for a persistent message; ``InvalidMessage`` for what AMQP cannot carry."""
    headers: dict[str, Any] = {name: _to_wire(value) for name, value in message.headers.items()}
    if message.key:
        headers[HEADER_KEY] = _to_wire(message.key)
    size = sum(len(_bytes(str(name))) + len(_bytes(value)) for name, value in headers.items())
    if size > _MAX_HEADERS:
        raise InvalidMessage("headers-too-large", f"{size} bytes of headers")
    for name in (*headers, message.message_id, message.correlation_id):
        try:
            name.encode()
        except UnicodeEncodeError:
            raise InvalidMessage("header-not-utf8", f"{name[:40]!r} is not text") from None
        if len(_bytes(name)) > _MAX_SHORT:
            raise InvalidMessage("header-too-long", f"{name[:40]}… is over {_MAX_SHORT} bytes")
    if len(message.body) > _MAX_BODY:
        raise InvalidMessage("too-large", f"{len(message.body)} bytes")
    return pika.BasicProperties(
        content_type="application/json",
        delivery_mode=2,
        headers=headers,
        message_id=message.message_id or None,
        correlation_id=message.correlation_id or None,
    )


def from_delivery(exchange: str, properties: pika.BasicProperties, body: bytes) -> Message:
    headers = {
        str(name): _from_wire(value)
        for name, value in (properties.headers or {}).items()
        if not str(name).startswith(_BROKER_HEADERS)
    }
    correlation_id = properties.correlation_id or headers.get(HEADER_CORRELATION_ID, "")
    return Message(
        body=body,
        headers=headers,
        # A peer that gives no id still gets the same one for each delivery of the same message.
        message_id=properties.message_id or _content_id(exchange, correlation_id, body),
        correlation_id=correlation_id,
        key=headers.pop(HEADER_KEY, ""),
        source=exchange,
    )


def _bytes(value: str | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise InvalidMessage("unencodable", str(error)) from None


def _to_wire(value: str) -> str | bytes:
    try:
        value.encode()
    except UnicodeEncodeError:
        return _bytes(value)
    return value


def _from_wire(value: Any) -> str:
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "surrogateescape")
    return value if isinstance(value, str) else str(value)


def _content_id(exchange: str, correlation_id: str, body: bytes) -> str:
    digest = hashlib.sha256(f"{exchange}\0{correlation_id}\0".encode() + body)
    return f"sha256-{digest.hexdigest()[:32]}"
