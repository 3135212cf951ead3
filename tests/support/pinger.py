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
_LINES = ("kept", "new")


@dataclass
class Pinger:
    """Pings until it is told to stop, over kept and over new connections; it retries nothing."""

    platform: Platform
    account: Account
    answered: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_LINES, 0))
    """How many pings were answered, by kind of connection."""
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        for line in _LINES:
            thread = threading.Thread(target=self._run, args=(line,))
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
            thread.join()

    def _run(self, line: str) -> None:
        try:
            asyncio.run(self._ping(line))
        except Exception as error:  # whatever ends the pings is a failure of the test
            self._failed(line, repr(error))

    async def _ping(self, line: str) -> None:
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
                self._failed(line, repr(error))
            else:
                if answer.status_code == 200 and answer.json().get("data") == {"ping": "pong"}:
                    self.answered[line] += 1
                else:
                    self._failed(line, f"{answer.status_code} {answer.text[:200]}")
            if line == "new":
                await http.aclose()
                http = http_client(config)
            await asyncio.sleep(_PAUSE_SECONDS)
        await http.aclose()

    def _failed(self, line: str, why: str) -> None:
        self.failures.append(f"{time.strftime('%H:%M:%S')} {line} connection: {why}")
