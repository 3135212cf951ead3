"""Messages as Kafka's records."""

from typing import Any

from tu_common.messaging.core import HEADER_CORRELATION_ID, HEADER_MESSAGE_ID, Message


def to_headers(message: Message) -> list[tuple[str, str | bytes | None]]:
    """Headers for a record; ``UnicodeError`` for what Kafka cannot carry."""
    headers = dict(message.headers)
    if message.correlation_id:
        headers[HEADER_CORRELATION_ID] = message.correlation_id
    if message.cause_id:
        headers[HEADER_MESSAGE_ID] = message.cause_id
    for name in headers:
        # The client would end the process over it.
        name.encode()
    return [(name, value.encode("utf-8", "surrogateescape")) for name, value in headers.items()]


def from_record(record: Any) -> Message:
    headers = {str(name): _text(value) for name, value in record.headers() or []}
    return Message(
        body=record.value() or b"",
        headers=headers,
        message_id=f"{record.topic()}-{record.partition()}-{record.offset()}",
        correlation_id=headers.pop(HEADER_CORRELATION_ID, ""),
        key=_text(record.key()),
        source=record.topic(),
    )


def _text(value: bytes | str | None) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value or ""
