"""Consuming Kafka topics: an offset is committed when everything up to it is done."""

import functools
import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import wait
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from tu_common import topology
from tu_common.messaging.backoff import Backoff
from tu_common.messaging.core import Handler, Message, Publisher
from tu_common.messaging.kafka.batch import Batch, Place, Record
from tu_common.messaging.kafka.connection import Reachable, Settings, configuration
from tu_common.messaging.kafka.wire import from_record
from tu_common.messaging.parking import park_from_topic
from tu_common.messaging.work import Work

_log = logging.getLogger(__name__)

_DRAIN_SECONDS = 10.0
# Long before max.poll.interval.ms, at which the group gives this member up.
_POLL_EVERY = 1.0


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
        self._reachable = Reachable()
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
        self._batch = Batch()

    def ready(self) -> bool:
        return self._joined and self._reachable.now

    def stop(self) -> None:
        self._stopping.set()

    def run(self, handler: Handler) -> None:
        backoff = Backoff()
        while not self._stopping.is_set():
            consumer = Consumer(self._config, logger=_log)
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
                self._batch.clear()
            self._stopping.wait(backoff.pause())

    def _read(self, consumer: Any, handler: Handler) -> None:
        while not self._stopping.is_set():
            for record in consumer.consume(self._window, timeout=0.25):
                error = record.error()
                if error is None:
                    self._batch.add(Record(record, self._work(handler, from_record(record))))
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
        while self._batch.open():
            stopping = self._stopping.is_set()
            if stopping:
                deadline = deadline or time.monotonic() + _DRAIN_SECONDS
            self._batch.advance(begin=not stopping)
            if deadline and time.monotonic() > deadline:
                break
            still_open = self._batch.open()
            waiting = [record.future for record in still_open if record.future]
            if waiting:
                wait(waiting, timeout=0.1)
            elif still_open:
                self._stopping.wait(0.05)
            if time.monotonic() - polled > _POLL_EVERY:
                polled = time.monotonic()
                paused = True
                self._stay(consumer)
        self._commit(consumer)
        self._batch.clear()
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
        offsets = self._batch.committable(_places(consumer.assignment()))
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
        self._batch.abandon(_places(partitions))

    def _on_lost(self, _: Any, partitions: list[TopicPartition]) -> None:
        _log.warning("Kafka lost %s", _names(partitions))
        self._joined = False
        self._batch.abandon(_places(partitions))

    def _work(self, handler: Handler, message: Message) -> Work:
        park = functools.partial(park_from_topic, topology.load())
        return Work(message, handler, self._effects, self._parking, park)


def _places(partitions: list[TopicPartition]) -> list[Place]:
    return [(part.topic, part.partition) for part in partitions]


def _names(partitions: list[TopicPartition]) -> str:
    return ", ".join(f"{part.topic}[{part.partition}]" for part in partitions) or "nothing"
