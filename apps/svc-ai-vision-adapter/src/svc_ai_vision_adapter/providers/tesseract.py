"""Recognition by OCR: Tesseract reads the decals, the catalogue knows what they mean.

A decal on a machine is not a page: it is small, coloured, slanted, light on dark or dark on light.
So what looks like a decal is cut out and read first; then the picture as a whole, each time
prepared differently, until what was read is a convincing answer or nothing is left to try.
"""

import logging
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytesseract
from PIL import Image, ImageChops, ImageOps

from svc_ai_vision_adapter.domain.catalogue import Catalogue
from svc_ai_vision_adapter.domain.matching import Evidence, conclude, gather
from svc_ai_vision_adapter.domain.recognition import Aggregate, Line, Provider, Word
from svc_ai_vision_adapter.pictures import Picture, PictureError
from svc_ai_vision_adapter.providers import ProviderUnavailableError
from svc_ai_vision_adapter.providers.decals import page_of_decals

log = logging.getLogger(__name__)

_FEATURES = ("TEXT_DETECTION", "CATALOGUE_MATCH")

# Enough to end the reading: more passes could only confirm.
_CONVINCED = 0.9
# Below this, Tesseract is guessing at leaves and gravel.
_FAINTEST_WORD = 0.25

_Prepare = Callable[[Image.Image], Image.Image]


def _sized(image: Image.Image, longest: int) -> Image.Image:
    factor = longest / max(image.size)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.LANCZOS)


def _grey(image: Image.Image) -> Image.Image:
    return ImageOps.autocontrast(image.convert("L"), cutoff=1)


def _strongest_colour(image: Image.Image) -> Image.Image:
    """The brightest channel of each pixel: yellow paint becomes white under black letters."""
    red, green, blue = image.split()
    return ImageOps.autocontrast(ImageChops.lighter(ImageChops.lighter(red, green), blue))


def _weakest_colour(image: Image.Image) -> Image.Image:
    """The darkest channel of each pixel: white letters stay, every paint under them goes dark."""
    red, green, blue = image.split()
    return ImageOps.autocontrast(ImageChops.darker(ImageChops.darker(red, green), blue))


def _negative(prepare: _Prepare) -> _Prepare:
    return lambda image: ImageOps.invert(prepare(image))


def _turned(degrees: float, prepare: _Prepare) -> _Prepare:
    return lambda image: prepare(image).rotate(
        degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=128
    )


@dataclass(frozen=True, slots=True)
class _Pass:
    name: str
    prepare: _Prepare
    longest: int
    decals: bool = False
    """Whether a page of what may be decals is read, or the picture as it is."""

    def page(self, image: Image.Image) -> Image.Image | None:
        prepared = self.prepare(_sized(image, self.longest))
        return page_of_decals(prepared) if self.decals else prepared

    @property
    def layout(self) -> int:
        # Tesseract's page segmentation: 6 is a block of lines, 11 is text strewn about.
        return 6 if self.decals else 11


# The order is by how often a pass settles the matter.
_PASSES = (
    _Pass("decals", _grey, 1600, decals=True),
    _Pass("decals, weakest colour", _weakest_colour, 1600, decals=True),
    _Pass("small decals", _grey, 2600, decals=True),
    _Pass("grey", _grey, 1600),
    _Pass("weakest colour", _negative(_weakest_colour), 1600),
    _Pass("strongest colour", _strongest_colour, 1600),
    _Pass("inverted", _negative(_grey), 2000),
    _Pass("turned left", _turned(9, _grey), 1600),
    _Pass("turned right", _turned(-9, _grey), 1600),
)


def lines_of(data: dict[str, list[Any]]) -> list[Line]:
    """Tesseract's table of words as lines of words."""
    lines: dict[tuple[int, int, int], list[Word]] = defaultdict(list)
    for index, text in enumerate(data["text"]):
        confidence = float(data["conf"][index]) / 100
        if confidence >= _FAINTEST_WORD and str(text).strip():
            where = (data["block_num"][index], data["par_num"][index], data["line_num"][index])
            lines[where].append(Word(str(text), confidence))
    return [tuple(words) for words in lines.values()]


class TesseractProvider:
    """Reads with the `tesseract` program; see the module's text."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        confident_from: float,
        max_results: int,
        time_budget: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalogue = catalogue
        self._confident_from = confident_from
        self._max_results = max_results
        self._time_budget = time_budget
        self._clock = clock
        # One thread for each picture: its threads only fight over a pod's share of a core.
        os.environ.setdefault("OMP_THREAD_LIMIT", "1")
        try:
            self._version = str(pytesseract.get_tesseract_version())
        except (OSError, pytesseract.TesseractNotFoundError, SystemExit) as error:
            raise ProviderUnavailableError(
                f"the program tesseract cannot be run: {error}"
            ) from error

    def describe(self) -> Provider:
        return Provider("tesseract", self._version, _FEATURES, self._max_results)

    def ready(self) -> bool:
        return True

    def recognise(self, picture: Picture) -> Aggregate:
        evidence = Evidence()
        deadline = self._clock() + self._time_budget
        aggregate = self._conclude(evidence)
        finished = 0
        for name, lines in self._readings(picture.image, deadline):
            finished += 1
            gather(evidence, self._catalogue, lines)
            aggregate = self._conclude(evidence)
            log.debug("pass", extra={"pass": name, "aggregate": aggregate.as_message()})
            if aggregate.is_confident and aggregate.confidence >= _CONVINCED:
                break
        if not finished:
            raise PictureError("recognition-failed", "the picture could not be read in time")
        return aggregate

    def _conclude(self, evidence: Evidence) -> Aggregate:
        return conclude(
            evidence,
            self._catalogue,
            confident_from=self._confident_from,
            max_results=self._max_results,
        )

    def _readings(self, image: Image.Image, deadline: float) -> Iterator[tuple[str, list[Line]]]:
        for number, attempt in enumerate(_PASSES):
            page = attempt.page(image)
            if page is None:
                continue
            remaining = deadline - self._clock()
            if remaining <= 0:
                log.info("time is up", extra={"passes": number})
                return
            try:
                data = pytesseract.image_to_data(
                    page,
                    config=f"--oem 1 --psm {attempt.layout}",
                    output_type=pytesseract.Output.DICT,
                    timeout=remaining,
                )
            except pytesseract.TesseractNotFoundError as error:
                raise ProviderUnavailableError("the program tesseract is gone") from error
            except pytesseract.TesseractError as error:
                # One way of preparing it broke the reader; another may not.
                log.warning("a pass failed: %s", error, extra={"pass": attempt.name})
                continue
            except RuntimeError:
                # pytesseract's word for a time-out: what was read before is the answer.
                log.info("time is up", extra={"passes": number, "during": attempt.name})
                return
            yield attempt.name, lines_of(data)
