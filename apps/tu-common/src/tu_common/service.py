"""Running a service that consumes: its loops, health endpoints, and an orderly end."""

import logging
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import FrameType

from tu_common.health import Health
from tu_common.messaging.core import Consumer, Handler, Publisher

_log = logging.getLogger(__name__)

# Publishers get the rest: what the consumers still finish has to be confirmed as well.
_CONSUMERS_SHARE = 2 / 3


@dataclass(frozen=True)
class Loop:
    consumer: Consumer
    handler: Handler


class Service:
    """Runs each loop in a thread of its own until SIGTERM, SIGINT or ``stop``.

    From then on everything together has ``drain_seconds`` to finish. What is not done by then is
    not acknowledged and goes to another replica.
    """

    def __init__(
        self,
        loops: Mapping[str, Loop],
        publishers: Mapping[str, Publisher],
        port: int,
        drain_seconds: float,
    ) -> None:
        self._publishers: Sequence[Publisher] = list(publishers.values())
        self._loops = dict(loops)
        self._stopping = threading.Event()
        self._failed = False
        self._port = port
        self._drain_seconds = drain_seconds
        self._threads = {
            name: threading.Thread(target=self._run_loop, args=(name, loop), name=name, daemon=True)
            for name, loop in self._loops.items()
        }
        ready = {name: publisher.ready for name, publisher in publishers.items()}
        ready |= {name: loop.consumer.ready for name, loop in self._loops.items()}
        self.health = Health(ready, live={"loops": lambda: not self._failed})

    def run(self) -> int:
        """Block until the end; the exit code says whether it was an orderly one."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        server = self.health.serve(self._port)
        for thread in self._threads.values():
            thread.start()
        # In slices: a wait without end would keep Python from running the signal handler.
        while not self._stopping.wait(0.5):
            pass
        _log.info("stopping: finishing what is under way")
        self._drain()
        server.close()
        _log.info("stopped")
        return 1 if self._failed else 0

    def stop(self) -> None:
        self._stopping.set()

    def _drain(self) -> None:
        began = time.monotonic()

        def left(share: float) -> float:
            return max(0.0, began + share * self._drain_seconds - time.monotonic())

        self.health.drain()
        for loop in self._loops.values():
            loop.consumer.stop()
        for name, thread in self._threads.items():
            thread.join(left(_CONSUMERS_SHARE))
            if thread.is_alive():
                _log.warning("loop %s did not finish in time; its work goes to a replica", name)
        for publisher in self._publishers:
            publisher.close(left(1.0))

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        self._stopping.set()

    def _run_loop(self, name: str, loop: Loop) -> None:
        try:
            loop.consumer.run(loop.handler)
        except Exception:
            # Nothing that a loop survives ends up here, so the process starts afresh.
            _log.exception("loop %s failed", name)
            self._failed = True
            self._stopping.set()
