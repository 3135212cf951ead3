"""HTTP requests: what their failures mean, and which of them are worth asking again."""

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import httpx

from client_console.errors import UnavailableError, UnreachableError

T = TypeVar("T")
Notice = Callable[[str], None]
"""Takes a sentence for the user about something that is not an error yet."""

RETRIED_STATUSES = frozenset({502, 503, 504})


@dataclass(frozen=True)
class Patience:
    """How long an idempotent step is tried again: a part of the platform may be restarting."""

    total: float = 90
    first: float = 0.25
    longest: float = 5

    def pause(self, attempt: int) -> float:
        """Full jitter: clients that failed together do not come back together."""
        most: float = min(self.longest, self.first * 2.0**attempt)
        return random.uniform(most / 2, most)  # noqa: S311 - spreads load, guards nothing


async def persistently(
    step: Callable[[], Awaitable[T]], what: str, notice: Notice, patience: Patience
) -> T:
    """Run ``step``, which may safely run twice, until it is not `UnavailableError` any more."""
    loop = asyncio.get_running_loop()
    deadline, attempt = loop.time() + patience.total, 0
    while True:
        try:
            return await step()
        except UnavailableError as error:
            pause = patience.pause(attempt)
            if loop.time() + pause > deadline:
                raise
            if attempt == 1:  # one failure is noise
                notice(f"{what}: {error} Trying again.")
            attempt += 1
            await asyncio.sleep(pause)


async def send(http: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """Send once; the exception tells a failure that may pass from one that will not."""
    try:
        response = await http.send(request)
    except httpx.TransportError as error:
        raise explain(error, request.url.host) from error
    if response.status_code in RETRIED_STATUSES:
        raise UnavailableError(
            f"{request.url.host} answers {response.status_code}: a part behind it is not ready."
        )
    return response


def explain(error: Exception, host: str) -> UnreachableError:
    """The sentence for a connection that failed."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return UnreachableError(
                f"{host} shows a certificate that is not trusted ({cause.verify_message}). Is"
                " ca_file the CA of this platform? `make up` writes it."
            )
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return UnavailableError(
            f"{host} does not answer in time. Is the platform up? `make status`."
        )
    reason = str(error) or type(error).__name__
    return UnavailableError(
        f"{host} cannot be reached ({reason}). Is the platform up? `make status`."
    )
