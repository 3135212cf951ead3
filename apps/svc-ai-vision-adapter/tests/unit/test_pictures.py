import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from svc_ai_vision_adapter.pictures import PictureError, open_picture


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_three_formats(kind: str) -> None:
    data = encoded(Image.new("RGB", (60, 40), "red"), kind)
    picture = open_picture(data, max_pixels=10_000)
    assert (picture.image.size, picture.image.mode) == ((60, 40), "RGB")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_kind_of_pixel_becomes_colour(mode: str) -> None:
    image = Image.new(mode, (30, 20))
    assert open_picture(encoded(image), max_pixels=10_000).image.mode == "RGB"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_cut_short(kind: str) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    with pytest.raises(PictureError) as caught:
        open_picture(data[: len(data) // 2], max_pixels=100_000)
    assert caught.value.code == "picture-undecodable"


@pytest.mark.parametrize(
    "data",
    [b"", b"not a picture", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8 "],
)
def test_what_is_no_picture(data: bytes) -> None:
    with pytest.raises(PictureError) as caught:
        open_picture(data, max_pixels=100_000)
    assert caught.value.code == "picture-undecodable"


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PPM"])
def test_other_formats_are_not_even_tried(kind: str) -> None:
    with pytest.raises(PictureError):
        open_picture(encoded(Image.new("RGB", (10, 10)), kind), max_pixels=100_000)


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000)))
    with pytest.raises(PictureError) as caught:
        open_picture(bomb, max_pixels=50_000_000)
    assert caught.value.code == "picture-too-large"


def test_a_picture_is_turned_upright_and_made_no_larger_than_needed() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(Image.new("RGB", (4000, 2000)), "JPEG", exif=exif)
    width, height = open_picture(data, max_pixels=10_000_000).image.size
    assert width * 2 == height
    assert height <= 3000
