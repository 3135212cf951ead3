import struct
import zlib

import pytest

from tu_ingestion_service.pictures import inspect

JPEG = b"\xff\xd8\xff\xe0\x00\x04AB\xff\xda\x00\x02" + b"scan\xff\x00data" + b"\xff\xd9"


def png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
    )


def webp(payload: bytes = b"VP8 " + bytes(12)) -> bytes:
    return b"RIFF" + struct.pack("<I", len(payload) + 4) + b"WEBP" + payload


@pytest.mark.parametrize(
    ("data", "content_type"),
    [(JPEG, "image/jpeg"), (png(), "image/png"), (webp(), "image/webp")],
)
def test_known_types_are_told_by_their_bytes_and_a_cut_is_seen(
    data: bytes, content_type: str
) -> None:
    assert inspect(data).content_type == content_type
    assert inspect(data).complete
    assert inspect(data[:-2]).content_type == content_type
    assert not inspect(data[:-2]).complete


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"<svg/>", b"RIFF\0\0\0\0WAVE", b"%PDF-1.7"])
def test_anything_else_is_no_picture(data: bytes) -> None:
    assert inspect(data).content_type is None


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_picture() -> None:
    thumbnail = b"\xff\xd8thumb\xff\xd9"
    segment = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    cut = b"\xff\xd8" + segment + b"\xff\xda\x00\x02half of the sc"
    assert not inspect(cut).complete
    assert inspect(cut + b"an\xff\xd9 and what the camera appends").complete


@pytest.mark.parametrize("data", [JPEG, png(), webp()])
def test_no_prefix_breaks_the_inspection(data: bytes) -> None:
    for length in range(len(data)):
        assert not inspect(data[:length]).complete


def test_the_checksum_has_the_form_of_the_contract() -> None:
    assert inspect(b"").checksum == (
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
