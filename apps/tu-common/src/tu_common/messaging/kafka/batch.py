"""Records that were read together: which are done, and up to where they may be committed."""

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from typing import Any

from tu_common.messaging.work import Work

Place = tuple[str, int]
"""A topic and the number of one of its partitions."""


class Record:
    """One record, from its first attempt to its last."""

    def __init__(self, record: Any, work: Work) -> None:
        self.place: Place = (record.topic(), record.partition())
        self.offset: int = record.offset()
        self.future: Future[None] | None = None
        self.done = False
        self.abandoned = False
        self._work = work
        self._again_at = 0.0

    @property
    def open(self) -> bool:
        return not (self.done or self.abandoned)

    def advance(self) -> None:
        if not self.open or time.monotonic() < self._again_at:
            return
        if self.future is None:
            self.future = self._work.attempt()
        if self.future.done():
            if self.future.exception() is None:
                self.done = True
            else:
                self._again_at = time.monotonic() + self._work.pause()
                self.future = None


class Batch:
    """The records of one window, in the order in which they were read."""

    def __init__(self) -> None:
        self._records: list[Record] = []

    def __bool__(self) -> bool:
        return bool(self._records)

    def add(self, record: Record) -> None:
        self._records.append(record)

    def clear(self) -> None:
        self._records = []

    def open(self) -> Sequence[Record]:
        """Those that are neither done nor abandoned."""
        return [record for record in self._records if record.open]

    def advance(self, *, begin: bool) -> None:
        """Try each as far as it goes now; without ``begin``, give up what is not under way."""
        for record in self._records:
            if not begin and record.future is None:
                record.abandoned = True
            record.advance()

    def abandon(self, places: Iterable[Place]) -> None:
        """Leave the records of partitions that another member reads from now on."""
        gone = set(places)
        for record in self._records:
            if record.place in gone:
                record.abandoned = True

    def committable(self, places: Iterable[Place]) -> dict[Place, int]:
        """For each of these partitions the offset up to which every record is done."""
        mine = set(places)
        offsets: dict[Place, int] = {}
        unfinished: set[Place] = set()
        for record in self._records:
            if record.abandoned or not record.done:
                unfinished.add(record.place)
            elif record.place in mine and record.place not in unfinished:
                offsets[record.place] = record.offset + 1
        return offsets
