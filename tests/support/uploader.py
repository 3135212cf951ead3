"""Pictures that keep coming while something else happens to the platform."""

import json
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.platform import Account

_MOST_SECONDS = 400
"""For one client with all its pictures, while parts of the platform are replaced."""


@dataclass
class Uploader:
    """Runs client after client, each with all ``pictures``, until it is told to stop.

    It stops by itself at the first picture that is not answered.
    """

    account: Account
    pictures: list[Path]
    rounds: int = 0
    """How many clients had every picture answered."""
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _client: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Every picture that was begun is waited for, unless the test has failed already."""
        assert self._thread is not None
        self._stop.set()
        if kind is not None and self._client is not None:
            self._client.kill()
        self._thread.join()

    def goes_on(self) -> None:
        """Wait until a client that begins from now on had all its pictures answered."""
        # The one that is under way began earlier.
        wanted, give_up = self.rounds + 2, time.monotonic() + 3 * _MOST_SECONDS
        while self.rounds < wanted:
            assert self._thread is not None and self._thread.is_alive(), self.failures
            assert time.monotonic() < give_up, f"no {wanted} rounds, but {self.rounds}"
            time.sleep(0.2)

    def _run(self) -> None:
        while not self._stop.is_set() and not self.failures:
            try:
                self._round()
            except Exception as error:
                self.failures.append(repr(error))

    def _round(self) -> None:
        # One at a time: a client, and with it a socket, is under way nearly always, and the
        # platform has time left for what happens to it.
        arguments = ("upload", "--json", "--parallel", 1, "--timeout", _MOST_SECONDS)
        with self.account.start_client(*arguments, *self.pictures) as client:
            self._client = client
            try:
                out, err = client.communicate(timeout=_MOST_SECONDS + 60)
            finally:
                client.kill()
        results = [json.loads(line) for line in out.splitlines()]
        answered = [result["file"] for result in results if result["success"]]
        if client.returncode == 0 and answered == [str(picture) for picture in self.pictures]:
            self.rounds += 1
        else:
            self.failures.append(f"{time.strftime('%H:%M:%S')} {client.returncode}: {out}\n{err}")
