"""Wires events to RabbitMQ."""

from svc_new.events import image_uploaded
from svc_new.settings import SERVICE, Settings
from tu_common import topology
from tu_common.messaging.rabbit import RabbitConsumer, RabbitPublisher
from tu_common.service import Loop, Service


def build(settings: Settings) -> Service:
    publisher = RabbitPublisher(settings, SERVICE)
    uploads = RabbitConsumer(
        settings,
        topology.load().queue("svc_new_image_uploaded"),
        effects=publisher,
        parking=publisher,
        client_id=SERVICE,
        window=settings.window,
    )
    loops = {"rabbitmq-consumer": Loop(uploads, image_uploaded)}
    publishers = {"rabbitmq-publisher": publisher}
    return Service(loops, publishers, settings.http_port, settings.drain_seconds)
