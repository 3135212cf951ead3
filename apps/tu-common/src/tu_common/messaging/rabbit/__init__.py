"""RabbitMQ: confirmed publishing, acknowledged consuming, and reading a stream.

``connection`` connects and reconnects, ``wire`` translates messages, ``confirms`` keeps what the
broker has not confirmed yet; ``publisher``, ``consumer`` and ``stream`` are what services use.
"""

from tu_common.messaging.rabbit.consumer import RabbitConsumer
from tu_common.messaging.rabbit.publisher import RabbitPublisher
from tu_common.messaging.rabbit.stream import StreamReader

__all__ = ["RabbitConsumer", "RabbitPublisher", "StreamReader"]
