"""The asyncio loop that all WebSockets live on, and the way onto it from a WSGI request."""

import asyncio
import contextlib
import logging
import socket
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.events import Request
from wsproto.utilities import RemoteProtocolError

from graph_gateway.events import AnalysisEvent, EventHub
from graph_gateway.execution import Executor
from graph_gateway.sockets.connection import Connection, Upgrade
from graph_gateway.sockets.options import SocketOptions

_log = logging.getLogger(__name__)

_SOCKET_KEYS = ("gunicorn.socket", "werkzeug.socket")


class HandshakeError(Exception):
    """Not a WebSocket handshake; the text says what is wrong."""


class SocketLimitError(Exception):
    """No room for another WebSocket on this replica."""


def read_handshake(environ: Mapping[str, Any]) -> Upgrade:
    wire = WSConnection(ConnectionType.SERVER)
    lines = ["GET / HTTP/1.1"]
    for name, value in environ.items():
        # Only what the handshake is made of: wsproto parses this as it would from the wire.
        if name in ("HTTP_HOST", "HTTP_UPGRADE", "HTTP_CONNECTION") or name.startswith(
            "HTTP_SEC_WEBSOCKET_"
        ):
            lines.append(f"{name[5:].replace('_', '-')}: {value}")
    try:
        wire.receive_data(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        request = next(iter(wire.events()))
    except (RemoteProtocolError, StopIteration) as error:
        raise HandshakeError(str(error) or "the handshake is incomplete") from None
    if not isinstance(request, Request):
        raise HandshakeError("the handshake is incomplete")
    return Upgrade(
        wire=wire,
        subprotocols=tuple(request.subprotocols),
        authorization=environ.get("HTTP_AUTHORIZATION"),
    )


class SocketServer:
    def __init__(
        self,
        executor: Executor,
        hub: EventHub,
        options: SocketOptions | None = None,
        *,
        max_sockets: int = 400,
        workers: int = 16,
    ) -> None:
        self._executor = executor
        self._hub = hub
        self._options = options or SocketOptions()
        self._max_sockets = max_sockets
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="websocket-work")
        self._loop = asyncio.new_event_loop()
        self._connections: set[Connection] = set()
        self._count = 0
        self._lock = threading.Lock()
        self._draining = False
        self._thread = threading.Thread(target=self._run, name="websockets", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def alive(self) -> bool:
        return self._thread.is_alive()

    def publish(self, event: AnalysisEvent) -> None:
        """Hand an event to the subscribers; from any thread."""
        self._loop.call_soon_threadsafe(self._hub.publish, event)

    def serve(self, environ: Mapping[str, Any], upgrade: Upgrade) -> None:
        """Serve the request's socket as a WebSocket; returns when that is over.

        The calling thread only waits: it keeps the web server from taking the socket back.
        """
        sock = _socket(environ)
        with self._lock:
            if self._draining or self._count >= self._max_sockets:
                raise SocketLimitError
            self._count += 1
        try:
            done: Future[None] = asyncio.run_coroutine_threadsafe(
                self._serve(sock.dup(), upgrade), self._loop
            )
            done.result()
        except Exception:
            _log.exception("a websocket ended badly")
        finally:
            # The web server still has the socket, and would write to it or wait for the client to
            # close it.
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            with self._lock:
                self._count -= 1

    def drain(self, timeout: float = 10.0) -> None:
        """Take no more, and send everyone away so that they connect to another replica."""
        with self._lock:
            self._draining = True
        self._loop.call_soon_threadsafe(self._send_away)
        until = time.monotonic() + timeout
        while self._count and time.monotonic() < until:
            time.sleep(0.02)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _serve(self, sock: socket.socket, upgrade: Upgrade) -> None:
        connection = Connection(upgrade, self._executor, self._pool, self._options)
        self._connections.add(connection)
        try:
            if self._draining:
                connection.go_away()  # said as soon as the handshake is answered
            await connection.run(sock)
        finally:
            self._connections.discard(connection)

    def _send_away(self) -> None:
        for connection in list(self._connections):
            with contextlib.suppress(Exception):
                connection.go_away()


def _socket(environ: Mapping[str, Any]) -> socket.socket:
    for key in _SOCKET_KEYS:
        found = environ.get(key)
        if isinstance(found, socket.socket):
            return found
    raise HandshakeError("this web server does not hand out its socket")
