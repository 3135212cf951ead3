"""One WebSocket on the asyncio loop: timers and operations around the protocol's state machine."""

import asyncio
import contextlib
import json
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor as Pool
from dataclasses import dataclass
from functools import partial

from graphql import GraphQLError, OperationType
from wsproto import WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    TextMessage,
)
from wsproto.utilities import LocalProtocolError

from graph_gateway import metrics
from graph_gateway.errors import ApiError, RequestError, formatted
from graph_gateway.execution import Executor, internal, response
from graph_gateway.sockets.line import Line
from graph_gateway.sockets.options import SocketOptions
from graph_gateway.sockets.protocol import (
    SUBPROTOCOL,
    Actions,
    Authenticate,
    Close,
    CloseCode,
    Send,
    Session,
    Start,
    Stop,
)
from graph_gateway.tokens import AuthenticationError, KeysUnavailableError, Principal

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Upgrade:
    """A handshake that was read and found good, but not answered yet."""

    wire: WSConnection
    subprotocols: tuple[str, ...]
    authorization: str | None


class Connection:
    def __init__(
        self, upgrade: Upgrade, executor: Executor, pool: Pool, options: SocketOptions
    ) -> None:
        self._upgrade = upgrade
        self._line = Line(upgrade.wire, options)
        self._executor = executor
        self._pool = pool
        self._options = options
        self._session = Session(options.max_operations)
        self._caller: Principal | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._timers: list[asyncio.TimerHandle] = []
        self._background: set[asyncio.Task[None]] = set()
        self._incoming: list[str] = []
        self._incoming_characters = 0
        self._answered = False
        self._leaving = False

    async def run(self, sock: socket.socket) -> None:
        """Answer the handshake and serve until either side is done. Owns ``sock``."""
        await self._line.open(sock)
        metrics.SOCKETS.inc()
        try:
            await self._serve()
        except (ConnectionError, OSError, TimeoutError):
            pass  # the client is gone, which is its right
        finally:
            metrics.SOCKETS.dec()
            await self._perform(self._session.left())
            for timer in self._timers:
                timer.cancel()
            for task in (*self._operations.values(), *self._background):
                task.cancel()
            await self._line.hang_up()

    def go_away(self) -> None:
        self._leaving = True
        if self._answered:
            self._later(self._session.going_away())

    async def _serve(self) -> None:
        speaks = SUBPROTOCOL in self._upgrade.subprotocols
        accept = AcceptConnection(subprotocol=SUBPROTOCOL if speaks else None)
        await self._line.send(accept)
        self._answered = True
        loop = asyncio.get_running_loop()
        self._timers.append(
            loop.call_later(
                self._options.init_timeout, lambda: self._later(self._session.init_timed_out())
            )
        )
        self._spawn(self._line.keep_alive)
        if self._leaving:
            await self._perform(self._session.going_away())
        elif not speaks:
            await self._perform(self._session.subprotocol_missing())
        elif self._upgrade.authorization:
            await self._check_upgrade(self._upgrade.authorization)
        await self._read()

    async def _check_upgrade(self, authorization: str) -> None:
        """A bad token on the upgrade is said at once and not only when init comes."""
        try:
            self._caller = await self._verified(authorization)
        except AuthenticationError as refusal:
            metrics.REFUSED.labels("websocket", "unauthenticated").inc()
            await self._perform(self._session.refused(CloseCode.UNAUTHORIZED, refusal.reason))
        except KeysUnavailableError:
            await self._perform(self._session.going_away())

    async def _read(self) -> None:
        while not self._line.ended:
            within = self._options.close_timeout if self._session.closed else None
            for event in await self._line.receive(within):
                await self._handle(event)

    async def _handle(self, event: Event) -> None:
        match event:
            case TextMessage():
                self._incoming_characters += len(event.data)
                if self._incoming_characters > self._options.max_message_characters:
                    await self._perform(self._session.too_big())
                    return
                self._incoming.append(event.data)
                if event.message_finished:
                    text = "".join(self._incoming)
                    self._incoming.clear()
                    self._incoming_characters = 0
                    await self._perform(self._session.received(text))
            case BytesMessage():
                await self._perform(self._session.received_binary())
            case Ping():
                await self._line.send(event.response())
            case CloseConnection():
                if self._line.client_closes:
                    await self._line.send(event.response())
                await self._perform(self._session.left())

    async def _perform(self, actions: Actions) -> None:
        for action in actions:
            match action:
                case Send(message):
                    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
                    await self._line.send(TextMessage(text))
                case Close(code, reason):
                    metrics.SOCKETS_CLOSED.labels(str(int(code))).inc()
                    _log.info("websocket closed", extra={"code": int(code), "reason": reason})
                    if self._line.is_open:
                        await self._line.send(CloseConnection(int(code), reason))
                    # The client has a moment to answer; then the line is cut.
                    self._timers.append(
                        asyncio.get_running_loop().call_later(
                            self._options.close_timeout, self._line.cut
                        )
                    )
                case Authenticate(authorization):
                    await self._authenticate(authorization)
                case Start():
                    self._operations[action.id] = asyncio.create_task(self._operate(action))
                case Stop(id):
                    task = self._operations.pop(id, None)
                    if task is not None:
                        task.cancel()

    async def _authenticate(self, authorization: str | None) -> None:
        try:
            if authorization is not None:
                self._caller = await self._verified(authorization)
        except AuthenticationError as refusal:
            metrics.REFUSED.labels("websocket", "unauthenticated").inc()
            await self._perform(self._session.refused(CloseCode.FORBIDDEN, refusal.reason))
            return
        except KeysUnavailableError:
            await self._perform(self._session.going_away())
            return
        if self._caller is None:
            metrics.REFUSED.labels("websocket", "unauthenticated").inc()
            await self._perform(
                self._session.refused(CloseCode.UNAUTHORIZED, "A bearer token is required.")
            )
        elif not self._executor.verifier.in_scope(self._caller):
            # Subscriptions are what a socket is for, and all of them need the scope.
            metrics.REFUSED.labels("websocket", "forbidden").inc()
            await self._perform(
                self._session.refused(CloseCode.FORBIDDEN, "The token lacks the scope.")
            )
        else:
            self._timers.append(
                asyncio.get_running_loop().call_later(
                    max(0.0, self._caller.expires_at - time.time()),
                    lambda: self._later(self._session.token_expired()),
                )
            )
            await self._perform(self._session.accepted())

    async def _verified(self, authorization: str) -> Principal:
        # In the pool: it may have to ask the issuer for a key.
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, self._executor.verifier.from_header, authorization
        )

    async def _operate(self, start: Start) -> None:
        caller = self._caller
        if caller is None:
            raise RuntimeError("operations begin only after authentication")
        try:
            try:
                operation = self._executor.prepare(
                    caller, start.query, start.operation_name, start.variables
                )
                if operation.type is OperationType.SUBSCRIPTION:
                    source = await self._executor.follow(operation, caller, start.variables)
                    async with contextlib.aclosing(source):  # type: ignore[type-var]
                        async for result in source:
                            await self._perform(self._session.next(start.id, response(result)))
                else:
                    result = await asyncio.get_running_loop().run_in_executor(
                        self._pool,
                        self._executor.run,
                        operation,
                        caller,
                        start.variables,
                        "websocket",
                    )
                    await self._perform(self._session.next(start.id, response(result)))
                await self._perform(self._session.completed(start.id))
            except RequestError as refusal:
                await self._fail(start.id, refusal.errors)
            except GraphQLError as error:
                await self._fail(start.id, [error])
            except (ConnectionError, OSError, TimeoutError, LocalProtocolError):
                self._line.cut()
            except Exception as error:  # said to the client as INTERNAL, logged in full
                await self._fail(start.id, [_known(error)])
        finally:
            # The id may have been taken again by now.
            if self._operations.get(start.id) is asyncio.current_task():
                del self._operations[start.id]

    async def _fail(self, id: str, errors: list[GraphQLError]) -> None:
        await self._perform(self._session.error(id, formatted(errors)))

    def _later(self, actions: Actions) -> None:
        if actions:
            self._spawn(partial(self._perform, actions))

    def _spawn(self, work: Callable[[], Awaitable[None]]) -> None:
        async def guarded() -> None:
            with contextlib.suppress(ConnectionError, OSError, TimeoutError, LocalProtocolError):
                await work()

        task = asyncio.create_task(guarded())
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _known(error: Exception) -> GraphQLError:
    if isinstance(error, ApiError):
        return GraphQLError(error.message, original_error=error)
    return internal(error)
