"""What hosts answered, kept in the cache for a while so that a second run asks nobody."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from supply.builder.asking import Answer, Finding, Question

DAY = 24 * 60 * 60.0
# What may be mended or pass by itself is asked again soon.
SOON = 10 * 60.0
PASSING = frozenset({Answer.REFUSED, Answer.UNREACHABLE, Answer.TLS, Answer.LOGIN})


@dataclass
class Memory:
    """Answers by the key of their question, in one JSON file."""

    file: Path
    now: float

    @classmethod
    def of(cls, cache: Path) -> Memory:
        """The memory of a cache folder, at this time."""
        return cls(cache / "supply-answers.json", time.time())

    def known(
        self, questions: Iterable[Question], *, only_there: bool = False, any_age: bool = False
    ) -> dict[str, Finding]:
        """Answers that still count, by key; with `only_there`, no refusals among them."""
        kept = self._read()
        found = {}
        for question in questions:
            entry = kept.get(question.key)
            if entry is None or not self._counts(entry, any_age=any_age):
                continue
            finding = Finding(question, Answer(entry["answer"]), str(entry["detail"]))
            if finding.there or not only_there:
                found[question.key] = finding
        return found

    def remember(self, findings: Iterable[Finding]) -> None:
        """Keep these answers beside those that still count."""
        kept = {key: entry for key, entry in self._read().items() if self._counts(entry)}
        at = datetime.fromtimestamp(self.now, UTC).isoformat(timespec="seconds")
        for finding in findings:
            question = finding.question
            kept[question.key] = {
                "asked": at,
                "part": question.part,
                "what": question.what,
                "where": question.where,
                "expected": question.expected,
                "answer": str(finding.answer),
                "detail": finding.detail,
            }
        self.file.parent.mkdir(parents=True, exist_ok=True)
        part = self.file.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        part.replace(self.file)

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            found = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _counts(self, entry: dict[str, Any], *, any_age: bool = False) -> bool:
        try:
            age = self.now - datetime.fromisoformat(entry["asked"]).timestamp()
            limit = SOON if Answer(entry["answer"]) in PASSING else DAY
        except (KeyError, TypeError, ValueError):
            return False
        return any_age or 0 <= age < limit
