"""Wires routes to brokers."""

from svc_messaging_bridge.routes import from_topics, routes, to_topic
from svc_messaging_bridge.settings import SERVICE, Settings
from tu_common import topology
from tu_common.messaging import Publisher
from tu_common.messaging.kafka import KafkaConsumer, KafkaProducer
from tu_common.messaging.rabbit import RabbitConsumer, RabbitPublisher
from tu_common.service import Loop, Service


def build(settings: Settings) -> Service:
    planned = routes(settings, topology.load())
    rabbit = RabbitPublisher(settings, SERVICE)
    kafka = KafkaProducer(settings, SERVICE)
    topics = KafkaConsumer(
        settings,
        group=settings.kafka_group,
        topics=list(planned.to_rabbitmq),
        effects=rabbit,
        parking=kafka,
        client_id=SERVICE,
        window=settings.window,
    )
    loops = {"kafka-consumer": Loop(topics, from_topics(planned.to_rabbitmq))}
    for queue, topic in planned.to_kafka.items():
        reader = RabbitConsumer(
            settings,
            queue,
            effects=kafka,
            parking=rabbit,
            client_id=SERVICE,
            window=settings.window,
        )
        loops[f"rabbitmq-consumer {queue}"] = Loop(reader, to_topic(topic))
    publishers: dict[str, Publisher] = {"rabbitmq-publisher": rabbit, "kafka-producer": kafka}
    return Service(loops, publishers, settings.http_port, settings.drain_seconds)
