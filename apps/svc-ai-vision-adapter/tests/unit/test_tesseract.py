"""What surrounds the program; the program itself is tried in the integration tests."""

from typing import Any

import pytesseract
import pytest
from PIL import Image

from svc_ai_vision_adapter.domain.catalogue import load_catalogue
from svc_ai_vision_adapter.pictures import Picture, PictureError
from svc_ai_vision_adapter.providers import ProviderUnavailableError
from svc_ai_vision_adapter.providers.tesseract import TesseractProvider, lines_of

PICTURE = Picture(b"", Image.new("RGB", (64, 48), "white"))


def table(*words: tuple[str, float, int]) -> dict[str, list[Any]]:
    texts, confidences, lines = zip(*words, strict=True) if words else ((), (), ())
    ones = [1] * len(words)
    return {
        "text": list(texts), "conf": list(confidences), "line_num": list(lines),
        "block_num": ones, "par_num": ones,
    }  # fmt: skip


class Program:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Any) -> None:
        self.answers, self.calls = list(answers), 0
        monkeypatch.setattr(pytesseract, "get_tesseract_version", lambda: "5.5.0")
        monkeypatch.setattr(pytesseract, "image_to_data", self.read)

    def read(self, image: Image.Image, **options: Any) -> Any:
        self.calls += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def provider(budget: float = 30) -> TesseractProvider:
    return TesseractProvider(
        load_catalogue(), confident_from=0.75, max_results=10, time_budget=budget
    )


def test_words_are_lines() -> None:
    data = table(("VOLVO", 96, 1), ("EC220E", 91.5, 1), ("", -1, 2), ("~", 3, 2), ("x", 50, 3))
    assert [[word.text for word in line] for line in lines_of(data)] == [["VOLVO", "EC220E"], ["x"]]


def test_reading_ends_once_the_answer_convinces(monkeypatch: pytest.MonkeyPatch) -> None:
    program = Program(monkeypatch, table(), table(("JCB", 96, 1), ("3CX", 95, 2)))
    found = provider().recognise(PICTURE)
    assert (found.name, found.is_confident) == ("JCB 3CX", True)
    assert program.calls == 2


def test_what_was_read_when_time_is_up_is_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    Program(monkeypatch, table(("JCB", 96, 1)), RuntimeError("Tesseract process timeout"))
    assert provider().recognise(PICTURE).brand == "JCB"


def test_a_picture_that_breaks_every_pass_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    Program(monkeypatch, pytesseract.TesseractError(-11, "killed"))
    with pytest.raises(PictureError) as caught:
        provider().recognise(PICTURE)
    assert caught.value.code == "recognition-failed"


def test_without_the_program_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytesseract.pytesseract, "tesseract_cmd", "/nowhere/tesseract")
    with pytest.raises(ProviderUnavailableError):
        provider()


def test_the_provider_says_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    Program(monkeypatch, table())
    assert provider().describe().as_message() == {
        "name": "tesseract", "apiVersion": "5.5.0",
        "featureset": "TEXT_DETECTION,CATALOGUE_MATCH", "maxResults": 10,
    }  # fmt: skip
