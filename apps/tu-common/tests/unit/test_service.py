"""A service's end."""

import threading
import time

import pytest

from tu_common.messaging import Handler
from tu_common.service import Loop, Service
from tu_common.testing.contract import echo
from tu_common.testing.fakes import RecordingPublisher


class Deaf:
    """A consumer that goes on whatever it is told."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self.let_go = threading.Event()

    def run(self, handler: Handler) -> None:
        self.let_go.wait()

    def stop(self) -> None:
        self.stopped.set()

    def ready(self) -> bool:
        return True


class Slow(RecordingPublisher):
    """A publisher that uses up some of the time that it is given."""

    def __init__(self, most: float) -> None:
        super().__init__()
        self.given = -1.0
        self._most = most

    def close(self, timeout: float = 10.0) -> None:
        self.given = timeout
        threading.Event().wait(min(timeout, self._most))


@pytest.fixture(autouse=True)
def _signals_are_pytests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tu_common.service.signal.signal", lambda *_: None)


def test_everything_together_ends_within_the_drain_time() -> None:
    drain, consumers, publishers = 3.0, [Deaf(), Deaf(), Deaf()], [Slow(60), Slow(60)]
    service = Service(
        {f"loop {number}": Loop(consumer, echo) for number, consumer in enumerate(consumers)},
        {f"publisher {number}": publisher for number, publisher in enumerate(publishers)},
        port=0,
        drain_seconds=drain,
    )
    service.stop()
    began = time.monotonic()
    assert service.run() == 0
    took = time.monotonic() - began
    for consumer in consumers:
        assert consumer.stopped.is_set()
        consumer.let_go.set()
    assert publishers[0].given >= 0
    assert sum(publisher.given for publisher in publishers) <= drain / 2
    # Three loops that each waited for themselves would take 45 s.
    assert took < 30


def test_consumers_that_end_at_once_leave_their_time_to_the_publishers() -> None:
    consumer, publisher = Deaf(), Slow(0)
    consumer.let_go.set()
    service = Service({"loop": Loop(consumer, echo)}, {"p": publisher}, 0, drain_seconds=300)
    service.stop()
    assert service.run() == 0
    assert publisher.given > 200
    assert not service.health.ready()[0]
