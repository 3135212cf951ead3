"""A broker in memory, with the platform's topology and the interface of the real ones."""

import functools
import queue as queues
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace

from tu_common import topology
from tu_common.messaging.core import (
    HEADER_MESSAGE_ID,
    Effect,
    Handler,
    Message,
    Publisher,
    TransientError,
    Unroutable,
)
from tu_common.messaging.futures import settle, wait_for
from tu_common.messaging.parking import park_from_queue, park_from_topic, replayed_copy
from tu_common.messaging.work import Park, Work


@dataclass(frozen=True)
class Refusal:
    """Make publishing to a destination fail, ``times`` times."""

    destination: str
    error: Exception
    times: int = 1


class MemoryBroker:
    """Exchanges, queues, streams and topics of ``topology.yml``."""

    def __init__(self, names: topology.Topology | None = None) -> None:
        self._names = names or topology.load()
        self._lock = threading.Lock()
        self._queues: dict[str, queues.Queue[Message]] = defaultdict(queues.Queue)
        self._log: dict[str, list[Message]] = defaultdict(list)
        self._refusals: list[Refusal] = []

    def publisher(self) -> "MemoryPublisher":
        """Publishes to exchanges."""
        return MemoryPublisher(self, self._route)

    def producer(self) -> "MemoryPublisher":
        """Publishes to topics."""
        return MemoryPublisher(self, self._append)

    def consumer(self, queue: str, *, effects: Publisher, parking: Publisher) -> "MemoryConsumer":
        park = functools.partial(park_from_queue, self._names, queue)
        return MemoryConsumer([self._queues[queue]], effects, parking, park)

    def topic_consumer(
        self, topics: Sequence[str], *, effects: Publisher, parking: Publisher
    ) -> "MemoryConsumer":
        park = functools.partial(park_from_topic, self._names)
        return MemoryConsumer([self._queues[topic] for topic in topics], effects, parking, park)

    def stream(self, queue: str) -> list[Message]:
        """Everything that a stream queue or topic has ever received."""
        return list(self._log[queue])

    def parked(self, name: str) -> list[Message]:
        """What is in the parking queue or topic of the queue or topic called ``name``."""
        return list(self._queues[self._names.parked(name)].queue)

    def replay(self, name: str) -> int:
        """Put what is parked for a queue or topic back into it; how many that were."""
        parked, count = self._queues[self._names.parked(name)], 0
        while not parked.empty():
            self._queues[name].put(replayed_copy(parked.get_nowait()))
            count += 1
        return count

    def pending(self, name: str) -> list[Message]:
        """What waits in a queue or topic."""
        return list(self._queues[name].queue)

    def refuse(self, destination: str, error: Exception | None = None, times: int = 1) -> None:
        """Let the next ``times`` messages to ``destination`` fail."""
        refused = error or TransientError("refused")
        self._refusals.extend([Refusal(destination, refused)] * times)

    def send(self, effect: Effect, deliver: Callable[[Effect], None]) -> None:
        with self._lock:
            for refusal in self._refusals:
                if refusal.destination == effect.destination:
                    self._refusals.remove(refusal)
                    raise refusal.error
            deliver(effect)

    def _route(self, effect: Effect) -> None:
        kinds = {exchange.name: exchange.type for exchange in self._names.exchanges.values()}
        if effect.destination not in kinds:
            raise TransientError(f"no exchange {effect.destination!r}")
        fanout = kinds[effect.destination] == "fanout"
        bound = [
            binding.queue
            for binding in self._names.bindings
            if binding.exchange == effect.destination
            and (fanout or binding.routing_key == effect.routing_key)
        ]
        if not bound and effect.expect_queue:
            raise Unroutable(
                f"no queue is bound to {effect.destination!r} for {effect.routing_key!r}"
            )
        message = replace(effect.message, source=effect.destination)
        for name in bound:
            self._queues[name].put(message)
            self._log[name].append(message)

    def _append(self, effect: Effect) -> None:
        topic = effect.destination
        if topic not in {known.name for known in self._names.topics.values()}:
            raise TransientError(f"no topic {topic!r}")
        message = effect.message
        headers = dict(message.headers)
        if message.cause_id:
            headers[HEADER_MESSAGE_ID] = message.cause_id
        position = f"{topic}-0-{len(self._log[topic])}"
        message = replace(message, source=topic, message_id=position, headers=headers)
        self._queues[topic].put(message)
        self._log[topic].append(message)


class MemoryPublisher:
    def __init__(self, broker: MemoryBroker, deliver: Callable[[Effect], None]) -> None:
        self._broker = broker
        self._deliver = deliver
        self._closed = False

    def submit(self, effect: Effect) -> "Future[None]":
        future: Future[None] = Future()
        try:
            self._broker.send(effect, self._deliver)
        except Exception as error:
            settle(future, error)
        else:
            settle(future)
        return future

    def publish(self, effect: Effect, timeout: float = 10.0) -> None:
        wait_for(self.submit(effect), timeout)

    def ready(self) -> bool:
        return not self._closed

    def close(self, timeout: float = 10.0) -> None:
        self._closed = True


class MemoryConsumer:
    def __init__(
        self,
        sources: list["queues.Queue[Message]"],
        effects: Publisher,
        parking: Publisher,
        park: Park,
    ) -> None:
        self._sources = sources
        self._effects = effects
        self._parking = parking
        self._park = park
        self._stopping = threading.Event()
        self._running = False

    def ready(self) -> bool:
        return self._running

    def stop(self) -> None:
        self._stopping.set()

    def run(self, handler: Handler) -> None:
        self._running = True
        while not self._stopping.is_set():
            if not self.step(handler):
                self._stopping.wait(0.01)
        self._running = False

    def step(self, handler: Handler) -> bool:
        """Bring one waiting message to its end; False where none waits."""
        for source in self._sources:
            try:
                message = source.get_nowait()
            except queues.Empty:
                continue
            work = Work(message, handler, self._effects, self._parking, self._park)
            if not self._finish(work):
                source.put(message)
            return True
        return False

    def _finish(self, work: Work) -> bool:
        while True:
            future = work.attempt()
            while not wait([future], timeout=0.05).done:
                if self._stopping.is_set():
                    return False
            if future.exception() is None:
                return True
            if self._stopping.wait(work.pause()):
                return False

    def drain(self, handler: Handler) -> int:
        """Bring everything that waits to its end; how many that were."""
        count = 0
        while self.step(handler):
            count += 1
        return count
