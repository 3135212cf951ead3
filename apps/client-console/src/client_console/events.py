"""Subscriptions over one WebSocket (graphql-transport-ws) that outlives its connections.

A connection may drop at any time: a replica is replaced, an idle limit strikes. The socket is then
opened again, with pauses that grow, and every subscription is asked for again; the platform
replays the recent events of a correlation id, so nothing that happened meanwhile is lost. An event
may therefore arrive twice.
"""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from client_console.asking import Notice, Patience, explain
from client_console.config import Config
from client_console.errors import (
    ClientError,
    ForbiddenError,
    LoginError,
    RefusedError,
    UnavailableError,
    UnreachableError,
)
from client_console.front_door import ClientConnection, websocket
from client_console.graphql import refusal
from client_console.oidc import Identity

# 4403 also says that a token expired while the socket was open.
_UNAUTHORIZED, _FORBIDDEN = {4401, 401}, {4403, 403}
_PROTOCOL_ERRORS = {4400, 4404, 4406, 4409}
_ACK_SECONDS = 15

Event = dict[str, Any]


class _DroppedError(Exception):
    """The connection is gone; the reason may pass."""


class _RejectedTokenError(Exception):
    """The platform did not take the token; ``reason`` is for when it takes no other either."""

    def __init__(self, reason: ClientError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Subscription:
    """Events of one operation, in the order in which they came."""

    def __init__(self, document: str, variables: Mapping[str, object]) -> None:
        self.payload = {"query": document, "variables": dict(variables)}
        self._queue: asyncio.Queue[Event | ClientError | None] = asyncio.Queue()
        self._taken = 0

    def put(self, item: Event | ClientError | None) -> None:
        """An event, what ended the subscription, or None: a new connection begins, and replays."""
        self._queue.put_nowait(item)

    async def next(self) -> Event:
        while True:
            item = await self._queue.get()
            if isinstance(item, ClientError):
                raise item
            if item is not None:
                self._taken += 1
                return item
            self._taken = 0

    async def after(self, earlier: int) -> Event:
        """The first event that comes behind ``earlier`` replayed ones."""
        while True:
            event = await self.next()
            if self._taken > earlier:
                return event

    async def count_until_quiet(self, seconds: float) -> int:
        """Take events until none came for ``seconds``; how many there were."""
        with contextlib.suppress(TimeoutError):
            while True:
                async with asyncio.timeout(seconds):
                    await self.next()
        return self._taken


class Events:
    """The socket and its subscriptions; use it as a context manager."""

    def __init__(
        self, config: Config, identity: Identity, notice: Notice, patience: Patience
    ) -> None:
        self._config = config
        self._identity = identity
        self._notice = notice
        self._patience = patience
        self._ids = itertools.count(1)
        self._subscriptions: dict[str, Subscription] = {}
        self._connection: ClientConnection | None = None
        self._ready = asyncio.Event()
        self._failure: ClientError | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="events")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def ready(self) -> None:
        """Wait until the platform accepted the socket; raises where it never will."""
        await self._ready.wait()
        if self._failure:
            raise self._failure

    @contextlib.asynccontextmanager
    async def subscribe(self, document: str, **variables: object) -> AsyncIterator[Subscription]:
        """Subscribe for as long as the context lasts, over however many connections."""
        identity, subscription = str(next(self._ids)), Subscription(document, variables)
        if self._failure:
            raise self._failure
        self._subscriptions[identity] = subscription
        await self._send({"id": identity, "type": "subscribe", "payload": subscription.payload})
        try:
            yield subscription
        finally:
            if self._subscriptions.pop(identity, None):
                await self._send({"id": identity, "type": "complete"})

    async def _send(self, message: dict[str, Any]) -> None:
        """Send where there is a connection; a new one begins with all subscriptions anyway."""
        if self._connection is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._connection.send(json.dumps(message))

    async def _run(self) -> None:
        try:
            await self._stay_connected()
        except ClientError as error:
            self._fail(error)
        except Exception as error:  # a bug must reach those who wait for events
            self._fail(RefusedError(f"The subscription failed: {error!r}."))
            raise

    def _fail(self, error: ClientError) -> None:
        self._failure = error
        self._ready.set()
        for subscription in self._subscriptions.values():
            subscription.put(error)

    async def _stay_connected(self) -> None:
        loop = asyncio.get_running_loop()
        attempt, rejected, last_good = 0, "", loop.time()
        while True:
            token = await self._identity.token(rejected=rejected)
            self._ready.clear()
            try:
                await self._session(token)
            except _RejectedTokenError as error:
                if rejected and not self._ready.is_set():
                    raise error.reason from None
                rejected = token
            except _DroppedError as error:
                if self._ready.is_set():
                    attempt, rejected, last_good = 0, "", loop.time()
                pause = self._patience.pause(attempt)
                if loop.time() + pause - last_good > self._patience.total:
                    raise UnreachableError(f"Events cannot be had: {error}") from None
                if attempt == 1:
                    self._notice(f"events: {error} Connecting again.")
                attempt += 1
                await asyncio.sleep(pause)
            finally:
                self._connection = None

    async def _session(self, token: str) -> None:
        """One connection, from opening to its end, which is always an exception."""
        try:
            async with websocket(self._config, token) as connection:
                await self._initialise(connection)
                self._connection = connection
                for identity, subscription in list(self._subscriptions.items()):
                    subscription.put(None)
                    message = {"id": identity, "type": "subscribe", "payload": subscription.payload}
                    await connection.send(json.dumps(message))
                self._ready.set()
                async for raw in connection:
                    await self._handle(connection, _message(raw))
                raise _DroppedError(f"{self._config.host} ended the connection.")
        except InvalidStatus as error:
            status = error.response.status_code
            _raise_if_final(status, "")
            raise _DroppedError(f"{self._config.host} answers {status}.") from error
        except ConnectionClosed as error:
            received = error.rcvd
            if received is not None:
                _raise_if_final(received.code, received.reason)
            raise _DroppedError(f"{self._config.host} closed the connection.") from error
        except (OSError, TimeoutError, WebSocketException) as error:
            explained = explain(error, self._config.host)
            if type(explained) is UnreachableError:
                raise explained from error
            raise _DroppedError(str(explained)) from error

    async def _initialise(self, connection: ClientConnection) -> None:
        await connection.send(json.dumps({"type": "connection_init"}))
        async with asyncio.timeout(_ACK_SECONDS):
            while True:
                kind = _message(await connection.recv()).get("type")
                if kind == "connection_ack":
                    return
                if kind == "ping":
                    await connection.send(json.dumps({"type": "pong"}))

    async def _handle(self, connection: ClientConnection, message: dict[str, Any]) -> None:
        kind, subscription = message.get("type"), self._subscriptions.get(str(message.get("id")))
        if kind == "ping":
            await connection.send(json.dumps({"type": "pong"}))
        elif subscription is None:
            return
        elif kind == "next":
            payload = message.get("payload") or {}
            if payload.get("errors"):
                subscription.put(refusal(payload["errors"]))
            elif payload.get("data"):
                subscription.put(payload["data"])
        elif kind == "error":
            error = refusal(message.get("payload"))
            if isinstance(error, UnavailableError) or error.code == "SLOW_CONSUMER":
                raise _DroppedError(str(error))
            self._subscriptions.pop(str(message["id"]), None)
            subscription.put(error)
        elif kind == "complete":
            # The platform has not been asked to end it: it is going away.
            raise _DroppedError(f"{self._config.host} ended a subscription.")


def _message(raw: str | bytes) -> dict[str, Any]:
    try:
        message = json.loads(raw)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise RefusedError("The platform sent an event that is not graphql-transport-ws.")
    return message


def _raise_if_final(code: int, reason: str) -> None:
    """An HTTP status or close code after which connecting again is of no use."""
    again = "Run `client-console login`."
    if code in _UNAUTHORIZED:
        raise _RejectedTokenError(LoginError(f"The platform does not take your token. {again}"))
    if code in _FORBIDDEN:
        raise _RejectedTokenError(
            ForbiddenError(f"The platform refuses events ({reason or 'forbidden'}). {again}")
        )
    if code in _PROTOCOL_ERRORS:
        raise RefusedError(f"The platform ends the subscription: {code} {reason}.", str(code))
