"""Kafka: confirmed producing, and consuming that commits only what is done."""

import contextlib
import functools
import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from typing import Any, Protocol

from confluent_kafka import Consumer as _Consumer
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka import Producer as _Producer
from pydantic import SecretStr

from tu_common import topology
from tu_common.messaging.backoff import Backoff
from tu_common.messaging.core import (
    HEADER_CORRELATION_ID,
    HEADER_MESSAGE_ID,
    HEADER_ORIGINAL_POSITION,
    HEADER_ORIGINAL_TOPIC,
    Effect,
    Handler,
    InvalidMessage,
    Message,
    Publisher,
    TransientError,
)
from tu_common.messaging.work import Work, count_published, parked_copy, settle, wait_for

_log = logging.getLogger(__name__)

_MAX_MESSAGE = 2 * 1024**2
_DRAIN_SECONDS = 10.0
# Long before max.poll.interval.ms, at which the group gives this member up.
_POLL_EVERY = 1.0


class Settings(Protocol):
    """The part of ``KafkaSettings`` that a connection needs."""

    @property
    def kafka_bootstrap_servers(self) -> str: ...
    @property
    def kafka_security_protocol(self) -> str: ...
    @property
    def kafka_sasl_mechanism(self) -> str: ...
    @property
    def kafka_sasl_username(self) -> str: ...
    @property
    def kafka_sasl_password(self) -> SecretStr: ...
    @property
    def kafka_ca_file(self) -> str: ...


def configuration(settings: Settings, client_id: str) -> dict[str, Any]:
    """What producers and consumers have in common."""
    config: dict[str, Any] = {
        "bootstrap.servers": settings.kafka_bootstrap_servers,
        "security.protocol": settings.kafka_security_protocol,
        "client.id": client_id,
        "reconnect.backoff.max.ms": 5000,
        "socket.keepalive.enable": True,
        "topic.metadata.refresh.interval.ms": 15000,
        "allow.auto.create.topics": False,
        "message.max.bytes": _MAX_MESSAGE,
    }
    if settings.kafka_security_protocol.startswith("SASL"):
        config["sasl.mechanism"] = settings.kafka_sasl_mechanism
        config["sasl.username"] = settings.kafka_sasl_username
        config["sasl.password"] = settings.kafka_sasl_password.get_secret_value()
    if settings.kafka_ca_file:
        config["ssl.ca.location"] = settings.kafka_ca_file
    return config


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


class _Reachable:
    """Whether the brokers can be reached, as far as a client knows without asking all the time.

    Asked on the client's own thread only: a question from another one waits behind its polling.
    """

    def __init__(self) -> None:
        self.now = False
        self._asked = 0.0

    def on_error(self, error: KafkaError) -> None:
        _log.warning("Kafka: %s", error.str())
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self.now = False

    def ask_if_unknown(self, client: Any) -> None:
        if self.now or time.monotonic() - self._asked < 1.0:
            return
        with contextlib.suppress(KafkaException):
            client.list_topics(timeout=1.0)
            self.now = True
        self._asked = time.monotonic()


class KafkaProducer:
    """Publishes from any thread, idempotently and with acks=all; see ``core.Publisher``.

    ``submit`` ends with ``TransientError`` where Kafka has not confirmed within
    ``delivery_timeout`` seconds; a message given up like this may have arrived all the same.
    """

    def __init__(self, settings: Settings, client_id: str, delivery_timeout: float = 30.0) -> None:
        self._reachable = _Reachable()
        self._config = {
            **configuration(settings, client_id),
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 5,
            "delivery.timeout.ms": int(delivery_timeout * 1000),
            "error_cb": self._reachable.on_error,
        }
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._broken = False
        self._producer = _Producer(self._config, logger=_log)
        self._thread = threading.Thread(target=self._poll, name="kafka-producer", daemon=True)
        self._thread.start()

    def submit(self, effect: Effect) -> "Future[None]":
        future: Future[None] = Future()
        count_published(effect.destination, [future])
        message = effect.message
        try:
            with self._lock:
                if self._closing.is_set():
                    raise TransientError("the producer is closed")
                self._producer.produce(
                    effect.destination,
                    value=message.body,
                    key=message.key.encode("utf-8", "surrogateescape") or None,
                    headers=to_headers(message),
                    on_delivery=functools.partial(self._on_delivery, future),
                )
        except TransientError as error:
            settle(future, error)
        except KafkaException as error:
            self._broken = self._broken or error.args[0].code() == KafkaError._FATAL
            settle(future, _meaning(error.args[0]))
        except BufferError:
            settle(future, TransientError("Kafka's producer queue is full"))
        except UnicodeError as error:
            settle(future, InvalidMessage("unencodable", str(error)))
        return future

    def publish(self, effect: Effect, timeout: float = 10.0) -> None:
        wait_for(self.submit(effect), timeout)

    def ready(self) -> bool:
        return self._thread.is_alive() and self._reachable.now

    def close(self, timeout: float = 10.0) -> None:
        deadline = time.monotonic() + timeout
        with self._lock:
            self._closing.set()
        self._producer.flush(timeout)
        self._thread.join(max(0.0, deadline - time.monotonic()))

    def _poll(self) -> None:
        while not self._closing.is_set():
            try:
                self._producer.poll(0.2)
                self._reachable.ask_if_unknown(self._producer)
                if self._broken:
                    self._renew()
            except Exception:
                # Without this thread no delivery would ever be reported again.
                _log.exception("the Kafka producer's thread goes on after an unexpected error")
                self._closing.wait(1.0)

    def _renew(self) -> None:
        """librdkafka keeps order and uniqueness by refusing to go on; a new producer can."""
        with self._lock:
            old, self._producer = self._producer, _Producer(self._config, logger=_log)
            self._broken = False
        old.purge()
        old.flush(1.0)

    def _on_delivery(self, future: "Future[None]", error: KafkaError | None, _: Any) -> None:
        if error is None:
            self._reachable.now = True
            settle(future)
            return
        if error.fatal() or error.code() == KafkaError._FATAL:
            _log.error("Kafka's producer starts anew: %s", error.str())
            self._broken = True
        settle(future, _meaning(error))


class KafkaConsumer:
    """Reads topics as a member of a group, ``window`` messages at a time; see ``core.Consumer``.

    Offsets are committed when every effect of every message up to them is confirmed. Within a
    window messages are under way side by side; use ``window=1`` where handling one is slow.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        group: str,
        topics: Sequence[str],
        effects: Publisher,
        parking: Publisher,
        client_id: str = "",
        window: int = 256,
    ) -> None:
        self._reachable = _Reachable()
        self._config = {
            **configuration(settings, client_id or group),
            "group.id": group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": 10000,
            "heartbeat.interval.ms": 3000,
            "error_cb": self._reachable.on_error,
        }
        self._topics = list(topics)
        self._effects = effects
        self._parking = parking
        self._window = window
        self._stopping = threading.Event()
        self._joined = False
        self._assigned = False
        self._batch: list[_Record] = []

    def ready(self) -> bool:
        return self._joined and self._reachable.now

    def stop(self) -> None:
        self._stopping.set()

    def run(self, handler: Handler) -> None:
        backoff = Backoff()
        while not self._stopping.is_set():
            consumer = _Consumer(self._config, logger=_log)
            consumer.subscribe(
                self._topics,
                on_assign=self._on_assign,
                on_revoke=self._on_revoke,
                on_lost=self._on_lost,
            )
            try:
                self._read(consumer, handler)
            except KafkaException as error:
                _log.error("Kafka consumer of %s: %s", self._topics, error)
            finally:
                self._joined = False
                consumer.close()
                self._batch = []
            self._stopping.wait(backoff.pause())

    def _read(self, consumer: Any, handler: Handler) -> None:
        while not self._stopping.is_set():
            for record in consumer.consume(self._window, timeout=0.25):
                error = record.error()
                if error is None:
                    self._batch.append(_Record(record, self._work(handler, from_record(record))))
                elif error.fatal():
                    raise KafkaException(error)
                else:
                    _log.warning("Kafka: %s", error.str())
            self._reachable.ask_if_unknown(consumer)
            if self._assigned:
                # A partition that was paused when the group took it away comes back paused.
                self._assigned = False
                consumer.resume(consumer.assignment())
            if self._batch:
                self._reachable.now = True
                self._finish(consumer)

    def _finish(self, consumer: Any) -> None:
        """Bring the batch to its end, staying a member of the group however long it takes."""
        deadline = 0.0
        paused = False
        polled = time.monotonic()
        while any(not (item.done or item.abandoned) for item in self._batch):
            for item in self._batch:
                if self._stopping.is_set():
                    deadline = deadline or time.monotonic() + _DRAIN_SECONDS
                    if item.future is None:
                        item.abandoned = True
                item.advance()
            if deadline and time.monotonic() > deadline:
                break
            open_items = [item for item in self._batch if not (item.done or item.abandoned)]
            waiting = [item.future for item in open_items if item.future]
            if waiting:
                wait(waiting, timeout=0.1)
            elif open_items:
                self._stopping.wait(0.05)
            if time.monotonic() - polled > _POLL_EVERY:
                polled = time.monotonic()
                paused = True
                self._stay(consumer)
        self._commit(consumer)
        self._batch = []
        if paused:
            consumer.resume(consumer.assignment())

    def _stay(self, consumer: Any) -> None:
        self._reachable.ask_if_unknown(consumer)
        consumer.pause(consumer.assignment())
        record = consumer.poll(0)
        if record is not None and record.error() is None:
            # A partition that came between the pause and the poll: read it again afterwards.
            position = TopicPartition(record.topic(), record.partition(), record.offset())
            consumer.pause([position])
            consumer.seek(position)

    def _commit(self, consumer: Any) -> None:
        mine = {(part.topic, part.partition) for part in consumer.assignment()}
        offsets: dict[tuple[str, int], int] = {}
        unfinished: set[tuple[str, int]] = set()
        for item in self._batch:
            if item.abandoned or not item.done:
                unfinished.add(item.place)
            elif item.place in mine and item.place not in unfinished:
                offsets[item.place] = item.offset + 1
        if not offsets:
            return
        try:
            consumer.commit(
                offsets=[TopicPartition(*place, offset) for place, offset in offsets.items()],
                asynchronous=False,
            )
        except KafkaException as error:
            # Whoever reads on from the older offset repeats effects under the same message ids.
            _log.warning("Kafka did not take a commit: %s", error)

    def _on_assign(self, _: Any, partitions: list[TopicPartition]) -> None:
        _log.info("Kafka assigned %s", _names(partitions))
        self._joined = True
        self._assigned = True

    def _on_revoke(self, consumer: Any, partitions: list[TopicPartition]) -> None:
        _log.info("Kafka revoked %s", _names(partitions))
        self._commit(consumer)
        self._abandon(partitions)

    def _on_lost(self, _: Any, partitions: list[TopicPartition]) -> None:
        _log.warning("Kafka lost %s", _names(partitions))
        self._joined = False
        self._abandon(partitions)

    def _abandon(self, partitions: list[TopicPartition]) -> None:
        gone = {(part.topic, part.partition) for part in partitions}
        for item in self._batch:
            if item.place in gone:
                item.abandoned = True

    def _work(self, handler: Handler, message: Message) -> Work:
        def park(error: InvalidMessage) -> Effect:
            copy = parked_copy(
                message,
                error,
                **{
                    HEADER_ORIGINAL_TOPIC: message.source,
                    HEADER_ORIGINAL_POSITION: message.message_id,
                },
            )
            return Effect(topology.load().parked(message.source), copy)

        return Work(message, handler, self._effects, self._parking, park)


class _Record:
    """One record of a batch, from its first attempt to its last."""

    def __init__(self, record: Any, work: Work) -> None:
        self.place: tuple[str, int] = (record.topic(), record.partition())
        self.offset: int = record.offset()
        self.future: Future[None] | None = None
        self.done = False
        self.abandoned = False
        self._work = work
        self._again_at = 0.0

    def advance(self) -> None:
        if self.done or self.abandoned or time.monotonic() < self._again_at:
            return
        if self.future is None:
            self.future = self._work.attempt()
        if self.future.done():
            if self.future.exception() is None:
                self.done = True
            else:
                self._again_at = time.monotonic() + self._work.pause()
                self.future = None


def _meaning(error: KafkaError) -> Exception:
    if error.code() in (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG):
        return InvalidMessage("too-large", error.str())
    return TransientError(f"Kafka: {error.str()}")


def _text(value: bytes | str | None) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value or ""


def _names(partitions: list[TopicPartition]) -> str:
    return ", ".join(f"{part.topic}[{part.partition}]" for part in partitions) or "nothing"
