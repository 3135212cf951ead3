"""Bytes to the door and back, for what no well-behaved client would send."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_LIMIT = 30
"""Seconds for an answer; a limit, never a measurement."""


@dataclass(frozen=True)
class Answer:
    """One HTTP/1 answer as it came."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for found, value in self.headers if found.lower() == name.lower()]


@dataclass(frozen=True)
class Wire:
    """Where the door is, and how to trust it."""

    address: str
    port: int
    ca: Path

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca))

    @contextmanager
    def plain(self, limit: float = _LIMIT) -> Iterator[socket.socket]:
        with socket.create_connection((self.address, self.port), timeout=limit) as connection:
            yield connection

    @contextmanager
    def tls(
        self, host: str | None, context: ssl.SSLContext | None = None, limit: float = _LIMIT
    ) -> Iterator[ssl.SSLSocket]:
        context = context or self.context()
        if host is None:
            context.check_hostname = False
        with self.plain(limit) as raw, context.wrap_socket(raw, server_hostname=host) as secured:
            yield secured

    def say(self, host: str, request: bytes) -> list[Answer]:
        """Send ``request`` and read all answers until the door closes or has no more to say."""
        with self.tls(host) as connection:
            # Closed while there was more to send: the answer may be there all the same.
            with suppress(OSError):
                connection.sendall(request)
            return answers(until_quiet(connection))


def until_quiet(connection: socket.socket, quiet: float = 2) -> bytes:
    """What comes until the other side closes, or says nothing for ``quiet`` after it has spoken."""
    received = b""
    while True:
        connection.settimeout(quiet if received else _LIMIT)
        try:
            found = connection.recv(65536)
        except (TimeoutError, OSError):
            return received
        if not found:
            return received
        received += found


def answers(received: bytes) -> list[Answer]:
    """The HTTP/1 answers in ``received``, one after the other."""
    found = []
    while received.startswith(b"HTTP/1."):
        head, _, rest = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = []
        for line in lines:
            # What stands between colon and value is part of what is looked at here.
            name, _, value = line.partition(":")
            headers.append((name, value.removeprefix(" ")))
        lengths = [value for name, value in headers if name.lower() == "content-length"]
        size = int(lengths[0]) if lengths else len(rest)
        found.append(Answer(int(first.split()[1]), headers, rest[:size]))
        received = rest[size:]
    return found


def request(method: str, target: str, host: str, *headers: str, body: bytes = b"") -> bytes:
    """An HTTP/1.1 request as it stands, without a header that is not named here."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
