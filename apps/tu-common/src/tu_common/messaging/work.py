"""One message on its way through a consumer, the same for every broker."""

import hashlib
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
    HEADER_PARKED_WITHOUT,
    HEADER_PRODUCER,
    HEADER_SCHEMA,
    PARKING_HEADERS,
    Effect,
    Handler,
    InvalidMessage,
    Message,
    ProbablyInvalid,
    Publisher,
    TransientError,
)

_log = logging.getLogger(__name__)

_MAX_ERROR = 500
# What any broker takes as a header, an id or a key.
_MAX_KEPT = 255
_KEPT = PARKING_HEADERS | {HEADER_MESSAGE_ID, HEADER_SCHEMA, HEADER_PRODUCER}

# With the pauses between them about half a minute: long enough for a secret that is being changed.
ATTEMPTS_AT_THE_PROBABLY_INVALID = 8

Park = Callable[[InvalidMessage], Effect]
_Todo = tuple[Publisher, Effect]


class Work:
    """Handle a message and publish its effects, or park it; ``attempt`` until it succeeds.

    The handler runs again only where it failed; an effect that is confirmed is not repeated. What
    the broker refuses to park is parked in a smaller form: one message must not hold up the rest.
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
        self._todo: list[_Todo] | None = None
        self._parked: Effect | None = None
        self._outcome = "done"
        self._doubts = 0
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

    def _handle(self) -> list[_Todo]:
        try:
            return [(self._effects, effect) for effect in self._handler(self.message)]
        except TransientError:
            raise
        except ProbablyInvalid as error:
            self._doubts += 1
            if self._doubts < ATTEMPTS_AT_THE_PROBABLY_INVALID:
                raise TransientError(str(error)) from error
            return self._to_parking(error)
        except InvalidMessage as error:
            return self._to_parking(error)
        except Exception as error:
            _log.exception("the handler failed", extra=self._about())
            return self._to_parking(InvalidMessage("handler-failed", repr(error)))

    def _to_parking(self, error: InvalidMessage) -> list[_Todo]:
        _log.warning("parked: %s", error, extra=self._about())
        self._outcome = "parked"
        self._parked = self._park(error)
        todo = [(self._effects, effect) for effect in error.effects]
        return [*todo, (self._parking, self._parked)]

    def _settle(
        self,
        todo: list[_Todo],
        errors: list[BaseException | None],
        result: "Future[None]",
    ) -> None:
        with logs.correlation(self.message.correlation_id):
            failed = [(item, error) for item, error in zip(todo, errors, strict=True) if error]
            invalid = [error for _, error in failed if isinstance(error, InvalidMessage)]
            if invalid and not self._parked:
                self._todo = self._to_parking(invalid[0])
            else:
                self._todo = [left for item, error in failed for left in self._left(item, error)]
            if self._todo:
                self._again(failed[0][1], result)
            else:
                metrics.CONSUMED.labels(self.message.source, self._outcome).inc()
                metrics.HANDLED.labels(self.message.source).observe(time.monotonic() - self._began)
                result.set_result(None)

    def _left(self, item: _Todo, error: BaseException) -> list[_Todo]:
        """What is left to do where something of a parked message could not be published."""
        if not isinstance(error, InvalidMessage):
            return [item]
        publisher, effect = item
        is_parked_copy = effect is self._parked
        less = smaller(effect.message) if is_parked_copy else None
        if less is not None:
            self._parked = replace(effect, message=less)
            return [(publisher, self._parked)]
        if is_parked_copy:
            self._outcome = "lost"
        _log.error(
            "given up, because it cannot be published in any form: %s",
            error,
            extra={
                **self._about(),
                "destination": effect.destination,
                "causeId": self.message.cause_id,
                "key": self.message.key,
                "body": _fingerprint(self.message.body),
            },
        )
        return []

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
        HEADER_PARKED_ERROR: _plain(error.error, _MAX_ERROR),
        **origin,
    }
    return replace(message, headers=headers)


def smaller(parked: Message) -> Message | None:
    """What to park where the broker refuses ``parked``; None where nothing more can be left out.

    First the headers go that are not the platform's, then the body: of a Kafka record it can still
    be read at ``x-original-position`` while the topic keeps it.
    """
    if HEADER_PARKED_WITHOUT not in parked.headers:
        kept = {name: _plain(value) for name, value in parked.headers.items() if name in _KEPT}
        return replace(
            parked,
            headers={**kept, HEADER_PARKED_WITHOUT: "headers"},
            message_id=_plain(parked.message_id),
            correlation_id=_plain(parked.correlation_id),
            key=_plain(parked.key),
        )
    if not parked.body:
        return None
    without = f"headers, body: {_fingerprint(parked.body)}"
    return replace(parked, body=b"", headers={**parked.headers, HEADER_PARKED_WITHOUT: without})


def is_whole(parked: Message) -> bool:
    """Whether a parked message still has its body, so that it can be put back."""
    return "body" not in parked.headers.get(HEADER_PARKED_WITHOUT, "")


def replayed_copy(message: Message) -> Message:
    """The message as it is put back: without what parking added."""
    headers = {k: v for k, v in message.headers.items() if k not in PARKING_HEADERS}
    return replace(message, headers=headers)


def _fingerprint(body: bytes) -> str:
    return f"{len(body)} bytes, sha256:{hashlib.sha256(body).hexdigest()}"


def _plain(text: str, most: int = _MAX_KEPT) -> str:
    """So much of a text that it has ``most`` bytes, without what is not text."""
    return text.encode("utf-8", "replace")[:most].decode("utf-8", "ignore")


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
