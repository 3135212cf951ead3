"""What the user sees: progress and notices on stderr, results on stdout."""

import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePath
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn
from rich.table import Table

from client_console.analysis import Outcome
from client_console.pictures import Picture

_UNKNOWN = "-"
_FILE_COLUMNS = 200


class Display:
    """Progress of several pictures: bars on a terminal, plain lines elsewhere."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, emoji=False)
        self._live = self._console.is_terminal
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[stage]}"),
            console=self._console,
            disable=not self._live,
        )
        self._tasks: dict[str, TaskID] = {}
        self._stages: dict[str, str] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def expect(self, pictures: list[Picture]) -> None:
        names = short_names([str(picture.path) for picture in pictures])
        for picture in pictures:
            path = str(picture.path)
            self._tasks[path] = self._bars.add_task(
                names[path], total=picture.size, stage="waiting"
            )

    def progress(self, outcome: Outcome, sent: int) -> None:
        if (task := self._tasks.get(outcome.name)) is not None:
            self._bars.update(task, stage=outcome.stage)
            if sent:
                self._bars.update(task, completed=sent)
        if not self._live and self._stages.get(outcome.name) != outcome.stage:
            self._console.print(f"{outcome.name}: {outcome.stage}", soft_wrap=True, markup=False)
        self._stages[outcome.name] = outcome.stage

    def notice(self, text: str) -> None:
        self._console.print(text, style="yellow", soft_wrap=True, markup=False)


def show_json(outcomes: list[Outcome]) -> None:
    """One JSON object a line."""
    for outcome in outcomes:
        sys.stdout.write(json.dumps(outcome.as_json(), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def show_table(outcomes: list[Outcome]) -> None:
    table = Table("picture", "brand", "model", "type", "confidence", "seconds", "result")
    names = short_names([outcome.name for outcome in outcomes])
    for outcome in outcomes:
        table.add_row(
            names[outcome.name],
            *_aggregate(outcome.recognition),
            f"{outcome.seconds:.1f}",
            _result(outcome),
        )
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        # Nobody's window: a file or another program gets every word.
        console.width = _FILE_COLUMNS
    console.print(table)
    for outcome in outcomes:
        if outcome.error is not None:
            error = Console(stderr=True, highlight=False, emoji=False)
            error.print(f"{outcome.name}: {outcome.error}", soft_wrap=True, markup=False)


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """Each path's file name, with as many folders as tell it from others of the same name."""
    by_name: dict[str, set[PurePath]] = defaultdict(set)
    for path in map(PurePath, paths):
        by_name[path.name].add(path)
    return {path: _shortest(PurePath(path), by_name[PurePath(path).name]) for path in paths}


def _shortest(path: PurePath, same_name: set[PurePath]) -> str:
    for length in range(1, len(path.parts)):
        tail = path.parts[-length:]
        if sum(other.parts[-length:] == tail for other in same_name) == 1:
            return str(PurePath(*tail))
    return str(path)


def _aggregate(recognition: dict[str, Any] | None) -> tuple[str, str, str, str]:
    found = (recognition or {}).get("aggregate") or {}
    confidence = found.get("confidence")
    return (
        str(found.get("brand") or _UNKNOWN),
        str(found.get("model") or _UNKNOWN),
        str(found.get("type") or _UNKNOWN),
        _UNKNOWN if confidence is None else f"{confidence:.2f}",
    )


def _result(outcome: Outcome) -> str:
    if outcome.error is not None:
        return f"error {outcome.error.code}"
    if outcome.success is None:
        return "accepted"
    return "recognised" if outcome.recognised else "not recognised"
