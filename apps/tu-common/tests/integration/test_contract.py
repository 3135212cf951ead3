"""The messaging contract, met by RabbitMQ and by Kafka."""

from collections.abc import Iterator
from uuid import uuid4

import pika
import pytest
from confluent_kafka import Consumer as Reader
from confluent_kafka.admin import AdminClient, NewTopic

from tests.support.brokers.kafka import Kafka
from tests.support.brokers.rabbitmq import Rabbitmq
from tu_common import settings, topology
from tu_common.messaging.core import Consumer, Effect, Message, Publisher
from tu_common.messaging.kafka import KafkaConsumer, KafkaProducer
from tu_common.messaging.kafka.connection import configuration
from tu_common.messaging.kafka.wire import from_record
from tu_common.messaging.rabbit import RabbitConsumer, RabbitPublisher
from tu_common.messaging.rabbit.connection import parameters
from tu_common.messaging.rabbit.wire import from_delivery
from tu_common.replay import replay_queue, replay_topic
from tu_common.testing.contract import BrokerContract, Harness

NAMES = topology.load()
SERVICE = "svc-analysis-orchestrator"


class RabbitQueue:
    """A queue of the orchestrator, used with the orchestrator's own permissions."""

    def __init__(self, broker: Rabbitmq) -> None:
        broker.purge()
        self.queue = NAMES.queue("orchestrator_image_uploaded")
        admin = settings.load(settings.RabbitSettings, broker.environment())
        self.own = settings.load(settings.RabbitSettings, broker.environment(SERVICE))
        self.sender = RabbitPublisher(admin, "sender")
        self.parking = RabbitPublisher(self.own, SERVICE)

    def send(self, message: Message) -> None:
        self.sender.publish(Effect(NAMES.exchange("image_uploaded"), message))

    def consumer(self, effects: Publisher) -> Consumer:
        return RabbitConsumer(
            self.own, self.queue, effects=effects, parking=self.parking, client_id=SERVICE
        )

    def parked(self) -> list[Message]:
        connection = pika.BlockingConnection(parameters(self.own, "parked"))
        channel, found = connection.channel(), []
        while True:
            method, properties, body = channel.basic_get(NAMES.parked(self.queue), auto_ack=True)
            if method is None:
                connection.close()
                return found
            found.append(from_delivery(method.exchange, properties, body))

    def replay(self) -> int:
        return replay_queue(self.own, self.queue)

    def close(self) -> None:
        self.sender.close()
        self.parking.close()


class KafkaTopic:
    def __init__(self, broker: Kafka) -> None:
        self.settings = settings.load(settings.KafkaSettings, broker.environment())
        self.topic = f"contract-{uuid4().hex[:8]}"
        admin = AdminClient({"bootstrap.servers": broker.bootstrap})
        wanted = [NewTopic(self.topic, 2, 1), NewTopic(NAMES.parked(self.topic), 1, 1)]
        for made in admin.create_topics(wanted).values():
            made.result(30)
        self.producer = KafkaProducer(self.settings, "contract")

    def send(self, message: Message) -> None:
        self.producer.publish(Effect(self.topic, message), timeout=30)

    def consumer(self, effects: Publisher) -> Consumer:
        return KafkaConsumer(
            self.settings,
            group=self.topic,
            topics=[self.topic],
            effects=effects,
            parking=self.producer,
        )

    def parked(self) -> list[Message]:
        reader = Reader(
            {
                **configuration(self.settings, "parked"),
                "group.id": f"{self.topic}-parked",
                "auto.offset.reset": "earliest",
            }
        )
        reader.subscribe([NAMES.parked(self.topic)])
        records = reader.consume(1, timeout=10)
        reader.close()
        return [from_record(record) for record in records]

    def replay(self) -> int:
        return replay_topic(self.settings, self.topic)

    def close(self) -> None:
        self.producer.close()


class TestRabbitmq(BrokerContract):
    @pytest.fixture
    def broker(self, rabbitmq: Rabbitmq) -> Iterator[Harness]:
        harness = RabbitQueue(rabbitmq)
        yield harness
        harness.close()


class TestKafka(BrokerContract):
    @pytest.fixture
    def broker(self, kafka: Kafka) -> Iterator[Harness]:
        harness = KafkaTopic(kafka)
        yield harness
        harness.close()
