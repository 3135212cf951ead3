"""Analysis events, and who gets to see which.

The hub lives on one asyncio loop and has no locks; what comes from other threads is handed over
with ``call_soon_threadsafe``.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from graph_gateway import metrics
from graph_gateway.errors import ApiError, ErrorCode
from tu_common.messages import AnalysisCompleted, AnalysisStarted
from tu_common.messaging import InvalidMessage, Message


class Kind(StrEnum):
    STARTED = "onAnalysisStarted"
    COMPLETED = "onAnalysisCompleted"


@dataclass(frozen=True)
class AnalysisEvent:
    kind: Kind
    message_id: str
    correlation_id: str
    object_key: str
    payload: dict[str, Any]
    """As the schema has it."""


@dataclass(frozen=True)
class EventReader:
    """Messages of the stream to events, by the exchange that they came through."""

    started_exchange: str
    completed_exchange: str

    def read(self, message: Message) -> AnalysisEvent:
        body: AnalysisStarted | AnalysisCompleted
        if message.source == self.started_exchange:
            kind, body = Kind.STARTED, AnalysisStarted.read(message.body)
        elif message.source == self.completed_exchange:
            kind, body = Kind.COMPLETED, AnalysisCompleted.read(message.body)
        else:
            raise InvalidMessage("unknown-exchange", f"not an analysis event: {message.source!r}")
        correlation_id = message.correlation_id or body.correlation_id or ""
        object_key = body.object_key or message.key
        payload = body.plain()
        payload["correlationId"] = correlation_id or None
        payload["objectKey"] = object_key or None
        return AnalysisEvent(
            kind=kind,
            # Two deliveries of one effect share this id, whichever replica published it.
            message_id=message.cause_id,
            correlation_id=correlation_id,
            object_key=object_key,
            payload=payload,
        )


@dataclass(frozen=True)
class Interest:
    """What a subscriber wants to hear of."""

    kind: Kind
    owner: str
    correlation_id: str | None = None
    object_key: str | None = None

    @property
    def replays(self) -> bool:
        return self.correlation_id is not None or self.object_key is not None

    def wants(self, event: AnalysisEvent) -> bool:
        return (
            event.kind is self.kind
            and self.correlation_id in (None, event.correlation_id)
            and self.object_key in (None, event.object_key)
        )


Owns = Callable[[str, str], bool]
"""Correlation id and owner: is it the owner's?"""


class Subscription:
    """An endless iterator over payloads, with bounded room for what is not yet taken."""

    def __init__(self, hub: "EventHub", interest: Interest, backlog: list[AnalysisEvent]) -> None:
        self.interest = interest
        self._hub = hub
        self._waiting: deque[AnalysisEvent] = deque(backlog)
        self._room = hub.queue_size + len(backlog)
        self._wake = asyncio.Event()
        self._overrun = False
        self._closed = False
        if backlog:
            self._wake.set()

    def offer(self, event: AnalysisEvent) -> None:
        if len(self._waiting) >= self._room:
            self._overrun = True
            self._waiting.clear()
            self._hub.remove(self)
            metrics.SLOW_CONSUMERS.inc()
        else:
            self._waiting.append(event)
        self._wake.set()

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> dict[str, Any]:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            if self._overrun:
                self._closed = True
                raise ApiError(
                    ErrorCode.SLOW_CONSUMER,
                    "Events came faster than they were taken; subscribe again, "
                    "with correlationId to get what was missed.",
                )
            self._wake.clear()
            await self._wake.wait()
        return {self.interest.kind.value: self._waiting.popleft().payload}

    async def aclose(self) -> None:
        self._closed = True
        self._waiting.clear()
        self._hub.remove(self)
        self._wake.set()


class EventHub:
    """Hands events to those who may see them, and keeps the recent ones for those who come late."""

    def __init__(
        self,
        owns: Owns,
        *,
        keep_seconds: float = 900.0,
        keep_events: int = 20_000,
        queue_size: int = 100,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.queue_size = queue_size
        self._owns = owns
        self._keep_seconds = keep_seconds
        self._keep_events = keep_events
        self._clock = clock
        # Both as old as the buffer: a redelivery comes soon or not at all.
        self._recent: deque[tuple[float, AnalysisEvent]] = deque()
        self._seen: OrderedDict[tuple[Kind, str], float] = OrderedDict()
        self._subscriptions: set[Subscription] = set()

    def publish(self, event: AnalysisEvent) -> None:
        now = self._clock()
        self._forget(now)
        if event.message_id:
            identity = (event.kind, event.message_id)
            if identity in self._seen:
                metrics.EVENTS.labels(event.kind.value, "repeated").inc()
                return
            self._seen[identity] = now
        metrics.EVENTS.labels(event.kind.value, "new").inc()
        self._recent.append((now, event))
        for subscription in list(self._subscriptions):
            if self._visible(event, subscription.interest):
                subscription.offer(event)

    def subscribe(self, interest: Interest) -> Subscription:
        self._forget(self._clock())
        backlog = (
            [event for _, event in self._recent if self._visible(event, interest)]
            if interest.replays
            else []
        )
        subscription = Subscription(self, interest, backlog)
        self._subscriptions.add(subscription)
        metrics.SUBSCRIPTIONS.inc()
        return subscription

    def remove(self, subscription: Subscription) -> None:
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
            metrics.SUBSCRIPTIONS.dec()

    def _visible(self, event: AnalysisEvent, interest: Interest) -> bool:
        return interest.wants(event) and self._owns(event.correlation_id, interest.owner)

    def _forget(self, now: float) -> None:
        oldest = now - self._keep_seconds
        while self._recent and (
            self._recent[0][0] < oldest or len(self._recent) >= self._keep_events
        ):
            self._recent.popleft()
        while self._seen:
            identity, at = next(iter(self._seen.items()))
            if at >= oldest and len(self._seen) < self._keep_events:
                break
            del self._seen[identity]
