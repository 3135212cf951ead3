"""Requests that go on in the background while something else happens to the platform."""

import asyncio
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import httpx

from client_console import graphql
from client_console.front_door import http_client
from tests.support.platform import Account, Platform

_PAUSE_SECONDS = 0.1


@dataclass
class Pinger:
    """Pings until it is told to stop, over kept and over new connections; it retries nothing."""

    platform: Platform
    account: Account
    answered: int = 0
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        for kept in (True, False):
            thread = threading.Thread(target=lambda kept=kept: asyncio.run(self._ping(kept)))
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    async def _ping(self, kept: bool) -> None:
        config = self.platform.config
        http = http_client(config)
        token, taken = await asyncio.to_thread(self.account.token), time.monotonic()
        while not self._stop.is_set():
            if time.monotonic() - taken > 60:
                # A request must not fail because its token grew old under way.
                token = await asyncio.to_thread(self.account.token)
                taken = time.monotonic()
            try:
                answer = await http.post(
                    config.endpoint,
                    json={"query": graphql.PING},
                    headers={"Authorization": f"Bearer {token}"},
                )
            except httpx.HTTPError as error:
                self._failed(kept, repr(error))
            else:
                if answer.status_code == 200 and answer.json().get("data") == {"ping": "pong"}:
                    self.answered += 1
                else:
                    self._failed(kept, f"{answer.status_code} {answer.text[:200]}")
            if not kept:
                await http.aclose()
                http = http_client(config)
            await asyncio.sleep(_PAUSE_SECONDS)
        await http.aclose()

    def _failed(self, kept: bool, why: str) -> None:
        line = "kept" if kept else "new"
        self.failures.append(f"{time.strftime('%H:%M:%S')} {line} connection: {why}")
