"""One message on its way through a consumer, the same for every broker."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import replace

from tu_common import logs
from tu_common.messaging import metrics
from tu_common.messaging.backoff import Backoff
from tu_common.messaging.core import (
    HEADER_MESSAGE_ID,
    HEADER_PARKED_ERROR,
    HEADER_PARKED_REASON,
    PARKING_HEADERS,
    Effect,
    Handler,
    InvalidMessage,
    Message,
    Publisher,
    TransientError,
)

_log = logging.getLogger(__name__)

_MAX_ERROR = 500

Park = Callable[[InvalidMessage], Effect]


class Work:
    """Handle a message and publish its effects, or park it; ``attempt`` until it succeeds.

    The handler runs again only where it failed; an effect that is confirmed is not repeated.
    """

    def __init__(
        self,
        message: Message,
        handler: Handler,
        effects: Publisher,
        parking: Publisher,
        park: Park,
    ) -> None:
        self.message = message
        self._handler = handler
        self._effects = effects
        self._parking = parking
        self._park = park
        self._todo: list[tuple[Publisher, Effect]] | None = None
        self._parked = False
        self._backoff = Backoff()
        self._began = time.monotonic()

    def attempt(self) -> "Future[None]":
        """Ends well when every effect is confirmed; with an exception where it must be repeated."""
        result: Future[None] = Future()
        with logs.correlation(self.message.correlation_id):
            try:
                if self._todo is None:
                    self._todo = self._handle()
            except TransientError as error:
                self._again(error, result)
                return result
            todo = self._todo
            _all_done(
                [publisher.submit(effect) for publisher, effect in todo],
                lambda errors: self._settle(todo, errors, result),
            )
        return result

    def pause(self) -> float:
        """Seconds to wait before the next attempt."""
        return self._backoff.pause()

    def _handle(self) -> list[tuple[Publisher, Effect]]:
        try:
            return [(self._effects, effect) for effect in self._handler(self.message)]
        except TransientError:
            raise
        except InvalidMessage as error:
            return self._to_parking(error)
        except Exception as error:
            _log.exception("the handler failed", extra=self._about())
            return self._to_parking(InvalidMessage("handler-failed", repr(error)))

    def _to_parking(self, error: InvalidMessage) -> list[tuple[Publisher, Effect]]:
        _log.warning("parked: %s", error, extra=self._about())
        self._parked = True
        todo = [(self._effects, effect) for effect in error.effects]
        return [*todo, (self._parking, self._park(error))]

    def _settle(
        self,
        todo: list[tuple[Publisher, Effect]],
        errors: list[BaseException | None],
        result: "Future[None]",
    ) -> None:
        with logs.correlation(self.message.correlation_id):
            failed = [error for error in errors if error is not None]
            invalid = [error for error in failed if isinstance(error, InvalidMessage)]
            if invalid and not self._parked:
                self._todo = self._to_parking(invalid[0])
                self._again(invalid[0], result)
            elif failed:
                self._todo = [item for item, error in zip(todo, errors, strict=True) if error]
                self._again(failed[0], result)
            else:
                outcome = "parked" if self._parked else "done"
                metrics.CONSUMED.labels(self.message.source, outcome).inc()
                metrics.HANDLED.labels(self.message.source).observe(time.monotonic() - self._began)
                result.set_result(None)

    def _again(self, error: BaseException, result: "Future[None]") -> None:
        metrics.RETRIED.labels(self.message.source).inc()
        _log.warning("to be tried again: %s", error, extra=self._about())
        result.set_exception(error)

    def _about(self) -> dict[str, str]:
        return {"source": self.message.source, "messageId": self.message.message_id}


def parked_copy(message: Message, error: InvalidMessage, **origin: str) -> Message:
    """The message as it is parked: untouched, with the reason and where it was in its headers."""
    headers = {
        **message.headers,
        HEADER_MESSAGE_ID: message.cause_id,
        HEADER_PARKED_REASON: error.reason,
        HEADER_PARKED_ERROR: error.error[:_MAX_ERROR],
        **origin,
    }
    return replace(message, headers=headers)


def replayed_copy(message: Message) -> Message:
    """The message as it is put back: without what parking added."""
    headers = {k: v for k, v in message.headers.items() if k not in PARKING_HEADERS}
    return replace(message, headers=headers)


def _all_done(
    futures: list["Future[None]"], then: Callable[[list[BaseException | None]], None]
) -> None:
    if not futures:
        then([])
        return
    left = len(futures)
    lock = threading.Lock()

    def one_done(_: "Future[None]") -> None:
        nonlocal left
        with lock:
            left -= 1
            last = left == 0
        if last:
            then([_error(future) for future in futures])

    for future in futures:
        future.add_done_callback(one_done)


def _error(future: "Future[None]") -> BaseException | None:
    if future.cancelled():
        return TransientError("publishing was given up")
    return future.exception()


def settle(future: "Future[None]", error: BaseException | None = None) -> None:
    """End a future unless whoever waits for it has given up meanwhile."""
    if not future.set_running_or_notify_cancel():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


def wait_for(future: "Future[None]", timeout: float) -> None:
    """Wait for a submitted effect; ``TransientError`` where the broker does not answer in time."""
    try:
        future.result(timeout)
    except TimeoutError:
        future.cancel()
        raise TransientError(f"no confirmation from the broker within {timeout:g} s") from None


def count_published(destination: str, futures: Iterable["Future[None]"]) -> None:
    for future in futures:
        future.add_done_callback(
            lambda done: metrics.PUBLISHED.labels(
                destination, "failed" if done.cancelled() or done.exception() else "confirmed"
            ).inc()
        )
