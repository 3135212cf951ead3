"""Finds what may be a decal on a picture, and sets all of it as one page of upright text.

Tesseract was made for pages and gets lost among tracks, leaves and gravel. Letters on a machine
are spots of about one height, in a row, darker or lighter than the paint around them: such rows
are found here, turned level, freed from what surrounds them, and pasted below each other.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageFilter, ImageOps

Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int32]

# In the picture as it is looked at (longest side 1600).
_LOWEST, _HIGHEST = 13, 170
_CONTRAST = 14
# On the page: Tesseract reads letters of about this height best.
_LETTER = 44
_GAP = 36
_PAGE_WIDTH = 1500
_MOST_ROWS = 40


@dataclass(frozen=True, slots=True)
class Spot:
    """A connected area that has the size and shape of a letter."""

    label: int
    left: int
    top: int
    right: int
    bottom: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def x(self) -> float:
        return (self.left + self.right) / 2

    @property
    def y(self) -> float:
        return (self.top + self.bottom) / 2


def label_areas(mask: Mask) -> tuple[Labels, int]:
    """Number the connected areas of a mask from 1 (0 is what lies between them)."""
    height, width = mask.shape
    padded = np.zeros((height, width + 2), dtype=np.int8)
    padded[:, 1:-1] = mask
    steps = np.diff(padded, axis=1)
    rows, starts = np.nonzero(steps == 1)
    ends = np.nonzero(steps == -1)[1]
    count = len(rows)
    # Runs stand in reading order, so that those of the row above which touch a run are
    # neighbours of each other: the first that ends behind its start to the last that starts
    # before its end. Diagonal contact counts.
    stride = width + 2
    first = np.searchsorted(rows * stride + ends, (rows - 1) * stride + starts, side="left")
    last = np.searchsorted(rows * stride + starts, (rows - 1) * stride + ends, side="right")
    touching = np.maximum(last - first, 0)
    lower = np.repeat(np.arange(count), touching)
    offsets = np.arange(len(lower)) - np.repeat(np.cumsum(touching) - touching, touching)
    upper = np.repeat(first, touching) + offsets
    # Everything takes the smallest number that it can reach; pointers are shortened each round.
    parent = np.arange(count)
    while True:
        smallest = np.minimum(parent[lower], parent[upper])
        before = parent.copy()
        np.minimum.at(parent, before[lower], smallest)
        np.minimum.at(parent, before[upper], smallest)
        parent = parent[parent]
        if np.array_equal(parent, before):
            break
    names, numbers = np.unique(parent, return_inverse=True)
    edges = np.zeros((height, width + 1), dtype=np.int32)
    np.add.at(edges, (rows, starts), numbers + 1)
    np.add.at(edges, (rows, ends), -(numbers + 1))
    return np.cumsum(edges, axis=1, dtype=np.int32)[:, :-1], len(names)


def letter_spots(labels: Labels, count: int) -> list[Spot]:
    """The areas that could be letters."""
    ys, xs = np.nonzero(labels)
    which = labels[ys, xs]
    size = count + 1
    area = np.bincount(which, minlength=size)
    left, top = np.full(size, labels.shape[1]), np.full(size, labels.shape[0])
    right, bottom = np.zeros(size, dtype=int), np.zeros(size, dtype=int)
    np.minimum.at(left, which, xs)
    np.minimum.at(top, which, ys)
    np.maximum.at(right, which, xs + 1)
    np.maximum.at(bottom, which, ys + 1)
    wide, high = right - left, bottom - top
    likely = (
        (high >= _LOWEST)
        & (high <= _HIGHEST)
        & (wide >= 3)
        & (wide <= high * 1.7)
        & (wide >= high * 0.12)
        & (area >= wide * high * 0.18)
    )
    return [
        Spot(int(n), int(left[n]), int(top[n]), int(right[n]), int(bottom[n]))
        for n in np.nonzero(likely)[0]
    ]


def _beside(one: Spot, other: Spot) -> bool:
    taller = max(one.height, other.height)
    if taller > 1.7 * min(one.height, other.height):
        return False
    along = abs(other.x - one.x)
    gap = max(one.left, other.left) - min(one.right, other.right)
    return -0.4 * taller < gap < 0.85 * taller and abs(other.y - one.y) < 0.2 * taller + 0.4 * along


def rows_of(spots: list[Spot]) -> list[list[Spot]]:
    """Letters that stand beside each other, each row from left to right, likeliest rows first."""
    ordered = sorted(spots, key=lambda spot: spot.left)
    parent = list(range(len(ordered)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for index, spot in enumerate(ordered):
        for following in range(index + 1, len(ordered)):
            if ordered[following].left > spot.right + spot.height * 1.5:
                break
            if _beside(spot, ordered[following]):
                parent[root(following)] = root(index)
    rows: dict[int, list[Spot]] = {}
    for index, spot in enumerate(ordered):
        rows.setdefault(root(index), []).append(spot)
    likely = [row for row in rows.values() if 2 <= len(row) <= 24]
    return sorted(likely, key=_likelihood, reverse=True)


def _likelihood(row: list[Spot]) -> float:
    heights = np.array([spot.height for spot in row], dtype=float)
    even = 1.0 - min(1.0, float(heights.std() / heights.mean()) * 2)
    return even * min(len(row), 8) * float(np.sqrt(heights.mean()))


def _level(grey: Image.Image, labels: Labels, row: list[Spot]) -> Image.Image:
    """The row alone, dark on white, level, with letters of the height that is read best."""
    margin = int(max(spot.height for spot in row) * 0.5) + 4
    left = max(0, min(spot.left for spot in row) - margin)
    top = max(0, min(spot.top for spot in row) - margin)
    right = min(labels.shape[1], max(spot.right for spot in row) + margin)
    bottom = min(labels.shape[0], max(spot.bottom for spot in row) + margin)
    mine = np.isin(labels[top:bottom, left:right], [spot.label for spot in row])
    near = Image.fromarray(mine.astype(np.uint8) * 255).filter(ImageFilter.MaxFilter(5))
    crop = grey.crop((left, top, right, bottom))
    values = np.asarray(crop)
    dark, light = (
        float(np.median(values[mine])),
        float(np.median(values[~mine])) if (~mine).any() else 255.0,
    )
    span = max(8.0, light - dark)
    stretched = crop.point([min(255, max(0, round((v - dark) / span * 255))) for v in range(256)])
    clean = Image.composite(stretched, Image.new("L", crop.size, 255), near)
    xs, ys = np.array([spot.x for spot in row]), np.array([spot.bottom for spot in row])
    slope = float(np.polyfit(xs, ys, 1)[0]) if np.ptp(xs) > 0 else 0.0
    level = clean.rotate(
        float(np.degrees(np.arctan(slope))), Image.Resampling.BICUBIC, expand=True, fillcolor=255
    )
    factor = min(
        4.0, _LETTER / float(np.median([s.height for s in row])), (_PAGE_WIDTH - 40) / level.width
    )
    size = (max(1, round(level.width * factor)), max(1, round(level.height * factor)))
    resized = level.resize(size, Image.Resampling.LANCZOS)
    box = ImageOps.invert(resized).point(lambda value: 255 * (value > 96)).getbbox()
    return resized.crop(box) if box else resized


def page_of_decals(grey: Image.Image) -> Image.Image | None:
    """All that may be writing on a grey picture, as one page; None where there is nothing."""
    found: list[tuple[float, Image.Image]] = []
    for polarity in (grey, ImageOps.invert(grey)):
        surroundings = polarity.filter(ImageFilter.BoxBlur(max(grey.size) / 50))
        darker = np.asarray(ImageChops.subtract(surroundings, polarity)) > _CONTRAST
        labels, count = label_areas(darker)
        for row in rows_of(letter_spots(labels, count))[:_MOST_ROWS]:
            found.append((_likelihood(row), _level(polarity, labels, row)))
    found.sort(key=lambda each: each[0], reverse=True)
    strips = [strip for _, strip in found[:_MOST_ROWS]]
    if not strips:
        return None
    height = sum(strip.height + _GAP for strip in strips) + _GAP
    page = Image.new("L", (_PAGE_WIDTH, height), 255)
    y = _GAP
    for strip in strips:
        page.paste(strip, (20, y))
        y += strip.height + _GAP
    return page
