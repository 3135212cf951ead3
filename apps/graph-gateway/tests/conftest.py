"""What unit and integration tests share."""

import json
import socket
from typing import Any

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)


class ClosedError(Exception):
    def __init__(self, code: int, reason: str | None) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code


class RefusedError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class Client:
    """A WebSocket client that hides nothing."""

    def __init__(
        self,
        port: int,
        authorization: str | None = None,
        subprotocols: tuple[str, ...] = ("graphql-transport-ws",),
    ) -> None:
        self.wire = WSConnection(ConnectionType.CLIENT)
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        headers = [(b"Authorization", authorization.encode())] if authorization else []
        self.events: list[Any] = []
        self.pings = 0
        self.answer_pings = True
        self.sock.sendall(
            self.wire.send(
                Request(
                    host="test",
                    target="/graphql",
                    subprotocols=list(subprotocols),
                    extra_headers=headers,
                )
            )
        )
        event = self._event()
        if isinstance(event, RejectConnection):
            raise RefusedError(event.status_code)
        assert isinstance(event, AcceptConnection)
        self.subprotocol = event.subprotocol

    def _event(self, timeout: float = 10) -> Any:
        self.sock.settimeout(timeout)
        while not self.events:
            data = self.sock.recv(65536)
            self.wire.receive_data(data or None)
            self.events.extend(self.wire.events())
            if not data and not self.events:
                raise ClosedError(1006, "cut off")
        return self.events.pop(0)

    def send(self, **message: Any) -> None:
        self.send_text(json.dumps(message))

    def send_text(self, text: str) -> None:
        self.sock.sendall(self.wire.send(TextMessage(text)))

    def send_bytes(self, data: bytes) -> None:
        self.sock.sendall(self.wire.send(BytesMessage(data)))

    def receive(self, timeout: float = 10) -> dict[str, Any]:
        text = ""
        while True:
            event = self._event(timeout)
            if isinstance(event, Ping):
                self._pinged(event)
            elif isinstance(event, CloseConnection):
                if self.wire.state is ConnectionState.REMOTE_CLOSING:
                    self.sock.sendall(self.wire.send(event.response()))
                raise ClosedError(event.code, event.reason)
            elif isinstance(event, TextMessage):
                text += event.data
                if event.message_finished:
                    message: dict[str, Any] = json.loads(text)
                    return message

    def _pinged(self, ping: Ping) -> None:
        self.pings += 1
        if self.answer_pings:
            self.sock.sendall(self.wire.send(ping.response()))

    def wait_for_pings(self, count: int) -> None:
        """Until the other side pinged so often; it must say nothing else meanwhile."""
        while self.pings < count:
            event = self._event()
            assert isinstance(event, Ping), event
            self._pinged(event)

    def closes_with(self) -> int:
        try:
            while True:
                self.receive()
        except ClosedError as closed:
            return closed.code

    def init(self, authorization: str | None = None) -> "Client":
        payload = {"Authorization": authorization} if authorization else {}
        self.send(type="connection_init", payload=payload)
        assert self.receive() == {"type": "connection_ack"}
        return self

    def subscribe(self, id: str, query: str, variables: dict[str, Any] | None = None) -> None:
        self.send(type="subscribe", id=id, payload={"query": query, "variables": variables})

    def settle(self) -> None:
        """Everything sent so far has been dealt with."""
        self.send(type="ping", payload={"settle": True})
        assert self.receive() == {"type": "pong", "payload": {"settle": True}}

    def close(self) -> None:
        self.sock.close()


@pytest.fixture(scope="session")
def dial() -> type[Client]:
    return Client
