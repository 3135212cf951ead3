"""Put parked messages back where they came from.

``python -m tu_common.replay queue orchestrator.image-uploaded``
``python -m tu_common.replay topic tu.images.uploaded --list``
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

import pika
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from pika.exceptions import AMQPError

from tu_common import topology
from tu_common.messaging.core import PARKING_HEADERS, Effect, Message, TransientError
from tu_common.messaging.kafka import KafkaProducer
from tu_common.messaging.kafka.connection import configuration
from tu_common.messaging.kafka.wire import from_record
from tu_common.messaging.parking import is_whole, replayed_copy
from tu_common.messaging.rabbit import RabbitPublisher
from tu_common.messaging.rabbit.connection import parameters
from tu_common.messaging.rabbit.wire import from_delivery
from tu_common.settings import KafkaSettings, RabbitSettings, load_or_exit

_CLIENT_ID = "replay"
_TIMEOUT = 15.0
# A broker that started a moment ago does not know yet who keeps a group's offsets.
_COORDINATOR_MOVES = (
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
)

Show = Callable[[Message], None]


def replay_queue(
    settings: RabbitSettings, queue: str, limit: int | None = None, show: Show | None = None
) -> int:
    """Move what is parked for ``queue`` back; with ``show``, only show it. Returns how many."""
    names = topology.load()
    exchange, parked = names.returns_exchange(queue), names.parked(queue)
    connection: Any = pika.BlockingConnection(parameters(settings, _CLIENT_ID))
    publisher = None if show else RabbitPublisher(settings, _CLIENT_ID)
    moved = 0
    try:
        channel = connection.channel()
        # What is there now: a message that is parked again at once must not go round for ever.
        there: int = channel.queue_declare(parked, passive=True).method.message_count
        for _ in range(there):
            if limit is not None and moved >= limit:
                break
            method, properties, body = channel.basic_get(parked)
            if method is None:
                break
            message = from_delivery(method.exchange, properties, body)
            if show:
                show(message)
            elif not is_whole(message):
                _left_out(message, "it stays parked")
                continue
            elif publisher:
                effect = Effect(exchange, replayed_copy(message), routing_key=queue)
                publisher.publish(effect, _TIMEOUT)
                channel.basic_ack(method.delivery_tag)
            moved += 1
    finally:
        # What was only shown or cannot be put back is not acknowledged and returns to its queue.
        connection.close()
        if publisher:
            publisher.close()
    return moved


def replay_topic(
    settings: KafkaSettings, topic: str, limit: int | None = None, show: Show | None = None
) -> int:
    """Copy what is parked for ``topic`` and was not yet put back; with ``show``, only show it."""
    parked = topology.load().parked(topic)
    consumer: Any = Consumer(
        {
            **configuration(settings, _CLIENT_ID),
            "group.id": f"{_CLIENT_ID}.{topic}",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    producer = None if show else KafkaProducer(settings, _CLIENT_ID)
    moved = 0
    try:
        for start, end in _ranges(consumer, parked):
            consumer.assign([start])
            position = start.offset
            while position < end and (limit is None or moved < limit):
                record = consumer.poll(_TIMEOUT)
                if record is None:
                    raise TransientError(f"Kafka did not hand over {parked} within {_TIMEOUT:g} s")
                if record.error():
                    raise KafkaException(record.error())
                if record.offset() >= end:
                    break
                message = from_record(record)
                position = record.offset() + 1
                if show:
                    show(message)
                elif not is_whole(message):
                    # An offset cannot leave a gap: what follows it would be put back every time.
                    where = f"{parked}-{record.partition()}-{record.offset()}"
                    _left_out(message, f"it is passed over at {where}")
                    consumer.commit(record, asynchronous=False)
                    continue
                elif producer:
                    producer.publish(Effect(topic, replayed_copy(message)), _TIMEOUT)
                    consumer.commit(record, asynchronous=False)
                moved += 1
    finally:
        consumer.close()
        if producer:
            producer.close()
    return moved


def _ranges(consumer: Any, topic: str) -> list[tuple[TopicPartition, int]]:
    metadata = consumer.list_topics(topic, timeout=_TIMEOUT).topics[topic]
    if metadata.error is not None:
        raise KafkaException(metadata.error)
    parts = [TopicPartition(topic, number) for number in metadata.partitions]
    ranges = []
    for part in _committed(consumer, parts):
        low, high = consumer.get_watermark_offsets(part, timeout=_TIMEOUT)
        offset = low if part.offset < 0 or part.offset == OFFSET_BEGINNING else part.offset
        ranges.append((TopicPartition(topic, part.partition, max(offset, low)), high))
    return ranges


def _committed(consumer: Any, parts: list[TopicPartition]) -> list[TopicPartition]:
    deadline = time.monotonic() + _TIMEOUT
    while True:
        try:
            committed: list[TopicPartition] = consumer.committed(parts, timeout=_TIMEOUT)
            return committed
        except KafkaException as error:
            if error.args[0].code() not in _COORDINATOR_MOVES or time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _left_out(message: Message, where: str) -> None:
    print(f"without its body, so it cannot be put back; {where}:", file=sys.stderr)
    _print(message, sys.stderr)


def _print(message: Message, file: TextIO | None = None) -> None:
    reasons = {name: message.headers[name] for name in PARKING_HEADERS if name in message.headers}
    line = {
        "messageId": message.cause_id,
        "correlationId": message.correlation_id,
        **dict(sorted(reasons.items())),
        "body": message.body[:200].decode("utf-8", "replace"),
    }
    print(json.dumps(line, ensure_ascii=False), file=file)


def main(arguments: list[str] | None = None) -> int:
    names = topology.load()
    parser = argparse.ArgumentParser(prog="python -m tu_common.replay", description=__doc__)
    parser.add_argument("kind", choices=["queue", "topic"])
    parser.add_argument("name", help="the queue or topic that the messages go back to")
    parser.add_argument("--limit", type=int, help="put back so many at most")
    parser.add_argument("--list", action="store_true", help="only show what is parked")
    options = parser.parse_args(arguments)
    show = _print if options.list else None
    try:
        if options.kind == "queue":
            known = [queue.name for queue in names.queues.values() if queue.returns]
            if options.name not in known:
                parser.error(f"no queue {options.name!r}; those with parking: {', '.join(known)}")
            settings = load_or_exit(RabbitSettings)
            moved = replay_queue(settings, options.name, options.limit, show)
        else:
            moved = replay_topic(load_or_exit(KafkaSettings), options.name, options.limit, show)
    except (TransientError, KafkaException, AMQPError, OSError) as error:
        print(f"error: {error or type(error).__name__}", file=sys.stderr)
        return 1
    print(f"{moved} parked" if show else f"{moved} put back into {options.name}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
