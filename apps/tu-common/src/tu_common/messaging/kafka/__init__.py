"""Kafka: confirmed producing, and consuming that commits only what is done.

``connection`` has what clients are configured with and whether the brokers can be reached,
``wire`` translates messages, ``batch`` knows which records are done; ``producer`` and ``consumer``
are what services use.
"""

from tu_common.messaging.kafka.consumer import KafkaConsumer
from tu_common.messaging.kafka.producer import KafkaProducer

__all__ = ["KafkaConsumer", "KafkaProducer"]
