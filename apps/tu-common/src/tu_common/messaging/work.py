"""One message on its way through a consumer, the same for every broker."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace

from tu_common import logs
from tu_common.messaging import metrics
from tu_common.messaging.backoff import Backoff
from tu_common.messaging.core import (
    Effect,
    Handler,
    InvalidMessage,
    Message,
    ProbablyInvalid,
    Publisher,
    TransientError,
)
from tu_common.messaging.futures import all_done
from tu_common.messaging.parking import fingerprint, smaller

_log = logging.getLogger(__name__)

# With the pauses between them about half a minute: long enough for a secret that is being changed.
ATTEMPTS_AT_THE_PROBABLY_INVALID = 8

Park = Callable[[Message, InvalidMessage], Effect]
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
            all_done(
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
        self._parked = self._park(self.message, error)
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
                "body": fingerprint(self.message.body),
            },
        )
        return []

    def _again(self, error: BaseException, result: "Future[None]") -> None:
        metrics.RETRIED.labels(self.message.source).inc()
        _log.warning("to be tried again: %s", error, extra=self._about())
        result.set_exception(error)

    def _about(self) -> dict[str, str]:
        return {"source": self.message.source, "messageId": self.message.message_id}
