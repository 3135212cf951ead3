"""Fakes that stand in for a broker or a clock."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from tu_common.messaging.core import Effect, TransientError
from tu_common.messaging.futures import settle, wait_for

T = TypeVar("T")


def eventually(probe: Callable[[], T], timeout: float = 30.0) -> T:
    """Call ``probe`` until it returns something true, and return that."""
    deadline = time.monotonic() + timeout
    while True:
        value = probe()
        if value or time.monotonic() > deadline:
            if not value:
                raise AssertionError(f"not within {timeout:g} s, last seen: {value!r}")
            return value
        time.sleep(0.02)


class RecordingPublisher:
    """A publisher that keeps what it is given, fails when told to, and can hold confirmations."""

    def __init__(self) -> None:
        self.effects: list[Effect] = []
        self.attempts = 0
        self._failures: list[Exception] = []
        self._held: list[Future[None]] | None = None
        self._lock = threading.Lock()

    def fail(self, times: int = 1, error: Exception | None = None) -> None:
        self._failures.extend([error or TransientError("refused")] * times)

    def hold(self) -> None:
        """From now on nothing is confirmed."""
        self._held = []

    def submit(self, effect: Effect) -> "Future[None]":
        future: Future[None] = Future()
        with self._lock:
            self.attempts += 1
            if self._failures:
                settle(future, self._failures.pop(0))
            elif self._held is not None:
                self._held.append(future)
            else:
                self.effects.append(effect)
                settle(future)
        return future

    def publish(self, effect: Effect, timeout: float = 10.0) -> None:
        wait_for(self.submit(effect), timeout)

    def ready(self) -> bool:
        return True

    def close(self, timeout: float = 10.0) -> None:
        pass
