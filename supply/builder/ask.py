"""Asks every host side by side for everything that a platform needs from registries."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

import requests

from supply.builder.asking import (
    Answer,
    Finding,
    Question,
    chart_layer,
    judge_architecture,
    judge_chart,
    judge_content,
    judge_status,
    parsed,
    platforms_of,
)
from supply.builder.fetch import archive_url, read_entry
from supply.builder.mirrors import Mirrors, Reference
from supply.builder.registry import Registries, logins
from supply.builder.web import UnansweredError, Web

A = TypeVar("A")
B = TypeVar("B")
Judgement = tuple[Answer, str]
NO_MANIFEST = (Answer.OTHER, "no manifest")


def ask(questions: Sequence[Question], mirrors: Mirrors, web: Web | None = None) -> list[Finding]:
    """The answer to every question, in their order.

    Each host is tried once first: what is wrong with a host is wrong with all that is on it, and a
    machine without a way out waits for one time-out.
    """
    web = web or Web()
    asker = _Asker(web, Registries(web, logins()), mirrors)
    first = {question.host: question for question in questions}
    reached = _side_by_side(asker.reach, first.values(), web.patience.reach)
    wrong = dict(zip(first, reached, strict=True))
    good = [question for question in questions if wrong[question.host] is None]
    answers = dict(zip(good, _side_by_side(asker.answer, good, web.patience.total), strict=True))
    return [
        Finding(question, *(wrong[question.host] or answers[question])) for question in questions
    ]


def _side_by_side(
    function: Callable[[A], B], over: Iterable[A], within: float
) -> list[B | Judgement]:
    """The results in order, with those that took too long as unreachable.

    A thread that waits for a name to be resolved, or tries a host's addresses one after the other,
    cannot be stopped; as a daemon it does not keep the program from ending.
    """
    futures: list[Future[B]] = []
    for item in over:
        future: Future[B] = Future()
        Thread(target=_run, args=(future, function, item), daemon=True).start()
        futures.append(future)
    until = time.monotonic() + within
    found: list[B | Judgement] = []
    for future in futures:
        try:
            found.append(future.result(max(0.0, until - time.monotonic())))
        except TimeoutError:
            found.append((Answer.UNREACHABLE, f"no answer within {within:g} s"))
    return found


def _run(future: Future[B], function: Callable[[A], B], item: A) -> None:
    try:
        future.set_result(function(item))
    except Exception as error:
        future.set_exception(error)


class _Asker:
    def __init__(self, web: Web, registries: Registries, mirrors: Mirrors) -> None:
        self._web = web
        self._registries = registries
        self._mirrors = mirrors

    def reach(self, question: Question) -> Judgement | None:
        """What is wrong with a question's host as a whole, if something is."""
        try:
            if question.of_registry:
                url = f"{self._web.base(question.host)}/v2/"
            else:
                url = "/".join(question.where.split("/")[:3]) + "/"
            self._web.get(url, method="HEAD", tries=2)
        except UnansweredError as error:
            # A host that refuses for now is asked again, with more tries, for each thing.
            return None if error.answer is Answer.REFUSED else (error.answer, error.detail)
        return None

    def answer(self, question: Question) -> Judgement:
        """The answer to one question."""
        ask = {"image": self._image, "chart": self._chart, "download": self._download}
        try:
            return ask[question.what](question)
        except UnansweredError as error:
            return error.answer, error.detail

    def _image(self, question: Question) -> Judgement:
        reference = Reference.of(question.where)
        content = self._registries.manifest(reference).content
        if wrong := judge_content(content, question.expected):
            return wrong
        manifest = parsed(content)
        if manifest is None:
            return NO_MANIFEST
        platforms = platforms_of(manifest)
        if platforms is None:
            # One image without an index: its configuration says what it is for.
            digest = str((manifest.get("config") or {}).get("digest", ""))
            configuration = parsed(self._registries.blob(reference, digest).content) or {}
            platforms = [str(configuration.get("architecture"))]
        return judge_architecture(platforms, question.architecture)

    def _chart(self, question: Question) -> Judgement:
        chart = question.chart
        if chart is None:
            return NO_MANIFEST
        if chart.ref:
            place = Reference.of(f"{question.where.removeprefix('oci://')}:{chart.version}")
            manifest = parsed(self._registries.manifest(place).content)
            found = chart_layer(manifest or {})
            return judge_chart({"digest": found} if found else None, chart)
        entry = read_entry(self._web, question, chart)
        return self._file(archive_url(entry, question.where, self._mirrors))

    def _download(self, question: Question) -> Judgement:
        if not question.expected:
            return judge_architecture([], question.architecture)
        return self._file(question.where)

    def _file(self, url: str) -> Judgement:
        status = self._web.status(url)
        return (Answer.THERE, "") if status == requests.codes.ok else judge_status(status)
