"""The line of one WebSocket: frames in and out, with its time-outs. It knows no protocol above."""

import asyncio
import contextlib
import socket
import time

from wsproto import WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import Event, Ping
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from graph_gateway import metrics
from graph_gateway.sockets.options import SocketOptions


class Line:
    def __init__(self, wire: WSConnection, options: SocketOptions) -> None:
        self._wire = wire
        self._options = options
        self._heard_at = time.monotonic()
        self._draining = asyncio.Lock()
        self._silent = False

    async def open(self, sock: socket.socket) -> None:
        """Take over ``sock``, whose handshake was read but not answered."""
        sock.setblocking(False)
        self._reader, self._writer = await asyncio.open_connection(sock=sock)
        # Room for a few events; a client that takes none for write_timeout is cut off.
        self._writer.transport.set_write_buffer_limits(high=262_144)

    @property
    def is_open(self) -> bool:
        return self._wire.state is ConnectionState.OPEN

    @property
    def client_closes(self) -> bool:
        """The client has said that it closes, and waits for the answer."""
        return self._wire.state is ConnectionState.REMOTE_CLOSING

    @property
    def ended(self) -> bool:
        """Nothing comes any more."""
        return self._silent or self._wire.state is ConnectionState.CLOSED

    async def receive(self, within: float | None) -> list[Event]:
        """What came; where nothing comes ``within`` so many seconds, the line has ended."""
        try:
            data = await asyncio.wait_for(self._reader.read(65_536), within)
        except TimeoutError:
            self._silent = True
            return []
        self._heard_at = time.monotonic()
        self._silent = not data
        try:
            self._wire.receive_data(data or None)
            return list(self._wire.events())
        except RemoteProtocolError as error:
            self._silent = True
            if error.event_hint is not None:
                with contextlib.suppress(LocalProtocolError):
                    await self.send(error.event_hint)
            return []

    async def send(self, event: Event) -> None:
        data = self._wire.send(event)
        if self._writer.is_closing():
            raise ConnectionResetError("the connection is closed")
        self._writer.write(data)
        async with self._draining:
            try:
                await asyncio.wait_for(self._writer.drain(), self._options.write_timeout)
            except TimeoutError:
                # Nothing can be said to a client that takes nothing.
                metrics.SLOW_CONSUMERS.inc()
                self.cut()
                raise

    async def keep_alive(self) -> None:
        """Ping the client; cut the line where nothing has come for two pings and a half."""
        while True:
            await asyncio.sleep(self._options.ping_interval)
            if time.monotonic() - self._heard_at > 2.5 * self._options.ping_interval:
                self.cut()
                return
            if self.is_open:
                await self.send(Ping())

    def cut(self) -> None:
        self._writer.transport.abort()

    async def hang_up(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(self._writer.wait_closed(), self._options.close_timeout)
        self.cut()
