"""Subscriptions of the fake platform."""

import json
import ssl
from collections.abc import Callable
from typing import Any

from client_fake_platform import FakePlatform
from websockets.frames import Opcode
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol


class Socket:
    """One WebSocket: graphql-transport-ws with replay of what already happened."""

    def __init__(
        self,
        platform: FakePlatform,
        line: ssl.SSLSocket,
        upgrade: bytes,
        token_is_valid: Callable[[], bool],
    ) -> None:
        self._platform = platform
        self._line = line
        self._upgrade = upgrade
        self._token_is_valid = token_is_valid
        self._wire = ServerProtocol(subprotocols=[Subprotocol("graphql-transport-ws")])
        self._operations: dict[str, tuple[str, dict[str, Any], int]] = {}
        self._closed = False

    def serve(self) -> None:
        self._wire.receive_data(self._upgrade)
        (request,) = self._wire.events_received()
        self._wire.send_response(self._wire.accept(request))  # type: ignore[arg-type]
        self._flush()
        self._platform.sockets += 1
        self._line.settimeout(0.01)
        while not self._closed:
            try:
                data = self._line.recv(65536)
            except TimeoutError:
                self._push()
                continue
            if not data:
                return
            self._wire.receive_data(data)
            for frame in self._wire.events_received():
                if frame.opcode is Opcode.TEXT:  # type: ignore[union-attr]
                    self._handle(json.loads(bytes(frame.data)))  # type: ignore[union-attr]
            self._flush()
            self._closed = self._closed or self._wire.close_expected()

    def _handle(self, message: dict[str, Any]) -> None:
        if message["type"] == "connection_init":
            if self._platform.close_sockets:
                self._close(self._platform.close_sockets.popleft())
            elif self._token_is_valid():
                self._send({"type": "connection_ack"})
            else:
                self._close(4401)
        elif message["type"] == "subscribe":
            query = message["payload"]["query"]
            kind = next(k for k in ("onAnalysisStarted", "onAnalysisCompleted") if k in query)
            self._operations[message["id"]] = (kind, message["payload"]["variables"], 0)
        elif message["type"] == "complete":
            self._operations.pop(message["id"], None)

    def _push(self) -> None:
        for identity, (kind, wanted, position) in list(self._operations.items()):
            for found, payload in self._platform.events[position:]:
                if found != kind or any(payload[name] != value for name, value in wanted.items()):
                    continue
                if found == "onAnalysisCompleted" and self._platform.drop_before_result:
                    self._platform.drop_before_result -= 1
                    self._closed = True
                    return
                data = {"payload": {"data": {found: payload}}}
                self._send({"id": identity, "type": "next", **data})
            self._operations[identity] = (kind, wanted, len(self._platform.events))

    def _send(self, message: dict[str, Any]) -> None:
        self._wire.send_text(json.dumps(message).encode())
        self._flush()

    def _close(self, code: int) -> None:
        self._wire.send_close(code, "no")
        self._flush()
        self._closed = True

    def _flush(self) -> None:
        for data in self._wire.data_to_send():
            if data:
                self._line.sendall(data)
