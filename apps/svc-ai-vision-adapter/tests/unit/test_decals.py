import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from svc_ai_vision_adapter.providers.decals import (
    label_areas,
    letter_spots,
    page_of_decals,
    rows_of,
)


def slow_count(mask: np.ndarray) -> int:
    left, count = set(map(tuple, np.argwhere(mask))), 0
    while left:
        count += 1
        edge = [left.pop()]
        while edge:
            y, x = edge.pop()
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            edge.extend(near)
    return count


@pytest.mark.parametrize("seed", range(12))
def test_areas_are_those_that_a_walk_would_find(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random((int(rng.integers(1, 40)), int(rng.integers(1, 40)))) < rng.random()
    labels, count = label_areas(mask)
    assert labels.shape == mask.shape
    assert ((labels > 0) == mask).all()
    assert len(np.unique(labels[mask])) == count == slow_count(mask)


def test_a_spiral_is_one_area() -> None:
    mask = np.zeros((41, 41), dtype=bool)
    for ring in range(0, 20, 2):
        mask[ring, ring : 41 - ring] = mask[ring : 41 - ring, 40 - ring] = True
        mask[40 - ring, ring : 41 - ring] = mask[ring + 2 : 41 - ring, ring] = True
        mask[ring + 2, ring : ring + 3] = True
    assert label_areas(mask)[1] == slow_count(mask) == 1


def test_a_slanted_word_is_one_row_and_set_level() -> None:
    picture = Image.new("L", (900, 600), 200)
    label = Image.new("L", (420, 90), 200)
    draw = ImageDraw.Draw(label)
    draw.text((10, 10), "ABHKN", font=ImageFont.load_default(60), fill=30, stroke_width=2)
    picture.paste(label.rotate(18, expand=True, fillcolor=200), (200, 200))
    labels, count = label_areas(np.asarray(picture) < 120)
    rows = rows_of(letter_spots(labels, count))
    assert [len(row) for row in rows] == [5]
    page = page_of_decals(picture)
    assert page is not None
    ink = np.asarray(page) < 128
    # Level letters of one height fill few rows of the page; slanted ones would fill twice as many.
    assert ink.any(axis=1).sum() < 60


def test_a_picture_without_spots_has_no_page() -> None:
    assert page_of_decals(Image.new("L", (400, 300), 128)) is None
