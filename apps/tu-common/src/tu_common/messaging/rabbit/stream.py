"""Reading a RabbitMQ stream, which everybody reads whole and nobody uses up."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pika

from tu_common import logs
from tu_common.messaging.core import InvalidMessage, Message
from tu_common.messaging.rabbit.connection import ReadLoop, Settings, close, parameters
from tu_common.messaging.rabbit.wire import from_delivery

_log = logging.getLogger(__name__)


class StreamReader:
    """Reads a stream queue without using it up, and goes on where it was after a reconnect.

    Each reader sees everything, starting ``replay_seconds`` back.
    """

    def __init__(
        self,
        settings: Settings,
        queue: str,
        *,
        client_id: str,
        replay_seconds: float = 900,
        window: int = 256,
    ) -> None:
        self._parameters = parameters(settings, f"{client_id} ({queue})")
        self._queue = queue
        self._replay_seconds = replay_seconds
        self._window = window
        self._next_offset: int | None = None
        self._loop = ReadLoop(f"stream {queue}")

    def ready(self) -> bool:
        return self._loop.subscribed

    def stop(self) -> None:
        self._loop.stopping.set()

    def run(self, on_message: Callable[[Message], None]) -> None:
        """Block until ``stop``; an exception of ``on_message`` is logged and passed over."""
        self._loop.run(lambda: self._read(on_message))

    def _start(self) -> int | datetime:
        if self._next_offset is not None:
            return self._next_offset
        return datetime.fromtimestamp(time.time() - self._replay_seconds, UTC)

    def _read(self, on_message: Callable[[Message], None]) -> None:
        connection: Any = pika.BlockingConnection(self._parameters)
        try:
            channel = connection.channel()
            channel.basic_qos(prefetch_count=self._window)

            def on_delivery(channel: Any, method: Any, properties: Any, body: bytes) -> None:
                offset = (properties.headers or {}).pop("x-stream-offset", None)
                known = isinstance(offset, int)
                if not (known and self._next_offset is not None and offset < self._next_offset):
                    self._hand_over(on_message, from_delivery(method.exchange, properties, body))
                if known:
                    self._next_offset = max(offset + 1, self._next_offset or 0)
                channel.basic_ack(method.delivery_tag)

            channel.basic_consume(
                self._queue, on_delivery, arguments={"x-stream-offset": self._start()}
            )
            self._loop.on_subscribed()
            self._loop.serve(connection, channel)
        finally:
            close(connection)

    def _hand_over(self, on_message: Callable[[Message], None], message: Message) -> None:
        with logs.correlation(message.correlation_id):
            try:
                on_message(message)
            except InvalidMessage as error:
                # A stream keeps it for everyone, so there is nothing to park.
                _log.warning("unreadable event on %s: %s", self._queue, error)
            except Exception:
                _log.exception("an event on %s could not be handled", self._queue)
