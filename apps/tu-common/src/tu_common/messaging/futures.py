"""What a publisher promises: a future for each message, ended by the broker's word."""

import threading
from collections.abc import Callable
from concurrent.futures import Future

from tu_common.messaging import metrics
from tu_common.messaging.core import TransientError


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


def promised(destination: str) -> "Future[None]":
    """A new future for a message to ``destination``; how it ends is counted."""
    future: Future[None] = Future()
    future.add_done_callback(
        lambda done: metrics.PUBLISHED.labels(
            destination, "failed" if done.cancelled() or done.exception() else "confirmed"
        ).inc()
    )
    return future


def all_done(
    futures: list["Future[None]"], then: Callable[[list[BaseException | None]], None]
) -> None:
    """Call ``then`` with each future's error, or None, as soon as the last one has ended."""
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
