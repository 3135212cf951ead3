"""RabbitMQ: confirmed publishing, acknowledged consuming, and reading a stream."""

import contextlib
import functools
import hashlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any, Protocol

import pika
import pika.exceptions
from pydantic import SecretStr

from tu_common import logs, topology
from tu_common.messaging.backoff import Backoff
from tu_common.messaging.core import (
    HEADER_CORRELATION_ID,
    HEADER_KEY,
    HEADER_ORIGINAL_EXCHANGE,
    HEADER_ORIGINAL_QUEUE,
    Effect,
    Handler,
    InvalidMessage,
    Message,
    Publisher,
    TransientError,
    Unroutable,
)
from tu_common.messaging.work import Work, count_published, parked_copy, settle, wait_for

_log = logging.getLogger(__name__)

# What RabbitMQ 4 refuses by closing the channel is refused here, message by message.
_MAX_BODY = 16 * 1024**2
_MAX_HEADERS = 100 * 1024
_MAX_SHORT = 255

_DRAIN_SECONDS = 10.0
_BROKER_HEADERS = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-count", "x-acquired-")
_ERRORS = (pika.exceptions.AMQPError, OSError)


class Settings(Protocol):
    """The part of ``RabbitSettings`` that a connection needs."""

    @property
    def rabbitmq_host(self) -> str: ...
    @property
    def rabbitmq_port(self) -> int: ...
    @property
    def rabbitmq_user(self) -> str: ...
    @property
    def rabbitmq_password(self) -> SecretStr: ...
    @property
    def rabbitmq_vhost(self) -> str: ...
    @property
    def rabbitmq_heartbeat(self) -> int: ...


def parameters(settings: Settings, client_id: str) -> pika.ConnectionParameters:
    return pika.ConnectionParameters(
        host=settings.rabbitmq_host,
        port=settings.rabbitmq_port,
        virtual_host=settings.rabbitmq_vhost,
        credentials=pika.PlainCredentials(
            settings.rabbitmq_user, settings.rabbitmq_password.get_secret_value()
        ),
        heartbeat=settings.rabbitmq_heartbeat,
        socket_timeout=5,
        stack_timeout=10,
        client_properties={"connection_name": client_id},
    )


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


class _Item:
    __slots__ = ("effect", "future", "properties", "returned")

    def __init__(self, effect: Effect, future: "Future[None]", properties: Any) -> None:
        self.effect = effect
        self.future = future
        self.properties = properties
        self.returned = False


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
        self._waiting: deque[_Item] = deque()
        self._in_flight: dict[int, _Item] = {}
        self._tag = 0
        self._connection: Any = None
        self._channel: Any = None
        self._blocked = False
        self._closing = threading.Event()
        self._backoff = Backoff()
        self._thread = threading.Thread(target=self._run, name="rabbit-publisher", daemon=True)
        self._thread.start()

    def submit(self, effect: Effect) -> "Future[None]":
        future: Future[None] = Future()
        count_published(effect.destination, [future])
        try:
            item = _Item(effect, future, to_properties(effect.message))
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
        while (self._waiting or self._in_flight) and time.monotonic() < deadline:
            time.sleep(0.01)
        self._closing.set()
        with self._lock:
            connection = self._connection
            if connection is not None:
                connection.ioloop.add_callback_threadsafe(functools.partial(_close, connection))
        self._thread.join(max(0.0, deadline - time.monotonic()))
        for item in [*self._in_flight.values(), *self._waiting]:
            settle(item.future, TransientError("the publisher was closed"))

    # Everything below runs on the publisher's own thread.

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._serve()
            except _ERRORS as error:
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
            self._waiting.extendleft(reversed(self._in_flight.values()))
            self._in_flight.clear()
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
        channel.add_on_return_callback(self._on_return)
        channel.confirm_delivery(
            ack_nack_callback=self._on_confirm,
            callback=lambda _: self._on_confirming(channel),
        )

    def _on_confirming(self, channel: Any) -> None:
        with self._lock:
            self._tag = 0
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
        refused = list(self._in_flight.values())
        self._in_flight.clear()
        for item in refused:
            settle(item.future, TransientError(f"RabbitMQ refused: {reason.reply_text}"))
        connection = channel.connection
        connection.ioloop.call_later(self._backoff.pause(), lambda: self._open_channel(connection))

    def _flush(self) -> None:
        while self._channel is not None and len(self._in_flight) < self._window:
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
            self._tag += 1
            self._in_flight[self._tag] = item

    def _on_return(self, _: Any, method: Any, properties: Any, body: bytes) -> None:
        returned = (method.exchange, method.routing_key, properties.message_id or "")
        for item in self._in_flight.values():
            effect = item.effect
            sent = (effect.destination, effect.routing_key, effect.message.message_id)
            if sent == returned and not item.returned:
                item.returned = True
                return

    def _on_confirm(self, frame: Any) -> None:
        method = frame.method
        positive = isinstance(method, pika.spec.Basic.Ack)
        tags = [method.delivery_tag]
        if method.multiple:
            tags = [tag for tag in self._in_flight if tag <= method.delivery_tag]
        self._backoff.reset()
        for tag in tags:
            item = self._in_flight.pop(tag, None)
            if item is None:
                continue
            if not positive:
                settle(item.future, TransientError("RabbitMQ could not take the message"))
            elif item.returned:
                effect = item.effect
                settle(
                    item.future,
                    Unroutable(
                        f"no queue is bound to {effect.destination!r} for {effect.routing_key!r}"
                    ),
                )
            else:
                settle(item.future)
        self._flush()


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
        self._stopping = threading.Event()
        self._subscribed = False

    def ready(self) -> bool:
        return self._subscribed

    def stop(self) -> None:
        self._stopping.set()

    def run(self, handler: Handler) -> None:
        backoff = Backoff()
        while not self._stopping.is_set():
            try:
                session = _Session(self._parameters, self._queue, self._window, self._stopping)
                session.consume(functools.partial(self._work, handler), self._on_subscribed)
                backoff.reset()
            except _ERRORS as error:
                if self._subscribed:
                    backoff.reset()
                _log.warning("RabbitMQ consumer of %s: %r", self._queue, error)
            finally:
                self._subscribed = False
            self._stopping.wait(backoff.pause())

    def _on_subscribed(self) -> None:
        _log.info("reading RabbitMQ queue %s", self._queue)
        self._subscribed = True

    def _work(self, handler: Handler, message: Message) -> Work:
        def park(error: InvalidMessage) -> Effect:
            names = topology.load()
            copy = parked_copy(
                message,
                error,
                **{HEADER_ORIGINAL_EXCHANGE: message.source, HEADER_ORIGINAL_QUEUE: self._queue},
            )
            return Effect(
                names.returns_exchange(self._queue), copy, routing_key=names.parked(self._queue)
            )

        return Work(message, handler, self._effects, self._parking, park)


class _Session:
    """One connection of a consumer; what it leaves unacknowledged is delivered again."""

    def __init__(
        self,
        parameters: pika.ConnectionParameters,
        queue: str,
        window: int,
        stopping: threading.Event,
    ) -> None:
        self._queue = queue
        self._stopping = stopping
        self._under_way = 0
        self._connection: Any = pika.BlockingConnection(parameters)
        self._channel: Any = self._connection.channel()
        self._channel.basic_qos(prefetch_count=window)

    def consume(self, work: Callable[[Message], Work], on_subscribed: Callable[[], None]) -> None:
        try:

            def on_message(_: Any, method: Any, properties: Any, body: bytes) -> None:
                # What arrives after the cancel stays unacknowledged and goes to another reader.
                if not self._stopping.is_set():
                    message = from_delivery(method.exchange, properties, body)
                    self._under_way += 1
                    self._attempt(work(message), method.delivery_tag)

            tag = self._channel.basic_consume(self._queue, on_message)
            on_subscribed()
            while not self._stopping.is_set():
                self._connection.process_data_events(time_limit=0.25)
                if not self._channel.is_open or not self._channel.consumer_tags:
                    raise pika.exceptions.ConsumerCancelled(self._queue)
            self._channel.basic_cancel(tag)
            deadline = time.monotonic() + _DRAIN_SECONDS
            while self._under_way and time.monotonic() < deadline:
                self._connection.process_data_events(time_limit=0.05)
        finally:
            _close(self._connection)

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
        elif self._stopping.is_set():
            self._under_way -= 1
        else:
            self._connection.call_later(work.pause(), lambda: self._attempt(work, tag))


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
        self._stopping = threading.Event()
        self._subscribed = False

    def ready(self) -> bool:
        return self._subscribed

    def stop(self) -> None:
        self._stopping.set()

    def run(self, on_message: Callable[[Message], None]) -> None:
        """Block until ``stop``; an exception of ``on_message`` is logged and passed over."""
        backoff = Backoff()
        while not self._stopping.is_set():
            try:
                self._read(on_message)
            except _ERRORS as error:
                if self._subscribed:
                    backoff.reset()
                _log.warning("RabbitMQ stream %s: %r", self._queue, error)
            finally:
                self._subscribed = False
            self._stopping.wait(backoff.pause())

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
            _log.info("reading RabbitMQ stream %s", self._queue)
            self._subscribed = True
            while not self._stopping.is_set():
                connection.process_data_events(time_limit=0.25)
                if not channel.is_open or not channel.consumer_tags:
                    raise pika.exceptions.ConsumerCancelled(self._queue)
        finally:
            _close(connection)

    def _hand_over(self, on_message: Callable[[Message], None], message: Message) -> None:
        with logs.correlation(message.correlation_id):
            try:
                on_message(message)
            except InvalidMessage as error:
                # A stream keeps it for everyone, so there is nothing to park.
                _log.warning("unreadable event on %s: %s", self._queue, error)
            except Exception:
                _log.exception("an event on %s could not be handled", self._queue)


def _close(connection: Any) -> None:
    with contextlib.suppress(*_ERRORS):
        if connection.is_open:
            connection.close()


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
