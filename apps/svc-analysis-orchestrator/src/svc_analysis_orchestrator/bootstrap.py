"""Wires decisions to RabbitMQ."""

from svc_analysis_orchestrator.decisions import Decisions
from svc_analysis_orchestrator.settings import SERVICE, Settings
from tu_common import topology
from tu_common.messaging.rabbit import RabbitConsumer, RabbitPublisher
from tu_common.service import Loop, Service


def build(settings: Settings) -> Service:
    publisher = RabbitPublisher(settings, SERVICE)
    loops = {
        f"rabbitmq-consumer {queue}": Loop(
            RabbitConsumer(
                settings,
                queue,
                effects=publisher,
                parking=publisher,
                client_id=SERVICE,
                window=settings.window,
            ),
            handler,
        )
        for queue, handler in Decisions(settings, topology.load()).handlers().items()
    }
    publishers = {"rabbitmq-publisher": publisher}
    return Service(loops, publishers, settings.http_port, settings.drain_seconds)
