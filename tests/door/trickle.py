"""Requests that come a byte at a time, each on a connection and in a thread of its own."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

from tests.door.wire import Wire, request

# The door's limit is front_door_read_seconds; this much later it must have cut the connection.
READ_SECONDS = 120
_GENEROUS = 2.5
_PAUSE = 2


@dataclass
class Trickle:
    """One request that never gets ready; ``cut`` when the door has had enough of it."""

    wire: Wire
    host: str
    start: bytes
    drip: bytes
    cut: bool = False
    answer: bytes = b""
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        give_up = time.monotonic() + READ_SECONDS * _GENEROUS
        with suppress(OSError), self.wire.tls(self.host) as connection:
            connection.sendall(self.start)
            connection.settimeout(_PAUSE)
            while time.monotonic() < give_up:
                connection.sendall(self.drip)
                with suppress(TimeoutError):
                    received = connection.recv(4096)
                    if not received:
                        break
                    self.answer += received
            else:
                return
        self.cut = True

    def wait(self) -> None:
        """Until the door has cut it, or should have."""
        self._thread.join()


def trickles(wire: Wire, host: str) -> dict[str, Trickle]:
    """A request without end of its headers, and one without end of its body."""
    head = request("POST", "/graphql", host, "Content-Type: application/json")
    body = request("POST", "/graphql", host, "Content-Length: 100000")
    return {
        "headers": Trickle(wire, host, head[:-2], b"a: b\r\n"),
        "body": Trickle(wire, host, body, b" "),
        "nothing": Trickle(wire, host, b"", b""),
    }
