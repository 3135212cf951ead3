"""Consuming a RabbitMQ queue: a delivery is acknowledged when its effects are confirmed."""

import contextlib
import functools
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pika
import pika.exceptions

from tu_common import topology
from tu_common.messaging.core import Handler, Message, Publisher
from tu_common.messaging.parking import park_from_queue
from tu_common.messaging.rabbit.connection import ReadLoop, Settings, close, parameters
from tu_common.messaging.rabbit.wire import from_delivery
from tu_common.messaging.work import Work

_DRAIN_SECONDS = 10.0


class RabbitConsumer:
    """Reads a queue with up to ``window`` messages under way; see ``core.Consumer``."""

    def __init__(
        self,
        settings: Settings,
        queue: str,
        *,
        effects: Publisher,
        parking: Publisher,
        client_id: str,
        window: int = 64,
    ) -> None:
        self._parameters = parameters(settings, f"{client_id} ({queue})")
        self._queue = queue
        self._effects = effects
        self._parking = parking
        self._window = window
        self._loop = ReadLoop(f"queue {queue}")

    def ready(self) -> bool:
        return self._loop.subscribed

    def stop(self) -> None:
        self._loop.stopping.set()

    def run(self, handler: Handler) -> None:
        work = functools.partial(self._work, handler)
        self._loop.run(
            lambda: _Session(self._parameters, self._queue, self._window, self._loop).consume(work)
        )

    def _work(self, handler: Handler, message: Message) -> Work:
        park = functools.partial(park_from_queue, topology.load(), self._queue)
        return Work(message, handler, self._effects, self._parking, park)


class _Session:
    """One connection of a consumer; what it leaves unacknowledged is delivered again."""

    def __init__(
        self,
        parameters: pika.ConnectionParameters,
        queue: str,
        window: int,
        loop: ReadLoop,
    ) -> None:
        self._queue = queue
        self._loop = loop
        self._under_way = 0
        self._connection: Any = pika.BlockingConnection(parameters)
        self._channel: Any = self._connection.channel()
        self._channel.basic_qos(prefetch_count=window)

    def consume(self, work: Callable[[Message], Work]) -> None:
        try:

            def on_message(_: Any, method: Any, properties: Any, body: bytes) -> None:
                # What arrives after the cancel stays unacknowledged and goes to another reader.
                if not self._loop.stopping.is_set():
                    message = from_delivery(method.exchange, properties, body)
                    self._under_way += 1
                    self._attempt(work(message), method.delivery_tag)

            tag = self._channel.basic_consume(self._queue, on_message)
            self._loop.on_subscribed()
            self._loop.serve(self._connection, self._channel)
            self._channel.basic_cancel(tag)
            deadline = time.monotonic() + _DRAIN_SECONDS
            while self._under_way and time.monotonic() < deadline:
                self._connection.process_data_events(time_limit=0.05)
        finally:
            close(self._connection)

    def _attempt(self, work: Work, tag: int) -> None:
        def settled(future: "Future[None]") -> None:
            # Where the connection is gone, RabbitMQ delivers the message again.
            with contextlib.suppress(pika.exceptions.ConnectionWrongStateError):
                self._connection.add_callback_threadsafe(
                    lambda: self._settled(work, tag, future.exception())
                )

        work.attempt().add_done_callback(settled)

    def _settled(self, work: Work, tag: int, error: BaseException | None) -> None:
        if error is None:
            self._channel.basic_ack(tag)
            self._under_way -= 1
        elif self._loop.stopping.is_set():
            self._under_way -= 1
        else:
            self._connection.call_later(work.pause(), lambda: self._attempt(work, tag))
