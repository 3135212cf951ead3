"""The service as a process, at a real RabbitMQ, with its own permissions."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pika
import pytest

from svc_new.settings import SERVICE
from tests.support.brokers import Rabbitmq
from tu_common import settings, topology
from tu_common.messaging import Effect, Message
from tu_common.messaging.rabbit import RabbitPublisher, parameters
from tu_common.settings import RabbitSettings
from tu_common.testing.fakes import eventually
from tu_common.testing.process import ServiceProcess

NAMES = topology.load()
QUEUE = NAMES.queue("svc_new_image_uploaded")


@pytest.fixture
def process(rabbitmq: Rabbitmq, tmp_path: Path) -> Iterator[ServiceProcess]:
    rabbitmq.purge()
    with ServiceProcess("svc_new", rabbitmq.environment(SERVICE), tmp_path) as process:
        eventually(process.ready, 60)
        yield process


def announce(where: RabbitSettings, body: bytes) -> None:
    publisher = RabbitPublisher(where, "test")
    publisher.publish(Effect(NAMES.exchange("image_uploaded"), Message(body)))
    publisher.close()


def parked(where: RabbitSettings) -> list[bytes]:
    connection = pika.BlockingConnection(parameters(where, "test"))
    channel, found = connection.channel(), []
    while True:
        method, _, body = channel.basic_get(NAMES.parked(QUEUE), auto_ack=True)
        if method is None:
            connection.close()
            return found
        found.append(body)


def test_pictures_are_heard_of_and_rubbish_is_parked(
    process: ServiceProcess, rabbitmq: Rabbitmq
) -> None:
    admin, key = settings.load(RabbitSettings, rabbitmq.environment()), uuid4().hex
    announce(admin, json.dumps({"objectKey": key}).encode())
    announce(admin, b"rubbish")
    found: list[bytes] = []

    def arrived() -> bool:
        found.extend(parked(admin))
        return b"rubbish" in found and key in process.log()

    eventually(arrived, 60)
    assert found == [b"rubbish"]


def test_a_signal_ends_it(process: ServiceProcess) -> None:
    assert process.live()
    assert process.terminate() == 0
