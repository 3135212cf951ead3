"""The messaging contract, met by the broker in memory."""

import pytest

from tu_common import topology
from tu_common.messaging.core import Consumer, Effect, Message, Publisher
from tu_common.messaging.memory import MemoryBroker
from tu_common.messaging.parking import replayed_copy
from tu_common.testing.contract import BrokerContract, Harness

NAMES = topology.load()


class MemoryQueue:
    def __init__(self) -> None:
        self.name = NAMES.queue("orchestrator_image_uploaded")
        self.broker = MemoryBroker()

    def send(self, message: Message) -> None:
        exchange = NAMES.exchange("image_uploaded")
        self.broker.publisher().publish(Effect(exchange, message))

    def consumer(self, effects: Publisher) -> Consumer:
        return self.broker.consumer(self.name, effects=effects, parking=self.broker.publisher())

    def parked(self) -> list[Message]:
        return self.broker.parked(self.name)

    def replay(self) -> int:
        return self.broker.replay(self.name)


class MemoryTopic(MemoryQueue):
    def __init__(self) -> None:
        self.name = NAMES.topic("images_uploaded")
        self.broker = MemoryBroker()

    def send(self, message: Message) -> None:
        self.broker.producer().publish(Effect(self.name, message))

    def consumer(self, effects: Publisher) -> Consumer:
        parking = self.broker.producer()
        return self.broker.topic_consumer([self.name], effects=effects, parking=parking)


class TestMemory(BrokerContract):
    @pytest.fixture(params=[MemoryQueue, MemoryTopic])
    def broker(self, request: pytest.FixtureRequest) -> Harness:
        return request.param()


def test_replay_strips_what_parking_added() -> None:
    parked = Message(b"", headers={"x-parked-reason": "r", "x-original-queue": "q", "x": "y"})
    assert replayed_copy(parked).headers == {"x": "y"}
