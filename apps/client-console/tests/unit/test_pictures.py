from pathlib import Path

import pytest
from client_fake_pictures import jpeg, png, webp

from client_console.errors import UsageError
from client_console.pictures import check, inspect

EXAMPLES = Path(__file__).parents[4] / "examples"
WHOLE = {
    "jpeg": (jpeg(), "image/jpeg"),
    "png": (png(), "image/png"),
    "webp": (webp(), "image/webp"),
    "webp-lossy": (webp(b"VP8 "), "image/webp"),
    "webp-lossless": (webp(b"VP8L"), "image/webp"),
}


@pytest.mark.parametrize(("content", "content_type"), WHOLE.values(), ids=WHOLE)
def test_whole_pictures_pass(content: bytes, content_type: str) -> None:
    assert inspect(content) == content_type


@pytest.mark.parametrize(("content", "content_type"), WHOLE.values(), ids=WHOLE)
def test_every_cut_is_found(tmp_path: Path, content: bytes, content_type: str) -> None:
    file = tmp_path / "cut"
    for length in range(len(content)):
        file.write_bytes(content[:length])
        with pytest.raises(UsageError, match=r"was cut short|not a picture|is empty|no header"):
            check(file, 1000)


def test_content_behind_the_end_of_a_jpeg_is_allowed() -> None:
    assert inspect(jpeg() + b"trailer of a camera") == "image/jpeg"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (jpeg(width=0), "0 x 3 pixels"),
        (png(width=0), "0 x 3 pixels"),
        (png().replace(b"IDAT", b"IDAX"), "a checksum does not fit"),
        (b"\xff\xd8\xff\xd9", "no frame header"),
        (b"\xff\xd8\xff\xe0\x00\x02hello", "no marker"),
    ],
)
def test_damage_is_named(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "damaged"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=why):
        check(file, 1000)


def test_the_type_is_seen_from_the_bytes(tmp_path: Path) -> None:
    file = tmp_path / "picture.jpg"
    file.write_bytes(png())
    assert check(file, 1000).content_type == "image/png"


def test_the_limit_is_named(tmp_path: Path) -> None:
    file = tmp_path / "large.png"
    file.write_bytes(png() + bytes(2_000_000))
    with pytest.raises(UsageError, match=r"the file has 1\.9 MiB; the platform takes up to 1 MiB"):
        check(file, 1024 * 1024)


def test_a_file_that_changes_after_its_check_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "picture.png"
    file.write_bytes(png())
    picture = check(file, 1000)
    file.write_bytes(png(5, 5))
    with pytest.raises(UsageError, match="changed while"):
        picture.read()


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.[jpw]*g*")), ids=lambda path: path.name)
def test_the_example_pictures_pass(example: Path) -> None:
    assert check(example, 10 * 1024 * 1024).content_type.startswith("image/")
