"""Publishing to RabbitMQ from any thread, with the broker's confirm for each message."""

import functools
import logging
import threading
import time
from collections import deque
from concurrent.futures import Future
from typing import Any

import pika
import pika.exceptions

from tu_common.messaging.backoff import Backoff
from tu_common.messaging.core import Effect, InvalidMessage, TransientError
from tu_common.messaging.futures import promised, settle, wait_for
from tu_common.messaging.rabbit.confirms import Confirms, Item
from tu_common.messaging.rabbit.connection import ERRORS, Settings, close, parameters
from tu_common.messaging.rabbit.wire import to_properties

_log = logging.getLogger(__name__)


class RabbitPublisher:
    """Publishes from any thread over one connection of its own; see ``core.Publisher``.

    What was submitted and not yet confirmed when a connection breaks is sent again on the next one.
    ``window`` messages may be on their way and ``most_waiting`` more wait for that; what is
    submitted beyond ends with ``TransientError`` at once.
    """

    def __init__(
        self, settings: Settings, client_id: str, window: int = 1024, most_waiting: int = 10_000
    ) -> None:
        self._parameters = parameters(settings, f"{client_id} (publisher)")
        self._window = window
        self._most_waiting = most_waiting
        self._lock = threading.Lock()
        self._waiting: deque[Item] = deque()
        self._confirms = Confirms()
        self._connection: Any = None
        self._channel: Any = None
        self._blocked = False
        self._closing = threading.Event()
        self._backoff = Backoff()
        self._thread = threading.Thread(target=self._run, name="rabbit-publisher", daemon=True)
        self._thread.start()

    def submit(self, effect: Effect) -> "Future[None]":
        future = promised(effect.destination)
        try:
            item = Item(effect, future, to_properties(effect.message))
        except InvalidMessage as error:
            settle(future, error)
            return future
        if self._closing.is_set():
            settle(future, TransientError("the publisher is closed"))
            return future
        with self._lock:
            full = len(self._waiting) >= self._most_waiting
            if not full:
                self._waiting.append(item)
                if self._channel is not None:
                    self._connection.ioloop.add_callback_threadsafe(self._flush)
        if full:
            # Outside the lock: whoever waits for this may submit again.
            settle(
                future,
                TransientError(
                    f"RabbitMQ takes no messages: {self._most_waiting} wait to be published already"
                ),
            )
        return future

    def publish(self, effect: Effect, timeout: float = 10.0) -> None:
        wait_for(self.submit(effect), timeout)

    def ready(self) -> bool:
        return self._thread.is_alive() and self._channel is not None and not self._blocked

    def close(self, timeout: float = 10.0) -> None:
        deadline = time.monotonic() + timeout
        while (self._waiting or self._confirms) and time.monotonic() < deadline:
            time.sleep(0.01)
        self._closing.set()
        with self._lock:
            connection = self._connection
            if connection is not None:
                connection.ioloop.add_callback_threadsafe(functools.partial(close, connection))
        self._thread.join(max(0.0, deadline - time.monotonic()))
        for item in [*self._confirms.items(), *self._waiting]:
            settle(item.future, TransientError("the publisher was closed"))

    # Everything below runs on the publisher's own thread.

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._serve()
            except ERRORS as error:
                _log.warning("RabbitMQ publisher: %r", error)
            except Exception:
                # Without this thread no confirm would ever be reported again.
                _log.exception("the RabbitMQ publisher goes on after an unexpected error")
            self._closing.wait(self._backoff.pause())

    def _serve(self) -> None:
        try:
            connection = pika.SelectConnection(
                self._parameters,
                on_open_callback=self._on_open,
                on_open_error_callback=self._on_lost,
                on_close_callback=self._on_lost,
            )
            with self._lock:
                self._connection = connection
            connection.ioloop.start()
        finally:
            self._reset()

    def _reset(self) -> None:
        with self._lock:
            connection, self._connection, self._channel = self._connection, None, None
            self._waiting.extendleft(reversed(self._confirms.take()))
        self._blocked = False
        if connection is not None:
            connection.ioloop.close()

    def _on_open(self, connection: Any) -> None:
        connection.add_on_connection_blocked_callback(functools.partial(self._on_blocked, True))
        connection.add_on_connection_unblocked_callback(functools.partial(self._on_blocked, False))
        self._open_channel(connection)

    def _on_blocked(self, blocked: bool, *_: Any) -> None:
        _log.warning("RabbitMQ %s publishing", "blocks" if blocked else "allows")
        self._blocked = blocked

    def _on_lost(self, connection: Any, reason: Any) -> None:
        if not self._closing.is_set():
            _log.warning("RabbitMQ publisher lost its connection: %r", reason)
        connection.ioloop.stop()

    def _open_channel(self, connection: Any) -> None:
        if connection.is_open and not self._closing.is_set():
            connection.channel(on_open_callback=self._on_channel)

    def _on_channel(self, channel: Any) -> None:
        channel.add_on_close_callback(self._on_channel_closed)
        channel.add_on_return_callback(self._confirms.on_return)
        channel.confirm_delivery(
            ack_nack_callback=self._on_confirm,
            callback=lambda _: self._on_confirming(channel),
        )

    def _on_confirming(self, channel: Any) -> None:
        with self._lock:
            self._confirms.on_channel()
            self._channel = channel
        _log.info("RabbitMQ publisher is connected")
        self._flush()

    def _on_channel_closed(self, channel: Any, reason: Any) -> None:
        with self._lock:
            self._channel = None
        if not isinstance(reason, pika.exceptions.ChannelClosedByBroker):
            return
        # The broker does not say which message it minded, so all of them are handed back.
        _log.error("RabbitMQ closed the publisher's channel: %s", reason)
        for item in self._confirms.take():
            settle(item.future, TransientError(f"RabbitMQ refused: {reason.reply_text}"))
        connection = channel.connection
        connection.ioloop.call_later(self._backoff.pause(), lambda: self._open_channel(connection))

    def _flush(self) -> None:
        while self._channel is not None and len(self._confirms) < self._window:
            with self._lock:
                if not self._waiting:
                    return
                item = self._waiting.popleft()
            if item.future.cancelled():
                continue
            item.returned = False
            try:
                self._channel.basic_publish(
                    item.effect.destination,
                    item.effect.routing_key,
                    item.effect.message.body,
                    item.properties,
                    mandatory=item.effect.expect_queue,
                )
            except pika.exceptions.AMQPError:
                with self._lock:
                    self._waiting.appendleft(item)
                return
            self._confirms.published(item)

    def _on_confirm(self, frame: Any) -> None:
        self._backoff.reset()
        self._confirms.on_confirm(frame.method)
        self._flush()
