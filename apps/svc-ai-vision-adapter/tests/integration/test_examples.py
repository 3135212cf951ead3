"""The real program on the example pictures."""

import io
import json
from functools import cache
from pathlib import Path

import pytest
from PIL import Image, ImageEnhance

from svc_ai_vision_adapter.domain.catalogue import load_catalogue
from svc_ai_vision_adapter.domain.recognition import Aggregate
from svc_ai_vision_adapter.pictures import open_picture
from svc_ai_vision_adapter.providers.tesseract import TesseractProvider

EXAMPLES = Path(__file__).parents[4] / "examples"
EXPECTED = json.loads((EXAMPLES / "expected.json").read_text(encoding="utf-8"))


@cache
def provider() -> TesseractProvider:
    return TesseractProvider(load_catalogue(), confident_from=0.75, max_results=10, time_budget=120)


def recognise(data: bytes) -> Aggregate:
    return provider().recognise(open_picture(data, max_pixels=50_000_000))


def test_every_example_is_expected() -> None:
    pictures = [path for path in EXAMPLES.iterdir() if path.suffix in (".jpg", ".png", ".webp")]
    assert {path.name for path in pictures} == set(EXPECTED)
    assert sum(path.stat().st_size for path in pictures) < 3 * 1024**2


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example(name: str) -> None:
    found, expected = recognise((EXAMPLES / name).read_bytes()), EXPECTED[name]
    assert (found.brand, found.model, found.type, found.is_confident) == (
        expected["brand"], expected["model"], expected["type"], expected["isConfident"],
    )  # fmt: skip


@pytest.mark.parametrize("name", ["volvo-ec220e.jpg", "liebherr-ltm-1060.webp", "bomag-bw-213.jpg"])
def test_an_example_smaller_darker_and_compressed_once_more(name: str) -> None:
    with Image.open(EXAMPLES / name) as image:
        small = ImageEnhance.Brightness(image.convert("RGB").resize((1200, 900))).enhance(0.7)
    target = io.BytesIO()
    small.rotate(3).save(target, "JPEG", quality=60)
    found = recognise(target.getvalue())
    assert (found.model, found.is_confident) == (EXPECTED[name]["model"], True)
