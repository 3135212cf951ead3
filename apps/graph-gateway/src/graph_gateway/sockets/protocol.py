"""graphql-transport-ws as a state machine: what arrives goes in, what is to be done comes out.

No I/O, no clock and no tokens in here. Names and close codes are those of the protocol:
https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

import json
from dataclasses import dataclass
from enum import Enum, IntEnum, auto
from typing import Any

SUBPROTOCOL = "graphql-transport-ws"

# The frame has room for 125 bytes, of which two are the code.
_MAX_REASON = 123


class CloseCode(IntEnum):
    NORMAL = 1000
    GOING_AWAY = 1001
    TOO_BIG = 1009
    INVALID_MESSAGE = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL_NOT_ACCEPTABLE = 4406
    INIT_TIMEOUT = 4408
    SUBSCRIBER_EXISTS = 4409
    TOO_MANY_INITS = 4429


@dataclass(frozen=True)
class Send:
    message: dict[str, Any]


@dataclass(frozen=True)
class Close:
    code: CloseCode
    reason: str


@dataclass(frozen=True)
class Authenticate:
    """Find out who this is; answer with ``accepted`` or ``refused``. None: from the upgrade."""

    authorization: str | None


@dataclass(frozen=True)
class Start:
    id: str
    query: Any
    operation_name: Any
    variables: Any


@dataclass(frozen=True)
class Stop:
    id: str


Action = Send | Close | Authenticate | Start | Stop
Actions = list[Action]


class _State(Enum):
    OPEN = auto()
    INITIALISING = auto()
    READY = auto()
    CLOSED = auto()


class Session:
    """One connection. Once it has said ``Close`` it says nothing more."""

    def __init__(self, max_operations: int = 50) -> None:
        self._state = _State.OPEN
        self._active: set[str] = set()
        self._max_operations = max_operations

    @property
    def closed(self) -> bool:
        return self._state is _State.CLOSED

    @property
    def initialised(self) -> bool:
        return self._state is not _State.OPEN

    # --- from the client

    def received(self, text: str) -> Actions:
        if self.closed:
            return []
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            return self._invalid("The message is not JSON")
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            return self._invalid("The message has no type")
        handler = {
            "connection_init": self._init,
            "subscribe": self._subscribe,
            "complete": self._complete,
            "ping": self._ping,
            "pong": self._pong,
        }.get(message["type"])
        if handler is None:
            return self._invalid("The message's type is unknown")
        if not isinstance(message.get("payload", {}), dict | None):
            return self._invalid("The payload is not an object")
        return handler(message)

    def received_binary(self) -> Actions:
        return self._invalid("Messages are text")

    def left(self) -> Actions:
        """The client is gone."""
        return self._end()

    # --- from this side

    def subprotocol_missing(self) -> Actions:
        return self._close(CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE, "Subprotocol not acceptable")

    def accepted(self) -> Actions:
        if self._state is not _State.INITIALISING:
            return []
        self._state = _State.READY
        return [Send({"type": "connection_ack"})]

    def refused(self, code: CloseCode, reason: str) -> Actions:
        return self._close(code, reason)

    def init_timed_out(self) -> Actions:
        if self.initialised:
            return []
        return self._close(CloseCode.INIT_TIMEOUT, "Connection initialisation timeout")

    def token_expired(self) -> Actions:
        # 4403 and not 4401: clients take 4401 for final and 4403 for "come back with a new token".
        return self._close(CloseCode.FORBIDDEN, "The token has expired")

    def going_away(self) -> Actions:
        return self._close(CloseCode.GOING_AWAY, "Going away, please reconnect")

    def too_big(self) -> Actions:
        return self._close(CloseCode.TOO_BIG, "The message is too big")

    def next(self, id: str, payload: dict[str, Any]) -> Actions:
        if id not in self._active:
            return []
        return [Send({"id": id, "type": "next", "payload": payload})]

    def error(self, id: str, errors: list[dict[str, Any]]) -> Actions:
        if id not in self._active:
            return []
        self._active.discard(id)
        return [Send({"id": id, "type": "error", "payload": errors})]

    def completed(self, id: str) -> Actions:
        if id not in self._active:
            return []
        self._active.discard(id)
        return [Send({"id": id, "type": "complete"})]

    # --- messages

    def _init(self, message: dict[str, Any]) -> Actions:
        if self._state is not _State.OPEN:
            return self._close(CloseCode.TOO_MANY_INITS, "Too many initialisation requests")
        self._state = _State.INITIALISING
        payload = message.get("payload") or {}
        for name, value in payload.items():
            if name.lower() == "authorization":
                if not isinstance(value, str):
                    return self._invalid("Authorization is not a string")
                return [Authenticate(value)]
        return [Authenticate(None)]

    def _subscribe(self, message: dict[str, Any]) -> Actions:
        if self._state is not _State.READY:
            return self._close(CloseCode.UNAUTHORIZED, "Unauthorized")
        id, payload = message.get("id"), message.get("payload")
        if not isinstance(id, str) or not id or len(id) > 256:
            return self._invalid("The message has no usable id")
        if not isinstance(payload, dict) or not isinstance(payload.get("query"), str):
            return self._invalid("The payload has no query")
        if id in self._active:
            return self._close(CloseCode.SUBSCRIBER_EXISTS, f"Subscriber for {id} already exists")
        if len(self._active) >= self._max_operations:
            error = {
                "message": f"{self._max_operations} operations at once are allowed.",
                "extensions": {"code": "LIMIT_EXCEEDED"},
            }
            return [Send({"id": id, "type": "error", "payload": [error]})]
        self._active.add(id)
        return [Start(id, payload["query"], payload.get("operationName"), payload.get("variables"))]

    def _complete(self, message: dict[str, Any]) -> Actions:
        id = message.get("id")
        if not isinstance(id, str) or not id:
            return self._invalid("The message has no usable id")
        # Unknown ids are normal: the client's complete may have crossed ours.
        if id not in self._active:
            return []
        self._active.discard(id)
        return [Stop(id)]

    def _ping(self, message: dict[str, Any]) -> Actions:
        pong: dict[str, Any] = {"type": "pong"}
        if message.get("payload") is not None:
            pong["payload"] = message["payload"]
        return [Send(pong)]

    def _pong(self, _message: dict[str, Any]) -> Actions:
        return []

    # --- ends

    def _invalid(self, reason: str) -> Actions:
        return self._close(CloseCode.INVALID_MESSAGE, reason)

    def _close(self, code: CloseCode, reason: str) -> Actions:
        if self.closed:
            return []
        stops = self._end()
        short = reason.encode()[:_MAX_REASON].decode(errors="ignore")
        return [*stops, Close(code, short)]

    def _end(self) -> Actions:
        self._state = _State.CLOSED
        stops: Actions = [Stop(id) for id in sorted(self._active)]
        self._active.clear()
        return stops
