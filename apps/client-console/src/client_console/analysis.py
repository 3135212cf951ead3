"""From a picture to what was recognised on it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx

from client_console import graphql
from client_console.asking import Notice, Patience, persistently, send
from client_console.config import MEBIBYTE
from client_console.errors import (
    ClientError,
    Exit,
    RefusedError,
    UnavailableError,
    UnreachableError,
)
from client_console.events import Events, Subscription
from client_console.graphql import GraphQL
from client_console.pictures import Picture

_CHUNK_BYTES = 64 * 1024
_REPLAY_SECONDS = 2.0


@dataclass
class Outcome:
    """What became of one picture."""

    name: str
    object_key: str = ""
    correlation_id: str = ""
    success: bool | None = None
    """None: not known (an error came first, or nobody waited)."""
    recognition: dict[str, Any] | None = None
    error: ClientError | None = None
    seconds: float = 0.0
    stage: str = field(default="waiting", compare=False)

    @property
    def recognised(self) -> bool:
        """Whether a machine was named; a picture may be answered well and show nothing known."""
        aggregate = (self.recognition or {}).get("aggregate") or {}
        return bool(self.success and (aggregate.get("brand") or aggregate.get("model")))

    @property
    def exit(self) -> Exit:
        if self.error is not None:
            return self.error.exit
        return Exit.OK if self.success is None or self.recognised else Exit.NOT_RECOGNISED

    def as_json(self) -> dict[str, Any]:
        error = self.error
        return {
            "file": self.name,
            "objectKey": self.object_key or None,
            "correlationId": self.correlation_id or None,
            "success": self.success,
            "recognitionPayload": self.recognition,
            "error": {"code": error.code, "message": str(error)} if error else None,
            "seconds": round(self.seconds, 2),
        }


Progress = Callable[[Outcome, int], None]
"""Told of each step: the outcome so far (its ``stage``), and the bytes sent."""


class Analyst:
    """Uploads pictures, asks for analyses, and waits for their results."""

    def __init__(
        self,
        *,
        api: GraphQL,
        events: Events,
        storage: httpx.AsyncClient,
        notice: Notice,
        patience: Patience,
        progress: Progress = lambda _outcome, _sent: None,
    ) -> None:
        self._api = api
        self._events = events
        self._storage = storage
        self._notice = notice
        self._patience = patience
        self._progress = progress

    async def upload_all(
        self, pictures: list[Picture], *, concurrency: int, within: float, wait: bool
    ) -> list[Outcome]:
        """All pictures, at most ``concurrency`` at a time; ``within`` so many seconds in all."""
        gate = asyncio.Semaphore(concurrency)
        deadline = asyncio.get_running_loop().time() + within

        async def one(picture: Picture) -> Outcome:
            outcome = Outcome(str(picture.path))

            async def work() -> None:
                async with gate:
                    await self._upload(picture, outcome, wait)

            await self._bounded(work, outcome, deadline, within)
            return outcome

        return list(await asyncio.gather(*(one(picture) for picture in pictures)))

    async def request(self, object_key: str, *, within: float, wait: bool) -> Outcome:
        """Analyse an uploaded picture once more."""
        outcome = Outcome(object_key, object_key=object_key)
        deadline = asyncio.get_running_loop().time() + within

        async def work() -> None:
            await self._request(object_key, outcome, wait)

        await self._bounded(work, outcome, deadline, within)
        return outcome

    async def _bounded(
        self,
        work: Callable[[], Any],
        outcome: Outcome,
        deadline: float,
        within: float,
    ) -> None:
        began = time.monotonic()
        try:
            async with asyncio.timeout_at(deadline):
                await work()
        except ClientError as error:
            outcome.error = error
        except TimeoutError:
            then = (
                f"`client-console request-analysis {outcome.object_key}` asks again."
                if outcome.stage in ("confirmed", "analysing")
                else "Nothing was announced; upload it again."
            )
            outcome.error = UnreachableError(
                f"no result within {within:g} s, the last step was: {outcome.stage}. {then}",
                "TIMEOUT",
            )
        outcome.seconds = time.monotonic() - began
        self._step(outcome, "failed" if outcome.error else "done")

    async def _upload(self, picture: Picture, outcome: Outcome, wait: bool) -> None:
        content = picture.read()
        self._step(outcome, "starting")
        if wait:
            await self._events.ready()
        started = await self._api.run(
            graphql.START_UPLOAD, filename=picture.path.name, contentType=picture.content_type
        )
        upload = started["startUpload"]
        where = upload["imageUploadPayload"]
        outcome.object_key = where["key"]
        outcome.correlation_id = upload["correlationId"]
        async with AsyncExitStack() as stack:
            result = await self._follow(stack, outcome) if wait else None
            await self._put(where["putUrl"], picture, content, outcome)
            await self._api.run(
                graphql.CONFIRM_UPLOAD,
                uploadId=where["uploadId"],
                bytes=picture.size,
                checksum=picture.checksum,
            )
            self._step(outcome, "confirmed", picture.size)
            if result is not None:
                _completed(outcome, await result.next())

    async def _put(self, url: str, picture: Picture, content: bytes, outcome: Outcome) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            for start in range(0, len(content), _CHUNK_BYTES):
                self._step(outcome, "uploading", start)
                yield content[start : start + _CHUNK_BYTES]

        async def put() -> None:
            request = self._storage.build_request(
                "PUT",
                url,
                content=chunks(),
                # The length is given because S3 takes no chunked body.
                headers={
                    "Content-Type": picture.content_type,
                    "Content-Length": str(len(content)),
                },
            )
            response = await send(self._storage, request)
            if response.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
                raise RefusedError(
                    f"the storage does not take {len(content) / MEBIBYTE:.1f} MiB.", "TOO_LARGE"
                )
            if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
                raise UnavailableError(f"{response.url.host} answers {response.status_code}.")
            if not response.is_success:
                raise RefusedError(
                    f"the storage refuses the upload: {response.status_code}. The permission lasts"
                    " some minutes only; upload it again."
                )

        await persistently(put, "storage", self._notice, self._patience)
        self._step(outcome, "uploaded", len(content))

    async def _request(self, object_key: str, outcome: Outcome, wait: bool) -> None:
        async with AsyncExitStack() as stack:
            result: Subscription | None = None
            earlier = 0
            if wait:
                await self._events.ready()
                # Results of earlier analyses of this picture are replayed first; the one that is
                # asked for here comes behind them.
                result = await stack.enter_async_context(
                    self._events.subscribe(graphql.COMPLETED, objectKey=object_key)
                )
                earlier = await result.count_until_quiet(_REPLAY_SECONDS)
            asked = await self._api.run(graphql.REQUEST_ANALYSIS, objectKey=object_key)
            outcome.correlation_id = asked["requestAnalysis"]["correlationId"]
            self._step(outcome, "analysing")
            if result is not None:
                _completed(outcome, await result.after(earlier))

    async def _follow(self, stack: AsyncExitStack, outcome: Outcome) -> Subscription:
        """Subscribe to both events of one upload; gives the subscription to its result."""
        events, correlation_id = self._events, outcome.correlation_id
        started = await stack.enter_async_context(
            events.subscribe(graphql.STARTED, correlationId=correlation_id)
        )
        completed = await stack.enter_async_context(
            events.subscribe(graphql.COMPLETED, correlationId=correlation_id)
        )

        async def announce() -> None:
            await started.next()
            if outcome.success is None:
                self._step(outcome, "analysing")

        task = asyncio.create_task(announce())
        stack.callback(task.cancel)
        return completed

    def _step(self, outcome: Outcome, stage: str, sent: int = 0) -> None:
        outcome.stage = stage
        self._progress(outcome, sent)


def _completed(outcome: Outcome, event: dict[str, Any]) -> None:
    result = event["onAnalysisCompleted"]
    outcome.success = bool(result["success"])
    outcome.recognition = result.get("recognitionPayload")
