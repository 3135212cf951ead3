"""What was published on a channel and is not confirmed by the broker yet."""

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import pika
import pika.exceptions

from tu_common.messaging.core import Effect, TransientError, Unroutable
from tu_common.messaging.futures import settle


class Item:
    """A message on its way: what to publish, and the promise to whoever submitted it."""

    __slots__ = ("effect", "future", "properties", "returned")

    def __init__(
        self, effect: Effect, future: "Future[None]", properties: pika.BasicProperties
    ) -> None:
        self.effect = effect
        self.future = future
        self.properties = properties
        self.returned = False


class Confirms:
    """Matches the broker's confirms and returns to messages; for the publisher's own thread."""

    def __init__(self) -> None:
        self._in_flight: dict[int, Item] = {}
        self._tag = 0

    def __len__(self) -> int:
        return len(self._in_flight)

    def items(self) -> Sequence[Item]:
        """Those without a confirm, in the order in which they were published."""
        return list(self._in_flight.values())

    def take(self) -> Sequence[Item]:
        """The same, and forget them: the channel is gone."""
        items = self.items()
        self._in_flight.clear()
        return items

    def on_channel(self) -> None:
        """Each channel counts its messages from 1."""
        self._tag = 0

    def published(self, item: Item) -> None:
        self._tag += 1
        self._in_flight[self._tag] = item

    def on_return(self, _: Any, method: Any, properties: Any, body: bytes) -> None:
        """The broker found no queue for a message; it confirms it all the same."""
        returned = (method.exchange, method.routing_key, properties.message_id or "")
        for item in self._in_flight.values():
            effect = item.effect
            sent = (effect.destination, effect.routing_key, effect.message.message_id)
            if sent == returned and not item.returned:
                item.returned = True
                return

    def on_confirm(self, method: Any) -> None:
        positive = isinstance(method, pika.spec.Basic.Ack)
        tags = [method.delivery_tag]
        if method.multiple:
            tags = [tag for tag in self._in_flight if tag <= method.delivery_tag]
        for tag in tags:
            item = self._in_flight.pop(tag, None)
            if item is not None:
                settle(item.future, _outcome(item, positive))


def _outcome(item: Item, positive: bool) -> TransientError | None:
    if not positive:
        return TransientError("RabbitMQ could not take the message")
    if item.returned:
        effect = item.effect
        return Unroutable(f"no queue is bound to {effect.destination!r} for {effect.routing_key!r}")
    return None
